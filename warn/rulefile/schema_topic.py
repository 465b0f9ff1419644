"""Topics as they are written: what makes a post one about us."""

from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from warn.rulefile.kinds import Language, Line, Name, Strict


class Phrase(Strict):
    """Words in this order, with any white space between them."""

    phrase: Line = Field(description="The words, in this order, whatever white space stands between them.")


class Pattern(Strict):
    """A regular expression."""

    regex: Annotated[str, Field(min_length=1, max_length=500)] = Field(
        description="An RE2 expression, searched in the folded text (lower case); look-around and "
        "back-references do not exist. Each match should contain a fixed piece of three letters or more, "
        "which is looked for first; without one it is tried on every post."
    )


class LexiconName(Strict):
    """All words of a lexicon."""

    lexicon: Name = Field(
        description="A word list by name: bundled (safety, fraud, ...) or from a `lexicons/` folder beside "
        "the rules."
    )


def _term(value: Any) -> str | None:
    if isinstance(value, dict):
        kinds = [k for k in ("phrase", "regex", "lexicon") if k in value]
        return f"<{kinds[0]}>" if kinds else None
    return None if isinstance(value, list) else "<text>"


def _plain_term(value: Any) -> str | None:
    kind = _term(value)
    return None if kind == "<lexicon>" else kind


def _terms(value: Any) -> str | None:
    if isinstance(value, list):
        return "<list>"
    if isinstance(value, dict) and "lexicon" in value:
        return "<lexicon>"
    return "<languages>" if isinstance(value, dict) and not {"phrase", "regex"} & value.keys() else None


PlainTerm = Annotated[
    Annotated[Line, Tag("<text>")] | Annotated[Phrase, Tag("<phrase>")] | Annotated[Pattern, Tag("<regex>")],
    Discriminator(_plain_term),
]
Term = Annotated[
    Annotated[Line, Tag("<text>")]
    | Annotated[Phrase, Tag("<phrase>")]
    | Annotated[Pattern, Tag("<regex>")]
    | Annotated[LexiconName, Tag("<lexicon>")],
    Discriminator(_term),
]
Some = Annotated[list[Term], Field(min_length=1)]
Terms = Annotated[
    Annotated[Some, Tag("<list>")]
    | Annotated[dict[Language, Some], Field(min_length=1), Tag("<languages>")]
    | Annotated[LexiconName, Tag("<lexicon>")],
    Discriminator(_terms),
]


class Near(Strict):
    """Words that must stand close to each other."""

    words: Annotated[list[Line], Field(min_length=2, max_length=10)] = Field(
        description="The words, handles or hashtags; all of them must be there."
    )
    distance: Annotated[int, Field(ge=1, le=50)] = Field(
        description="How many words apart the first and the last of them may stand, at most."
    )


def _near(value: Any) -> str:
    return "<list>" if isinstance(value, list) else "<near>"


Nears = Annotated[
    Annotated[Near, Tag("<near>")] | Annotated[list[Near], Field(min_length=1), Tag("<list>")],
    Discriminator(_near),
]


class Topic(Strict):
    """What makes a post one about this topic: every key that is given must hold."""

    any: Terms | None = Field(
        default=None,
        description="At least one of these: a list of words, a list per language (the languages group words "
        "for the "
        "reader; every post is searched for all of them), or {lexicon: name}. A word that begins with @, # "
        "or $ is a "
        "handle, hashtag or cashtag; quote it. A text of several words is found with any white space "
        "between them. "
        "Also {phrase: ...}, {regex: ...} and {lexicon: ...} as items.",
    )
    all: Annotated[list[PlainTerm], Field(min_length=1)] | None = Field(
        default=None, description="Each of these must be in the post."
    )
    none: Terms | None = Field(
        default=None,
        description="A post with one of these is not about the topic: namesakes, sports, film titles.",
    )
    within: Name | None = Field(
        default=None, description="Another topic of this file: only posts about that one are looked at."
    )
    near: Nears | None = Field(
        default=None, description="Words that must stand close together; one such mapping, or a list of them."
    )

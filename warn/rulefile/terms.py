"""Words as they are written to terms as they are looked for."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Literal

from warn.match.fold import fold
from warn.model.rules import Term
from warn.rulefile.document import Loc
from warn.rulefile.lexicon import Lexicon
from warn.rulefile.schema_topic import LexiconName, Pattern, Phrase

Sign = Literal["word", "handle", "hashtag", "cashtag"]
Written = str | Phrase | Pattern | LexiconName
SeveralWritten = Sequence[Written] | Mapping[str, Sequence[Written]] | LexiconName

_TAGS: Final[tuple[tuple[Sign, re.Pattern[str]], ...]] = (
    ("handle", re.compile(r"@\w[\w.-]*(@\w[\w.-]*)?")),
    ("hashtag", re.compile(r"#\w+")),
    ("cashtag", re.compile(r"\$[A-Za-z][A-Za-z0-9]{0,9}([._-][A-Za-z0-9]{1,4})?")),
)
_EVERYWHERE: Final = frozenset(
    re.findall(
        r"\S+",
        "a an and are as at be but for have i in is it my not of on or so that the this to was we with you "
        "your "
        "aan dat de die een en er het ik in is je maar met niet of ook op te van voor we zijn",
    )
)


def term(text: str) -> Term:
    """A word, or a handle, hashtag or cashtag by its sign; `$100` and `@ home` are words."""
    for kind, pattern in _TAGS:
        if pattern.fullmatch(text):
            return Term(text, kind)
    return Term(text)


def each(loc: Loc, written: SeveralWritten | None) -> Iterator[tuple[Loc, Written]]:
    """Every word of a list, of lists per language or of a lexicon, with its path."""
    if isinstance(written, LexiconName):
        yield loc, written
    elif isinstance(written, Mapping):
        for language, inner in written.items():
            yield from each((*loc, language), inner)
    elif written is not None:
        for i, one in enumerate(written):
            yield (*loc, i), one


def terms(written: SeveralWritten | None, lexicons: Mapping[str, Lexicon]) -> tuple[Term, ...]:
    """The terms of what is written, each once, in the order of the file."""
    return unique(t for _, one in each((), written) for t in _terms_of(one, lexicons))


def unique(found: Iterable[Term]) -> tuple[Term, ...]:
    """Each term once."""
    return tuple(dict.fromkeys(found))


def _terms_of(written: Written, lexicons: Mapping[str, Lexicon]) -> Iterable[Term]:
    if isinstance(written, Phrase):
        return (Term(written.phrase, "phrase"),)
    if isinstance(written, Pattern):
        return (Term(written.regex, "regex"),)
    if isinstance(written, LexiconName):
        return (term(word) for word in lexicons[written.lexicon].words)
    return (term(written),)


def lexicon_names(written: SeveralWritten | None) -> Iterator[tuple[Loc, str]]:
    """Names of the lexicons that are used, with their paths."""
    for loc, one in each((), written):
        if isinstance(one, LexiconName):
            yield loc, one.lexicon


def never_matches(text: str) -> bool:
    """Whether nothing is left to look for once the text is folded."""
    return not fold(text).strip()


def too_broad(text: str) -> str | None:
    """Why a word alone would be found nearly everywhere, or None."""
    folded = fold(text).strip()
    if len(folded) == 1 and ord(folded) < 0x2000:
        return f"`{text}` is a single sign and will be found nearly everywhere"
    return f"`{text}` is in nearly every post" if folded in _EVERYWHERE else None

"""Checks of one topic: can it match, will it match too much, do the names in it exist."""

from collections.abc import Iterator, Mapping

from warn.match.pattern import PatternError, compile_pattern
from warn.model.rules import Term
from warn.rulefile.document import Document, Loc
from warn.rulefile.lexicon import Lexicon
from warn.rulefile.nearest import listed, nearest
from warn.rulefile.parts import UNREADABLE, Parts
from warn.rulefile.schema_topic import LexiconName, Near, Pattern, Phrase, Topic
from warn.rulefile.terms import Written, each, terms
from warn.rulefile.word import WHY_NEVER, never_found, term, too_broad


def check_topic(parts: Parts, loc: Loc, name: str, topic: Topic, lexicons: Mapping[str, Lexicon]) -> None:
    """Note what is wrong with one topic."""
    document = parts.document
    _within(parts, loc, name, topic)
    raw = document.data["topics"][name]
    if not any(key in raw for key in ("any", "all", "near")):
        document.add(
            document.at(loc, key=True),
            f"the topic `{name}` says nothing to look for; give it at least one of any, all, near",
        )
    alone = not any(key in raw for key in ("all", "within", "near"))
    for at, one in _written(loc, topic):
        if one != UNREADABLE:
            _one(parts, at, one, lexicons, broad=alone and at[len(loc)] == "any")
    for at, near in nears((*loc, "near"), topic):
        for i, word in enumerate(near.words):
            _never(document, (*at, "words", i), term(word))
        if len({w.casefold() for w in near.words}) < 2:
            document.add(document.at((*at, "words")), "`near` needs two different words")
    _contradiction(document, loc, topic, lexicons)


def nears(loc: Loc, topic: Topic) -> list[tuple[Loc, Near]]:
    """Every `near` of a topic with its path."""
    if isinstance(topic.near, list):
        return [((*loc, i), near) for i, near in enumerate(topic.near)]
    return [(loc, topic.near)] if topic.near else []


def _written(loc: Loc, topic: Topic) -> Iterator[tuple[Loc, Written]]:
    yield from each((*loc, "any"), topic.any)
    yield from each((*loc, "all"), topic.all)
    yield from each((*loc, "none"), topic.none)


def _within(parts: Parts, loc: Loc, name: str, topic: Topic) -> None:
    topics = parts.names("topics")
    if topic.within is None or topic.within in topics:
        return
    others = [t for t in topics if t != name]
    parts.document.add(
        parts.document.at((*loc, "within")),
        f"there is no topic `{topic.within}` in this file{nearest(topic.within, others)}"
        + (f"; topics are {listed(others)}" if others else ""),
    )


def _one(parts: Parts, at: Loc, one: Written, lexicons: Mapping[str, Lexicon], *, broad: bool) -> None:
    document = parts.document
    if isinstance(one, LexiconName):
        if one.lexicon not in lexicons:
            document.add(
                document.at((*at, "lexicon")),
                f"there is no lexicon `{one.lexicon}`{nearest(one.lexicon, lexicons)}; lexicons are "
                f"{listed(sorted(lexicons))}",
            )
    elif isinstance(one, Pattern):
        _pattern(parts, (*at, "regex"), one.regex)
    elif isinstance(one, Phrase):
        _never(document, (*at, "phrase"), Term(one.phrase, "phrase"))
    elif not _never(document, at, term(one)) and broad and (why := too_broad(one)):
        document.add(document.at(at), f"{why}; add a second word, or `all` or `near`", warning=True)


def _never(document: Document, at: Loc, one: Term) -> bool:
    if never_found(one):
        document.add(document.at(at), f"`{one.text}` can never be found; {WHY_NEVER}")
        return True
    return False


def _pattern(parts: Parts, at: Loc, text: str) -> None:
    document = parts.document
    try:
        compiled = compile_pattern(text)
    except PatternError as e:
        document.add(document.at(at), f"`regex`: {e}")
        return
    if compiled.factors is None:
        parts.slow.append(at)
        document.add(
            document.at(at),
            "`regex`: no fixed piece of three letters is in every match, so it must be tried on every post",
            warning=True,
        )


def _contradiction(document: Document, loc: Loc, topic: Topic, lexicons: Mapping[str, Lexicon]) -> None:
    """Words that are looked for and excluded at once."""
    known = [
        n for written in (topic.any, topic.none) for _, n in each((), written) if isinstance(n, LexiconName)
    ]
    if topic.none is None or any(n.lexicon not in lexicons for n in known):
        return
    never = set(terms(topic.none, lexicons))
    if topic.any is not None and never.issuperset(terms(topic.any, lexicons)):
        document.add(
            document.at((*loc, "none"), key=True),
            "every word of `any` is also in `none`; this topic can never match",
        )
    elif both := [t.text for t in terms(topic.any, lexicons) if t in never]:
        document.add(
            document.at((*loc, "none"), key=True),
            f"also in `any`, where it has no effect: {listed(both)}",
            warning=True,
        )
    if both := [t.text for t in terms(list(topic.all or ()), lexicons) if t in never]:
        document.add(
            document.at((*loc, "none"), key=True),
            f"also in `all`, so this topic can never match: {listed(both)}",
        )

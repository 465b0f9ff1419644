"""The facts of an incident: what, how many people, since when, against normal, how fast, press, what we cannot hear.

Every number comes from the stored `Numbers` of the event shown; nothing is worked out anew here.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Literal, NamedTuple

from warn.incident.lead import dated_well, lead
from warn.incident.page import RARE
from warn.model.alerts import IncidentEvent, Numbers
from warn.model.records import Silent
from warn.web.hostile import clean
from warn.web.words import Words

_MOST_GAPS: Final = 5
_BEYOND: Final = 1_000
"""So many times the usual and more are told as more than that: the usual is next to nothing then."""


class Fact(NamedTuple):
    """One answer: a label, the answer in a few words, and what one should know about it."""

    label: str
    value: str
    note: str = ""
    tone: Literal["", "bad", "unsure"] = ""


def name_of(source: str) -> str:
    """A source as people write it: `bluesky` is Bluesky, `hn_frontpage` is Hn frontpage."""
    words = clean(source, 60).replace("_", " ")
    return words[:1].upper() + words[1:]


def topic_of(event: IncidentEvent) -> str:
    """The topic without its brand: `Acme/battery` is battery."""
    return clean(event.topic.rpartition("/")[2] or event.topic, 80)


Gaps = Callable[[int, int], Sequence[tuple[str, int, int]]]
"""(source, from, to) of what could not be heard between two seconds."""


def no_gaps(_start: int, _end: int) -> Sequence[tuple[str, int, int]]:
    """Where nobody knows of any."""
    return ()


def about(event: IncidentEvent, words: Words) -> str:
    """The words most used, or the topic where none stand out; of warn's own, what it cannot hear."""
    if event.silent:
        return words("silent.about", sources=", ".join(name_of(one.source) for one in event.silent[:4]))
    return ", ".join(clean(term, 40) for term in event.about[:4]) or topic_of(event)


def size(numbers: Numbers, words: Words) -> str:
    """How big in one phrase; votes are called votes, not people."""
    if numbers.people:
        return words("people", count=numbers.people)
    if numbers.echo_people:
        return words("people", count=numbers.echo_people)
    if numbers.echo:
        return words("reactions", count=numbers.echo)
    return words("mentions", count=numbers.mentions)


def how_big(event: IncidentEvent, words: Words) -> str:
    """How big an incident is in one phrase."""
    if event.silent:
        return words("silent.size", count=len(event.silent))
    return size(event.numbers, words)


def bigness(numbers: Numbers) -> int:
    """The number that `size` says."""
    return numbers.people or numbers.echo_people or numbers.echo or numbers.mentions


def facts(
    event: IncidentEvent,
    words: Words,
    press_sources: Sequence[str],
    gaps: Sequence[tuple[str, int, int]] = (),
    *,
    over: bool,
) -> list[Fact]:
    """All answers, the most needed first."""
    if event.silent:
        return [_unheard(one, words) for one in event.silent]
    return [
        _people(event, words),
        _since(event, words),
        _normal(event.numbers, words),
        _speed(event.numbers, words, over=over),
        _press(event, words, press_sources),
        _deaf(event.numbers, gaps, words),
        _what(event, words),
    ]


def _what(event: IncidentEvent, words: Words) -> Fact:
    terms = ", ".join(clean(term, 40) for term in event.about[:8])
    note = words("what.about", terms=terms) if terms else words("what.plain")
    value = words("what.topic", topic=topic_of(event), brand=clean(event.brand, 80))
    return Fact(words("fact.what"), value, note)


def _people(event: IncidentEvent, words: Words) -> Fact:
    n = event.numbers
    detail = words(
        "people.detail",
        mentions=words("mentions", count=n.mentions),
        reactions=words("reactions", count=n.echo),
    )
    notes = [words("people.window", clock=words.clock(event.at)) + ".", detail]
    notes[0] = notes[0][:1].upper() + notes[0][1:]
    label = words("fact.people")
    if not n.people and not n.echo_people:
        notes.append(words("people.votes"))
        label = words("fact.size")
    if n.care:
        notes.append(words("people.care", count=n.care))
    return Fact(label, size(n, words), " ".join(notes))


def _since(event: IncidentEvent, words: Words) -> Fact:
    since = event.numbers.since
    if not since:
        return Fact(words("fact.since"), words("since.unknown"))
    return Fact(words("fact.since"), words.clock(since), words.day(since))


def _normal(n: Numbers, words: Words) -> Fact:
    value = words("normal.value", times=words.times(n.times)) if n.expected > 0 else words("normal.first")
    if n.times >= _BEYOND:
        value = words("normal.over", times=words.number(_BEYOND))
    if n.expected < RARE and n.times > 1:
        value = words("normal.rare")
    notes = []
    if n.window_s:
        expected = words.usual(n.expected)
        seen = words(f"signal.{n.signal or 'mentions'}", count=n.seen)
        notes.append(words("normal.detail", seen=seen, span=words.span(n.window_s), expected=expected))
    if n.learning:
        notes.append(words("normal.learning"))
    return Fact(words("fact.normal"), value, " ".join(notes), "unsure" if n.learning else "")


def _speed(n: Numbers, words: Words, *, over: bool) -> Fact:
    if over:
        return Fact(words("fact.speed"), words("speed.over"))
    if n.growing and n.doubling_s:
        return Fact(words("fact.speed"), words("speed.doubling", span=words.span(n.doubling_s)), tone="bad")
    if n.growing:
        return Fact(words("fact.speed"), words("speed.growing"), tone="bad")
    return Fact(words("fact.speed"), words("speed.steady"))


def _press(event: IncidentEvent, words: Words, press_sources: Sequence[str]) -> Fact:
    n = event.numbers
    if n.press or event.press_at:
        value = words("press.some", count=max(n.press, 1))
        return Fact(words("fact.press"), value, " ".join(_first_article(event, words)), "bad")
    if not press_sources:
        return Fact(words("fact.press"), words("press.unheard"), words("press.unheard.note"), "unsure")
    sources = ", ".join(name_of(s) for s in press_sources)
    return Fact(words("fact.press"), words("press.none"), words("press.none.note", sources=sources))


def _first_article(event: IncidentEvent, words: Words) -> Iterator[str]:
    """When the first one came, how sure that is, and how far our page was ahead of it."""
    at, seen = event.press_at or event.numbers.press_at, event.press_seen_at
    if not at:
        return
    if dated_well(at, seen):
        yield words("press.first", clock=words.clock(at), day=words.day(at))
    else:
        far = f", {words.day(seen)}" if words.day(seen) != words.day(at) else ""
        yield words(
            "press.first.seen", clock=words.clock(at), day=words.day(at), seen=words.clock(seen) + far
        )
    yield from _lead(event.page_at, at, seen, words)
    yield words("press.cannot")


def _lead(page_at: int, at: int, seen: int, words: Words) -> Iterator[str]:
    """How far our page was ahead, as a range where that is all we know; the report says the same of it."""
    known = lead(page_at, at, seen)
    if known is None:
        return
    if known.side == "level":
        yield words("press.level")
    elif known.side == "between":
        yield words("press.between", before=words.span(-known.least), after=words.span(known.most))
    elif known.sure:
        yield words(f"press.{known.side}", span=words.span(abs(known.least)))
    else:
        near, far = sorted((abs(known.least), abs(known.most)))
        yield words(f"press.{known.side}.range", near=words.span(near), far=words.span(far))


def _deaf(n: Numbers, gaps: Sequence[tuple[str, int, int]], words: Words) -> Fact:
    label = words("fact.deaf")
    if not n.deaf and not gaps:
        return Fact(label, words("deaf.none"), words("deaf.none.note"))
    told = [
        words("deaf.gap", source=name_of(source), start=words.clock(start), end=words.clock(end))
        for source, start, end in gaps[:_MOST_GAPS]
    ]
    notes = [words("deaf.note")] if n.deaf else []
    notes += [words("deaf.gap.note")] if gaps else []
    return Fact(label, ", ".join([*(name_of(s) for s in n.deaf), *told]), " ".join(notes), "unsure")


def _unheard(one: Silent, words: Words) -> Fact:
    """A source that warn itself does not hear."""
    state = f"silent.{one.state}"
    notes = [words("silent.since", clock=words.clock(one.since), day=words.day(one.since))]
    if one.usual_s and one.state == "deaf":
        notes.append(words("silent.usual", span=words.span(one.usual_s)))
    if one.critical:
        notes.append(words("silent.critical"))
    value = words(state if words.knows(state) else "silent.deaf")
    return Fact(name_of(one.source), value, " ".join(notes), "bad" if one.critical else "unsure")

"""The page of warn's own alert: which sources it does not hear, since when, what is usual, and what to do."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from warn.incident.course import Turn
from warn.incident.printable import clean
from warn.incident.words import Words
from warn.model.records import Silent

FIRST: Final = 100
"""What a lock screen shows of a summary."""
_ROOM: Final = 24

Say = Callable[[int], str]
"""A time, or a length of time, in words."""


def summary(turn: Turn, words: Words, prefix: str, clock: Say) -> str:
    """The sentence that tells it: in its first 100 characters who is not heard, and since when."""
    silent, said = turn.voice.silent, words.silence
    since = clock(min(one.since for one in silent))
    opening = {"opened": said.opened, "updated": said.updated, "wave": said.wave}.get(turn.event, "")
    text = ""
    for shown in range(min(len(silent), 4), 0, -1):
        places = _places(silent, shown, words)
        if turn.event == "resolved":
            text = prefix + said.resolved.format(places=places, since=since)
        else:
            late = all(one.state == "lagging" for one in silent)
            text = prefix + opening + (said.late if late else said.deaf).format(places=places)
            text += said.since.format(time=since)
        if len(text) < FIRST:
            break
    return text + "."


def lines(turn: Turn, words: Words, clock: Say, span: Say) -> Iterator[str]:
    """What comes after the summary: each source, what it means, and what to do."""
    said = words.silence
    if turn.event == "resolved":
        return
    for one in turn.voice.silent:
        yield _line(one, words, clock, span)
    yield said.meaning
    yield said.remedy


def _line(one: Silent, words: Words, clock: Say, span: Say) -> str:
    said, place, time = words.silence, clean(one.source, 40), clock(one.since)
    if one.state == "lagging":
        text = said.lagging.format(place=place, time=time)
    elif one.state == "cut":
        why = said.why.get(one.why, "")
        text = (said.cut_why if why else said.cut).format(place=place, time=time, why=why)
    else:
        text = said.nothing.format(place=place, time=time)
        text += said.usual.format(span=span(one.usual_s)) if one.usual_s else ""
    return text + (said.critical if one.critical else "")


def _places(silent: Sequence[Silent], shown: int, words: Words) -> str:
    # The critical ones first: they are why it rings.
    ordered = sorted(silent, key=lambda one: (not one.critical, one.state == "lagging", one.source))
    places = ", ".join(clean(one.source, _ROOM) for one in ordered[:shown])
    rest = len(silent) - shown
    return words.silence.more.format(places=places, n=rest) if rest else places

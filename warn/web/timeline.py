"""What happened when, in order of time, and who was told."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from warn.incident.lead import dated_well
from warn.model.alerts import DeliveryEvent, IncidentEvent
from warn.web.facts import bigness, how_big, name_of
from warn.web.hostile import clean
from warn.web.words import Words

_MOST_UPDATES = 6


class Moment(NamedTuple):
    """One line of the time line."""

    at: int
    clock: str
    day: str
    text: str
    tone: Literal["", "bad", "good"] = ""


class Told(NamedTuple):
    """How far telling one notifier has come."""

    notifier: str
    text: str
    tone: Literal["", "bad", "good"]


def timeline(
    events: Sequence[IncidentEvent], deliveries: Sequence[DeliveryEvent], words: Words
) -> list[Moment]:
    """First mention, page, press, waves, who was told, and the end; the growth between them in a few steps."""
    newest = events[-1]
    lines: list[tuple[int, int, str, str]] = []
    if newest.numbers.since:
        first = next((e.numbers.first_platform for e in events if e.numbers.first_platform), "")
        text = words("line.since.where", platform=name_of(first)) if first else words("line.since")
        lines.append((newest.numbers.since, 0, text, ""))
    press_at = newest.press_at or next((e.numbers.press_at for e in events if e.numbers.press_at), 0)
    if press_at:
        well = dated_well(press_at, newest.press_seen_at)
        seen = words.clock(newest.press_seen_at)
        lines.append((press_at, 1, words("line.press" if well else "line.press.seen", seen=seen), "bad"))
    lines += [(e.at, 2, _said(e, words), _tone(e)) for e in _worth_telling(events)]
    heard: set[str] = set()
    for d in deliveries:
        if d.state == "delivered" and d.notifier not in heard:
            heard.add(d.notifier)
            lines.append((d.at, 3, words("line.told", notifier=name_of(d.notifier)), "good"))
        elif d.state == "refused":
            text = words("line.refused", notifier=name_of(d.notifier), reason=_reason(d, words))
            lines.append((d.at, 3, text, "bad"))
    return _dated(_without_repeats(sorted(lines, key=lambda line: line[:2])), words)


def _worth_telling(events: Sequence[IncidentEvent]) -> list[IncidentEvent]:
    """All but updates; of those the ones that tell of growth, and of many a few evenly spread, the latest always."""
    updates: list[IncidentEvent] = []
    highest = 0
    for e in events:
        big = bigness(e.numbers)
        if e.event == "updated" and big > highest:
            updates.append(e)
        highest = max(highest, big)
    if len(updates) > _MOST_UPDATES:
        step = (len(updates) - 1) / (_MOST_UPDATES - 1)
        updates = [updates[round(i * step)] for i in range(_MOST_UPDATES)]
    kept = {e.sequence for e in updates}
    return [e for e in events if e.event != "updated" or e.sequence in kept]


def _said(event: IncidentEvent, words: Words) -> str:
    people = how_big(event, words)
    if event.event in ("opened", "wave") and event.mode != "live":
        return words(f"line.{event.event}.shadow", people=people)
    if event.event == "opened" and event.severity != "page":
        return words("line.opened.ticket", people=people)
    return words(f"line.{event.event}", people=people)


def _tone(event: IncidentEvent) -> Literal["", "bad", "good"]:
    return "bad" if event.event in ("opened", "wave") else "good" if event.event == "resolved" else ""


def _without_repeats(lines: list[tuple[int, int, str, str]]) -> list[tuple[int, int, str, str]]:
    """The same words twice running say nothing new."""
    return [
        line
        for before, line in zip([None, *lines], lines, strict=False)
        if not before or before[2] != line[2]
    ]


def _dated(lines: Sequence[tuple[int, int, str, str]], words: Words) -> list[Moment]:
    """With the day written where it changes."""
    moments: list[Moment] = []
    last = ""
    for at, _, text, tone in lines:
        day = words.day(at)
        moments.append(Moment(at, words.clock(at), "" if day == last else day, text, tone))  # type: ignore[arg-type]
        last = day
    return moments


def told(deliveries: Sequence[DeliveryEvent], words: Words) -> list[Told]:
    """The latest state of each notifier, in the order in which they were first tried."""
    latest: dict[str, DeliveryEvent] = {}
    for d in deliveries:
        latest[d.notifier] = d
    tones: dict[str, Literal["", "bad", "good"]] = {
        "delivered": "good", "retry": "bad", "refused": "bad", "expired": "bad",
    }  # fmt: skip
    lines = []
    for d in latest.values():
        text = words(f"told.{d.state}", clock=words.clock(d.at))
        reason = _reason(d, words)
        if reason and d.state != "delivered":
            text = f"{text} ({reason})"
        lines.append(Told(name_of(d.notifier), text, tones.get(d.state, "")))
    return lines


def _reason(d: DeliveryEvent, words: Words) -> str:
    """Why it was not delivered: in a sentence where the reason is one of ours, else as it is."""
    key = f"reason.{d.reason}"
    return words(key) if words.knows(key) else clean(d.reason, 60)

"""A slice as bytes and back: what a snapshot holds, and what the state hash sees.

Plain numbers only; hashes of people, never a name. The version is raised when a reader could misread an older body.
"""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from msgspec import Struct

from warn.aggregate.partial import merge
from warn.aggregate.people import KEPT, People
from warn.aggregate.series import TICK_S, Series
from warn.detect.base import Detector, Verdict
from warn.lifecycle.alert import Alert
from warn.model.records import Partial
from warn.model.rules import Rule, Topic
from warn.stages.slice import FINAL_S, Judged, Slice, source_number

VERSION = 1

Build = Callable[[Rule, str, int], Detector]


class Lessons(Struct, frozen=True, array_like=True):
    """What one detector has learned, and to which second it was taught (detectors that count every minute)."""

    rule: str
    signal: str
    taught_to: int
    body: bytes


class Remembered(Struct, frozen=True, array_like=True):
    """The last judgement of a rule: a timer that fires later tells its numbers."""

    rule: str
    signal: str
    verdict: tuple[Any, ...]
    exceptional: bool


class SliceState(Struct, frozen=True, array_like=True):
    """A slice at the end of a step; `tick`: the last tick that the stage had gone through, `config` in force then."""

    version: int
    topic: str
    config: str
    tick: int
    start: int
    last_tick: int
    judged_minute: int
    beat_until: int
    series: dict[str, tuple[tuple[int, int], ...]]
    minutes: tuple[Partial, ...]
    unlearned: tuple[int, ...]
    lessons: tuple[Lessons, ...]
    alerts: dict[str, Alert]
    last: tuple[Remembered, ...]
    pending: tuple[Partial, ...]
    began: dict[str, int]


_encoder = msgspec.msgpack.Encoder(order="deterministic")
_decoder = msgspec.msgpack.Decoder(SliceState)


def encode(one: Slice, config: str, tick: int) -> bytes:
    """The whole slice."""
    return _encoder.encode(
        SliceState(
            VERSION,
            one.topic.name,
            config,
            tick,
            one.start,
            one.last_tick,
            one.judged_minute,
            one.beat_until,
            {name: tuple(series.counts()) for name, series in one.series.items()},
            tuple(p for _, p in sorted(one.minutes.items())),
            tuple(sorted(one.unlearned)),
            _lessons(one),
            one.alerts,
            tuple(
                Remembered(r, j.signal, tuple(j.verdict), j.exceptional) for r, j in sorted(one.last.items())
            ),
            tuple(one.pending),
            one.began,
        )
    )


def decode(body: bytes) -> SliceState:
    """Raises ValueError for what is no slice of a version this release reads."""
    state = _decoder.decode(body)
    if state.version != VERSION:
        raise ValueError(f"a slice of version {state.version}; this release reads {VERSION}")
    return state


def revive(state: SliceState, topic: Topic, rules: list[Rule], build: Build) -> Slice:
    """The slice that `encode` saw, under the rules that were in force then."""
    detectors = {(r.id, signal): build(r, signal, state.start) for r in rules for signal in r.watch}
    one = Slice(topic, rules, state.start, detectors)
    for lesson in state.lessons:
        detector = detectors.get((lesson.rule, lesson.signal))
        if detector is not None:
            detector.from_state(lesson.body)
            if lesson.taught_to:
                one.learned_to[lesson.rule, lesson.signal] = lesson.taught_to
    one.series = {name: Series(state.series.get(name, ())) for name in one.series}
    one.minutes = {p.second // 60: p for p in state.minutes}
    one.people = People.restored((m, p.authors) for m, p in one.minutes.items())
    one.platforms = People.restored(
        (m, tuple(sorted(source_number(s) for s, mentions, _ in p.by_source if mentions)))
        for m, p in one.minutes.items()
    )
    one.unlearned = set(state.unlearned)
    one.alerts = dict(state.alerts)
    one.last = {
        r.rule: Judged(one.by_id[r.rule], r.signal, Verdict(*r.verdict), r.exceptional)
        for r in state.last
        if r.rule in one.by_id
    }
    one.pending = list(state.pending)
    one.began = dict(state.began)
    one.last_tick, one.judged_minute, one.beat_until = state.last_tick, state.judged_minute, state.beat_until
    return one


def essence(one: Slice, now: int) -> bytes:
    """The slice for the state hash at clock `now`: without positions, and without what the next visit would drop."""
    oldest = (now - one.span - FINAL_S - 120) // TICK_S
    first = now // 60 - KEPT
    return _encoder.encode(
        (
            one.start,
            {name: tuple(series.counts(oldest)) for name, series in one.series.items()},
            tuple(p for m, p in sorted(one.minutes.items()) if m >= first),
            sorted(one.unlearned),
            _lessons(one),
            {rule: alert for rule, alert in one.alerts.items() if alert.episode or alert.state != "inactive"},
            _together(one.pending),
            max(0, one.beat_until - now),
        )
    )


def _together(pending: Iterable[Partial]) -> list[Partial]:
    """What waits for its tick, by clock and second: in how many pieces match wrote it is no state."""
    sums: dict[tuple[int, int], Partial] = {}
    for one in pending:
        at = (one.known_at, one.second)
        sums[at] = merge(sums[at], one) if at in sums else one
    return [partial for _, partial in sorted(sums.items())]


def _lessons(one: Slice) -> tuple[Lessons, ...]:
    return tuple(
        Lessons(rule, signal, one.learned_to.get((rule, signal), 0), detector.to_state())
        for (rule, signal), detector in sorted(one.detectors.items())
    )

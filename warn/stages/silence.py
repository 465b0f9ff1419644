"""warn's own alert: a source that went deaf, lags, or was cut off, told as one incident of the reserved brand `warn`.

It rests on the clocks alone, so it is as repeatable as any other: the clock says which sources are silent, and a source
is told of when it has been for `PENDING_S`, and until it has not been for `KEEP_S`, so that one that comes and goes is
one alert. Ticks at which nothing here is due do not touch it. Only the `[signals]` partition of the brand `warn` has it.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from warn.aggregate.series import TICK_S
from warn.model.alerts import AlertEvent, Beat, Numbers
from warn.model.records import Clock, Silent
from warn.model.rules import RuleSet

BRAND: Final = "warn"
ALERT: Final = "Silence"
RULE: Final = f"{BRAND}/{ALERT}"
TOPIC: Final = f"{BRAND}/silence"
PENDING_S: Final = 120
"""A source has to be silent for so long in the clocks before anybody is told."""
KEEP_S: Final = 600
"""A source has to be heard for so long before it counts as heard again."""


class Watched(Struct, array_like=True):
    """A source that is or was silent: `first` to `last`, the clocks that said so; `told`: it is part of the alert."""

    silent: Silent
    first: int
    gone: int = 0
    """The clock that said it no more; 0: it is silent."""
    told: bool = False


class State(Struct, array_like=True):
    """All that is remembered: `seen` was taken in at its tick, `coming` are changes whose tick has not come."""

    episode: int = 0
    began: int = 0
    seen: tuple[Silent, ...] = ()
    watched: list[Watched] = []
    coming: list[tuple[int, tuple[Silent, ...]]] = []
    shown: tuple[Silent, ...] = ()


Told = list[AlertEvent | Beat]


class Silence:
    """The alert's state machine."""

    def __init__(self, state: State | None = None) -> None:
        self.state = state or State()

    def hear(self, clock: Clock) -> None:
        """A clock later than all before it."""
        coming = self.state.coming
        last = coming[-1][1] if coming else self.state.seen
        if clock.silent != last:
            coming.append((clock.now, clock.silent))

    def due(self) -> int | None:
        """The next tick at which something happens here; None while nothing will."""
        state = self.state
        wants = [_after(at) for at, _ in state.coming[:1]]
        for one in state.watched:
            if one.gone:
                wants.append(_tick(one.gone + KEEP_S))
            elif not one.told:
                wants.append(_tick(one.first + PENDING_S))
        return min(wants, default=None)

    def tick(self, at: int, rules: RuleSet | None) -> Told:
        """What is to be said at a tick. Nothing, where nothing is due."""
        due = self.due()
        if due is None or due > at:
            return []
        state = self.state
        while state.coming and _after(state.coming[0][0]) <= at:
            self._take(*state.coming.pop(0))
        kept = []
        for one in state.watched:
            if one.gone and (not one.told or one.gone + KEEP_S <= at):
                continue
            if not one.gone and one.first + PENDING_S <= at:
                one.told = True
            kept.append(one)
        state.watched = kept
        return self._say(at, rules)

    def _take(self, now: int, silent: tuple[Silent, ...]) -> None:
        """The clock at `now` says that these are silent."""
        state = self.state
        state.seen = silent
        known = {one.silent.source: one for one in state.watched}
        for one in silent:
            if (held := known.get(one.source)) is None:
                state.watched.append(Watched(one, now))
            elif held.gone and held.told:
                # It came back for a moment: since when it is silent does not begin anew.
                held.gone, held.silent = 0, replace(one, since=min(one.since, held.silent.since))
            elif held.gone:
                held.gone, held.first, held.silent = 0, now, one
            else:
                held.silent = replace(one, since=min(one.since, held.silent.since))
        named = {one.source for one in silent}
        for held in state.watched:
            if held.silent.source not in named and not held.gone:
                held.gone = now
        state.watched.sort(key=lambda held: held.silent.source)

    def _say(self, at: int, rules: RuleSet | None) -> Told:
        state = self.state
        shown = tuple(one.silent for one in state.watched if one.told)
        before, state.shown = state.shown, shown
        if _alike(shown, before):
            return []
        if not before:
            state.episode, state.began = state.episode + 1, at
            return [self._event("firing", at, shown, rules)]
        if not shown:
            # The brand has no time of its own: with its last alert over, its incident is.
            return [self._event("resolved", at, before, rules), Beat(at=at, brand=BRAND)]
        return [self._event("update", at, shown, rules)]

    def _event(self, kind: str, at: int, silent: Sequence[Silent], rules: RuleSet | None) -> AlertEvent:
        language, timezone = home(rules)
        return AlertEvent(
            kind=kind,  # type: ignore[arg-type]
            at=at,
            brand=BRAND,
            rule=RULE,
            alert=ALERT,
            topic=TOPIC,
            severity="page" if any(one.critical for one in silent) else "ticket",
            mode="live",
            episode=self.state.episode,
            numbers=Numbers(
                since=min(one.since for one in silent),
                deaf=tuple(one.source for one in silent if one.state != "lagging"),
            ),
            language=language,
            timezone=timezone,
            silent=tuple(silent),
        )


def _alike(shown: Sequence[Silent], before: Sequence[Silent]) -> bool:
    """Whether there is nothing to tell: the same sources, in the same way."""
    return [(s.source, s.state, s.critical) for s in shown] == [
        (s.source, s.state, s.critical) for s in before
    ]


def home(rules: RuleSet | None) -> tuple[str, str]:
    """The language and the time zone that all rules share; English and UTC where they differ."""
    languages = {rule.language for rule in rules.rules} if rules else set()
    zones = {rule.timezone for rule in rules.rules} if rules else set()
    return (
        languages.pop() if len(languages) == 1 else "en",
        zones.pop() if len(zones) == 1 else "UTC",
    )


def _after(at: int) -> int:
    """The first tick after a second: what a clock says holds from then on."""
    return (at // TICK_S + 1) * TICK_S


def _tick(at: int) -> int:
    """The first tick at a second or after it."""
    return -(-at // TICK_S) * TICK_S

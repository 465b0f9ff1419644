"""How often each source is usually heard, learned, so that one that falls silent is noticed without anybody's settings.

For each of the 168 hours of a week it is learned in how many of its minutes the source is heard. Silence is then
measured not in minutes but in how many minutes with something would usually have come in it: a night counts for
little, a Monday morning for much. A source is silent when that is over a bound:

- twice the longest silence of the last five weeks, by this measure: for sources that speak in bursts;
- and at least ln(90 x minutes heard a day) + 1: at it, chance alone would cross it once in 240 days where minutes come
  independently of each other (the chance of a silence of measure g is then exp(-g)).

So a false alarm comes less than once in 90 days and source. Nothing is said before 14 days, of which 7 in 10 hours were
watched from end to end, nor of a source that is heard in fewer than 4 minutes a day; a rule file's `expect` says what
is expected of those. Hours in which a connector was down, or warn was, teach nothing. A silence that was told of counts
as no longer than the bound, so that an outage moves it to twice that at most.

Hours are UTC: where summer time moves a source by an hour, what was learned follows within weeks.
"""

import math
from collections.abc import Collection, Mapping
from struct import Struct as Layout
from typing import Final

from msgspec import Struct, msgpack

PREFIX: Final = b"pulse/"
LEAST_DAYS: Final = 14
LEAST_SHARE: Final = 0.7
LEAST_A_DAY: Final = 4
LEAST_MINUTES: Final = 10
WEEKS: Final = 5
RESUME_HOURS: Final = 2
"""After a longer pause nobody knows what came meanwhile."""
FORGET_HOURS: Final = 60 * 24
MOST_SOURCES: Final = 500
_HOURS: Final = 168
_NEVER: Final = 65_535
_PARTS: Final = 100
_LAYOUT: Final = Layout(f"<{_HOURS}H")
_ALPHA: Final = 0.25
_WEEK_H: Final = 168


class Learned(Struct, array_like=True):
    """What is kept of a source: about 400 bytes. `rates`: hundredths of a minute heard, by hour of the week, two bytes each
    (65,535: not yet watched). `longest`: the longest silence of each week, in hundredths of a minute that would have been heard.
    `silence`: the one under way at the end of hour `heard`, in the same measure; -1: not watched from its beginning.
    """

    version: int = 1
    first: int = 0
    hours: int = 0
    heard: int = 0
    rates: bytes = b"\xff\xff" * _HOURS
    longest: tuple[tuple[int, int], ...] = ()
    silence: int = -1


class Pulse:
    """One source."""

    def __init__(self, learned: Learned) -> None:
        self.kept = learned
        self.rates: list[int] = list(_LAYOUT.unpack(learned.rates))
        self.silence = 0.0
        """Minutes that would usually have been heard since it last was."""
        self.quiet_minutes = 0
        self.clean = False
        """Whether the silence under way was watched from its beginning."""
        self.minutes = self.watched = 0
        self.changed = False
        self._bound: float | None = None
        self._resumes = learned.silence >= 0

    def bound(self) -> float | None:
        """The measure over which a silence is one; None while nobody can tell."""
        kept = self.kept
        days = (kept.heard - kept.first) / 24 if kept.first else 0.0
        if days < LEAST_DAYS or kept.hours < LEAST_SHARE * LEAST_DAYS * 24:
            return None
        if self._bound is None:
            a_day = sum(r for r in self.rates if r != _NEVER) / _PARTS / 7
            longest = max((g for _, g in kept.longest), default=0) / 100
            self._bound = max(math.log(90 * a_day) + 1, 2 * longest) if a_day >= LEAST_A_DAY else -1.0
        return self._bound if self._bound > 0 else None

    def is_silent(self) -> bool:
        """Whether it should have been heard by now."""
        bound = self.bound()
        return (
            bound is not None and self.clean and self.quiet_minutes >= LEAST_MINUTES and self.silence > bound
        )

    def usual_s(self, hour: int) -> int:
        """Within how many seconds something usually comes at this hour; 0 where that cannot be said."""
        rate = self.rates[hour % _HOURS]
        bound = self.bound()
        if bound is None or rate in {0, _NEVER}:
            return 0
        return max(60, round(bound / 2 / (rate / _PARTS / 60)) * 60)

    def minute(self, hour: int, *, heard: bool, down: bool) -> None:
        """A minute of this hour (since 1970) has passed."""
        rate = self.rates[hour % _HOURS]
        if self._resumes:
            self._resumes = False
            # Of what seldom speaks a silence outlasts many a restart; what came meanwhile is read on from its cursor.
            if hour - self.kept.heard <= RESUME_HOURS:
                self.clean, self.silence = True, self.kept.silence / 100
        if down:
            self.clean, self.silence, self.quiet_minutes = False, 0.0, 0
            self.watched = -60
            return
        self.watched += 1
        if not heard:
            self.quiet_minutes += 1
            self.silence += 0.0 if rate == _NEVER else rate / _PARTS / 60
            return
        self.minutes += 1
        if self.clean:
            self._end(hour // _WEEK_H)
        self.clean, self.silence, self.quiet_minutes = True, 0.0, 0

    def _end(self, week: int) -> None:
        """A silence that was watched is over."""
        bound = self.bound()
        length = self.silence if bound is None else min(self.silence, bound)
        held = dict(self.kept.longest)
        if round(length * 100) > held.get(week, 0):
            held[week] = round(length * 100)
            self.kept.longest = tuple(sorted(held.items())[-WEEKS:])
            self._bound, self.changed = None, True

    def hour(self, hour: int) -> None:
        """An hour has passed: it teaches, if all of it was watched."""
        if self.watched >= 60:
            slot, parts = hour % _HOURS, min(self.minutes * _PARTS, 60 * _PARTS)
            was = self.rates[slot]
            self.rates[slot] = parts if was == _NEVER else round(was + _ALPHA * (parts - was))
            kept = self.kept
            kept.first, kept.heard = kept.first or hour, hour
            kept.hours += 1
            kept.longest = tuple(one for one in kept.longest if one[0] > hour // _WEEK_H - WEEKS)
            kept.rates = _LAYOUT.pack(*self.rates)
            kept.silence = round(self.silence * 100) if self.clean else -1
            self._bound, self.changed = None, True
        elif not self.clean and self.kept.silence >= 0:
            self.kept.silence, self.changed = -1, True
        self.minutes = self.watched = 0


class Pulses:
    """All sources, on the seat that leads; a keeper of its state (`keeper.Keeper`)."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._pulses: dict[str, Pulse] = {}
        self._minute = 0
        self._seen: dict[str, int] = {}
        self._heard: set[str] = set()
        self._gone: set[str] = set()

    def restore(self, records: Mapping[bytes, bytes]) -> None:
        """Take what was learned; a record that cannot be read is begun anew."""
        self._begin()
        for key, body in records.items():
            if key.startswith(PREFIX) and len(self._pulses) < MOST_SOURCES:
                found = learned(body)
                if found is not None:
                    self._pulses[key.removeprefix(PREFIX).decode()] = Pulse(found)

    def changes(self, now: int) -> dict[bytes, bytes | None]:
        """State records to write, once an hour; the rest waits for that."""
        del now
        changed: dict[bytes, bytes | None] = {PREFIX + name.encode(): None for name in self._gone}
        self._gone.clear()
        for name, pulse in self._pulses.items():
            if pulse.changed and not pulse.watched:
                changed[PREFIX + name.encode()] = msgpack.encode(pulse.kept)
                pulse.changed = False
        return changed

    def look(self, now: int, heard: Mapping[str, int], down: Collection[str]) -> None:
        """It is now second `now`; `heard`: when each source last was; `down`: those with a connector that is not well."""
        for source, at in heard.items():
            if at > self._seen.get(source, 0):
                self._seen[source] = at
                self._heard.add(source)
        minute = now // 60
        if minute == self._minute:
            return
        jumped = minute != self._minute + 1
        if not jumped:
            self._pass(self._minute, down)
        elif self._minute:
            self._interrupt()
        self._minute = minute
        self._heard.clear()

    def _pass(self, minute: int, down: Collection[str]) -> None:
        hour = minute // 60
        for source in self._heard:
            if source not in self._pulses and len(self._pulses) < MOST_SOURCES:
                self._pulses[source] = Pulse(Learned())
        for source, pulse in self._pulses.items():
            pulse.minute(hour, heard=source in self._heard, down=source in down)
            if minute % 60 == 59:
                pulse.hour(hour)
        if minute % 60 == 59:
            self._forget(hour)

    def _interrupt(self) -> None:
        """Nobody watched for a while."""
        for pulse in self._pulses.values():
            pulse.clean, pulse.silence, pulse.quiet_minutes = False, 0.0, 0
            pulse.minutes = pulse.watched = 0

    def _forget(self, hour: int) -> None:
        """Sources that learned nothing in two months, and those that never were heard in a whole hour."""
        old = [n for n, p in self._pulses.items() if p.kept.heard and hour - p.kept.heard > FORGET_HOURS]
        mute = [
            n for n, p in self._pulses.items()
            if p.kept.hours > 4 * _WEEK_H and not any(r for r in p.rates if r != _NEVER)
        ]  # fmt: skip
        for name in {*old, *mute}:
            del self._pulses[name]
            self._gone.add(name)

    def silent(self, source: str) -> int | None:
        """Within how many seconds it usually is heard, where it should have been by now (0: no telling); else None."""
        pulse = self._pulses.get(source)
        return pulse.usual_s(self._minute // 60) if pulse is not None and pulse.is_silent() else None

    @property
    def sources(self) -> Collection[str]:
        """Those of which something is known."""
        return self._pulses.keys()

    def usual_s(self, source: str) -> int:
        """Within how many seconds it usually is heard at this hour; 0 where that is not known."""
        pulse = self._pulses.get(source)
        return 0 if pulse is None else pulse.usual_s(self._minute // 60)


def learned(body: bytes) -> Learned | None:
    """What a state record says; None where it is one of another release that cannot be read."""
    try:
        found = msgpack.decode(body, type=Learned)
    except ValueError:
        return None
    return found if found.version == 1 and len(found.rates) == _LAYOUT.size else None

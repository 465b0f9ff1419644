"""match: mentions in, partials out. One state machine for each partition of `[mentions]`.

It knows no time but the clocks in its input. At a clock it closes what it counted since the last one (`known_at` is
that last one), switches to the newest rule set that the clock names, and tells every `[signals]` partition. Before a
commit it closes what is open, so that nothing counted lives outside of what was committed.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import msgspec

from warn.aggregate.tally import Closed
from warn.match.matcher import Matcher
from warn.model.errors import Reason
from warn.model.flow import EVIDENCE, MENTIONS, SIGNALS
from warn.model.hashing import brand_partition
from warn.model.mention import Mention
from warn.model.records import Canary, Clock, Parcel
from warn.model.wire import (
    UnknownKindError,
    UnreadableError,
    decode_mentions,
    encode,
    encode_signals,
    salvage_parcel,
)
from warn.stages.base import Effects, In, RuleSets
from warn.stages.evidence import REACH_FLOOR
from warn.stages.intake import Intake
from warn.stages.matchers import Matchers
from warn.stages.readings import take_reading

MAX_PAYLOAD: Final = 4096
SLICE: Final = 2_500
"""Units of work (about a microsecond each) between two yields."""
TOGETHER: Final = 64
"""Mentions that are scanned as one; more gains nothing, and all of them should fit into a processor's cache."""
TOGETHER_CHARACTERS: Final = 100_000
PARTIALS_AT_ONCE: Final = 100
MAX_WEIGHT: Final = 1_500
"""How much one record of partials may hold: samples and sixteens of authors; well under 1 MB."""

PROBE: Final = "warn, can you hear this?"
"""What every canary has scanned."""

_CLOCK_KEY = b"clock"
_CLOCK_TAG = b"\xa1c"
_decode_clock = msgspec.msgpack.Decoder(tuple[Clock, str]).decode


class MatchStage:
    """One partition of match. `signal_partitions`: how many `[signals]` has. `key`: the installation's.

    `compiled` shares compiled rule sets with other partitions (`Matchers`); without it the stage has its own.
    """

    def __init__(
        self,
        partition: int,
        signal_partitions: int,
        rulesets: RuleSets,
        key: bytes,
        *,
        reach_floor: int = REACH_FLOOR,
        compiled: Callable[[str], Matcher] | None = None,
    ) -> None:
        self._partition = partition
        self._signals_partitions = signal_partitions
        own = Matchers(key)

        def compiles(name: str) -> Matcher:
            return own.get(rulesets, name)

        self._compiled = compiled or compiles
        self._intake = Intake(key, reach_floor)
        self._clock: Clock | None = None
        self._in_force = ""
        self._homes: list[int] = []
        self._clock_changed = False
        self._clocks: list[Clock] = []
        self._canaries: list[int] = []
        self._closed: list[list[Closed]] = [[] for _ in range(signal_partitions)]

    @property
    def resume_from(self) -> int | None:
        """None: every step saves all that it changed, so nothing has to be read again."""
        return None

    def restore(self, records: Iterable[tuple[bytes, int, bytes]], committed: int) -> None:
        """Take the state. The rule set in force is fetched at the next step, which waits for it if it must."""
        intake = self._intake
        for key, _, body in records:
            if key == _CLOCK_KEY:
                self._clock, self._in_force = _decode_clock(body)
                intake.now = self._clock.now
            elif not intake.memory.restore(key, body) and not intake.gate.restore(key, body):
                raise UnreadableError(f"state of match has no records under keys like {key[:8]!r}")
        intake.memory.restored()

    def step(self, batch: Sequence[In], effects: Effects) -> Iterator[None]:
        """Count a batch. Raises `MissingConfigError`, before anything has changed, for a rule set that is not here."""
        clocks = [_clock(one.value) for one in batch]
        ready = self._fetch(one for one in clocks if one is not None)
        if self._intake.matcher is None and self._in_force:
            self._switch(ready[self._in_force])
        pending: list[Mention] = []
        for one, clock in zip(batch, clocks, strict=True):
            # Parcels are read as their turn comes, and small ones counted together, while they are in the cache.
            record = clock or _read(one.value)
            if isinstance(record, Parcel) and not record.readings:
                pending += record.mentions
                if len(pending) < TOGETHER:
                    continue
            if pending:
                yield from self._count(pending, effects)
                pending = []
            if isinstance(record, Clock):
                if self._clock is None or record.now > self._clock.now:
                    yield from self._close()
                    self._pass(record, ready)
            elif isinstance(record, Canary):
                self._hand_on(record)
            elif isinstance(record, ValueError) or record.readings:
                yield from self._take(one, record, effects)
        yield from self._count(pending, effects)

    def finish(self, effects: Effects) -> Iterator[None]:
        """Partials of what was counted since the last clock, and all of them into records."""
        yield from self._close()
        self._write(effects)

    def _fetch(self, clocks: Iterable[Clock]) -> dict[str, Matcher]:
        """Every rule set that this batch will need. Raises `MissingConfigError`."""
        names = [self._in_force] if self._in_force and self._intake.matcher is None else []
        now = -1 if self._clock is None else self._clock.now
        for clock in clocks:
            if clock.now > now:
                now = clock.now
                if clock.config and clock.config[-1] != self._in_force:
                    names.append(clock.config[-1])
                elif clock.config and names:
                    names.append(self._in_force)
        return {name: self._compiled(name) for name in names}

    def _pass(self, clock: Clock, ready: dict[str, Matcher]) -> None:
        """It is later now; the newest rule set is in force from here on."""
        intake = self._intake
        if self._clock is None or clock.now // 60 != self._clock.now // 60:
            intake.gate.forget(clock.now)
        self._clock = clock
        self._clocks.append(clock)
        self._clock_changed = True
        intake.now = clock.now
        intake.memory.sweep()
        if clock.config and clock.config[-1] != self._in_force:
            self._in_force = clock.config[-1]
            self._switch(ready[self._in_force])

    def _hand_on(self, canary: Canary) -> None:
        """A canary comes through only where texts can be matched, which is tried on one."""
        matcher = self._intake.matcher
        if matcher is not None:
            matcher.match(PROBE)
            self._canaries.append(canary.minute)

    def _switch(self, matcher: Matcher) -> None:
        self._intake.switch(matcher)
        self._homes = [brand_partition(one.brand, self._signals_partitions) for one in matcher.topics]

    def _take(self, one: In, record: "Parcel | ValueError", effects: Effects) -> Iterator[None]:
        """One parcel that has readings, or that is not as it should be."""
        where = f"{MENTIONS}/{self._partition}/{one.position}"
        if isinstance(record, UnknownKindError):
            effects.count("unknown_kind", MENTIONS)
            return
        if isinstance(record, ValueError):
            record = _salvage(one.value, where, effects)
        yield from self._count(record.mentions, effects)
        for i, reading in enumerate(record.readings, len(record.mentions)):
            wrong = take_reading(self._intake, reading, effects)
            if wrong is not None:
                effects.dead.append((f"{where}/{i}", Reason.MALFORMED, wrong, encode(reading)[:MAX_PAYLOAD]))

    def _count(self, mentions: Sequence[Mention], effects: Effects) -> Iterator[None]:
        """Mentions in order."""
        intake = self._intake
        for some in _together(mentions):
            for mention, hit in intake.sift(some, effects):
                intake.take(mention, hit, effects)
                if intake.work > SLICE:
                    intake.work = 0
                    yield
            if intake.work > SLICE:
                intake.work = 0
                yield

    def _close(self) -> Iterator[None]:
        """Everything counted since the last clock becomes partials, each for the partition of its brand."""
        if self._clock is None or not len(self._intake.tally):
            return
        for i, closed in enumerate(self._intake.tally.close(), 1):
            self._closed[self._homes[closed.topic]].append(closed)
            if i % PARTIALS_AT_ONCE == 0:
                yield

    def _write(self, effects: Effects) -> None:
        """One record for each `[signals]` partition, or more where one would grow too large; the clocks come last."""
        clocks = tuple(self._clocks)
        self._clocks.clear()
        key = b"%d" % self._partition
        for home, found in enumerate(self._closed):
            chunk: list[bytes] = []
            weight = 0
            for closed in found:
                weight += closed.weight
                if weight > MAX_WEIGHT and chunk:
                    effects.emit(SIGNALS, home, key, encode_signals(self._partition, (), chunk))
                    chunk, weight = [], 0
                chunk.append(closed.partial)
            if clocks or chunk:
                effects.emit(SIGNALS, home, key, encode_signals(self._partition, clocks, chunk))
            if found:
                effects.count("partials", by=len(found))
                self._closed[home] = []
        for minute in self._canaries:
            for home in range(self._signals_partitions):
                effects.emit(SIGNALS, home, key, encode(Canary(minute, self._partition)))
        self._canaries.clear()
        intake = self._intake
        for shown, evidence in intake.evidence:
            effects.emit(EVIDENCE, 0, b"%d" % shown, evidence)
        intake.evidence.clear()
        if intake.matched:
            effects.count("matched", by=intake.matched)
            intake.matched = 0
        if intake.memory.evicted:
            effects.count("evicted", by=intake.memory.evicted)
            intake.memory.evicted = 0

    def offer(self, effects: Effects, position: int) -> None:
        """What this step changed: a record for each post, and the clock."""
        if self._clock is not None and self._clock_changed:
            effects.state[_CLOCK_KEY] = encode((self._clock, self._in_force))
            self._clock_changed = False
        self._intake.memory.offer(effects.state)
        self._intake.gate.offer(effects.state)

    def entries(self) -> Iterator[tuple[bytes, bytes]]:
        """What is remembered of posts. The clock is every partition's, and which mentions are shown is no result."""
        return self._intake.memory.entries()


def _clock(raw: bytes) -> Clock | None:
    """A record, if it is a clock: told from its first bytes, so that a parcel is not read twice."""
    if _CLOCK_TAG not in raw[:8]:
        return None
    record = _read(raw)
    return record if isinstance(record, Clock) else None


def _together(mentions: Sequence[Mention]) -> Iterator[Sequence[Mention]]:
    """In pieces that may be scanned as one."""
    for first in range(0, len(mentions), TOGETHER):
        some = mentions[first : first + TOGETHER]
        if sum([len(one.text) for one in some]) <= TOGETHER_CHARACTERS:
            yield some
        else:
            for one in some:
                yield (one,)


def _read(raw: bytes) -> "Parcel | Clock | Canary | ValueError":
    """A record, or why it is none."""
    try:
        return decode_mentions(raw)
    except (UnreadableError, UnknownKindError) as e:
        return e


def _salvage(raw: bytes, where: str, effects: Effects) -> Parcel:
    """A parcel that does not decode is tried mention by mention; only what is broken goes to dead letters."""
    try:
        parcel, bad = salvage_parcel(raw)
    except UnreadableError as e:
        effects.count("unreadable", MENTIONS)
        effects.dead.append((where, Reason.MALFORMED, str(e), raw[:MAX_PAYLOAD]))
        return Parcel()
    for i, body, why in bad:
        effects.count("unreadable", MENTIONS)
        effects.dead.append((f"{where}/{i}", Reason.MALFORMED, why, body[:MAX_PAYLOAD]))
    return parcel

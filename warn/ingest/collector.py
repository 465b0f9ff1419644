"""The seat of collect: what connectors read goes through the door and onto the bus, one step after the other.

A step commits at once what it publishes, the connectors' cursors, the threads of what it let through, and hashes of all
that was read. After an error nothing in memory can be trusted, since the step may or may not have taken effect: the
seat is opened anew and everything is read back.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import msgspec

from warn.bus.base import Bus, Seat
from warn.bus.rulesets import RuleSets, config_record
from warn.ingest.clock import Wall, clock_records
from warn.ingest.connector import Batch, Cursor, Refused
from warn.ingest.door import Door, Terms
from warn.ingest.entry import RefusedError
from warn.ingest.inforce import CLOCK_KEY, Compile, InForce
from warn.ingest.memory import Memory
from warn.ingest.overlap import Overlap, item_hash, reading_hash
from warn.ingest.parcels import pack
from warn.model.errors import Reason
from warn.model.flow import COLLECT, DEADLETTERS, MENTIONS
from warn.model.mention import Item, Mention, Reading
from warn.model.records import DeadLetter
from warn.model.rules import RuleSet
from warn.model.wire import encode
from warn.stages.base import Out
from warn.telemetry import events

CONNECTOR: Final = b"connector/"
PAYLOAD: Final = 4_096
ALIVE_S: Final = 60
_TURN: Final = 100
"""Items between two looks at the event loop: about 3 ms of work."""
_MOST_SOURCES: Final = 500

_body = msgspec.msgpack.Decoder(tuple[int, str | None, int, tuple[tuple[int, int], ...]])


class Kept(NamedTuple):
    """What the seat remembers of a connector: where it stands, until when it is known to have read, and its gaps."""

    cursor: Cursor | None = None
    at: int = 0
    gaps: tuple[tuple[int, int], ...] = ()


class Intake(NamedTuple):
    """A batch to be taken in, by which connector and on what terms."""

    connector: str
    batch: Batch
    terms: Terms


class Taken(NamedTuple):
    """What became of it. `newest_ms`: creation of the newest item read, 0 where there was none."""

    counts: Counter[str]
    newest_ms: int = 0


class _Step:
    """What one step is going to commit."""

    def __init__(self) -> None:
        self.mentions: list[Mention] = []
        self.readings: list[Reading] = []
        self.letters: list[Out] = []
        self.refused_at: list[str] = []


class Collector:
    """Holds the seat, the door and all that they remember. Used by one task; `open` first, and again after an error."""

    def __init__(self, bus: Bus, *, key: bytes, compiles: Compile, wall: Wall) -> None:
        self._bus = bus
        self._key = key
        self._compiles = compiles
        self._wall = wall
        self._partitions = bus.partitions(MENTIONS)
        self.force = InForce(key, compiles)
        self._unwritten: dict[str, bytes] = {}
        self._reset()

    def _reset(self) -> None:
        self._seat: Seat | None = None
        self._position = 0
        self._overlaps: dict[str, Overlap] = {}
        self.kept: dict[str, Kept] = {}
        self.heard: dict[str, int] = {}
        """Source to the second in which something of it was last read."""
        self.door = Door(self._key, Memory(), self.force.policy())

    async def open(self) -> None:
        """Take the seat and read back everything. Raises what the bus raises, MissingConfigError, ValueError."""
        self._reset()
        seat = self._seat = await self._bus.open(COLLECT, 0)
        restored = await seat.restore()
        self._position = restored.committed
        records = {record.key: record.body for record in restored.records}
        self.door.memory.restore(records.items())
        for key, body in records.items():
            if key.startswith(CONNECTOR):
                version, cursor, at, gaps = _body.decode(body)
                if version != 1:
                    raise ValueError(f"{key.decode()}: version {version}, which this release does not know")
                name = key.removeprefix(CONNECTOR).decode()
                self.kept[name] = Kept(None if cursor is None else Cursor(cursor), at, gaps)
                self._overlap(name).restore(records.items())
        if CLOCK_KEY in records:
            bodies = RuleSets(self._bus)
            await bodies.load()
            self.force.restore(records[CLOCK_KEY], bodies.get)
        self.door.policy = self.force.policy()
        events.worker_opened(COLLECT, 0, position=self._position, records=len(records))

    async def close(self) -> None:
        """Let the seat go."""
        if self._seat is not None:
            await self._seat.close()
            self._seat = None

    def publish(self, ruleset: RuleSet) -> str:
        """Filter by a rule set from now on, and name it in the next clock as the newest; returns its hash."""
        body = self.force.add(ruleset, max(self.force.now, self._wall.now()))
        if body is not None:
            self._unwritten[self.force.newest] = body
            self.door.policy = self.force.policy()
        return self.force.newest

    async def step(
        self,
        intakes: Sequence[Intake],
        *,
        deaf: tuple[str, ...] = (),
        reading: Sequence[str] = (),
        keep: bool = True,
    ) -> list[Taken]:
        """One step: the clock, if a second has begun, and what was read. After any error, `open` again.

        `reading`: connectors that are at it, even where they have nothing to say. `keep=False` leaves all state alone:
        what a disk that is nearly full still takes.
        """
        if self._seat is None:
            raise RuntimeError("the seat of collect is not open")
        step = _Step()
        bodies = dict(self._unwritten)
        records = [config_record(body) for body in bodies.values()]
        second = self._wall.due(self.force.now)
        if second is not None:
            if self.force.retire(second):
                self.door.policy = self.force.policy()
            records += clock_records(self.force.clock(second, deaf), self._partitions)
        if not records and not intakes:
            return []
        taken = [await self._take_in(step, intake) for intake in intakes]
        records += pack(step.mentions, step.readings, self._partitions)
        state = self._state({one.connector for one in intakes} | self._alive(reading)) if keep else {}
        self._position += 1
        await self._seat.commit([*records, *step.letters], state, self._position)
        # Not all of them: one may have been published while this step was being committed.
        for name in bodies:
            self._unwritten.pop(name, None)
        if second is not None:
            events.clock_passed(COLLECT, second)
        for where in step.refused_at:
            events.dead_letter(COLLECT, str(Reason.MALFORMED), where=where)
        return taken

    def _alive(self, reading: Sequence[str]) -> set[str]:
        """Connectors of which it is worth a record, once a minute, that they were reading."""
        now = self._wall.now()
        late = {name for name in reading if name in self.kept and now - self.kept[name].at >= ALIVE_S}
        for name in late:
            self.kept[name] = self.kept[name]._replace(at=now)
        return late

    def _state(self, names: Iterable[str]) -> dict[bytes, bytes | None]:
        state = self.door.memory.changes()
        state[CLOCK_KEY] = self.force.to_bytes()
        for name in names:
            kept = self.kept[name]
            state[CONNECTOR + name.encode()] = encode((1, kept.cursor, kept.at, kept.gaps))
            state |= self._overlap(name).changes()
        return state

    def _overlap(self, name: str) -> Overlap:
        if name not in self._overlaps:
            self._overlaps[name] = Overlap(name)
        return self._overlaps[name]

    async def _take_in(self, step: _Step, intake: Intake) -> Taken:
        name, batch = intake.connector, intake.batch
        overlap, now_ms = self._overlap(name), int(self._wall() * 1000)
        counts: Counter[str] = Counter(read=len(batch.items) + len(batch.readings))
        newest = 0
        for number, item in enumerate(batch.items):
            if number % _TURN == _TURN - 1:
                await asyncio.sleep(0)
            newest = max(newest, self._take(step, overlap, counts, item, now_ms, intake))
        for reading in batch.readings:
            told = reading_hash(self._key, reading)
            if told in overlap:
                counts["skipped"] += 1
                continue
            overlap.add(told)
            step.readings.append(reading)
            counts["let_through"] += 1
            self._hear(reading.source)
        for one in batch.refused:
            counts["refused"] += 1
            self._put_aside(step, one)
        was = self.kept.get(name, Kept())
        gaps = (*was.gaps, *((gap.start, gap.end) for gap in batch.gaps))[-100:]
        cursor = was.cursor if batch.cursor is None else batch.cursor
        self.kept[name] = Kept(cursor, now_ms // 1000, gaps)
        for (what, _), number in self.door.counts.items():
            counts[what] += number
        self.door.counts.clear()
        return Taken(counts, newest)

    def _take(
        self, step: _Step, overlap: Overlap, counts: Counter[str], item: Item, now_ms: int, intake: Intake
    ) -> int:
        """Take one item in; returns when it was created, 0 where it tells nothing new."""
        told = item_hash(self._key, item)
        if told in overlap:
            counts["skipped"] += 1
            return 0
        overlap.add(told)
        try:
            mention = self.door.admit(item, now_ms=now_ms, terms=intake.terms)
        except RefusedError as e:
            counts["refused"] += 1
            self._put_aside(step, Refused(f"{intake.connector} {told:016x}", str(e), b""))
            return 0
        except Exception as e:  # noqa: BLE001 - ours, not the source's; but one item must not stop all the rest for ever
            counts["refused"] += 1
            message = f"the door failed on it: {type(e).__name__}"
            self._put_aside(step, Refused(f"{intake.connector} {told:016x}", message, b""))
            return 0
        self._hear(item.source)
        if mention is not None:
            step.mentions.append(mention)
        return item.created_ms

    def _hear(self, source: str) -> None:
        if source in self.heard or len(self.heard) < _MOST_SOURCES:
            self.heard[source] = self._wall.now()

    def _put_aside(self, step: _Step, one: Refused) -> None:
        letter = DeadLetter(
            one.where, str(Reason.MALFORMED), one.message, self._wall.now(), one.payload[:PAYLOAD]
        )
        step.letters.append(Out(DEADLETTERS, 0, b"", encode(letter)))
        step.refused_at.append(one.where)

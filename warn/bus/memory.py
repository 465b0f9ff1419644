"""The bus in memory: the same port and the same promises, for tests and simulation.

`MemoryStore` is what survives a crash; `MemoryBus` is one process's view of it. A test lets a process die by dropping
its bus and its workers and making a new bus over the same store; workers of the old one that go on are zombies, and
are fenced. Every await of the port asks `fault` first (and `commit` again after it took effect), which may wait for
ever, sleep, or raise: a commit that fails, a lost reply, a crash anywhere.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from warn.bus.base import FencedError, Restored, StateRecord, TrimmedError
from warn.bus.codec import seal, unseal
from warn.bus.ends import Ends
from warn.bus.topics import COMPACTED, REREAD_S, RETENTION_S, partition_counts
from warn.model.flow import STAGE_INPUT
from warn.stages.base import In, Out

Point = Literal[
    "open", "opened", "restore", "read", "commit", "committed", "follow", "followed", "end", "expire"
]
"""Where a fault can happen: before a call does anything, and for `opened` and `committed` after it took effect."""

Fault = Callable[[Point], Awaitable[None]]

Shelf = tuple[str, int]


async def no_fault(_point: Point) -> None:
    """All goes well."""


@dataclass
class _Record:
    position: int
    at: int
    key: bytes
    value: bytes


@dataclass
class _SeatState:
    """What a store knows of one seat: `state` maps keys to (position, envelope)."""

    epoch: int = 0
    committed: int = 0
    state: dict[bytes, tuple[int, bytes]] = field(default_factory=dict)


class MemoryStore:
    """Records, state and seats: what is left when a process dies."""

    def __init__(
        self, partitions: Mapping[str, int] | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self.counts = partition_counts(partitions or {})
        self.clock = clock
        self.log: dict[Shelf, list[_Record]] = {(t, p): [] for t, n in self.counts.items() for p in range(n)}
        self.firsts: dict[Shelf, int] = dict.fromkeys(self.log, 0)
        self.ends: Ends[Shelf] = Ends(self.firsts)
        self.seats: dict[tuple[str, int], _SeatState] = {}

    def shelf(self, topic: str, partition: int) -> Shelf:
        """One partition of one topic. Raises `LookupError`."""
        if (topic, partition) not in self.log:
            raise LookupError(f"there is no partition {partition} of [{topic}]")
        return topic, partition

    def open(self, stage: str, partition: int) -> _SeatState:
        """Fence whoever holds the seat."""
        source = STAGE_INPUT.get(stage)
        first = self.firsts[self.shelf(source, partition)] if source else 0
        seat = self.seats.setdefault((stage, partition), _SeatState(committed=first))
        seat.epoch += 1
        return seat

    def apply(
        self,
        seat: _SeatState,
        epoch: int,
        outputs: Sequence[Out],
        state: Mapping[bytes, tuple[int, bytes] | None],
        position: int,
    ) -> None:
        """One step, all or nothing. Raises `FencedError`."""
        if seat.epoch != epoch:
            raise FencedError("another worker has opened this seat")
        at = int(self.clock())
        grown: dict[Shelf, int] = {}
        for out in outputs:
            shelf = (out.topic, out.partition)
            end = grown.get(shelf, self.ends[shelf])
            if out.topic in COMPACTED:
                self.log[shelf] = [r for r in self.log[shelf] if r.key != out.key]
            self.log[shelf].append(_Record(end, at, out.key, out.value))
            grown[shelf] = end + 1
        for key, kept in state.items():
            if kept is None:
                seat.state.pop(key, None)
            else:
                seat.state[key] = kept
        seat.committed = position
        self.ends.publish(grown)

    def fetch(self, shelf: Shelf, start: int, limit: int) -> list[_Record]:
        """Committed records from `start` on."""
        records = self.log[shelf]
        low, high = 0, len(records)
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if records[middle].position < start else (low, middle)
        return records[low : low + limit]

    def trim(self, now: int) -> None:
        """Retention by age; compacted topics stay whole."""
        readers = {topic: stage for stage, topic in STAGE_INPUT.items()}
        for (topic, partition), records in self.log.items():
            if topic in COMPACTED or topic not in RETENTION_S:
                continue
            before, limit = now - RETENTION_S[topic], self.ends[topic, partition]
            seat = self.seats.get((readers.get(topic, ""), partition))
            if seat is not None:
                limit = seat.committed
                taken = [r.at for r in records if r.position < limit]
                before = min(before, taken[-1] - REREAD_S) if taken else before
            while records and records[0].position < limit and records[0].at < before:
                self.firsts[topic, partition] = records.pop(0).position + 1


class MemoryBus:
    """One process's bus over a store."""

    def __init__(self, store: MemoryStore | None = None, fault: Fault = no_fault) -> None:
        self.store = store or MemoryStore()
        self.fault = fault

    def partitions(self, topic: str) -> int:
        """How many partitions a topic has."""
        try:
            return self.store.counts[topic]
        except KeyError:
            raise LookupError(f"there is no Kafka topic [{topic}]") from None

    async def open(self, stage: str, partition: int) -> "MemorySeat":
        """Fence the predecessor and take the seat."""
        await self.fault("open")
        state = self.store.open(stage, partition)
        seat = MemorySeat(self, stage, partition, state)
        await self.fault("opened")
        return seat

    async def follow(self, topic: str, start: Mapping[int, int] | None = None) -> "MemoryReader":
        """Read a topic from its first kept record, or from `start` where that is later."""
        await self.fault("follow")
        begin = start or {}
        shelves = [self.store.shelf(topic, p) for p in range(self.partitions(topic))]
        return MemoryReader(self, {s: max(begin.get(s[1], 0), self.store.firsts[s]) for s in shelves})

    async def end(self, topic: str, partition: int) -> int:
        """The position after the last committed record."""
        await self.fault("end")
        return self.store.ends[self.store.shelf(topic, partition)]

    async def expire(self, now: int) -> None:
        """Trim what is older than its retention."""
        await self.fault("expire")
        self.store.trim(now)

    async def close(self) -> None:
        """Let the store go."""


class MemorySeat:
    """One partition of one stage, held until somebody else opens it."""

    def __init__(self, bus: MemoryBus, stage: str, partition: int, seat: _SeatState) -> None:
        self._bus = bus
        self._seat = seat
        self._epoch = seat.epoch
        self._shelf = (STAGE_INPUT[stage], partition) if stage in STAGE_INPUT else None
        self._position = self._committed = seat.committed
        self._dead = False

    async def restore(self) -> Restored:
        """All state of the seat. Raises `UnreadableStateError`."""
        await self._bus.fault("restore")
        records = [StateRecord(k, at, unseal(raw)) for k, (at, raw) in sorted(self._seat.state.items())]
        return Restored(records, self._committed)

    @property
    def position(self) -> int:
        """Where the next read goes on."""
        return self._position

    def seek(self, position: int) -> None:
        """Where the next read goes on."""
        self._position = position

    async def read(self, limit: int, wait_s: float) -> Sequence[In]:
        """Up to `limit` records; waits at most `wait_s` for the first. Raises `TrimmedError`."""
        await self._bus.fault("read")
        if self._shelf is None:
            return ()
        store = self._bus.store
        if not await store.ends.wait({self._shelf: self._position}, wait_s):
            return ()
        if self._position < store.firsts[self._shelf]:
            raise TrimmedError(
                f"{self._shelf} begins at {store.firsts[self._shelf]}, not at {self._position}"
            )
        records = store.fetch(self._shelf, self._position, limit)
        self._position = records[-1].position + 1 if records else store.ends[self._shelf]
        return [In(record.position, record.value) for record in records]

    async def commit(
        self, outputs: Sequence[Out], state: Mapping[bytes, bytes | None], position: int
    ) -> None:
        """Outputs, state and position at once. Raises `FencedError`."""
        if self._dead:
            raise RuntimeError("a seat was used after it had failed")
        self._dead = True
        store = self._bus.store
        for out in outputs:
            store.shelf(out.topic, out.partition)
        sealed = {key: None if body is None else (position, seal(body)) for key, body in state.items()}
        await self._bus.fault("commit")
        store.apply(self._seat, self._epoch, outputs, sealed, position)
        await self._bus.fault("committed")
        self._dead = False

    async def close(self) -> None:
        """Let go."""
        self._dead = True


class MemoryReader:
    """Follows one topic over all its partitions."""

    def __init__(self, bus: MemoryBus, positions: dict[Shelf, int]) -> None:
        self._bus = bus
        self._positions = positions

    async def read(self, limit: int, wait_s: float) -> Sequence[tuple[int, int, bytes, bytes]]:
        """(partition, position, key, value); waits at most `wait_s` for the first."""
        await self._bus.fault("followed")
        store = self._bus.store
        if not await store.ends.wait(self._positions, wait_s):
            return ()
        found: list[tuple[int, int, bytes, bytes]] = []
        for shelf, position in list(self._positions.items()):
            if len(found) >= limit:
                break
            del self._positions[shelf]  # put back last: a busy partition cannot starve the others
            records = store.fetch(shelf, position, limit - len(found))
            self._positions[shelf] = records[-1].position + 1 if records else max(position, store.ends[shelf])
            found += [(shelf[1], r.position, r.key, r.value) for r in records]
        return found

    async def close(self) -> None:
        """Let go."""

"""The bus in memory: the same port and the same promises, for tests and simulation.

`MemoryStore` is what survives a crash; `MemoryBus` is one process's view of it. A test lets a process die by dropping
its bus and its workers and making a new bus over the same store; workers of the old one that go on are zombies, and
are fenced. Every await of the port asks `fault` first (and `commit` again after it took effect), which may wait for
ever, sleep, or raise: a commit that fails, a lost reply, a crash anywhere.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Literal

from warn.bus.base import Restored, StateRecord, TrimmedError
from warn.bus.codec import seal, unseal
from warn.bus.memory_store import MemoryStore, SeatState, Shelf, saves
from warn.model.flow import STAGE_INPUT
from warn.stages.base import In, Out

__all__ = [
    "Fault",
    "MemoryBus",
    "MemoryReader",
    "MemorySeat",
    "MemoryStateReader",
    "MemoryStore",
    "Point",
    "no_fault",
]

Point = Literal[
    "open",
    "opened",
    "restore",
    "read",
    "commit",
    "committed",
    "write",
    "written",
    "follow",
    "followed",
    "follow state",
    "state followed",
    "end",
    "expire",
]
"""Where a fault can happen: before a call does anything, and for `opened`, `committed` and `written` after it took
effect; `followed` and `state followed` are the reads of those who follow."""

Fault = Callable[[Point], Awaitable[None]]


async def no_fault(_point: Point) -> None:
    """All goes well."""


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

    def seats(self, stage: str) -> int:
        """How many seats a stage has."""
        return self.store.seat_counts[stage]

    async def open(self, stage: str, partition: int) -> "MemorySeat":
        """Fence the predecessor and take the seat."""
        await self.fault("open")
        state = self.store.open(stage, partition)
        seat = MemorySeat(self, stage, partition, state)
        await self.fault("opened")
        return seat

    async def write(self, outputs: Sequence[Out]) -> None:
        """Append records without a seat."""
        for out in outputs:
            self.store.shelf(out.topic, out.partition)
        await self.fault("write")
        self.store.ends.publish(self.store.append(outputs))
        await self.fault("written")

    async def follow_state(self, stage: str) -> "MemoryStateReader":
        """Read what the seats of a stage save, from the start."""
        await self.fault("follow state")
        return MemoryStateReader(self, stage)

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

    async def rewrite(self, topic: str, change: Callable[[bytes], bytes | None]) -> int | None:
        """Change records where they lie."""
        self.partitions(topic)
        await self.fault("expire")
        return self.store.rewrite(topic, change)

    async def expire(self, now: int) -> None:
        """Trim what is older than its retention."""
        await self.fault("expire")
        self.store.trim(now)

    async def close(self) -> None:
        """Let the store go."""


class MemorySeat:
    """One partition of one stage, held until somebody else opens it."""

    def __init__(self, bus: MemoryBus, stage: str, partition: int, seat: SeatState) -> None:
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


class MemoryStateReader:
    """Follows what the seats of one stage save: of each key the newest, as a compacted topic shows it."""

    def __init__(self, bus: MemoryBus, stage: str) -> None:
        self._bus = bus
        self._stage = stage
        self._positions = {saves(stage, p): 0 for p in range(bus.seats(stage))}

    async def read(self, limit: int, wait_s: float) -> Sequence[tuple[int, bytes, bytes | None]]:
        """(partition, key, body); waits at most `wait_s` for the first. Raises `UnreadableStateError`."""
        await self._bus.fault("state followed")
        store = self._bus.store
        if not await store.ends.wait(self._positions, wait_s):
            return ()
        found: list[tuple[int, bytes, bytes | None]] = []
        for shelf, position in list(self._positions.items()):
            if len(found) >= limit:
                break
            del self._positions[shelf]  # put back last: a busy seat cannot starve the others
            keys, after = store.changes(self._stage, shelf[1], position, limit - len(found))
            self._positions[shelf] = after
            state = store.seats[self._stage, shelf[1]].state if keys else {}
            found += [(shelf[1], key, unseal(state[key][1]) if key in state else None) for key in keys]
        return found

    async def close(self) -> None:
        """Let go."""

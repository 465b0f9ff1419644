"""The bus in memory with what a broker adds: reads that lag, commits that take effect after they were given up.

A commit here is what a transaction is there: fenced when somebody else opens the seat, also while it hangs somewhere.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from warn.bus.base import FencedError
from warn.bus.codec import seal, unseal
from warn.bus.memory import MemoryBus, MemorySeat, MemoryStore, Point
from warn.bus.memory_store import SeatState
from warn.ingest.ledger import CONNECTOR
from warn.model.errors import Reason, TemporaryError
from warn.model.flow import MENTIONS
from warn.model.records import Clock
from warn.model.wire import decode_mentions
from warn.stages.base import In, Out


class SimStore(MemoryStore):
    """What survives, and a witness of how far each connector had read when which rule sets were in force."""

    def __init__(self, counts: Mapping[str, int], clock: Callable[[], float], collect: int) -> None:
        super().__init__(counts, clock, collect)
        self.seen: list[tuple[str, int, tuple[str, ...]]] = []
        """(connector, cursor, configs that the last clock names), commit by commit."""

    def apply(
        self,
        seat: SeatState,
        epoch: int,
        outputs: Sequence[Out],
        state: Mapping[bytes, tuple[int, bytes] | None],
        position: int,
    ) -> None:
        """One step, all or nothing. Raises `FencedError`."""
        super().apply(seat, epoch, outputs, state, position)
        for key, kept in state.items():
            if key.startswith(CONNECTOR) and kept is not None:
                _, cursor, *_ = msgspec.msgpack.decode(unseal(kept[1]))
                name = key.removeprefix(CONNECTOR).decode()
                self.seen.append((name, int(cursor or 0), self._in_force()))

    def _in_force(self) -> tuple[str, ...]:
        for record in reversed(self.log[MENTIONS, 0]):
            one = decode_mentions(record.value)
            if isinstance(one, Clock):
                return one.config
        return ()


class Faults(Protocol):
    """What a bus asks of the process that it serves."""

    @property
    def linger_s(self) -> float:
        """Seconds between two reads, in which records gather."""

    async def fault(self, point: Point) -> None: ...

    def late_s(self) -> float | None:
        """Seconds after which the commit at hand takes effect although it was given up; None: it goes on as it should."""

    def short(self, limit: int) -> int:
        """How many records a read gives at most: what a reader sees may be behind what is there."""


class SimBus(MemoryBus):
    """One process's bus. A planted bug has a `seat_type` of its own."""

    seat_type: "type[SimSeat]"

    def __init__(self, store: MemoryStore, faults: Faults) -> None:
        super().__init__(store, faults.fault)
        self.faults = faults

    async def open(self, stage: str, partition: int) -> "SimSeat":
        """Fence the predecessor and take the seat."""
        await self.fault("open")
        seat = self.make(stage, partition)
        await self.fault("opened")
        return seat

    async def end(self, topic: str, partition: int) -> int:
        """As the port says, and sometimes a little old."""
        return max(0, await super().end(topic, partition) - self.faults.short(3) % 3)

    def make(self, stage: str, partition: int) -> "SimSeat":
        """The seat itself, with its predecessor fenced."""
        return self.seat_type(self, stage, partition, self.store.open(stage, partition))


class SimSeat(MemorySeat):
    """A seat whose reads may show less than there is, and whose commits may come late."""

    _bus: SimBus

    async def read(self, limit: int, wait_s: float) -> Sequence[In]:
        """As the port says."""
        faults = self._bus.faults
        if faults.linger_s:
            await asyncio.sleep(faults.linger_s)
        limit = faults.short(limit)
        if not limit:
            await self._bus.fault("read")
            return ()
        return await super().read(limit, wait_s)

    async def commit(
        self, outputs: Sequence[Out], state: Mapping[bytes, bytes | None], position: int
    ) -> None:
        """As the port says; a late one raises, and is applied by and by, unless it is fenced before."""
        if self._dead:
            raise RuntimeError("a seat was used after it had failed")
        self._dead = True
        sealed = {key: None if body is None else (position, seal(body)) for key, body in state.items()}
        await self._bus.fault("commit")
        late_s = self._bus.faults.late_s()
        if late_s is not None:
            asyncio.get_running_loop().call_later(late_s, self.apply_late, list(outputs), sealed, position)
            raise TemporaryError("the broker does not answer", reason=Reason.TIMEOUT)
        await self.apply(outputs, sealed, position)
        await self._bus.fault("committed")
        self._dead = False

    async def apply(
        self,
        outputs: Sequence[Out],
        sealed: Mapping[bytes, tuple[int, bytes] | None],
        position: int,
    ) -> None:
        """All at once. Raises `FencedError`."""
        self.take_effect(outputs, sealed, position)

    def take_effect(
        self, outputs: Sequence[Out], sealed: Mapping[bytes, tuple[int, bytes] | None], position: int
    ) -> None:
        """What the broker does at a commit. Raises `FencedError`."""
        self._bus.store.apply(self._seat, self._epoch, outputs, sealed, position)

    def apply_late(
        self,
        outputs: Sequence[Out],
        sealed: Mapping[bytes, tuple[int, bytes] | None],
        position: int,
    ) -> None:
        """What the broker does with a commit that nobody waits for any more."""
        try:
            self.take_effect(outputs, sealed, position)
        except FencedError:
            return


SimBus.seat_type = SimSeat

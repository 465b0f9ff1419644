"""Planted bugs in an engine: what a bus must not do with seats, commits and positions (and ours does not)."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Final

from tests.simulation.engine import Faults, SimBus, SimSeat
from tests.simulation.plant import Plant
from warn.bus.base import FencedError, Restored, StateRecord
from warn.bus.codec import unseal
from warn.bus.memory import MemoryStore
from warn.model.errors import Reason, TemporaryError
from warn.model.flow import STAGE_INPUT
from warn.stages.base import Out

Sealed = Mapping[bytes, tuple[int, bytes] | None]


class Unfenced(SimSeat):
    """Whoever once opened a seat may write for ever."""

    def take_effect(self, outputs: Sequence[Out], sealed: Sealed, position: int) -> None:
        self._bus.store.apply(self._seat, self._seat.epoch, outputs, sealed, position)


class PositionFirst(SimSeat):
    """The position is committed, then what was made of the records before it."""

    async def apply(self, outputs: Sequence[Out], sealed: Sealed, position: int) -> None:
        self.take_effect((), {}, position)
        await self._bus.fault("committed")
        self.take_effect(outputs, sealed, position)


class OutputsFirst(SimSeat):
    """Outputs and position are one transaction, state is another."""

    async def apply(self, outputs: Sequence[Out], sealed: Sealed, position: int) -> None:
        self.take_effect(outputs, {}, position)
        await self._bus.fault("committed")
        self.take_effect((), sealed, position)


class StateFirst(SimSeat):
    """State and outputs are written before the position is."""

    async def apply(self, outputs: Sequence[Out], sealed: Sealed, position: int) -> None:
        before = self._seat.committed
        self.take_effect(outputs, sealed, before)
        await self._bus.fault("committed")
        self.take_effect((), {}, position)


class RecordByRecord(SimSeat):
    """No transaction: records are sent one after the other, and state at the end."""

    async def apply(self, outputs: Sequence[Out], sealed: Sealed, position: int) -> None:
        for out in outputs:
            self.take_effect([out], {}, self._seat.committed)
            await self._bus.fault("committed")
        self.take_effect((), sealed, position)


class Refused(SimSeat):
    """A record that the broker refuses does not fail the transaction, because nobody awaits its future."""

    async def apply(self, outputs: Sequence[Out], sealed: Sealed, position: int) -> None:
        if len(outputs) > 1 and self._bus.faults.short(50) < 5:
            outputs = [*outputs[:-1]]
        self.take_effect(outputs, sealed, position)


class RefusedAndTold(Refused):
    """What it must do instead: the one refused record fails all of it. (No bug: it shows that the check is not one.)"""

    async def apply(self, outputs: Sequence[Out], sealed: Sealed, position: int) -> None:
        if len(outputs) > 1 and self._bus.faults.short(50) < 5:
            raise TemporaryError("a record is too large", reason=Reason.CLIENT)
        self.take_effect(outputs, sealed, position)


class CommitsByItself(SimSeat):
    """A commit that was given up takes effect when the broker comes back, whoever has the seat by then."""

    def apply_late(self, outputs: Sequence[Out], sealed: Sealed, position: int) -> None:
        self._bus.store.apply(self._seat, self._seat.epoch, outputs, sealed, position)


class Successors(SimSeat):
    """An overdue step of a process uses the producer that the process opened since."""

    def take_effect(self, outputs: Sequence[Out], sealed: Sealed, position: int) -> None:
        newest: dict[str, int] = self._bus.__dict__.setdefault("newest", {})
        epoch = max(self._epoch, newest.get(self._seat.shelf[0] + str(self._seat.shelf[1]), 0))
        self._bus.store.apply(self._seat, epoch, outputs, sealed, position)

    def apply_late(self, outputs: Sequence[Out], sealed: Sealed, position: int) -> None:
        """What hangs in the broker has the name that it was sent under."""
        with contextlib.suppress(FencedError):
            self._bus.store.apply(self._seat, self._epoch, outputs, sealed, position)


class _Remembering(SimBus):
    def make(self, stage: str, partition: int) -> SimSeat:
        seat = super().make(stage, partition)
        newest: dict[str, int] = self.__dict__.setdefault("newest", {})
        newest[seat._seat.shelf[0] + str(seat._seat.shelf[1])] = seat._epoch
        return seat


class SharedProducer(Plant):
    """See `Successors`."""

    name = "a zombie uses its successor's producer"
    seat_type = Successors

    def bus(self, store: MemoryStore, faults: Faults) -> SimBus:
        bus = _Remembering(store, faults)
        bus.seat_type = self.seat_type
        return bus


class _Early(SimSeat):
    """A seat whose state was read before its predecessor was fenced."""

    early: Restored | None = None

    async def restore(self) -> Restored:
        await self._bus.fault("restore")
        return self.early or await super().restore()


class _ReadsFirst(SimBus):
    async def open(self, stage: str, partition: int) -> SimSeat:
        known = self.store.seats.get((stage, partition))
        early = None
        if known is not None:
            records = [StateRecord(k, at, unseal(raw)) for k, (at, raw) in sorted(known.state.items())]
            early = Restored(records, known.committed)
        await self.fault("open")
        seat = _Early(self, stage, partition, self.store.open(stage, partition))
        seat.early = early
        await self.fault("opened")
        return seat


class ReadBeforeFence(Plant):
    """State and position are read, then the predecessor is fenced: what it commits in between is done again."""

    name = "read before fence"

    def bus(self, store: MemoryStore, faults: Faults) -> SimBus:
        return _ReadsFirst(store, faults)


class StalePosition(SimSeat):
    """The position comes from a place of its own, which answers with an old value now and then."""

    async def restore(self) -> Restored:
        restored = await super().restore()
        source = STAGE_INPUT.get(self._bus_stage)
        if source is None or self._bus.faults.short(50) == 50:
            return restored
        return restored._replace(committed=self.stale(restored.committed))

    @property
    def _bus_stage(self) -> str:
        return self._seat.shelf[0].removeprefix("state.")

    def stale(self, committed: int) -> int:
        """What it answers."""
        return max(0, committed - 3)


class NoPosition(StalePosition):
    """Asked for a position it says that there is none, without an error; then one reads from the start."""

    def stale(self, committed: int) -> int:
        return 0


class Latest(StalePosition):
    """The same, and one reads from the end."""

    def stale(self, committed: int) -> int:
        return max(committed, self._bus.store.ends[STAGE_INPUT[self._bus_stage], self._seat.shelf[1]])


class Reused(SimSeat):
    """A commit that failed is tried once more with the same producer, without asking what became of it."""

    async def commit(
        self, outputs: Sequence[Out], state: Mapping[bytes, bytes | None], position: int
    ) -> None:
        try:
            await super().commit(outputs, state, position)
        except FencedError:
            raise
        except (ConnectionError, TemporaryError):
            self._dead = False
            await asyncio.sleep(0.05)
            await super().commit(outputs, state, position)


class LateClocks(SimSeat):
    """Collect writes each partition of `[mentions]` in a step of its own."""

    async def apply(self, outputs: Sequence[Out], sealed: Sealed, position: int) -> None:
        if self._seat.shelf[0] != "state.collect":
            self.take_effect(outputs, sealed, position)
            return
        for shelf in sorted({(out.topic, out.partition) for out in outputs}):
            mine = [out for out in outputs if (out.topic, out.partition) == shelf]
            self.take_effect(mine, {}, self._seat.committed)
            await self._bus.fault("committed")
        self.take_effect((), sealed, position)


class CollectInTwo(SimSeat):
    """Collect publishes, then saves cursor, memory and overlap."""

    async def apply(self, outputs: Sequence[Out], sealed: Sealed, position: int) -> None:
        if self._seat.shelf[0] == "state.collect":
            self.take_effect(outputs, {}, self._seat.committed)
            await self._bus.fault("committed")
            outputs = ()
        self.take_effect(outputs, sealed, position)


class CursorFirst(SimSeat):
    """Collect saves its cursor, then publishes."""

    async def apply(self, outputs: Sequence[Out], sealed: Sealed, position: int) -> None:
        if self._seat.shelf[0] == "state.collect":
            self.take_effect((), sealed, position)
            await self._bus.fault("committed")
            sealed = {}
        self.take_effect(outputs, sealed, position)


def _seat(name: str, seat_type: type[SimSeat]) -> Plant:
    plant = Plant()
    plant.name, plant.seat_type = name, seat_type
    return plant


PLANTS: Final = (
    _seat("no fencing", Unfenced),
    _seat("position committed before outputs", PositionFirst),
    _seat("outputs committed before the position", StateFirst),
    _seat("state and position in two transactions", OutputsFirst),
    _seat("no transaction at all", RecordByRecord),
    ReadBeforeFence(),
    _seat("a refused record does not fail the transaction", Refused),
    _seat("an abandoned commit commits by itself", CommitsByItself),
    SharedProducer(),
    _seat("stale position", StalePosition),
    _seat("no position: from the start", NoPosition),
    _seat("no position: from the end", Latest),
    _seat("a producer used again after an error", Reused),
    _seat("clocks of one second in several steps", LateClocks),
    _seat("collect commits in two steps", CollectInTwo),
    _seat("collect's cursor before its records", CursorFirst),
)
HARMLESS: Final = _seat("a refused record fails the transaction", RefusedAndTold)

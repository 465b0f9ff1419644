"""Faults beside the seats, to be planted into the bus in memory: in seats, writes and followers."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from warn.bus.memory import MemoryBus, MemoryReader, MemoryStateReader
from warn.stages.base import Out

Plant = Callable[[pytest.MonkeyPatch], None]
Changes = Sequence[tuple[int, bytes, bytes | None]]


def _write_with(change: Callable[[Sequence[Out]], Sequence[Out]]) -> Plant:
    def plant(patch: pytest.MonkeyPatch) -> None:
        real = MemoryBus.write

        async def write(self: MemoryBus, outputs: Sequence[Out]) -> None:
            await real(self, change(outputs))

        patch.setattr(MemoryBus, "write", write)

    return plant


def _write_through_a_seat(patch: pytest.MonkeyPatch) -> None:
    async def write(self: MemoryBus, outputs: Sequence[Out]) -> None:
        seat = await self.open("respond", 0)
        await seat.commit(outputs, {}, seat.position)

    patch.setattr(MemoryBus, "write", write)


def _write_piece_by_piece(patch: pytest.MonkeyPatch) -> None:
    real = MemoryBus.write

    async def write(self: MemoryBus, outputs: Sequence[Out]) -> None:
        for out in outputs:
            await real(self, [out])

    patch.setattr(MemoryBus, "write", write)


def _state_with(change: Callable[[Changes], Changes]) -> Plant:
    def plant(patch: pytest.MonkeyPatch) -> None:
        real = MemoryStateReader.read

        async def read(self: MemoryStateReader, limit: int, wait_s: float) -> Changes:
            return change(await real(self, limit, wait_s))

        patch.setattr(MemoryStateReader, "read", read)

    return plant


def _in_no_hurry(which: type[Any]) -> Plant:
    """The first answer of a reader is that there is nothing."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        real = which.read
        begun: set[int] = set()

        async def read(self: Any, limit: int, wait_s: float) -> Any:
            if id(self) in begun or wait_s > 0:
                return await real(self, limit, wait_s)
            begun.add(id(self))
            return ()

        patch.setattr(which, "read", read)

    return plant


def _late(patch: pytest.MonkeyPatch) -> None:
    real = MemoryBus.follow_state

    async def follow_state(self: MemoryBus, stage: str) -> MemoryStateReader:
        reader = await real(self, stage)
        for shelf in reader._positions:
            reader._positions[shelf] = self.store.ends[shelf]
        return reader

    patch.setattr(MemoryBus, "follow_state", follow_state)


def _one_seat(patch: pytest.MonkeyPatch) -> None:
    real = MemoryBus.follow_state

    async def follow_state(self: MemoryBus, stage: str) -> MemoryStateReader:
        reader = await real(self, stage)
        reader._positions = dict(list(reader._positions.items())[:1])
        return reader

    patch.setattr(MemoryBus, "follow_state", follow_state)


def _any_seat(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(MemoryBus, "seats", lambda *_: 2)


PLANTS: dict[str, Plant] = {
    "seats that are not those of the input": _any_seat,
    "writes lost": _write_with(lambda outputs: outputs[:-1]),
    "writes twice": _write_with(lambda outputs: [*outputs, *outputs[:1]]),
    "writes in another order": _write_with(lambda outputs: outputs[::-1]),
    "writes that take a seat": _write_through_a_seat,
    "writes that are refused by halves": _write_piece_by_piece,
    "a reader that gives up": _in_no_hurry(MemoryReader),
    "a follower that gives up": _in_no_hurry(MemoryStateReader),
    "a follower that begins at the end": _late,
    "a follower of one seat": _one_seat,
    "a follower without deletions": _state_with(lambda found: [one for one in found if one[2] is not None]),
    "a follower of other seats": _state_with(lambda found: [(1 - p, key, body) for p, key, body in found]),
    "a follower that loses": _state_with(lambda found: found[1:]),
}

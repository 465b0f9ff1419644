"""What the checks of buses share: the bus under check, and how to see what lies in it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from warn.bus.base import Bus, Reader, Seat, StateReader
from warn.model.flow import MENTIONS
from warn.stages.base import Out

Reopen = Callable[[Bus], Awaitable[Bus]]
"""Lets the process that a bus belongs to end, and gives a bus of a new one over the same store."""


class Handle:
    """The bus under check, and a way to let its process end."""

    def __init__(self, bus: Bus, reopen: Reopen, settle_s: float) -> None:
        self._bus = bus
        self._reopen = reopen
        self.settle_s = settle_s

    async def everything(self, reader: Reader) -> list[tuple[int, int, bytes, bytes]]:
        """What a reader can see now."""
        found: list[tuple[int, int, bytes, bytes]] = []
        while some := await reader.read(7, self.settle_s):
            found += some
        return found

    async def restart(self) -> None:
        """The process ends and another begins."""
        self._bus = await self._reopen(self._bus)

    def partitions(self, topic: str) -> int:
        return self._bus.partitions(topic)

    def seats(self, stage: str) -> int:
        return self._bus.seats(stage)

    async def open(self, stage: str, partition: int) -> Seat:
        return await self._bus.open(stage, partition)

    async def write(self, outputs: Sequence[Out]) -> None:
        await self._bus.write(outputs)

    async def follow_state(self, stage: str) -> StateReader:
        return await self._bus.follow_state(stage)

    async def follow(self, topic: str, start: Mapping[int, int] | None = None) -> Reader:
        return await self._bus.follow(topic, start)

    async def end(self, topic: str, partition: int) -> int:
        return await self._bus.end(topic, partition)

    async def rewrite(self, topic: str, change: Callable[[bytes], bytes | None]) -> int | None:
        return await self._bus.rewrite(topic, change)

    async def expire(self, now: int) -> None:
        await self._bus.expire(now)

    async def close(self) -> None:
        await self._bus.close()


def mention(partition: int, value: bytes) -> Out:
    """A record of `[mentions]`."""
    return Out(MENTIONS, partition, b"k", value)


@asynccontextmanager
async def following(bus: Bus, topic: str, start: Mapping[int, int] | None = None) -> AsyncIterator[Reader]:
    """A reader, closed at the end."""
    reader = await bus.follow(topic, start)
    try:
        yield reader
    finally:
        await reader.close()

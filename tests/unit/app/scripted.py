"""An ownership that a test scripts: seats are given and taken as it says."""

import asyncio
from collections.abc import Iterable

from warn.bus.base import Seats


class Scripted:
    """Wants nothing until it is given something."""

    def __init__(self, seats: Iterable[tuple[str, int]] = ()) -> None:
        self._seats: Seats = frozenset(seats)
        self._news = asyncio.Event()
        self._stopping = asyncio.Event()

    @property
    def wanted(self) -> Seats:
        return self._seats

    def give(self, seats: Iterable[tuple[str, int]]) -> None:
        self._seats = frozenset(seats)
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def changed(self, known: Seats, wait_s: float) -> Seats:
        try:
            async with asyncio.timeout(wait_s):
                while self._seats == known:
                    await self._news.wait()
        except TimeoutError:
            pass
        return self._seats

    async def run(self) -> None:
        await self._stopping.wait()

    def stop(self) -> None:
        self.give(())
        self._stopping.set()

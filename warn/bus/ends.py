"""Where each partition ends, and who waits for it to go on: how a commit wakes its readers without polling."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

K = TypeVar("K")


class Ends(Generic[K]):
    """Positions after the last committed record, by partition. Belongs to one event loop."""

    def __init__(self, ends: Mapping[K, int]) -> None:
        self._ends = dict(ends)
        # In the order in which they began to wait, so that a simulation wakes them in the same order every time.
        self._waiting: dict[K, dict[asyncio.Future[None], None]] = {}
        self._closed = False

    def __getitem__(self, partition: K) -> int:
        return self._ends[partition]

    def publish(self, ends: Mapping[K, int]) -> None:
        """These partitions have grown: wake whoever waits for one of them."""
        self._ends.update(ends)
        self._wake(ends)

    async def wait(self, positions: Mapping[K, int], wait_s: float | None) -> bool:
        """Until one of these partitions goes beyond its position, for at most `wait_s`; whether one does.

        None waits for as long as it takes, or until `close`.
        """
        if self._beyond(positions):
            return True
        if wait_s is not None and wait_s <= 0:
            return False
        try:
            async with asyncio.timeout(wait_s):
                while not (self._closed or self._beyond(positions)):
                    await self._growth(positions)
        except TimeoutError:
            pass
        return self._beyond(positions)

    async def _growth(self, partitions: Iterable[K]) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        for partition in partitions:
            self._waiting.setdefault(partition, {})[woken] = None
        try:
            await woken
        finally:
            for partition in partitions:
                self._waiting[partition].pop(woken, None)

    def close(self) -> None:
        """Nothing will come any more: nobody waits from here on."""
        self._closed = True
        self._wake(list(self._waiting))

    def _beyond(self, positions: Mapping[K, int]) -> bool:
        return any(self._ends[partition] > position for partition, position in positions.items())

    def _wake(self, partitions: Iterable[K]) -> None:
        for partition in partitions:
            for woken in self._waiting.get(partition, ()):
                if not woken.done():
                    woken.set_result(None)

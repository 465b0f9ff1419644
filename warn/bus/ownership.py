"""Which seats a process is to hold where nobody else is asked: all of them, or those that a person has named.

The other implementation of the port `Ownership` is the Kafka bus's membership, which shares the seats out among the
processes that are there.
"""

import asyncio
from collections.abc import Iterable, Mapping

from warn.bus.base import Ownership, Seats


class Fixed:
    """These seats, from the start to the end."""

    def __init__(self, seats: Iterable[tuple[str, int]]) -> None:
        self._seats: Seats = frozenset(seats)
        self._stopping = asyncio.Event()

    @classmethod
    def all(cls, seats: Mapping[str, int]) -> "Fixed":
        """Every seat of these stages, by how many each has."""
        return cls((stage, partition) for stage, number in seats.items() for partition in range(number))

    @property
    def wanted(self) -> Seats:
        """The same as ever; nobody waits for them, so they are held until their workers are stopped."""
        return self._seats

    async def changed(self, known: Seats, wait_s: float) -> Seats:
        """At once where `known` is something else; otherwise after `wait_s`, or when stopped."""
        if known == self._seats:
            await _rest(self._stopping, wait_s)
        return self._seats

    async def run(self) -> None:
        """Until stopped: there is nothing to keep up to date."""
        await self._stopping.wait()

    def stop(self) -> None:
        """End `run`."""
        self._stopping.set()


class Besides:
    """What another ownership says of its stages, and seats of other stages that a person has named."""

    def __init__(self, shared: Ownership, named: Iterable[tuple[str, int]]) -> None:
        self._shared = shared
        self._named: Seats = frozenset(named)

    @property
    def wanted(self) -> Seats:
        """Those shared out to this process, and those named."""
        return self._shared.wanted | self._named

    async def changed(self, known: Seats, wait_s: float) -> Seats:
        """Until the wanted seats differ from `known`, for at most `wait_s`."""
        if not self._named <= known:
            return self.wanted
        return await self._shared.changed(known - self._named, wait_s) | self._named

    async def run(self) -> None:
        """Until stopped."""
        await self._shared.run()

    def stop(self) -> None:
        """End `run`, and tell the others that the shared seats are free."""
        self._shared.stop()


async def _rest(stopping: asyncio.Event, wait_s: float) -> None:
    try:
        async with asyncio.timeout(wait_s):
            await stopping.wait()
    except TimeoutError:
        return

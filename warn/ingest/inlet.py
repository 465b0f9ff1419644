"""What waits to be written by a seat of collect: batches of its connectors, and what was pushed.

A connector waits until its batch is on the bus, for as long as it takes, and has one at a time. Whoever pushes cannot be
made to wait for long: beyond a bound, or while the seat is not at work, it is told when to try again.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from warn.ingest.ledger import Intake, Taken
from warn.ingest.parcels import MOST
from warn.model.errors import Reason, TemporaryError

MOST_WAITING: Final = 1_024
"""Batches in all. Each connector has one at most, and is made to wait beyond it."""
MOST_PUSHED: Final = 256
MOST_TOGETHER: Final = 16
"""Batches in one step."""
LINGER_S: Final = 0.02
"""How long a step waits for more, where what it has would not fill a parcel and somebody could add to it."""
PUSH_S: Final = 10.0
"""A push that is not on the bus by then is answered all the same: a repeat of it counts once."""
AGAIN_S: Final = 5.0


class Request(NamedTuple):
    """A batch, and who waits for what becomes of it."""

    intake: Intake
    done: asyncio.Future[Taken]


class Inlet:
    """Closed until `open`; what still waits when it is closed was not taken in."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Request] = asyncio.Queue(maxsize=MOST_WAITING)
        self._pushed: set[asyncio.Future[Taken]] = set()
        self.is_open = False

    def open(self) -> None:
        """Take in from now on; whatever waited before is gone."""
        self._queue = asyncio.Queue(maxsize=MOST_WAITING)
        self.is_open = True

    def close(self) -> None:
        """Take nothing in; who pushed and still waits is told so."""
        self.is_open = False
        for done in self._pushed:
            if not done.done():
                done.set_exception(_not_now("the seat was let go of before it was on the bus", AGAIN_S))

    async def hand_over(self, intake: Intake) -> Taken:
        """A connector's batch; waits until it is on the bus."""
        done: asyncio.Future[Taken] = asyncio.get_running_loop().create_future()
        await self._queue.put(Request(intake, done))
        return await done

    async def push(self, intake: Intake) -> Taken:
        """What somebody sent. Raises TemporaryError where it cannot be said to be on the bus."""
        if not self.is_open:
            raise _not_now("nothing is taken in at the moment", AGAIN_S)
        if len(self._pushed) >= MOST_PUSHED or self._queue.full():
            raise _not_now(f"{MOST_PUSHED} others wait already", 1.0)
        done: asyncio.Future[Taken] = asyncio.get_running_loop().create_future()
        self._pushed.add(done)
        self._queue.put_nowait(Request(intake, done))
        try:
            async with asyncio.timeout(PUSH_S):
                return await done
        except TimeoutError:
            raise _not_now(f"it was not on the bus after {PUSH_S:.0f} s", AGAIN_S) from None
        finally:
            self._pushed.discard(done)

    def drain(self, waiting: list[Request]) -> list[Request]:
        """With what waits now, up to what one step takes."""
        while not self._queue.empty() and len(waiting) < MOST_TOGETHER:
            waiting.append(self._queue.get_nowait())
        return waiting

    async def gather(self, within_s: float, reading: Callable[[], int]) -> list[Request]:
        """What comes within that time, and a moment later; `reading`: how many connectors may add to it."""
        waiting: list[Request] = []
        try:
            async with asyncio.timeout(within_s):
                waiting.append(await self._queue.get())
                async with asyncio.timeout(LINGER_S):
                    while _more(self.drain(waiting), reading()):
                        waiting.append(await self._queue.get())
        except TimeoutError:
            pass
        return waiting


def _more(waiting: Sequence[Request], reading: int) -> bool:
    """Whether it is worth a moment's wait: no parcel is full, and a connector reads that has handed in nothing."""
    items = sum(len(one.intake.batch.items) for one in waiting)
    return len(waiting) < min(reading, MOST_TOGETHER) and items < MOST


def _not_now(message: str, after_s: float) -> TemporaryError:
    return TemporaryError(message, reason=Reason.SERVER, retry_after_s=after_s)

"""A stream that is read by a task of its own, so that whoever waits for the next piece may be cut off and lose nothing.

The task owns the connection from its opening to its end; whatever breaks in it is kept as an error for the reader, and
no cancellation of the HTTP library's own reaches anybody else.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, Generic, TypeVar

from warn.model.errors import Reason, TemporaryError, WarnError
from warn.outbound.faults import broken, told

T = TypeVar("T")

MOST_WAITING_BYTES: Final = 32 * 1024 * 1024


class Pump(Generic[T]):
    """What came and was not taken yet; when that is full, the socket is not read, and the service notices."""

    def __init__(self, place: str, largest: int) -> None:
        self._place = place
        self._waiting: asyncio.Queue[T | None] = asyncio.Queue(
            max(16, min(1_024, MOST_WAITING_BYTES // largest))
        )
        self._end: WarnError | None = None
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def put(self, piece: T) -> None:
        """For the task that reads."""
        await self._waiting.put(piece)

    async def take(self, silence_s: float | None) -> T:
        """The next piece. Raises, each time, what ended the stream; TemporaryError (timeout) after so long without one."""
        if self._waiting.empty() and self._end is None and silence_s is not None:
            with told(self._place):
                async with asyncio.timeout(silence_s):
                    piece = await self._waiting.get()
        elif self._waiting.empty() and self._end is not None:
            raise _again(self._end)
        else:
            piece = await self._waiting.get()
        if piece is None:
            assert self._end is not None
            raise _again(self._end)
        return piece

    async def work(self, read: Callable[["Pump[T]"], Awaitable[None]]) -> None:
        """Read until it ends, which is told to whoever takes. Raises nothing but a cancellation."""
        end: WarnError | None = None
        try:
            with told(self._place):
                await read(self)
        except WarnError as e:
            end = e
        except Exception as e:  # noqa: BLE001 - groups of what the library's own tasks raise, among others
            end = broken(self._place, e)
        self._end = end or TemporaryError(f"{self._place}: it ended the stream", reason=Reason.NETWORK)
        if self.opened.done():
            await self._waiting.put(None)
        else:
            self.opened.set_exception(self._end)


def _again(error: WarnError) -> WarnError:
    """The same error anew, so that none collects the traces of all that met it."""
    if isinstance(error, TemporaryError):
        return TemporaryError(str(error), reason=error.reason, retry_after_s=error.retry_after_s)
    return type(error)(str(error), reason=error.reason)


@asynccontextmanager
async def pumping(
    place: str, read: Callable[[Pump[T]], Awaitable[None]], *, largest: int, deadline_s: float
) -> AsyncGenerator[Pump[T]]:
    """Begin to `read`, which sets `opened` once the stream is there. `largest`: bytes of a piece at most.

    Raises what kept it from opening. Ends the task when it is left.
    """
    pump = Pump[T](place, largest)
    group = asyncio.TaskGroup()
    await group.__aenter__()
    task = group.create_task(pump.work(read))
    try:
        with told(place):
            async with asyncio.timeout(deadline_s):
                await asyncio.shield(pump.opened)
        yield pump
    finally:
        task.cancel()
        if pump.opened.done() and not pump.opened.cancelled():
            pump.opened.exception()  # seen, though nobody may have waited for it
        else:
            pump.opened.cancel()
        # An error of the body is none of the group's: it goes on as it is, not in a group of one.
        await group.__aexit__(None, None, None)

"""Names are looked up beside everybody else's work.

The machine's resolver keeps a thread for as long as a name server does not answer, half a minute and more. The loop's own
threads are few, and the disk, large bodies and all other connectors wait for them. So these are threads of our own, a few
for each place, and nobody waits for them at the end.
"""

import asyncio
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

MOST: Final = 4
"""Lookups of one place that are under way; the next one waits, within its own time."""

Found = asyncio.Future[Sequence[tuple[Any, ...]]]


class Lookups:
    """The machine's resolver, for one place."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(MOST)

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """All addresses of a host. Raises OSError, and ValueError for what is no name."""
        await self._turns.acquire()
        found: Found = asyncio.get_running_loop().create_future()
        try:
            threading.Thread(target=self._look, args=(host, port, found), name="names", daemon=True).start()
        except RuntimeError:
            self._turns.release()
            raise OSError("no thread to look it up with") from None
        return [str(one[4][0]) for one in await found]

    def _look(self, host: str, port: int, found: Found) -> None:
        """In its thread, which goes on when nobody waits for it any more: there is no way to call it off."""
        answer: Sequence[tuple[Any, ...]] | Exception
        try:
            answer = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, ValueError) as e:
            answer = e
        with suppress(RuntimeError):  # the loop has ended
            found.get_loop().call_soon_threadsafe(self._tell, found, answer)

    def _tell(self, found: Found, answer: Sequence[tuple[Any, ...]] | Exception) -> None:
        self._turns.release()
        if found.done():
            return
        if isinstance(answer, Exception):
            found.set_exception(answer)
        else:
            found.set_result(answer)

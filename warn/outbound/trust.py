"""Whom the machine trusts, read beside the loop and shared by all connections of the process.

To read a machine's authorities takes 30 ms and more, once for every connector that opens, and again for each that is tried
again. What has been read is read anew when it is ten minutes old: an authority that somebody adds is found without a restart.
"""

import asyncio
import ssl
import threading
import time
from collections.abc import Callable
from typing import Final, NamedTuple

KEPT_S: Final = 600.0


class _Kept(NamedTuple):
    make: Callable[[], ssl.SSLContext]
    until: float
    context: ssl.SSLContext


class Trust:
    """What was made last. Nobody changes it: it is everybody's."""

    def __init__(self, kept_s: float = KEPT_S) -> None:
        self._kept_s = kept_s
        self._turn = threading.Lock()
        self._kept: _Kept | None = None

    async def context(self, make: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
        """What `make` made no more than ten minutes ago, or makes now, in a thread. Raises what it raises."""
        context = self._fresh(make)
        return await asyncio.to_thread(self._made, make) if context is None else context

    def _fresh(self, make: Callable[[], ssl.SSLContext]) -> ssl.SSLContext | None:
        kept = self._kept
        if kept is None or kept.make is not make or time.monotonic() > kept.until:
            return None
        return kept.context

    def _made(self, make: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
        with self._turn:  # many open at once: one makes it, the others wait for it
            context = self._fresh(make)
            if context is None:
                context = make()
                self._kept = _Kept(make, time.monotonic() + self._kept_s, context)
            return context


shared: Final = Trust()
"""The one of this process."""

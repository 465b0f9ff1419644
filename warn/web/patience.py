"""A connection that does not say what it wants is closed, and nobody has all of them.

uvicorn waits for the head of a request for as long as the other side likes, and counts such a connection among those that
it serves: two hundred of them, and nobody else is. And it takes apart all that came at once before anything else has its
turn, which is seconds of work where that is thousands of chunks of one byte; so it is given little at a time.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from ipaddress import ip_address
from typing import Final

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

HEAD_S: Final = 5.0
MOST_PER_ADDRESS: Final = 64
"""Connections of one address that is not this machine's own, where a proxy may be."""
PIECE: Final = 4_096
"""Bytes that are taken apart in one turn."""
_connections: Final[Counter[str]] = Counter()
"""By address, of this process."""


class PatientProtocol(H11Protocol):
    """HTTP/1.1 with a time for the head of each request, and a share of the connections for each address."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection; one too many of its address is closed at once."""
        super().connection_made(transport)
        self.flow = _Flow(transport, self._feed_soon)
        self._head: asyncio.TimerHandle | None = None
        self._coming = bytearray()
        self._turn: asyncio.Handle | None = None
        self._address = self.client[0] if self.client else ""
        _connections[self._address] += 1
        if _connections[self._address] > MOST_PER_ADDRESS and not _is_ours(self._address):
            transport.close()
            return
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        super().connection_lost(exc)
        self._stop()
        self._coming.clear()
        _connections[self._address] -= 1
        if _connections[self._address] <= 0:
            del _connections[self._address]

    def data_received(self, data: bytes) -> None:
        """A piece of a head, or of a body: for a body its reader has the time."""
        self._coming += data
        if self._turn is None:
            self._feed()

    def _feed_soon(self) -> None:
        if self._coming and self._turn is None:
            self._turn = self.loop.call_soon(self._feed)

    def _feed(self) -> None:
        """One piece of what has come; the next one when all others have had their turn, and nothing more is read before."""
        self._turn = None
        if not self._may_go_on():
            return
        piece = bytes(self._coming[:PIECE])
        del self._coming[:PIECE]
        if self._coming:
            self.transport.pause_reading()
        self._take(piece)
        if self._coming:
            self._feed_soon()
        elif self._may_go_on():
            self.transport.resume_reading()

    def _may_go_on(self) -> bool:
        return not self.flow.read_paused and not self.transport.is_closing()

    def _take(self, piece: bytes) -> None:
        super().data_received(piece)
        if self._serves():
            self._stop()
        elif self._head is None and not self.transport.is_closing():
            self._wait()

    def _serves(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _wait(self) -> None:
        self._head = self.loop.call_later(HEAD_S, self._late)

    def _stop(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _late(self) -> None:
        self._head = None
        if not self._serves() and not self.transport.is_closing():
            self.transport.close()


class _Flow(FlowControl):
    """Tells when reading may go on: there may be something left that was read before."""

    def __init__(self, transport: asyncio.Transport, resumed: Callable[[], None]) -> None:
        super().__init__(transport)
        self._resumed = resumed

    def resume_reading(self) -> None:
        """Go on."""
        super().resume_reading()
        self._resumed()


def _is_ours(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return True

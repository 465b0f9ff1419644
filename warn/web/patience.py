"""A connection that does not say what it wants is closed, and nobody has all of them.

uvicorn waits for the head of a request for as long as the other side likes, and counts such a connection among those that
it serves: two hundred of them, and nobody else is.
"""

import asyncio
from collections import Counter
from ipaddress import ip_address
from typing import Final

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

HEAD_S: Final = 5.0
MOST_PER_ADDRESS: Final = 64
"""Connections of one address that is not this machine's own, where a proxy may be."""
_connections: Final[Counter[str]] = Counter()
"""By address, of this process."""


class PatientProtocol(H11Protocol):
    """HTTP/1.1 with a time for the head of each request, and a share of the connections for each address."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection; one too many of its address is closed at once."""
        super().connection_made(transport)
        self._head: asyncio.TimerHandle | None = None
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
        _connections[self._address] -= 1
        if _connections[self._address] <= 0:
            del _connections[self._address]

    def data_received(self, data: bytes) -> None:
        """A piece of a head, or of a body: for a body its reader has the time."""
        super().data_received(data)
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


def _is_ours(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return True

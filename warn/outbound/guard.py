"""Looks a name up once, checks every answer, and dials the address that was checked.

There is no second lookup, so a name server that says one thing to a check and another to a connection gains nothing.
TLS still holds the certificate to the name.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final

import httpcore2

from warn.outbound.address import PORTS, is_open
from warn.outbound.names import Lookups
from warn.outbound.pieces import HEAD_PIECE, PIECE, Head
from warn.outbound.turns import Turns

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""All addresses of a host. Raises OSError, and ValueError for what is no name."""
MOST_TRIED: Final = 4


class BlockedError(httpcore2.ConnectError):
    """An address or a port that must not be dialled."""


class _Stream(httpcore2.AsyncNetworkStream):
    """A connection that is read in small pieces. It is closed, too, when it is cut off in the middle of agreeing on TLS;
    the library forgets it.
    """

    def __init__(self, stream: httpcore2.AsyncNetworkStream) -> None:
        self._stream = stream
        self._turns = Turns()
        self.write, self.aclose = stream.write, stream.aclose  # type: ignore[method-assign]
        self.get_extra_info = stream.get_extra_info  # type: ignore[method-assign]

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - the port is httpcore's
        await self._turns.give_way()  # what TLS has unpacked already is handed out without one
        head = Head.waited.get()
        data = await self._stream.read(min(max_bytes, PIECE if head is None else HEAD_PIECE), timeout)
        if head is not None:
            head.came(len(data))
        return data

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the port is httpcore's
    ) -> httpcore2.AsyncNetworkStream:
        try:
            return _Stream(await self._stream.start_tls(ssl_context, server_hostname, timeout))
        except BaseException:
            await self._stream.aclose()
            raise


class Guard(httpcore2.AsyncNetworkBackend):
    """The network of an HTTP client. `inside`: hosts and ports that the settings name, which may be anywhere. `resolve`: by
    default the machine's resolver.
    """

    def __init__(
        self, inside: frozenset[tuple[str, int]] = frozenset(), resolve: Resolve | None = None
    ) -> None:
        self._inside = inside
        self._resolve = resolve or Lookups()
        self._net = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the port is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Dial the host. Raises `BlockedError` before anything is dialled."""
        listed = (host.lower(), port) in self._inside
        if not listed and port not in PORTS:
            raise BlockedError("this port is not dialled")
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._resolve(host, port)
        except TimeoutError:
            raise httpcore2.ConnectTimeout("the name was not resolved in time") from None
        except (OSError, ValueError):
            raise httpcore2.ConnectError("the name cannot be resolved") from None
        if not addresses:
            raise httpcore2.ConnectError("the name cannot be resolved")
        if not listed and not all(is_open(one) for one in addresses):
            raise BlockedError("this address is not dialled")
        return await self._dial(addresses[:MOST_TRIED], port, timeout, local_address, socket_options)

    async def _dial(
        self, addresses: Sequence[str], port: int, timeout_s: float | None, *rest: Any
    ) -> httpcore2.AsyncNetworkStream:
        """The first of the addresses that answers; each has its share of the time."""
        if timeout_s is not None:
            timeout_s /= len(addresses)
        for number, address in enumerate(addresses, 1):
            try:
                return _Stream(await self._net.connect_tcp(address, port, timeout_s, *rest))
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                if number == len(addresses):
                    raise
        raise httpcore2.ConnectError("nobody to dial")

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - the port is httpcore's
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Never."""
        raise BlockedError("no local socket is dialled")

    async def sleep(self, seconds: float) -> None:
        """For httpcore's own pauses."""
        await asyncio.sleep(seconds)

"""One connector's connections to one place: requests with a deadline, redirects followed by hand through the same guard,
bodies bounded, and events and frames that come as they come.
"""

import asyncio
import logging
import ssl
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Final, Self

import httpcore2
import httpx2

from warn import __version__
from warn.model.errors import PermanentError, Reason
from warn.outbound.address import places
from warn.outbound.answer import Answer, refusal
from warn.outbound.body import read_body
from warn.outbound.faults import told
from warn.outbound.guard import Guard, Resolve
from warn.outbound.pieces import Transport
from warn.outbound.stream import Events, Frames, events, frames
from warn.outbound.trust import shared

MOST_BODY: Final = 2 * 1024 * 1024
MOST_REDIRECTS: Final = 3
DEADLINE_S: Final = 20.0
"""Where a connector gives no other. Looked up when a client is made, so that the suite of faults can shorten it."""
TRUST: Callable[[], ssl.SSLContext] = partial(httpx2.create_ssl_context, trust_env=False)
"""Whom the machine trusts. Looked up when a client is opened, so that the suite of faults can add an authority of its own."""
USER_AGENT: Final = (
    f"warn-daemon/{__version__} (early warning of crises; +https://pypi.org/project/warn-daemon/)"
)
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_FOR_GOOD: Final = frozenset({301, 308})

Params = Mapping[str, str] | Sequence[tuple[str, str]]

_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}

for _name in (
    *("httpx2", "httpcore2", "httpcore2.connection", "httpcore2.http11", "httpcore2.http2"),
    *("httpcore2.proxy", "httpcore2.socks"),
):
    # Addresses and headers stand in their INFO and DEBUG lines, which no level set later may bring back.
    logging.getLogger(_name).disabled = True  # noqa: TID251 - silencing, not logging


async def guarded(
    guard: Guard, tls: ssl.SSLContext | None = None, *, deadline_s: float, headers: Mapping[str, str]
) -> httpx2.AsyncClient:
    """A client that dials through this guard alone, trusts whom the machine trusts, and follows nothing by itself."""
    tls = tls or await shared.context(TRUST)
    transport = Transport(verify=tls, trust_env=False)
    # The library has no public way to a network of one's own; `tests/unit/outbound` would notice its end.
    transport._pool = httpcore2.AsyncConnectionPool(  # noqa: SLF001
        ssl_context=tls, max_connections=8, max_keepalive_connections=2, keepalive_expiry=30.0, network_backend=guard
    )  # fmt: skip
    return httpx2.AsyncClient(
        transport=transport,
        timeout=httpx2.Timeout(deadline_s),
        follow_redirects=False,
        trust_env=False,
        headers=headers,
        # Nobody gets to mark us, or to fill our memory with marks.
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
    )


class Outbound:
    """An asynchronous context manager; nothing is open before and after.

    `place` is the word for it in errors, never its address. `inside`: `host:port` that may be dialled wherever it is.
    `headers` go along with every request to the host that was asked for, and to no other. `remedies`: by status, what a
    person can do about it. `deadline_s` is for a whole request with its body, for the beginning of a stream.
    """

    def __init__(
        self,
        place: str,
        *,
        inside: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
        remedies: Mapping[int, str] | None = None,
        deadline_s: float | None = None,
        resolve: Resolve | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._place = place
        self._deadline_s = DEADLINE_S if deadline_s is None else deadline_s
        self._headers, self._remedies = dict(headers or {}), dict(remedies or {})
        self._inside = places(inside)
        self._guard = Guard(self._inside, resolve)
        self._tls = tls
        self._open: httpx2.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        headers = {"user-agent": USER_AGENT, "accept-encoding": "gzip"}
        self._open = await guarded(self._guard, self._tls, deadline_s=self._deadline_s, headers=headers)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._open is not None:
            await self._open.aclose()
            self._open = None

    @property
    def _client(self) -> httpx2.AsyncClient:
        if self._open is None:
            raise RuntimeError("not open: use `async with`")
        return self._open

    async def get(
        self,
        url: str,
        *,
        params: Params = (),
        headers: Mapping[str, str] | None = None,
        most: int = MOST_BODY,
        accept: Sequence[int] = (),
    ) -> Answer:
        """GET; an answer on 2xx and on what `accept` lists besides. Raises TemporaryError and PermanentError."""
        return await self._ask("GET", url, params=params, headers=headers, most=most, accept=accept)

    async def post(
        self,
        url: str,
        *,
        content: bytes = b"",
        params: Params = (),
        headers: Mapping[str, str] | None = None,
        most: int = MOST_BODY,
    ) -> Answer:
        """POST; redirects are not followed with a body."""
        return await self._ask(
            "POST", url, content=content, params=params, headers=headers, most=most, accept=()
        )

    async def _ask(
        self,
        method: str,
        url: str,
        *,
        params: Params,
        headers: Mapping[str, str] | None,
        most: int,
        accept: Sequence[int],
        content: bytes | None = None,
    ) -> Answer:
        mine = {**self._headers, **(headers or {})}
        moved, hops = True, 0
        with told(self._place):
            address = self._address(url, params)
            async with asyncio.timeout(self._deadline_s):
                while True:
                    answer = await self._once(method, address, mine, content, most)
                    if answer.status not in _REDIRECTS or "location" not in answer.headers:
                        break
                    hops += 1
                    if hops > MOST_REDIRECTS:
                        raise PermanentError(
                            f"{self._place}: it sends us round in circles, more than {MOST_REDIRECTS} times",
                            reason=Reason.CONFIG,
                        )
                    moved = moved and answer.status in _FOR_GOOD
                    address, mine = self._onward(method, address, answer.headers["location"], mine)
        if 200 <= answer.status < 300 or answer.status in accept:
            return answer._replace(moved=moved and hops > 0)
        raise refusal(self._place, answer.status, answer.headers, self._remedies, time.time())

    async def _once(
        self, method: str, url: httpx2.URL, headers: Mapping[str, str], content: bytes | None, most: int
    ) -> Answer:
        async with self._client.stream(method, url, headers=dict(headers), content=content) as response:
            said = {name.lower(): value for name, value in response.headers.items()}
            if not 200 <= response.status_code < 300:
                # What it says to an error is not read: it may quote our key.
                return Answer(response.status_code, said, b"", str(url))
            body = await read_body(self._place, said.get("content-encoding", ""), response.aiter_raw(), most)
            return Answer(response.status_code, said, body, str(url))

    def _address(
        self, url: str | httpx2.URL, params: Params = (), schemes: Sequence[str] = ("http", "https")
    ) -> httpx2.URL:
        """The address as the library will dial it. Raises PermanentError for what is no plain one."""
        address = httpx2.URL(url)
        if address.scheme not in schemes or not address.host or address.userinfo:
            raise PermanentError(
                f"{self._place}: only {' and '.join(schemes)} addresses without a name in them are dialled",
                reason=Reason.HOSTILE,
            )
        return address.copy_merge_params(list(_pairs(params))) if params else address

    def _onward(
        self, method: str, url: httpx2.URL, location: str, headers: dict[str, str]
    ) -> tuple[httpx2.URL, dict[str, str]]:
        """Where a redirect leads, and what may be said there: keys stay with the host they were meant for, and nobody
        outside sends us to a place inside, whatever the settings allow us ourselves.
        """
        if method != "GET":
            raise PermanentError(f"{self._place}: it redirects; give the final address", reason=Reason.CONFIG)
        try:
            onward = self._address(url.join(location))
        except (httpx2.InvalidURL, UnicodeError):
            raise PermanentError(
                f"{self._place}: it redirects to what is no address", reason=Reason.MALFORMED
            ) from None
        if _place(onward) in self._inside and _place(url) not in self._inside:
            raise PermanentError(
                f"{self._place}: it redirects to a place that is not of the open internet",
                reason=Reason.HOSTILE,
            )
        same = onward.scheme == url.scheme and _place(onward) == _place(url)
        return onward, headers if same else {}

    @asynccontextmanager
    async def events(
        self,
        url: str,
        *,
        params: Params = (),
        headers: Mapping[str, str] | None = None,
        silence_s: float = 60.0,
    ) -> AsyncGenerator[Events]:
        """Server-sent events, until the server ends them. No byte for `silence_s` is an error (timeout)."""
        mine = {**self._headers, **(headers or {})}
        with told(self._place):
            address = self._address(url, params)
        async with events(
            self._client, self._place, address, mine, self._remedies,
            deadline_s=self._deadline_s, silence_s=silence_s,
        ) as stream:  # fmt: skip
            yield stream

    @asynccontextmanager
    async def frames(
        self,
        url: str,
        *,
        params: Params = (),
        headers: Mapping[str, str] | None = None,
        silence_s: float = 60.0,
        most: int = 1024 * 1024,
    ) -> AsyncGenerator[Frames]:
        """A WebSocket (`ws`, `wss`). No frame for `silence_s` is an error (timeout); so is a pong that does not come."""
        mine = {**self._headers, **(headers or {})}
        with told(self._place):
            address = self._address(url, params, ("ws", "wss"))
        async with frames(
            self._client, self._place, address, mine, self._remedies,
            deadline_s=self._deadline_s, silence_s=silence_s, most=most,
        ) as socket:  # fmt: skip
            yield socket


def _place(url: httpx2.URL) -> tuple[str, int]:
    return url.host.lower(), url.port or _PORTS.get(url.scheme, 0)


def _pairs(params: Params) -> Sequence[tuple[str, Any]]:
    return list(params.items()) if isinstance(params, Mapping) else list(params)

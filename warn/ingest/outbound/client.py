"""One connector's connections to one place: requests with a deadline, redirects followed by hand through the same guard,
bodies bounded, and events and frames that come as they come.
"""

import asyncio
import logging
import ssl
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, Self
from urllib.parse import urljoin, urlsplit

import httpcore2
import httpx2

from warn import __version__
from warn.ingest.outbound.address import places
from warn.ingest.outbound.answer import Answer, refusal
from warn.ingest.outbound.body import read_body
from warn.ingest.outbound.faults import told
from warn.ingest.outbound.guard import Guard, Resolve, resolve
from warn.ingest.outbound.stream import Events, Frames, events, frames
from warn.model.errors import PermanentError, Reason

MOST_BODY: Final = 2 * 1024 * 1024
MOST_REDIRECTS: Final = 3
DEADLINE_S: Final = 20.0
USER_AGENT: Final = (
    f"warn-daemon/{__version__} (early warning of crises; +https://pypi.org/project/warn-daemon/)"
)
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_FOR_GOOD: Final = frozenset({301, 308})

Params = Mapping[str, str] | Sequence[tuple[str, str]]

for _name in ("httpx2", "httpcore2"):
    # Address and headers stand in their INFO and DEBUG lines, and a root logger at DEBUG would print them.
    logging.getLogger(_name).setLevel(logging.WARNING)  # noqa: TID251 - silencing, not logging


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
        deadline_s: float = DEADLINE_S,
        resolve: Resolve = resolve,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._place, self._deadline_s = place, deadline_s
        self._headers, self._remedies = dict(headers or {}), dict(remedies or {})
        self._guard = Guard(places(inside), resolve)
        self._tls = tls
        self._open: httpx2.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        tls = self._tls or httpx2.create_ssl_context(trust_env=False)
        transport = httpx2.AsyncHTTPTransport(verify=tls, trust_env=False)
        # The library has no public way to a network of one's own; `tests/unit/ingest/outbound` would notice its end.
        transport._pool = httpcore2.AsyncConnectionPool(  # noqa: SLF001
            ssl_context=tls,
            max_connections=8,
            max_keepalive_connections=2,
            keepalive_expiry=30.0,
            network_backend=self._guard,
        )
        self._open = httpx2.AsyncClient(
            transport=transport,
            timeout=httpx2.Timeout(self._deadline_s),
            follow_redirects=False,
            trust_env=False,
            headers={"user-agent": USER_AGENT, "accept-encoding": "gzip"},
        )
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
        address = str(httpx2.URL(url, params=list(_pairs(params)))) if params else url
        moved = True
        with told(self._place):
            async with asyncio.timeout(self._deadline_s):
                for _ in range(MOST_REDIRECTS + 1):
                    answer = await self._once(method, address, mine, content, most)
                    if answer.status not in _REDIRECTS or "location" not in answer.headers:
                        break
                    moved = moved and answer.status in _FOR_GOOD
                    address, mine = self._onward(method, address, answer.headers["location"], mine)
                else:
                    raise PermanentError(
                        f"{self._place}: it sends us round in circles, more than {MOST_REDIRECTS} times",
                        reason=Reason.CONFIG,
                    )
        if 200 <= answer.status < 300 or answer.status in accept:
            return answer._replace(moved=moved and answer.url != url)
        raise refusal(self._place, answer.status, answer.headers, self._remedies, time.time())

    async def _once(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None, most: int
    ) -> Answer:
        self._check(url)
        async with self._client.stream(method, url, headers=dict(headers), content=content) as response:
            told_headers = {name.lower(): value for name, value in response.headers.items()}
            if not 200 <= response.status_code < 300:
                # What it says to an error is not read: it may quote our key.
                return Answer(response.status_code, told_headers, b"", url)
            encoding = told_headers.get("content-encoding", "")
            body = await read_body(self._place, encoding, response.aiter_raw(), most)
            return Answer(response.status_code, told_headers, body, url)

    def _check(self, url: str) -> None:
        """Raises PermanentError for what is no plain http(s) address."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
            raise PermanentError(
                f"{self._place}: only http and https addresses without a name in them are dialled",
                reason=Reason.HOSTILE,
            )

    def _onward(
        self, method: str, url: str, location: str, headers: dict[str, str]
    ) -> tuple[str, dict[str, str]]:
        """Where a redirect leads, and what may be said there: keys stay with the host they were meant for."""
        if method != "GET":
            raise PermanentError(f"{self._place}: it redirects; give the final address", reason=Reason.CONFIG)
        try:
            onward = urljoin(url, location)
            same = urlsplit(onward)[:2] == urlsplit(url)[:2]
        except ValueError:
            raise PermanentError(
                f"{self._place}: it redirects to what is no address", reason=Reason.MALFORMED
            ) from None
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
        self._check(url)
        mine = {**self._headers, **(headers or {})}
        async with events(
            self._client, self._place, url, list(_pairs(params)), mine, self._remedies,
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
        self._check("http" + url[2:] if url.startswith("ws") else url)
        mine = {**self._headers, **(headers or {})}
        async with frames(
            self._client, self._place, url, list(_pairs(params)), mine, self._remedies,
            deadline_s=self._deadline_s, silence_s=silence_s, most=most,
        ) as socket:  # fmt: skip
            yield socket


def _pairs(params: Params) -> Sequence[tuple[str, Any]]:
    return list(params.items()) if isinstance(params, Mapping) else list(params)

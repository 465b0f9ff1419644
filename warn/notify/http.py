"""The one way out over HTTP: a request with a deadline, no redirects, a bounded answer, and errors that hold no
secret.

What a status means is decided here for all notifiers, as Alertmanager decides it:

    2xx             delivered, whatever comes of the body
    408, 429, 5xx   TemporaryError (timeout, rate_limited, server_error), with Retry-After where it is given
    401, 403        PermanentError (auth)
    410             PermanentError (gone)
    3xx             PermanentError (config): we do not carry signed pages to wherever somebody points
    other           PermanentError (client_error)

Only addresses of the open internet are dialled, at ports 80 and 443, unless the settings list `host:port` under `inside`:
whoever can change a setting or a name server shall not make warn post to a machine's own services.

No answer at all is Temporary (network or timeout): it may have arrived. Errors say place and status, never an
address, because addresses and headers carry tokens; so they are raised from nothing, and the HTTP library's
own log lines, which print addresses, are silenced.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import NamedTuple, NoReturn

import httpx2

from warn.model.errors import PermanentError, Reason, TemporaryError
from warn.outbound.address import places
from warn.outbound.answer import retry_after
from warn.outbound.client import guarded
from warn.outbound.guard import BlockedError, Guard

MOST_BODY = 64 * 1024
"""Bytes of an answer that are read; the rest is not waited for."""

for _name in ("httpx2", "httpcore2"):
    # Address and headers stand in their INFO and DEBUG lines, and a root logger at DEBUG would print them.
    logging.getLogger(_name).setLevel(logging.WARNING)  # noqa: TID251 - silencing, not logging


INSIDE = (
    "its address is not of the open internet, or its port neither 80 nor 443: where that is meant, list it as host:port "
    "under `inside`"
)


class Answer(NamedTuple):
    """A place said yes: 2xx, and what it sent with it, up to `MOST_BODY`."""

    status: int
    body: bytes


class Http:
    """One place's connections. `place` is the word for it in errors, never its address. `inside`: `host:port` that may be
    dialled wherever it is.
    """

    def __init__(self, place: str, *, deadline_s: float, inside: Sequence[str] = ()) -> None:
        self._place, self._deadline_s = place, deadline_s
        self._guard = Guard(places(inside))
        self._open: httpx2.AsyncClient | None = None

    async def _client(self) -> httpx2.AsyncClient:
        if self._open is None:
            headers = {"user-agent": "warn", "accept-encoding": "identity"}
            made = await guarded(self._guard, deadline_s=self._deadline_s, headers=headers)
            if self._open is None:
                self._open = made
            else:  # two at once: the other was first
                await made.aclose()
        return self._open

    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        """Post within the deadline; returns on 2xx only."""
        return await self._ask("POST", url, body, headers)

    async def get(self, url: str) -> Answer:
        """Get within the deadline; returns on 2xx only."""
        return await self._ask("GET", url, None, {})

    async def _ask(self, method: str, url: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        status = 0
        read = bytearray()
        after: float | None = None
        failure: Reason | None = None
        blocked = False
        try:
            async with (
                asyncio.timeout(self._deadline_s),
                (await self._client()).stream(method, url, content=body, headers=headers) as response,
            ):
                status = response.status_code
                after = retry_after(response.headers, time.time())
                async for chunk in response.aiter_raw():
                    read += chunk[: MOST_BODY - len(read)]
                    if len(read) >= MOST_BODY:
                        break
        except (TimeoutError, httpx2.TimeoutException):
            failure = Reason.TIMEOUT
        except (httpx2.InvalidURL, httpx2.LocalProtocolError, httpx2.UnsupportedProtocol):
            failure = Reason.CONFIG
        except httpx2.TransportError as e:
            failure = Reason.NETWORK
            blocked = isinstance(e.__cause__, BlockedError)
        # Outside of the handlers, so that no error drags the library's, with its address, behind it.
        if 200 <= status < 300:
            return Answer(status, bytes(read))
        if status:
            self._refuse(status, after)
        if blocked:
            raise PermanentError(f"{self._place}: {INSIDE}", reason=Reason.CONFIG)
        if failure is Reason.CONFIG:
            raise PermanentError(f"{self._place}: the address cannot be used", reason=Reason.CONFIG)
        raise TemporaryError(f"{self._place}: no answer ({failure})", reason=failure or Reason.NETWORK)

    def _refuse(self, status: int, retry_after_s: float | None) -> NoReturn:
        said = f"{self._place}: HTTP {status}"
        if status in {408, 429} or status >= 500:
            reasons = {408: Reason.TIMEOUT, 429: Reason.RATE_LIMITED}
            reason = reasons.get(status, Reason.SERVER)
            raise TemporaryError(said, reason=reason, retry_after_s=retry_after_s)
        if 300 <= status < 400:
            raise PermanentError(f"{said}: a redirect; give the final address", reason=Reason.CONFIG)
        permanent = {401: Reason.AUTH, 403: Reason.AUTH, 410: Reason.GONE}
        raise PermanentError(said, reason=permanent.get(status, Reason.CLIENT))

    async def close(self) -> None:
        """Close every connection."""
        if self._open is not None:
            await self._open.aclose()
            self._open = None

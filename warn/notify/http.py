"""The one way out over HTTP: a request with a deadline, no redirects, a bounded answer, and errors that hold no
secret.

What a status means is decided here for all notifiers, as Alertmanager decides it:

    2xx             delivered, whatever comes of the body
    408, 429, 5xx   TemporaryError (timeout, rate_limited, server_error), with Retry-After where it is given
    401, 403        PermanentError (auth)
    410             PermanentError (gone)
    3xx             PermanentError (config): we do not carry signed pages to wherever somebody points
    other           PermanentError (client_error)

No answer at all is Temporary (network or timeout): it may have arrived. Errors say place and status, never an
address, because addresses and headers carry tokens; so they are raised from nothing, and the HTTP library's
own log lines, which print addresses, are silenced.
"""

import asyncio
import logging
import time
from email.utils import parsedate_to_datetime
from typing import NamedTuple, NoReturn

import httpx2

from warn.model.errors import PermanentError, Reason, TemporaryError

MOST_BODY = 64 * 1024
"""Bytes of an answer that are read; the rest is not waited for."""

for _name in ("httpx2", "httpcore2"):
    # Address and headers stand in their INFO and DEBUG lines, and a root logger at DEBUG would print them.
    logging.getLogger(_name).setLevel(logging.WARNING)  # noqa: TID251 - silencing, not logging


class Answer(NamedTuple):
    """A place said yes: 2xx, and what it sent with it, up to `MOST_BODY`."""

    status: int
    body: bytes


class Http:
    """One place's connections. `place` is the word for it in errors, never its address."""

    def __init__(self, place: str, *, deadline_s: float) -> None:
        self._place, self._deadline_s = place, deadline_s
        self._client = httpx2.AsyncClient(
            timeout=httpx2.Timeout(deadline_s),
            follow_redirects=False,
            limits=httpx2.Limits(max_connections=2, max_keepalive_connections=1),
            headers={"user-agent": "warn", "accept-encoding": "identity"},
        )

    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        """Post within the deadline; returns on 2xx only."""
        return await self._ask("POST", url, body, headers)

    async def get(self, url: str) -> Answer:
        """Get within the deadline; returns on 2xx only."""
        return await self._ask("GET", url, None, {})

    async def _ask(self, method: str, url: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        status = 0
        read = bytearray()
        retry_after: str | None = None
        failure: Reason | None = None
        try:
            async with (
                asyncio.timeout(self._deadline_s),
                self._client.stream(method, url, content=body, headers=headers) as response,
            ):
                status = response.status_code
                retry_after = response.headers.get("retry-after")
                async for chunk in response.aiter_raw():
                    read += chunk[: MOST_BODY - len(read)]
                    if len(read) >= MOST_BODY:
                        break
        except (TimeoutError, httpx2.TimeoutException):
            failure = Reason.TIMEOUT
        except (httpx2.InvalidURL, httpx2.LocalProtocolError, httpx2.UnsupportedProtocol):
            failure = Reason.CONFIG
        except httpx2.TransportError:
            failure = Reason.NETWORK
        # Outside of the handlers, so that no error drags the library's, with its address, behind it.
        if 200 <= status < 300:
            return Answer(status, bytes(read))
        if status:
            self._refuse(status, _seconds(retry_after, time.time()))
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
        await self._client.aclose()


def _seconds(retry_after: str | None, now: float) -> float | None:
    """Retry-After in seconds from `now`; None where there is none that can be read."""
    if retry_after is None:
        return None
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:9])
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - now)
    except (ValueError, OverflowError):
        return None

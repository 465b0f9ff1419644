"""Where others send to us: `/in/<name>`. The body is counted while it comes in, and nothing of it is ever logged.

Whether a call is genuine, and what it says, is not decided here; what is decided here is how much, how long and how many
at once. The answer comes when what was sent is on the bus.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from warn.ingest.connector import Call
from warn.ingest.pushes import Answer

PREFIX: Final = "/in/"
MOST_BODY: Final = 1024 * 1024
MOST_HELD: Final = 16 * 1024 * 1024
"""Of all bodies that are coming in together; whoever comes on top of that is asked to come again."""
BODY_S: Final = 10.0
MOST_QUERY: Final = 8_192
MOST_NAME: Final = 64
_ALLOW: Final = {"allow": "POST, GET"}
_CLOSE: Final = {"connection": "close"}
"""What was not read to its end cannot be followed by another request."""

Deliver = Callable[[str, Call], Awaitable[Answer]]
"""Answers a call to a name once what it says is on the bus. Raises nothing."""


class _Refused(NamedTuple):
    status: int
    message: str
    retry_after_s: float | None = None


class Inbound:
    """The route, as an application. `now`: the time of day."""

    def __init__(self, deliver: Deliver, *, now: Callable[[], float] = time.time) -> None:
        self._deliver = deliver
        self._now = now
        self._room = _Room()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        response = await self._answer(Request(scope, receive))
        if response is not None:
            await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response | None:
        refused = _look(request)
        if refused is not None:
            return _refusal(refused)
        held = _Held(self._room)
        try:
            body = await self._body(request, held)
            if isinstance(body, _Refused):
                return _refusal(body)
            call = Call(
                method=request.method,
                query=dict(request.query_params),
                headers=_headers(request),
                body=body,
                at=self._now(),
                peer=request.client.host if request.client else "",
            )
            return _response(await self._deliver(request.scope["path"].removeprefix(PREFIX), call))
        except ClientDisconnect:
            return None
        finally:
            held.let_go()

    async def _body(self, request: Request, held: "_Held") -> bytes | _Refused:
        parts: list[bytes] = []
        length = 0
        try:
            async with asyncio.timeout(BODY_S):
                async for part in request.stream():
                    length += len(part)
                    if length > MOST_BODY:
                        return _Refused(413, f"more than {MOST_BODY:,} bytes")
                    if not held.take(len(part)):
                        return _Refused(503, "too much is coming in at once", 1.0)
                    parts.append(part)
        except TimeoutError:
            return _Refused(408, f"the body was not here after {BODY_S:.0f} s")
        return b"".join(parts)


class _Room:
    """The memory that all bodies may have together."""

    def __init__(self) -> None:
        self.left = MOST_HELD


class _Held:
    """What one call has of it."""

    def __init__(self, room: _Room) -> None:
        self._room = room
        self._bytes = 0

    def take(self, number: int) -> bool:
        """Whether there is room for so many more."""
        if number > self._room.left:
            return False
        self._room.left -= number
        self._bytes += number
        return True

    def let_go(self) -> None:
        """Of all."""
        self._room.left += self._bytes
        self._bytes = 0


def _look(request: Request) -> _Refused | None:
    """What can be said before the body is here."""
    if request.method not in {"POST", "GET"}:
        return _Refused(405, "POST, or GET where a service asks")
    headers = request.headers
    if headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        return _Refused(415, "send the body as it is, without a content-encoding")
    told = headers.get("content-length", "")
    if told.isascii() and told.isdigit() and int(told[:12]) > MOST_BODY:
        return _Refused(413, f"more than {MOST_BODY:,} bytes")
    if len(request.scope.get("query_string", b"")) > MOST_QUERY:
        return _Refused(414, "the address is too long")
    if not 0 < len(request.scope["path"]) - len(PREFIX) <= MOST_NAME:
        return _Refused(404, "not found")
    return None


def _headers(request: Request) -> dict[str, str]:
    """By name; in one pass, since there may be thousands."""
    found: dict[str, list[str]] = {}
    for name, value in request.headers.items():
        found.setdefault(name, []).append(value)
    return {name: ", ".join(values) for name, values in found.items()}


def _refusal(refused: _Refused) -> Response:
    headers = dict(_CLOSE)
    if refused.status == 405:
        headers |= _ALLOW
    if refused.retry_after_s is not None:
        headers["retry-after"] = str(round(refused.retry_after_s))
    return Response(f"{refused.message}\n", refused.status, headers, "text/plain")


def _response(answer: Answer) -> Response:
    headers = dict(_ALLOW) if answer.status == 405 else {}
    if answer.retry_after_s is not None:
        headers["retry-after"] = str(max(1, round(answer.retry_after_s)))
    return Response(answer.body, answer.status, headers, answer.content_type)

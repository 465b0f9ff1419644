"""What comes as it comes: server-sent events, and the frames of a WebSocket."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

import httpx2
from httpx2.websockets import (
    AsyncWebSocketSession,
    HTTPXWSException,
    WebSocketDisconnect,
    WebSocketNetworkError,
    WebSocketUpgradeError,
)

from warn.ingest.outbound.answer import refusal
from warn.ingest.outbound.faults import told
from warn.model.errors import PermanentError, Reason, TemporaryError, WarnError

MOST_EVENT: Final = 1024 * 1024
QUEUE: Final = 4_096
"""Frames that may wait; then the socket is not read, and the service notices."""
Remedies = Mapping[int, str]


class Events:
    """Server-sent events. `receive` raises TemporaryError (network) at their end."""

    def __init__(self, place: str, source: httpx2.EventSource) -> None:
        self._place = place
        self._events = aiter(source)

    async def receive(self) -> httpx2.ServerSentEvent:
        """The next one. Not to be cancelled and called again: one that is cut off ends the stream."""
        with told(self._place):
            try:
                return await anext(self._events)
            except StopAsyncIteration:
                pass
            except httpx2.SSEError:
                raise TemporaryError(
                    f"{self._place}: what it sends are no events", reason=Reason.MALFORMED
                ) from None
        raise TemporaryError(f"{self._place}: it ended the stream", reason=Reason.NETWORK)


class Frames:
    """A WebSocket. `receive` may be cancelled, and loses nothing then."""

    def __init__(self, place: str, session: AsyncWebSocketSession, silence_s: float) -> None:
        self._place, self._session, self._silence_s = place, session, silence_s

    async def receive(self) -> str | bytes:
        """The next text or binary frame. Raises TemporaryError at the end, after silence, and for a frame too large."""
        wrong: WarnError | None = None
        data: str | bytes | bytearray = b""
        with told(self._place):
            try:
                async with asyncio.timeout(self._silence_s):
                    event = await self._session.receive()
                data = event.data  # type: ignore[attr-defined]  # text or bytes, by wsproto's events
            except WebSocketDisconnect as e:
                wrong = TemporaryError(
                    f"{self._place}: it closed the connection (code {e.code})", reason=Reason.NETWORK
                )
            except (WebSocketNetworkError, HTTPXWSException):
                wrong = TemporaryError(f"{self._place}: the connection broke", reason=Reason.NETWORK)
        if wrong is not None:
            raise wrong
        return bytes(data) if isinstance(data, bytearray) else data

    async def send(self, text: str) -> None:
        """Send a text frame. Raises TemporaryError."""
        broken = False
        with told(self._place):
            try:
                await self._session.send_text(text)
            except HTTPXWSException:
                broken = True
        if broken:
            raise TemporaryError(f"{self._place}: the connection broke", reason=Reason.NETWORK)


@asynccontextmanager
async def events(
    client: httpx2.AsyncClient,
    place: str,
    url: str,
    params: Sequence[tuple[str, str]],
    headers: Mapping[str, str],
    remedies: Remedies,
    *,
    deadline_s: float,
    silence_s: float,
) -> AsyncGenerator[Events]:
    """Open a stream of events. Raises as any request does."""
    timeout = httpx2.Timeout(deadline_s, read=silence_s)
    address = httpx2.URL(url, params=list(params)) if params else httpx2.URL(url)
    stream = client.sse(
        address,
        headers={**headers, "accept-encoding": "identity"},
        timeout=timeout,
        max_event_size=MOST_EVENT,
    )
    with told(place):
        async with asyncio.timeout(deadline_s):
            source = await stream.__aenter__()
    try:
        response = source.response
        if response.status_code != 200:
            raise refusal(place, response.status_code, _lower(response.headers), remedies, time.time())
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "text/event-stream":
            raise PermanentError(
                f"{place}: it answers, but not with a stream of events", reason=Reason.MALFORMED
            )
        yield Events(place, source)
    finally:
        await stream.__aexit__(None, None, None)


@asynccontextmanager
async def frames(
    client: httpx2.AsyncClient,
    place: str,
    url: str,
    params: Sequence[tuple[str, str]],
    headers: Mapping[str, str],
    remedies: Remedies,
    *,
    deadline_s: float,
    silence_s: float,
    most: int,
) -> AsyncGenerator[Frames]:
    """Open a WebSocket. Raises as any request does."""
    socket = client.websocket(
        httpx2.URL(url, params=list(params)) if params else url,
        max_message_size_bytes=most,
        queue_size=QUEUE,
        headers=dict(headers),
        timeout=httpx2.Timeout(deadline_s, read=None),
    )
    refused: httpx2.Response | None = None
    session: AsyncWebSocketSession | None = None
    with told(place):
        try:
            async with asyncio.timeout(deadline_s):
                session = await socket.__aenter__()
        except WebSocketUpgradeError as e:
            refused = e.response
    if refused is not None or session is None:
        if refused is None or refused.status_code < 400:
            raise PermanentError(f"{place}: it answers, but not with a WebSocket", reason=Reason.MALFORMED)
        raise refusal(place, refused.status_code, _lower(refused.headers), remedies, time.time())
    try:
        yield Frames(place, session, silence_s)
    finally:
        await _leave(socket)


async def _leave(socket: object) -> None:
    """Close a socket, whatever the other side makes of it."""
    try:
        await socket.__aexit__(None, None, None)  # type: ignore[attr-defined]
    except (HTTPXWSException, httpx2.HTTPError, OSError):
        return


def _lower(headers: httpx2.Headers) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


async def each(events: Events) -> AsyncIterator[httpx2.ServerSentEvent]:
    """Events one by one, until their end raises."""
    while True:
        yield await events.receive()

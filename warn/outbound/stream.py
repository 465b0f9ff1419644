"""What comes as it comes: server-sent events, and the frames of a WebSocket."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import Any, Final

import httpx2
from httpx2.websockets import (
    AsyncWebSocketClient,
    AsyncWebSocketSession,
    WebSocketNetworkError,
    WebSocketUpgradeError,
)

from warn.model.errors import PermanentError, Reason, TemporaryError, WarnError
from warn.outbound.answer import refusal
from warn.outbound.faults import broken, told
from warn.outbound.pieces import Socket
from warn.outbound.pump import Pump, pumping

MOST_EVENT: Final = 1024 * 1024
Remedies = Mapping[int, str]


class Events:
    """Server-sent events. `receive` may be cancelled, and loses nothing then."""

    def __init__(self, pump: Pump[httpx2.ServerSentEvent]) -> None:
        self._pump = pump

    async def receive(self) -> httpx2.ServerSentEvent:
        """The next one. Raises TemporaryError when the stream has ended or was silent for too long, each time again."""
        return await self._pump.take(None)


class Frames:
    """A WebSocket. `receive` may be cancelled, and loses nothing then."""

    def __init__(
        self, place: str, pump: Pump[str | bytes], session: AsyncWebSocketSession, silence_s: float
    ) -> None:
        self._place, self._pump, self._session, self._silence_s = place, pump, session, silence_s

    async def receive(self) -> str | bytes:
        """The next text or binary frame. Raises TemporaryError at the end, after silence, and for a frame too large."""
        return await self._pump.take(self._silence_s)

    async def send(self, text: str) -> None:
        """Send a text frame. Raises TemporaryError."""
        wrong: WarnError | None = None
        try:
            with told(self._place):
                await self._session.send_text(text)
        except WarnError as e:
            wrong = e
        except Exception as e:  # noqa: BLE001 - the protocol library's own errors have no common base
            wrong = broken(self._place, e)
        if wrong is not None:
            raise wrong


@asynccontextmanager
async def events(
    client: httpx2.AsyncClient,
    place: str,
    url: httpx2.URL,
    headers: Mapping[str, str],
    remedies: Remedies,
    *,
    deadline_s: float,
    silence_s: float,
) -> AsyncGenerator[Events]:
    """Open a stream of events. Raises as any request does."""

    async def read(pump: Pump[httpx2.ServerSentEvent]) -> None:
        async with client.sse(
            url,
            headers={**headers, "accept-encoding": "identity"},
            timeout=httpx2.Timeout(deadline_s, read=silence_s),
            max_event_size=MOST_EVENT,
        ) as source:
            _check_events(place, source.response, remedies)
            if not pump.opened.done():
                pump.opened.set_result(None)
            async with aclosing(_generator(source)) as coming:
                async for event in coming:
                    await pump.put(event)

    async with pumping(place, read, largest=MOST_EVENT, deadline_s=deadline_s) as pump:
        yield Events(pump)


def _generator(source: httpx2.EventSource) -> Any:
    """An iterator that can be closed, so that it ends with its reader."""
    return aiter(source)


def _check_events(place: str, response: httpx2.Response, remedies: Remedies) -> None:
    if response.status_code != 200:
        raise refusal(place, response.status_code, _lower(response.headers), remedies, time.time())
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "text/event-stream":
        raise PermanentError(f"{place}: it answers, but not with a stream of events", reason=Reason.MALFORMED)
    if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
        # Unpacking would be the library's, which knows no bound.
        raise PermanentError(
            f"{place}: it answers in an encoding that nobody asked for", reason=Reason.MALFORMED
        )


@asynccontextmanager
async def frames(
    client: httpx2.AsyncClient,
    place: str,
    url: httpx2.URL,
    headers: Mapping[str, str],
    remedies: Remedies,
    *,
    deadline_s: float,
    silence_s: float,
    most: int,
) -> AsyncGenerator[Frames]:
    """Open a WebSocket. Raises as any request does."""
    sessions: list[AsyncWebSocketSession] = []

    async def read(pump: Pump[str | bytes]) -> None:
        wrong: WarnError | None = None
        sink = _Sink(pump)
        socket = Socket(place)
        opening = AsyncWebSocketClient(
            client,
            max_message_size_bytes=most,
            session_class=partial(_Session, sink, socket),  # type: ignore[arg-type]  # it is only called
        )
        timeout = httpx2.Timeout(deadline_s, read=None)
        try:
            async with opening.connect(str(url), headers=dict(headers), timeout=timeout) as session:
                sessions.append(session)
                if not pump.opened.done():
                    pump.opened.set_result(None)
                wrong = _end(place, await sink.ended)
        except WebSocketUpgradeError as e:
            wrong = _not_upgraded(place, e.response, remedies)
        if wrong is not None:
            raise wrong

    async with pumping(place, read, largest=most, deadline_s=deadline_s) as pump:
        yield Frames(place, pump, sessions[0], silence_s)


class _Sink:
    """Where a session's task puts what it receives: frames into the pump, and whatever else is the end."""

    def __init__(self, pump: Pump[str | bytes]) -> None:
        self._pump = pump
        self.ended: asyncio.Future[object] = asyncio.get_running_loop().create_future()

    async def send(self, event: Any) -> None:
        """An event of wsproto's, or an error of the library's."""
        data = getattr(event, "data", None)
        if isinstance(data, str | bytes):
            await self._pump.put(data)
        elif isinstance(data, bytearray):
            await self._pump.put(bytes(data))
        elif not self.ended.done():
            self.ended.set_result(event)


class _Session(AsyncWebSocketSession):
    """Puts what comes into the pump at once. The library's own way hands each frame from task to task, which is most of
    what a stream of thousands a second costs.
    """

    def __init__(self, sink: _Sink, socket: Socket, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._sink = sink
        self.connection = socket

    async def _background_receive(self, max_bytes: int) -> None:
        # The library has no public way; `tests/unit/outbound` would notice its end.
        self._send_event: Any = self._sink
        await super()._background_receive(max_bytes)


def _end(place: str, event: object) -> WarnError:
    """Returned, not raised: raised within the session it would come out in a group."""
    if isinstance(event, WebSocketNetworkError):
        return TemporaryError(f"{place}: the connection broke", reason=Reason.NETWORK)
    code = getattr(event, "code", 1006)
    return TemporaryError(f"{place}: it closed the connection (code {int(code)})", reason=Reason.NETWORK)


def _not_upgraded(place: str, response: httpx2.Response, remedies: Remedies) -> WarnError:
    if response.status_code < 400:
        return PermanentError(f"{place}: it answers, but not with a WebSocket", reason=Reason.MALFORMED)
    return refusal(place, response.status_code, _lower(response.headers), remedies, time.time())


def _lower(headers: httpx2.Headers) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}

"""That whoever floods us holds nobody else up: what comes is read in small pieces, and all others have their turn between.

The protocol libraries take apart whatever one read brings before they let go, and what it brings may be made to be as much
work as possible: a thousand chunks of one byte, frames that say nothing.
"""

from collections.abc import AsyncIterator, Generator, Mapping
from contextvars import ContextVar
from typing import Any, Final

import httpcore2
import httpx2
from wsproto.connection import CLIENT, Connection
from wsproto.events import Event, Message

from warn.model.errors import PermanentError, Reason
from warn.outbound.turns import Turns

PIECE: Final = 8 * 1024
"""Bytes of one read."""
HEAD_PIECE: Final = 1_024
"""Bytes of one read as long as an answer has not begun: 60 answers that say to wait for another, of 17 bytes each."""
MOST_HEAD: Final = 32 * 1024
"""Bytes before the body of an answer: its head, and whatever says that one will follow (HTTP 1xx). Honest heads have 1 to 8 kB."""
MOST_IDLE: Final = 512
"""Frames of one read that are no whole message. Those of an honest server are a ping now and then, and pieces of kilobytes."""


class FloodError(httpcore2.ReadError):
    """An answer that does not begin for all that comes."""


class Head:
    """What has come of the head of an answer."""

    waited: Final[ContextVar["Head | None"]] = ContextVar("waited", default=None)
    """That which the current task waits for: a connection sees bytes, and is not told what they are."""

    def __init__(self) -> None:
        self._came = 0

    def came(self, size: int) -> None:
        """So many bytes more. Raises FloodError."""
        self._came += size
        if self._came > MOST_HEAD:
            raise FloodError("the answer does not begin")

    async def told(self, event: str, _: Mapping[str, Any]) -> None:
        """What the library does at the moment."""
        if event.startswith("http11.receive_response_headers."):
            self.waited.set(self if event.endswith(".started") else None)


class Transport(httpx2.AsyncHTTPTransport):
    """Bounds heads, and hands out bodies that give way between two chunks."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """As the library's own."""
        request.extensions = {**request.extensions, "trace": Head().told}
        response = await super().handle_async_request(request)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _Body(response.stream)
        return response


class _Body(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream
        self.aclose = stream.aclose  # type: ignore[method-assign]

    async def __aiter__(self) -> AsyncIterator[bytes]:
        turns = Turns()
        async for chunk in self._stream:
            yield chunk
            await turns.give_way()


class Socket(Connection):
    """The protocol of a WebSocket, as a client speaks it. `place` is the word for the server in errors."""

    def __init__(self, place: str) -> None:
        super().__init__(CLIENT)
        self._place = place

    def events(self) -> Generator[Event, None, None]:
        """What the last read brought. Raises PermanentError (hostile) where that is next to nothing, many times over."""
        idle = 0
        for event in super().events():
            idle += not (isinstance(event, Message) and event.message_finished)
            if idle > MOST_IDLE:
                raise PermanentError(
                    f"{self._place}: it sends hundreds of frames that hold no message, as one does that means harm",
                    reason=Reason.HOSTILE,
                )
            yield event

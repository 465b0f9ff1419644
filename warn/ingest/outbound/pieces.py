"""That whoever floods us holds nobody else up: what comes is read in small pieces, and all others have their turn between.

The protocol libraries take apart whatever one read brings before they let go, and what it brings may be made to be as much
work as possible: a thousand chunks of one byte, frames that say nothing.
"""

from collections.abc import AsyncIterator, Generator
from typing import Final

import httpx2
from wsproto.connection import CLIENT, Connection
from wsproto.events import Event, Message

from warn.ingest.turns import Turns
from warn.model.errors import PermanentError, Reason

PIECE: Final = 8 * 1024
"""Bytes of one read."""
MOST_IDLE: Final = 512
"""Frames of one read that are no whole message. Those of an honest server are a ping now and then, and pieces of kilobytes."""


class Transport(httpx2.AsyncHTTPTransport):
    """Hands out bodies that give way between two chunks."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """As the library's own."""
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

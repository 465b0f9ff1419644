"""A server that makes as much work as it can holds nobody else up: while it floods us, the loop turns."""

import asyncio
import gzip
import threading
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from socket import socket

import pytest

from tests.contract.connectors.service import Address
from tests.unit.ingest.pulse import pulse
from tests.unit.outbound.streaming import out
from warn.model.errors import PermanentError, Reason, TemporaryError, WarnError
from warn.outbound import Outbound

TRIES = 3
"""On a machine that is busy with other tests; who is held up by us is held up each time."""
MOST_S = 0.15
_CHUNKED = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_EVENTS = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
_GZIP = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n"
_SOCKET = b"HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"
_packer = zlib.compressobj(9, zlib.DEFLATED, 31)
BODIES = {
    "chunks of one byte": (_CHUNKED, b"1\r\nx\r\n" * 20_000),
}
HEADS = {
    "hints": (b"", b"HTTP/1.1 103 \r\n\r\n" * 6_000),
    "hints to wait": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 6_000),
    "a head without end": (b"HTTP/1.1 200 OK\r\n", b"a:\r\n" * 20_000),
    "a line without end": (b"HTTP/1.1 200 OK\r\na: ", b"b" * 100_000),
}
STREAMS = {
    "chunks of one byte": (_CHUNKED, b"1\r\n:\r\n1\r\n\n\r\n" * 10_000),
    "comments": (_EVENTS, b":\n" * 60_000),
    "small events": (_EVENTS, b"data:\n\n" * 20_000),
}
PACKED = {
    "packed nothing": (_GZIP + _packer.compress(b""), b"\0\0\0\xff\xff" * 20_000),
    "after the end": (_GZIP + gzip.compress(b"x"), b"z" * 100_000),
}
IDLE = {
    "pings": (_SOCKET, b"\x89\0" * 60_000),
    "pongs": (_SOCKET, b"\x8a\0" * 60_000),
    "empty pieces": (_SOCKET + b"\x02\0", b"\0\0" * 60_000),
    "pieces of one byte": (_SOCKET + b"\x01\0", b"\0\x01x" * 40_000),
}


@contextmanager
def flooding(head: bytes, flood: bytes) -> Iterator[Address]:
    """Answers with a head, and then with a flood that does not end; from a thread, so that its own work is not ours."""
    with socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        thread = threading.Thread(target=_flood, args=(listening, head, flood))
        thread.start()
        try:
            yield Address(listening.getsockname()[1])
        finally:
            with suppress(OSError):
                listening.shutdown(2)
            thread.join(10)


def _flood(listening: socket, head: bytes, flood: bytes) -> None:
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        with connection, suppress(OSError):
            connection.recv(65_536)
            connection.sendall(head)
            while True:
                connection.sendall(flood)


async def _body(there: Outbound, address: Address) -> None:
    await there.get(address.url)


async def _events(there: Outbound, address: Address) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(1), there.events(address.url) as events:
            while True:
                await events.receive()


async def _frames(there: Outbound, address: Address) -> None:
    async with there.frames(address.ws) as frames:
        await frames.receive()


async def _held_up(read: object, told: Sequence[bytes], deadline_s: float = 1.0) -> WarnError | None:
    """What came of it. Raises AssertionError where the loop stood still, each time that it was tried."""
    failed: AssertionError | None = None
    for _ in range(TRIES):
        error: WarnError | None = None
        with flooding(*told) as address:
            try:
                async with out(address, deadline_s=deadline_s) as there, pulse(MOST_S):
                    try:
                        await read(there, address)  # type: ignore[operator]
                    except WarnError as e:
                        error = e
            except AssertionError as e:
                failed = e
                continue
        return error
    assert failed is not None
    raise failed


@pytest.mark.parametrize("name", BODIES)
async def test_a_body(name: str) -> None:
    error = await _held_up(_body, BODIES[name])
    assert isinstance(error, TemporaryError) and error.reason is Reason.TIMEOUT


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("read", [_body, _events, _frames])
async def test_an_answer_that_does_not_begin_ends(name: str, read: object) -> None:
    error = await _held_up(read, HEADS[name], 20.0)
    assert isinstance(error, PermanentError) and error.reason is Reason.HOSTILE
    assert "bytes before its answer begins" in str(error)


async def test_a_large_head_and_hints_before_it_are_read() -> None:
    """The head, a hint before it, and a body of more than a head may have."""
    head = b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 100000\r\n"
    told = head + b"".join(b"x-%d: %s\r\n" % (i, b"y" * 1_000) for i in range(20)) + b"\r\n" + b"z" * 100_000
    with flooding(told, b"z" * 100_000) as address:
        async with out(address, deadline_s=20.0) as there:
            answer = await there.get(address.url)
    assert len(answer.body) == 100_000 and len(answer.headers["x-19"]) == 1_000


@pytest.mark.parametrize("name", STREAMS)
async def test_events(name: str) -> None:
    assert await _held_up(_events, STREAMS[name]) is None


@pytest.mark.parametrize("name", PACKED)
async def test_what_unpacks_to_nothing_ends(name: str) -> None:
    error = await _held_up(_body, PACKED[name], 20.0)
    assert isinstance(error, PermanentError) and error.reason is Reason.HOSTILE


@pytest.mark.parametrize("name", IDLE)
async def test_frames_that_hold_no_message(name: str) -> None:
    error = await _held_up(_frames, IDLE[name], 20.0)
    assert isinstance(error, PermanentError) and error.reason is Reason.HOSTILE
    assert str(error).startswith("the stream: it sends hundreds of frames")

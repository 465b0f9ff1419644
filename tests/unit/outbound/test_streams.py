"""Events and frames: how they open, go wrong, end, and are cut off."""

import asyncio
import gzip
from collections.abc import AsyncGenerator, AsyncIterator

import pytest
from starlette.websockets import WebSocket

from tests.contract.connectors.service import Address, raw, serve
from tests.unit.outbound.guarded import secrets_in
from tests.unit.outbound.serving import KEY, QUERY, SECRETS, left_of, says
from tests.unit.outbound.streaming import first_of, out, socket, stream
from warn.ingest.burst import burst
from warn.model.errors import PermanentError, Reason, TemporaryError, WarnError
from warn.outbound import Outbound


async def test_events_come_one_by_one_until_their_end() -> None:
    async def lines() -> AsyncIterator[str]:
        yield ": hello\n\nid: 1\nevent: post\ndata: a\ndata: b\n\n"
        yield "id: 2\ndata: c\n\ndata: never ends"

    async with (
        serve(stream(lines)) as address,
        out(address) as there,
        there.events(f"{address.url}/events", params={"token": QUERY}) as events,
    ):
        first, second = await events.receive(), await events.receive()
        with pytest.raises(TemporaryError, match="ended the stream"):
            await events.receive()
        with pytest.raises(TemporaryError, match="ended the stream") as caught:
            await events.receive()
    assert (first.id, first.event, first.data, second.id, second.data) == ("1", "post", "a\nb", "2", "c")
    assert secrets_in(caught.value, SECRETS) == [] and caught.value.reason is Reason.NETWORK


async def test_a_burst_of_events_loses_none() -> None:
    """`burst` cuts waiting off after 20 ms, again and again, in the middle of whatever comes."""

    async def lines() -> AsyncIterator[str]:
        for i in range(400):
            yield f"data: {i}"
            if i % 7 == 0:
                await asyncio.sleep(0.004)
            yield "\n\n"

    got: list[str] = []
    async with (
        serve(stream(lines)) as address,
        out(address) as there,
        there.events(f"{address.url}/events") as events,
    ):
        while len(got) < 400:
            got += [event.data for event in await burst(events.receive, linger_s=0.002)]
    assert got == [str(i) for i in range(400)]


async def test_a_burst_of_frames_loses_none() -> None:
    async def work(ws: WebSocket) -> None:
        for i in range(2_000):
            await ws.send_text(str(i))
            if i % 50 == 0:
                await asyncio.sleep(0.003)
        await ws.receive()

    got: list[str | bytes] = []
    async with (
        serve(socket(work)) as address,
        out(address) as there,
        there.frames(f"{address.ws}/frames") as frames,
    ):
        while len(got) < 2_000:
            got += await burst(frames.receive, linger_s=0.001)
    assert got == [str(i) for i in range(2_000)]


async def test_frames_both_ways() -> None:
    async def work(ws: WebSocket) -> None:
        await ws.send_text(await ws.receive_text())
        await ws.send_bytes(b"\x00\xff")
        await ws.close(4_003, f"no {KEY}")

    async with (
        serve(socket(work)) as address,
        out(address) as there,
        there.frames(f"{address.ws}/frames", params={"token": QUERY}) as frames,
    ):
        await frames.send("hello")
        assert await frames.receive() == "hello" and await frames.receive() == b"\x00\xff"
        with pytest.raises(TemporaryError, match="code 4003"):
            await frames.receive()
        with pytest.raises(TemporaryError, match="code 4003") as caught:
            await frames.receive()
        await asyncio.sleep(0.05)
        with pytest.raises(TemporaryError):
            await frames.send("too late")
    assert secrets_in(caught.value, SECRETS) == []


@pytest.mark.parametrize("kind", ["events", "frames"])
@pytest.mark.parametrize(
    ("status", "error", "reason", "after"),
    [
        (401, TemporaryError, Reason.AUTH, None),
        (403, TemporaryError, Reason.AUTH, None),
        (404, PermanentError, Reason.CLIENT, None),
        (410, PermanentError, Reason.GONE, None),
        (429, TemporaryError, Reason.RATE_LIMITED, 9.0),
        (503, TemporaryError, Reason.SERVER, 9.0),
        (302, PermanentError, None, None),
        (200, PermanentError, Reason.MALFORMED, None),
    ],
)
async def test_refused(
    kind: str, status: int, error: type[WarnError], reason: Reason | None, after: float | None
) -> None:
    async def say(writer: asyncio.StreamWriter) -> None:
        retry = "retry-after: 9\r\n" if after else ""
        writer.write(
            f"HTTP/1.1 {status} X\r\n{retry}location: http://169.254.169.254/\r\ncontent-length: {len(KEY)}\r\n\r\n{KEY}".encode()
        )

    before = asyncio.all_tasks()
    async with raw(says(say)) as address, out(address) as there:
        with pytest.raises(error) as caught:
            await first_of(there, kind, address)
        assert left_of(before) == set()
    assert getattr(caught.value, "retry_after_s", None) == after and reason in {None, caught.value.reason}
    assert secrets_in(caught.value, SECRETS) == []
    if status == 401:
        assert "make a new token" in str(caught.value)


@pytest.mark.parametrize("kind", ["events", "frames"])
async def test_silent_from_the_start_and_later(kind: str) -> None:
    async def nothing(_: asyncio.StreamWriter) -> None:
        await asyncio.sleep(9)

    async def lines() -> AsyncIterator[str]:
        await asyncio.sleep(9)
        yield ""

    async def work(ws: WebSocket) -> None:
        await ws.receive()

    async with raw(says(nothing)) as address, out(address, deadline_s=0.3) as there:
        with pytest.raises(TemporaryError, match="no answer in time") as caught:
            await first_of(there, kind, address)
    assert secrets_in(caught.value, SECRETS) == []
    async with serve(stream(lines) if kind == "events" else socket(work)) as address, out(address) as there:
        with pytest.raises(TemporaryError, match="no answer in time") as caught:
            await first_of(there, kind, address)
    assert caught.value.reason is Reason.TIMEOUT and secrets_in(caught.value, SECRETS) == []


async def test_a_giant_event() -> None:
    async def lines() -> AsyncIterator[str]:
        yield "data: "
        for _ in range(40):
            yield "x" * 65_536

    async with serve(stream(lines)) as address, out(address) as there:
        with pytest.raises(TemporaryError) as caught:
            await first_of(there, "events", address)
    assert caught.value.reason is Reason.MALFORMED


async def test_packed_events_are_refused() -> None:
    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n"
            + gzip.compress(b"data: x\n" * 9_000_000, 1)
        )

    async with raw(says(say)) as address, out(address) as there:
        with pytest.raises(PermanentError, match="encoding"):
            await first_of(there, "events", address)


async def test_a_giant_frame() -> None:
    async def work(ws: WebSocket) -> None:
        await ws.send_text("x" * 5_000)
        await ws.receive()

    async with serve(socket(work)) as address, out(address) as there:
        with pytest.raises(TemporaryError, match="code 1009"):
            await first_of(there, "frames", address, most=1_000)


async def test_a_small_limit_takes_small_frames() -> None:
    async def work(ws: WebSocket) -> None:
        for i in range(500):
            await ws.send_text(str(i))
        await ws.receive()

    async with (
        serve(socket(work)) as address,
        out(address) as there,
        there.frames(f"{address.ws}/frames", most=64) as frames,
    ):
        assert [await frames.receive() for _ in range(500)] == [str(i) for i in range(500)]


@pytest.mark.parametrize(
    "garbage", [b"\xff\xff\xff\xff\x00garbage" * 50, b"\x81\x7e\x00", b"\x88\x02\x03\xe8", b""]
)
async def test_garbage_in_place_of_frames(garbage: bytes) -> None:
    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n" + garbage)
        await writer.drain()

    before = asyncio.all_tasks()
    async with raw(says(say)) as address, out(address) as there:
        with pytest.raises(TemporaryError) as caught:
            await first_of(there, "frames", address)
        assert left_of(before) == set()
    assert secrets_in(caught.value, SECRETS) == []


@pytest.mark.parametrize("kind", ["events", "frames"])
@pytest.mark.parametrize("moment", ["opening", "waiting", "full"])
async def test_cancelled_it_leaves_nothing(kind: str, moment: str) -> None:
    gone = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if moment != "opening":
            if kind == "events":
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
            else:
                writer.write(b"HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")
        if moment == "full":
            writer.write((b"data: x\n\n" if kind == "events" else b"\x81\x01x") * 100_000)
        try:
            while await reader.read(65_536):
                pass
        finally:
            gone.set()

    async with raw(handle) as address, out(address, deadline_s=5.0) as there:
        before = asyncio.all_tasks()
        async with asyncio.TaskGroup() as group:
            task = group.create_task(_hold(there, kind, address))
            await asyncio.sleep(0.15)
            task.cancel()
        await asyncio.sleep(0.01)  # the library's generators are closed by the loop, a moment later
        assert task.cancelled() and left_of(before) == set()
        async with asyncio.timeout(1):
            await gone.wait()


async def _hold(there: Outbound, kind: str, address: Address) -> None:
    if kind == "events":
        async with there.events(f"{address.url}/e") as events:
            await events.receive()
            await asyncio.sleep(9)
    else:
        async with there.frames(f"{address.ws}/f") as frames:
            await frames.receive()
            await asyncio.sleep(9)


async def _trips(there: Outbound, kind: str, address: Address) -> None:
    if kind == "events":
        async with there.events(f"{address.url}/events"):
            raise ZeroDivisionError
    async with there.frames(f"{address.ws}/frames"):
        raise ZeroDivisionError


@pytest.mark.parametrize("kind", ["events", "frames"])
async def test_an_error_of_the_reader_stays_its_own(kind: str) -> None:
    async def lines() -> AsyncIterator[str]:
        while True:
            yield "data: x\n\n"
            await asyncio.sleep(0.01)

    async def work(ws: WebSocket) -> None:
        await ws.receive()

    before = asyncio.all_tasks()
    async with serve(stream(lines) if kind == "events" else socket(work)) as address, out(address) as there:
        with pytest.raises(ZeroDivisionError):
            await _trips(there, kind, address)

        async def gives() -> AsyncGenerator[int, None]:
            async with (
                there.frames(f"{address.ws}/frames")
                if kind == "frames"
                else there.events(f"{address.url}/events")
            ):
                yield 1
                await asyncio.sleep(9)

        giving = gives()
        assert await anext(giving) == 1
        await giving.aclose()  # as the supervisor closes a connector
        assert not {t for t in left_of(before) if "pump" in repr(t).lower()}

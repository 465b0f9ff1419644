"""The route that others send to, over real sockets: how much, how long, how many, and what is left behind."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx2
import pytest

from tests.unit.ingest.pulse import pulse
from warn.ingest.connector import Call
from warn.ingest.pushes import Answer
from warn.telemetry import metrics
from warn.web import inbound, patience
from warn.web.health import Health
from warn.web.inbound import MOST_BODY
from warn.web.routes import build
from warn.web.server import Server
from warn.web.store import Store


class Heard:
    """Keeps what it was given, and answers with what it was told."""

    def __init__(self, answer: Answer = Answer(200, b"{}", "application/json")) -> None:  # noqa: B008 - it cannot change
        self.answer = answer
        self.calls: list[tuple[str, Call]] = []

    async def __call__(self, name: str, call: Call) -> Answer:
        self.calls.append((name, call))
        return self.answer


async def listens(server: Server) -> None:
    """Bound at once, a socket listens a moment later."""
    while True:
        with suppress(ConnectionRefusedError):
            _, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.close()
            return
        await asyncio.sleep(0.01)


@asynccontextmanager
async def serving(heard: Heard) -> AsyncIterator[Server]:
    store = Store()
    server = Server(build(store, Health(), metrics.exposition, deliver=heard), "127.0.0.1", 0)
    async with asyncio.timeout(50), asyncio.TaskGroup() as group:
        running = group.create_task(server.run())
        await listens(server)
        try:
            yield server
        finally:
            server.stop()
            await running
            store.close()


async def ask(server: Server, method: str, path: str, **more: object) -> httpx2.Response:
    async with httpx2.AsyncClient(trust_env=False, timeout=30) as client:
        return await client.request(method, server.url + path, **more)


async def raw(server: Server, *parts: bytes) -> bytes:
    """All that is answered until the other side closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        return await reader.read()
    finally:
        writer.close()


async def test_a_call_comes_through_as_it_was_sent() -> None:
    heard = Heard()
    body = b'{"a": "\xc3\xa9"}\r\n'
    async with serving(heard) as server:
        answer = await ask(
            server,
            "POST",
            "/in/hook?crc_token=a%20b",
            content=body,
            headers={"X-Hub-Signature-256": "sha256=0"},
        )
        assert answer.status_code == 200
        assert answer.headers["x-content-type-options"] == "nosniff"
        # By whatever name the sender knows us: what is sent is signed.
        named = await ask(server, "POST", "/in/hook", content=body, headers={"Host": "warn.example"})
        assert named.status_code == 200
    name, call = heard.calls[0]
    assert (name, call.method, call.body, call.query) == ("hook", "POST", body, {"crc_token": "a b"})
    assert call.headers["x-hub-signature-256"] == "sha256=0"
    assert call.peer == "127.0.0.1"


async def test_what_is_turned_away_before_it_is_looked_at() -> None:
    heard = Heard()
    async with serving(heard) as server:
        for method in ("HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"):
            answer = await ask(server, method, "/in/hook")
            assert (answer.status_code, answer.headers["allow"]) == (405, "POST, GET")
        for packed in ("gzip", "br", "deflate", "zstd", "gzip, identity"):
            assert (
                await ask(server, "POST", "/in/hook", headers={"content-encoding": packed}, content=b"a")
            ).status_code == 415
        assert (await ask(server, "POST", "/in/hook", content=b"a" * (MOST_BODY + 1))).status_code == 413
        assert (await ask(server, "POST", "/in/hook?a=" + "a" * 9_000)).status_code == 414
        assert (await ask(server, "POST", "/in/")).status_code == 404
        assert (await ask(server, "POST", "/in/" + "a" * 65)).status_code == 404
        assert heard.calls == []
        assert (await ask(server, "POST", "/in/hook", content=b"a" * MOST_BODY)).status_code == 200


async def test_a_length_that_lies_is_found_out_by_counting() -> None:
    heard = Heard()
    chunk = b"10000\r\n" + b"a" * 65_536 + b"\r\n"
    head = b"POST /in/hook HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with serving(heard) as server:
        assert b" 413 " in await raw(server, head, *([chunk] * 17))
        assert heard.calls == []
        assert b" 200 " in await raw(
            server, head.replace(b"Host", b"Connection: close\r\nHost"), *([chunk] * 16), b"0\r\n\r\n"
        )


async def test_when_to_come_again_is_said() -> None:
    heard = Heard(Answer(503, b"try again later\n", retry_after_s=4.6))
    async with serving(heard) as server:
        answer = await ask(server, "POST", "/in/hook", content=b"{}")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


async def test_bodies_that_come_in_together_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one call held is given back, however it ended."""
    monkeypatch.setattr(inbound, "MOST_HELD", 300_000)
    monkeypatch.setattr(inbound, "BODY_S", 1.0)
    heard = Heard()
    head = b"POST /in/hook HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n"
    async with serving(heard) as server:
        slow = asyncio.ensure_future(raw(server, head, b"a" * 199_000))
        await asyncio.sleep(0.3)
        refused = await ask(server, "POST", "/in/hook", content=b"a" * 200_000)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert b" 408 " in await slow
        for _ in range(5):
            assert (await ask(server, "POST", "/in/hook", content=b"a" * 200_000)).status_code == 200


async def test_a_head_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "HEAD_S", 0.3)
    heard = Heard()
    async with serving(heard) as server:
        for parts in ((), (b"POST /in/hook HTTP/1.1\r\nX-Slow: ",), (b"P",)):
            assert await raw(server, *parts) == b""
        # The second head of a connection as well; and a body may take longer than a head.
        first = b"POST /in/hook HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"
        assert (await raw(server, first, b"POST /in/ho")).count(b"HTTP/1.1 200") == 1
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(first[:-1])
        await asyncio.sleep(0.6)
        writer.write(b"}")
        assert b" 200 " in await reader.readline()
        writer.close()
    assert [call.body for _, call in heard.calls] == [b"{}", b"{}"]


async def _read_with_others(server: Server, data: bytes) -> bytes:
    """All that is answered. Raises AssertionError where the loop stood still, each of three times."""
    failed: AssertionError | None = None
    for _ in range(3):
        try:
            async with pulse(0.2):
                return await raw(server, data)
        except AssertionError as e:
            failed = e
    assert failed is not None
    raise failed


async def test_what_is_much_work_to_take_apart_leaves_others_their_turn() -> None:
    heard = Heard()
    chunks = b"POST /in/hook HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    asked = b"GET /in/hook HTTP/1.1\r\nHost: a\r\n\r\n"
    async with serving(heard) as server:
        assert b" 200 " in await _read_with_others(server, chunks + b"1\r\nx\r\n" * 40_000 + b"0\r\n\r\n")
        assert {call.body for _, call in heard.calls} == {b"x" * 40_000}
        many = asked * 300 + asked.replace(b"Host", b"Connection: close\r\nHost")
        assert (await _read_with_others(server, many)).count(b"HTTP/1.1 200") == 301


async def test_headers_that_come_twice_are_joined() -> None:
    heard = Heard()
    async with serving(heard) as server:
        await raw(
            server,
            b"POST /in/hook HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nx-b: 2\r\nx-a: 3\r\nConnection: close\r\n\r\n",
        )
    headers = heard.calls[0][1].headers
    assert (headers["x-a"], headers["x-b"]) == ("1, 3", "2")


async def test_without_anything_to_send_to_there_is_no_route() -> None:
    store = Store()
    server = Server(build(store, Health(), metrics.exposition), "127.0.0.1", 0)
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        running = group.create_task(server.run())
        await listens(server)
        assert (await ask(server, "POST", "/in/hook", content=json.dumps({}).encode())).status_code == 404
        server.stop()
        await running
        store.close()

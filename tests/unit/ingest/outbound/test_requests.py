"""Requests over real sockets: what services may do to us, and that nothing of ours stands in what is said of it."""

import asyncio
import gzip
import logging
import random
import ssl
import subprocess
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from time import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contract.connectors.service import Address, Handle, free_port, raw
from tests.unit.ingest.outbound.guarded import secrets_in
from warn.ingest.outbound import Outbound
from warn.ingest.outbound.answer import refusal, retry_after
from warn.ingest.outbound.body import read_body
from warn.ingest.outbound.faults import told
from warn.model.errors import PermanentError, Reason, TemporaryError, WarnError

KEY, QUERY = "planted-key-1", "planted-query-2"
SECRETS = (KEY, QUERY)
REMEDIES = {401: "make a new token at forum.example and set it as `token`"}


def answering(*answers: bytes, heads: list[bytes] | None = None) -> Handle:
    """One answer for each request, the last one for ever; notes the heads of requests down."""
    left = list(answers)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            if heads is not None:
                heads.append(head)
            writer.write(left.pop(0) if len(left) > 1 else left[0])
            await writer.drain()

    return handle


def ok(body: bytes = b"fine", *headers: str) -> bytes:
    return http(200, *headers, body=body)


def http(status: int, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"content-length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def out(address: Address, *more: Address, **settings: object) -> Outbound:
    settings = {"deadline_s": 2.0, **settings}
    return Outbound(
        "the forum",
        inside=[address.inside, *(one.inside for one in more)],
        headers={"authorization": f"Bearer {KEY}"},
        remedies=REMEDIES,
        **settings,
    )


def left_of(before: set[asyncio.Task[object]]) -> set[asyncio.Task[object]]:
    """Tasks that are new, other than the server's own."""
    servers = ("hold", "_accept_connection2")
    return {t for t in asyncio.all_tasks() - before if not any(own in repr(t.get_coro()) for own in servers)}


async def error_of(address: Address, **settings: object) -> WarnError:
    before = asyncio.all_tasks()
    async with out(address, **settings) as forum:
        with pytest.raises(WarnError) as caught:
            await forum.get(f"{address.url}/feed?token={QUERY}", params={"key": QUERY})
    assert secrets_in(caught.value, SECRETS) == []
    assert left_of(before) == set()
    return caught.value


async def test_an_answer() -> None:
    heads: list[bytes] = []
    async with (
        raw(answering(ok(gzip.compress(b"zipped"), "content-encoding: gzip"), heads=heads)) as address,
        out(address) as forum,
    ):
        answer = await forum.get(
            f"{address.url}/x?a=1", params=[("b", "2"), ("b", "3")], headers={"X-More": "m"}
        )
    assert (answer.status, answer.body, answer.moved) == (200, b"zipped", False)
    assert answer.headers["content-encoding"] == "gzip" and answer.url == f"{address.url}/x?a=1&b=2&b=3"
    head = heads[0].decode().lower()
    assert (
        head.startswith("get /x?a=1&b=2&b=3 http/1.1\r\n") and f"bearer {KEY}" in head and "x-more: m" in head
    )
    assert "user-agent: warn-daemon/" in head and "accept-encoding: gzip\r\n" in head


async def test_a_post() -> None:
    heads: list[bytes] = []
    async with (
        raw(answering(ok(), http(307, "location: /again"), heads=heads)) as address,
        out(address) as forum,
    ):
        assert (await forum.post(f"{address.url}/x", content=b"")).body == b"fine"
        with pytest.raises(PermanentError, match="final address"):
            await forum.post(f"{address.url}/x", content=b"")
    assert len(heads) == 2 and heads[0].startswith(b"POST /x ")


@pytest.mark.parametrize(
    ("status", "headers", "kind", "reason", "after"),
    [
        (401, (), TemporaryError, Reason.AUTH, None),
        (403, ("retry-after: 5",), TemporaryError, Reason.AUTH, 5.0),
        (404, (), PermanentError, Reason.CLIENT, None),
        (408, (), TemporaryError, Reason.TIMEOUT, None),
        (410, (), PermanentError, Reason.GONE, None),
        (418, (), PermanentError, Reason.CLIENT, None),
        (429, ("retry-after: 37",), TemporaryError, Reason.RATE_LIMITED, 37.0),
        (429, ("retry-after: soon",), TemporaryError, Reason.RATE_LIMITED, None),
        (500, (), TemporaryError, Reason.SERVER, None),
        (503, ("retry-after: 1",), TemporaryError, Reason.SERVER, 1.0),
        (304, (), PermanentError, Reason.CLIENT, None),
        (302, (), PermanentError, Reason.CLIENT, None),
    ],
)
async def test_statuses(
    status: int, headers: tuple[str, ...], kind: type[WarnError], reason: Reason, after: float | None
) -> None:
    body = f"{KEY} is not valid".encode()
    async with raw(answering(http(status, *headers, body=body))) as address:
        error = await error_of(address)
    assert type(error) is kind and error.reason is reason and getattr(error, "retry_after_s", None) == after
    if status in {401, 403}:
        assert "make a new token" in str(error)


async def test_what_is_accepted_besides() -> None:
    async with raw(answering(http(304, 'etag: "x"'))) as address, out(address) as forum:
        assert (await forum.get(address.url, accept=(304,))).headers["etag"] == '"x"'


async def test_redirects_are_followed_three_times() -> None:
    there = http(301, "location: /b"), http(308, "location: c"), http(301, "location: ./d?e=1#f"), ok()
    async with raw(answering(*there)) as address, out(address) as forum:
        answer = await forum.get(f"{address.url}/a")
        assert (answer.body, answer.moved, answer.url) == (b"fine", True, f"{address.url}/d?e=1#f")
    async with (
        raw(answering(http(301, "location: /b"), http(302, "location: /c"), ok())) as address,
        out(address) as forum,
    ):
        answer = await forum.get(f"{address.url}/a")
        assert answer.body == b"fine" and not answer.moved
    async with raw(answering(http(302, "location: /again"))) as address:
        assert "round in circles" in str(await error_of(address))


@pytest.mark.parametrize(
    "location",
    ["http://169.254.169.254/latest", "file:///etc/passwd", "ftp://127.0.0.1/", "//127.0.0.1:22/", "http://[::1",
     "http://127.0.0.1:22/", "http://user@127.0.0.1/", "gopher://x/", "http://\\", "http://2130706433/", "x" * 70_000],
)  # fmt: skip
async def test_no_redirect_leads_inside(location: str, monkeypatch: pytest.MonkeyPatch) -> None:
    dialled: list[tuple[str, int]] = []
    async with raw(answering(http(302, f"location: {location}"))) as address, out(address) as forum:
        real = forum._guard._net.connect_tcp

        async def noted(host: str, port: int, *rest: object, **named: object) -> object:
            dialled.append((host, port))
            return await real(host, port, *rest, **named)

        monkeypatch.setattr(forum._guard._net, "connect_tcp", noted)
        with pytest.raises(WarnError) as caught:
            await forum.get(f"{address.url}/?token={QUERY}")
    assert dialled == [("127.0.0.1", address.port)]
    assert (
        caught.value.reason in {Reason.HOSTILE, Reason.MALFORMED, Reason.NETWORK}
        and secrets_in(caught.value, SECRETS) == []
    )


async def test_nobody_outside_sends_us_to_a_place_inside() -> None:
    """What the settings list is for the connector, not for whoever it asks."""
    async with (
        raw(answering(ok())) as forum,
        raw(answering(http(302, f"location: {forum.url}/admin"))) as feed,
    ):
        async with out(forum, feed) as both:
            assert (await both.get(feed.url)).body == b"fine"
        async with out(forum, feed) as both:
            both._inside = frozenset(
                {("127.0.0.1", forum.port)}
            )  # the feed stands for one of the open internet
            with pytest.raises(PermanentError, match="not of the open internet"):
                await both.get(feed.url)


async def test_keys_stay_with_their_host() -> None:
    heads: list[bytes] = []
    async with raw(answering(ok(), heads=heads)) as other:
        async with (
            raw(answering(http(302, f"location: {other.url}/x"), heads=heads)) as address,
            out(address, other) as forum,
        ):
            await forum.get(address.url, headers={"x-api-key": KEY})
        assert KEY.encode() in heads[0] and KEY.encode() not in heads[1]


async def test_nobody_marks_us() -> None:
    heads: list[bytes] = []
    async with (
        raw(answering(ok(b"x", "set-cookie: id=1; path=/"), heads=heads)) as address,
        out(address) as forum,
    ):
        for _ in range(2):
            await forum.get(address.url)
    assert b"cookie" not in heads[1].lower()


async def _drip(writer: asyncio.StreamWriter, data: bytes) -> None:
    for byte in data:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.02)


def says(data: Callable[[asyncio.StreamWriter], Awaitable[None]]) -> Handle:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await data(writer)

    return handle


async def _headers_without_end(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    for i in range(100_000):
        writer.write(b"x-%d: %s\r\n" % (i, b"y" * 100))
        await writer.drain()


async def _informs_without_end(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1_000)
        await writer.drain()


async def _giant(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b" " * 65_536 + b"\r\n")
        await writer.drain()


async def _nothing(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)


async def _hangs_up(writer: asyncio.StreamWriter) -> None:
    return


FAULTS: dict[str, tuple[Handle, type[WarnError], Reason]] = {
    "bomb": (answering(ok(gzip.compress(bytes(64 << 20)), "content-encoding: gzip")), PermanentError, Reason.HOSTILE),
    "layered": (answering(ok(b"x", "content-encoding: gzip, gzip")), PermanentError, Reason.MALFORMED),
    "brotli": (answering(ok(b"x", "content-encoding: br")), PermanentError, Reason.MALFORMED),
    "no gzip": (answering(ok(b"plain", "content-encoding: gzip")), TemporaryError, Reason.MALFORMED),
    "half a gzip": (
        answering(ok(gzip.compress(random.Random(1).randbytes(9_000))[:5_000], "content-encoding: gzip")),
        TemporaryError,
        Reason.MALFORMED,
    ),
    "giant": (says(_giant), PermanentError, Reason.HOSTILE),
    "said to be giant": (answering(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\nx"), TemporaryError, Reason.TIMEOUT),
    "slow head": (says(lambda w: _drip(w, ok(b"x", "y: " + "z" * 4_000))), TemporaryError, Reason.TIMEOUT),
    "slow body": (says(lambda w: _drip(w, ok(b"x" * 4_000))), TemporaryError, Reason.TIMEOUT),
    "half-open": (says(_nothing), TemporaryError, Reason.TIMEOUT),
    "flood of headers": (says(_headers_without_end), TemporaryError, Reason.MALFORMED),
    "flood of hints": (says(_informs_without_end), TemporaryError, Reason.TIMEOUT),
    "no HTTP": (answering(b"220 smtp.example ESMTP\r\n\r\n"), TemporaryError, Reason.MALFORMED),
    "NULs": (answering(b"\0" * 1_000 + b"\r\n\r\n"), TemporaryError, Reason.MALFORMED),
    "hangs up": (says(_hangs_up), TemporaryError, Reason.NETWORK),
    "half a body": (says(lambda w: _say(w, b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx")), TemporaryError, Reason.NETWORK),
    "two lengths": (answering(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxy"), TemporaryError, Reason.MALFORMED),
    "no chunks": (answering(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"), TemporaryError, Reason.MALFORMED),
}  # fmt: skip


async def _say(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)


@pytest.mark.parametrize("name", FAULTS)
async def test_faults(name: str) -> None:
    handle, kind, reason = FAULTS[name]
    async with (
        raw(handle) as address,
        asyncio.timeout(5),
    ):
        error = await error_of(address, deadline_s=0.7)
    assert (type(error), error.reason) == (kind, reason), str(error)


async def test_nobody_there() -> None:
    error = await error_of(Address(free_port()))
    assert error.reason is Reason.NETWORK and "cannot be reached" in str(error)


@pytest.mark.parametrize("size", [99, 100, 101])
@pytest.mark.parametrize("packed", [True, False])
async def test_as_much_as_is_allowed_and_no_more(size: int, packed: bool) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        data = gzip.compress(b"x" * size) if packed else b"x" * size
        for i in range(0, len(data), 7):
            yield data[i : i + 7]

    reading = read_body("the forum", "gzip" if packed else "", chunks(), 100)
    if size <= 100:
        assert await reading == b"x" * size
    else:
        with pytest.raises(PermanentError, match="larger than 100 bytes"):
            await reading


async def test_an_empty_body_needs_no_packing() -> None:
    async with raw(answering(ok(b"", "content-encoding: gzip"))) as address, out(address) as forum:
        assert (await forum.get(address.url)).body == b""
    async with (
        raw(answering(ok(zlib.compress(b"z"), "content-encoding: deflate"))) as address,
        out(address) as forum,
    ):
        assert (await forum.get(address.url)).body == b"z"


@asynccontextmanager
async def _cancelled(work: Awaitable[object]) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(work)
        await asyncio.sleep(0.1)
        task.cancel()
        yield
    assert task.cancelled()


async def test_cancelled_it_leaves_nothing() -> None:
    closed = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.read()
        closed.set()

    async with raw(handle) as address:
        before = asyncio.all_tasks()
        async with out(address) as forum:
            async with _cancelled(forum.get(address.url)):
                pass
            async with asyncio.timeout(1):
                await closed.wait()
            assert left_of(before) == set()


async def test_a_cancellation_stays_one() -> None:
    """Neither swallowed nor taken for a deadline, even when both come at once."""
    with pytest.raises(asyncio.CancelledError), told("the forum"):
        raise asyncio.CancelledError

    deadline = asyncio.timeout(None)

    async def slow() -> None:
        with told("the forum"):
            async with deadline:
                await asyncio.sleep(9)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(slow())
        await asyncio.sleep(0)
        deadline.reschedule(asyncio.get_running_loop().time())
        task.cancel()
    assert task.cancelled()


def test_an_error_drags_nothing_behind_it() -> None:
    def ask() -> None:
        try:
            raise ValueError(KEY)
        except ValueError:
            with told("the forum"):
                raise TimeoutError(QUERY) from OSError(KEY)

    with pytest.raises(TemporaryError) as caught:
        ask()
    assert secrets_in(caught.value, SECRETS) == []


@asynccontextmanager
async def _tls(folder: Path, *, days: int, names: str) -> AsyncIterator[tuple[Address, ssl.SSLContext]]:
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(  # noqa: ASYNC221 - nothing else runs yet
        ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
         str(key), "-out", str(certificate), "-days", str(days), "-subj", "/CN=x", "-addext", f"subjectAltName={names}"),
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    async with raw(answering(ok()), tls=context) as address:
        yield address, ssl.create_default_context(cafile=certificate)
        await asyncio.sleep(0.1)  # until the server has seen that we hung up in the middle of the handshake


async def test_tls(tmp_path: Path) -> None:
    async with _tls(tmp_path, days=2, names="IP:127.0.0.1") as (address, trusted):
        async with out(address, tls=trusted) as forum:
            assert (await forum.get(address.url)).body == b"fine"
        error = await error_of(address)
        assert error.reason is Reason.NETWORK and "it vouches for itself" in str(error)
    async with _tls(tmp_path, days=2, names="DNS:planted-query-2.example") as (address, trusted):
        error = await error_of(address, tls=trusted)
        assert "for another" in str(error)
    async with raw(lambda _, writer: _say(writer, b"220 smtp.example ESMTP\r\n")) as address:
        error = await error_of(address._replace(tls=True))
        assert error.reason is Reason.NETWORK and "no TLS" in str(error)


async def test_cut_off_while_agreeing_on_tls_it_leaves_no_socket() -> None:
    gone = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        gone.set()

    async with raw(handle) as address:
        error = await error_of(address._replace(tls=True), deadline_s=0.2)
        assert error.reason is Reason.TIMEOUT
        async with asyncio.timeout(1):
            await gone.wait()


async def test_nothing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("httpx2", "httpcore2", "httpcore2.http11", "httpcore2.connection", "anyio", "asyncio"):
        caplog.set_level(logging.DEBUG, logger=name)
    async with raw(answering(ok())) as address, out(address) as forum:
        await forum.get(f"{address.url}/?token={QUERY}")
    await error_of(Address(free_port()))
    assert not [r for r in caplog.records if any(s in r.getMessage() + repr(r.args) for s in SECRETS)]
    assert not [r for r in caplog.records if r.name.startswith(("httpx2", "httpcore2"))]


@given(st.text(max_size=60))
def test_a_retry_after_is_read_or_left(said: str) -> None:
    after = retry_after({"retry-after": said}, time())
    assert after is None or after >= 0


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("0", 0.0), ("120", 120.0), ("Thu, 01 Jan 1970 00:17:40 GMT", 60.0), ("Thu, 01 Jan 1970 00:17:40", 60.0),
     ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0), ("１２", None), ("-1", None), ("1.5", None), ("", None),
     ("Thu, 99 Jan 99999 00:00:00 GMT", None), ("9" * 50, 999_999_999.0)],
)  # fmt: skip
def test_retry_after(said: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": said}, 1_000.0) == seconds


def test_a_remedy_is_for_both_ways_of_refusing() -> None:
    assert "make a new token" in str(refusal("the forum", 403, {}, REMEDIES, 0.0))
    assert "make a new token" not in str(refusal("the forum", 404, {}, REMEDIES, 0.0))

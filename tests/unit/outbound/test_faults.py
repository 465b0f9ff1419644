"""Services that go wrong in the middle, cancellations, TLS: the right error, nothing of ours in it, nothing left behind."""

import asyncio
import gzip
import logging
import random
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.contract.connectors.service import Address, Handle, free_port, raw
from tests.unit.outbound.guarded import secrets_in
from tests.unit.outbound.serving import (
    KEY,
    QUERY,
    SECRETS,
    answering,
    drip,
    error_of,
    left_of,
    ok,
    out,
    say,
    says,
)
from warn.model.errors import PermanentError, Reason, TemporaryError, WarnError
from warn.outbound.faults import told


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
    "slow head": (says(lambda w: drip(w, ok(b"x", "y: " + "z" * 4_000))), TemporaryError, Reason.TIMEOUT),
    "slow body": (says(lambda w: drip(w, ok(b"x" * 4_000))), TemporaryError, Reason.TIMEOUT),
    "half-open": (says(_nothing), TemporaryError, Reason.TIMEOUT),
    "flood of headers": (says(_headers_without_end), PermanentError, Reason.HOSTILE),
    "flood of hints": (says(_informs_without_end), PermanentError, Reason.HOSTILE),
    "no HTTP": (answering(b"220 smtp.example ESMTP\r\n\r\n"), TemporaryError, Reason.MALFORMED),
    "NULs": (answering(b"\0" * 1_000 + b"\r\n\r\n"), TemporaryError, Reason.MALFORMED),
    "hangs up": (says(_hangs_up), TemporaryError, Reason.NETWORK),
    "half a body": (says(lambda w: say(w, b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx")), TemporaryError, Reason.NETWORK),
    "two lengths": (answering(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxy"), TemporaryError, Reason.MALFORMED),
    "no chunks": (answering(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"), TemporaryError, Reason.MALFORMED),
}  # fmt: skip


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
    async with raw(lambda _, writer: say(writer, b"220 smtp.example ESMTP\r\n")) as address:
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

"""Ports where no broker answers as it should: what is wrong is told within its limit, without a broker to ask."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from warn.bus.kafka.admin import bootstrap
from warn.bus.kafka.config import KafkaConfig, Security
from warn.bus.kafka.probe import Address, reach
from warn.bus.kafka.trouble import AwayError, Fault, RefusedError
from warn.model.errors import PermanentError, Reason

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(serve: Serve) -> AsyncIterator[Address]:
    """A port of this machine on which `serve` answers."""
    talks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        talks.add(task)
        with suppress(ConnectionError):
            await serve(reader, writer)
            await writer.wait_closed()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        yield Address(host, port)
    finally:
        server.close()
        if talks:
            await asyncio.wait(talks, timeout=2)


async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(4)
    writer.close()


async def speaks_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(4)
    writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    writer.close()


def config(*bootstrap: str, protocol: str = "plaintext", ms: int = 200) -> KafkaConfig:
    return KafkaConfig(bootstrap, security=Security(protocol=protocol), request_timeout_ms=ms)


@pytest.mark.parametrize("protocol", ["plaintext", "ssl"])
async def test_half_open_is_told_within_its_limit(protocol: str) -> None:
    """Takes the connection and says nothing: temporary, a time-out, and no longer than a few limits."""
    async with listening(says_nothing) as address:
        started = time.monotonic()
        with pytest.raises(AwayError) as caught:
            await reach(address, config(protocol=protocol))
        assert time.monotonic() - started < 5 * 0.2 + 1
    asked = "TLS" if protocol == "ssl" else "Kafka"
    assert caught.value.trouble.fault is Fault.SILENT
    assert caught.value.reason is Reason.TIMEOUT
    assert (
        caught.value.trouble.what
        == f"takes the connection and says nothing for 0.2 s ({asked} was asked for)"
    )


@pytest.mark.parametrize("serve", [hangs_up, speaks_http], ids=lambda s: s.__name__)
@pytest.mark.parametrize("protocol", ["plaintext", "ssl"])
async def test_what_is_no_broker_is_told(serve: Serve, protocol: str) -> None:
    """Something else listens there."""
    async with listening(serve) as address:
        with pytest.raises((AwayError, RefusedError)) as caught:
            await reach(address, config(protocol=protocol))
    fault = caught.value.trouble.fault  # type: ignore[attr-defined]
    assert fault in (Fault.CLOSED, Fault.NO_TLS_HERE, Fault.SILENT)
    assert "\n" not in str(caught.value)


async def test_nobody_listens() -> None:
    """Refused at once: temporary, for a broker that starts will be there."""
    async with listening(says_nothing) as address:
        pass
    with pytest.raises(AwayError, match="refuses the connection: no broker is running there"):
        await reach(address, config())


async def test_a_name_that_nobody_knows() -> None:
    """The name is in the line."""
    with pytest.raises(AwayError, match=r"no\.such\.host\.invalid:9092 cannot be found"):
        await reach(Address("no.such.host.invalid", 9092), config())


async def test_of_several_the_one_to_mend_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that is down may come back; one that speaks no TLS will not by itself."""
    async with listening(says_nothing) as gone:
        pass
    tls = config(str(gone), protocol="ssl")
    with pytest.raises(AwayError) as caught:
        await bootstrap(tls)
    assert caught.value.trouble.fault is Fault.REFUSED
    for wrong in ("broker", "broker:high", ":9092", "broker:0", "broker:99999"):
        with pytest.raises(PermanentError, match="is not host:port"):
            await bootstrap(config(wrong))
    with pytest.raises(PermanentError, match="names no broker"):
        await bootstrap(config())


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("kafka:9092", "kafka", 9092), (" 10.0.0.1:1 ", "10.0.0.1", 1), ("[::1]:9092", "::1", 9092)],
)
def test_addresses(text: str, host: str, port: int) -> None:
    """Read and written back."""
    address = Address.parse(text)
    assert address == (host, port)
    assert str(address) == text.strip()

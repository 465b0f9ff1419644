"""The server lives in the daemon's loop: it leaves signals alone and ends when it is told."""

import asyncio
import signal
import socket

import httpx2
import pytest

from tests.unit.web.client import exposition, filled
from warn.model.errors import PermanentError
from warn.web.health import Health
from warn.web.routes import build
from warn.web.server import Server


async def test_it_serves_and_ends() -> None:
    """A page comes over a real socket, no signal handler is touched, and it ends within its time."""
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    server = Server(build(filled(), Health(), exposition), "127.0.0.1", 0)
    running = asyncio.create_task(server.run())
    async with httpx2.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"{server.url}/api/incidents")
    assert answer.status_code == 200
    assert "server" not in answer.headers
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
    server.stop()
    async with asyncio.timeout(5):
        await running


async def test_a_taken_port_is_told_at_once() -> None:
    """A second daemon on the same port says which port, and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PermanentError, match=f"port {port}.*another port"):
            Server(build(filled(), Health(), exposition), "127.0.0.1", port)


@pytest.mark.parametrize(
    ("host", "url"), [("127.0.0.1", "http://127.0.0.1"), ("0.0.0.0", "http://127.0.0.1")]
)
async def test_its_address_is_one_that_opens(host: str, url: str) -> None:
    """Listening everywhere is shown as this machine, for 0.0.0.0 is no address to open."""
    server = Server(build(filled(), Health(), exposition), host, 0)
    assert server.url == f"{url}:{server.port}"
    server.close()

"""Somebody else's service on a local port: what connectors are tried against, over real sockets.

    async with serve(Starlette(routes=[...])) as address:
        config = ForumConfig(name="forum", url=address.url, inside=(address.inside,))

`raw` is for those who do not even speak HTTP: it hands each connection to a function.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

import uvicorn
from starlette.types import ASGIApp

Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""What is done with one connection; it is closed afterwards."""


class Address(NamedTuple):
    """Where it listens."""

    port: int
    tls: bool = False

    @property
    def url(self) -> str:
        """For requests; no slash at its end."""
        return f"http{'s' if self.tls else ''}://{self.inside}"

    @property
    def ws(self) -> str:
        """For WebSockets."""
        return f"ws{'s' if self.tls else ''}://{self.inside}"

    @property
    def inside(self) -> str:
        """What `inside` of the connector's settings must list, so that the guard lets it be dialled."""
        return f"127.0.0.1:{self.port}"


class _Server(uvicorn.Server):
    """Leaves signals alone; at its end streams and sockets are cut off, since nobody waits for their politeness."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()
        self.over = asyncio.Event()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        self.up.set()
        await self.over.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for listening in sockets or []:
            listening.close()
        state = self.server_state
        while state.connections or state.tasks:
            for connection in list(state.connections):
                connection.transport.abort()
            for task in list(state.tasks):
                task.cancel()
            await asyncio.sleep(0.001)


@asynccontextmanager
async def serve(app: ASGIApp, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Address]:
    """HTTP, server-sent events and WebSockets by an ASGI app, in this loop."""
    listening = _listening()
    config = uvicorn.Config(
        app, ws="wsproto", http="h11", loop="none", lifespan="off", log_config=None, access_log=False
    )
    config.load()
    config.ssl = tls
    server = _Server(config)
    # No TaskGroup: what a test raises has to come out as it is.
    running = asyncio.create_task(server._serve(sockets=[listening]))
    try:
        async with asyncio.timeout(10):
            await server.up.wait()
        yield Address(listening.getsockname()[1], tls is not None)
    finally:
        server.over.set()
        async with asyncio.timeout(10):
            await running


@asynccontextmanager
async def raw(handle: Handle, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Address]:
    """A server that does with each connection what `handle` says; at the end they are cut off."""
    open_now: set[asyncio.StreamWriter] = set()
    tasks: set[asyncio.Task[None]] = set()

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_now.add(writer)
        try:
            await handle(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ssl.SSLError):
            return  # it hung up: that is its right
        finally:
            open_now.discard(writer)
            # Whoever asked may be gone: nobody waits for a polite end.
            (writer.transport.abort if tls else writer.close)()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(hold(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    listening = _listening()
    server = await asyncio.start_server(begin, sock=listening, ssl=tls)
    try:
        yield Address(listening.getsockname()[1], tls is not None)
    finally:
        server.close()
        for writer in list(open_now):
            writer.transport.abort()
        held = list(tasks)
        for task in held:
            task.cancel()
        for told in await asyncio.gather(*held, return_exceptions=True):
            if isinstance(told, Exception):
                raise told


def _listening() -> socket.socket:
    # Named TCP, so that the loop sends small answers at once: otherwise each waits 40 ms for the other side.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", 0))
    listening.listen(128)
    return listening


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        return int(closed.getsockname()[1])

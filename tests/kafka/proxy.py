"""A TCP proxy before a real broker, to make it silent, half-open, slow or resetting.

    kafka = make_kafka(listener=Listener("PROXIED", proxied=True))
    async with Proxy(kafka.advertised["PROXIED"][1], kafka.ports["PROXIED"][1]) as proxy:
        proxy.hold(); proxy.release(); proxy.delay_s = 2.0; proxy.reset(); proxy.strand()

The brokers tell clients the proxy's port, so that every connection goes through it.
"""

import asyncio
import socket
import struct
from dataclasses import dataclass, field
from typing import Self

_CHUNK = 65_536
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 s


@dataclass(eq=False)
class _Connection:
    client: asyncio.StreamWriter
    broker: asyncio.StreamWriter
    stranded: asyncio.Event = field(default_factory=asyncio.Event)

    def reset(self) -> None:
        for writer in (self.client, self.broker):
            peer: socket.socket = writer.get_extra_info("socket")
            if peer.fileno() >= 0:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            writer.transport.abort()


class Proxy:
    """Passes bytes on from `port` to `target`, both on 127.0.0.1."""

    def __init__(self, port: int, target: int) -> None:
        self.port, self.target = port, target
        self.delay_s = 0.0
        """How much later every piece arrives, in either direction."""
        self.refusing = False
        """New connections are reset at once."""
        self.accepted = 0
        self._flowing = {"requests": asyncio.Event(), "answers": asyncio.Event()}
        self._connections: set[_Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.release()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.release()
        self.reset()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=10)
        await self._server.wait_closed()

    def hold(self, *directions: str) -> None:
        """Pass nothing on, and close nothing: a black hole; `requests` or `answers` for one direction.

        What comes meanwhile arrives with `release`, as it would after a network that has lost packets for a while.
        """
        for direction in directions or tuple(self._flowing):
            self._flowing[direction].clear()

    def release(self) -> None:
        """Pass on again, first what was held."""
        for flowing in self._flowing.values():
            flowing.set()

    def strand(self) -> None:
        """Leave the connections of now half-open: the broker's end is gone, and clients are not told."""
        for one in self._connections:
            one.stranded.set()
            one.broker.transport.abort()

    def reset(self) -> None:
        """Reset the connections of now."""
        for one in list(self._connections):
            one.reset()

    async def _accept(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        self.accepted += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            answers, broker = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            client.transport.abort()
            return
        one = _Connection(client, broker)
        self._connections.add(one)
        if self.refusing:
            one.reset()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass_on("requests", one, reader, broker))
                group.create_task(self._pass_on("answers", one, answers, client))
        finally:
            self._connections.discard(one)
            one.reset()

    async def _pass_on(
        self, direction: str, one: _Connection, source: asyncio.StreamReader, sink: asyncio.StreamWriter
    ) -> None:
        try:
            while piece := await source.read(_CHUNK):
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                await self._flowing[direction].wait()
                if not one.stranded.is_set():
                    sink.write(piece)
                    await sink.drain()
        except OSError:
            pass
        if one.stranded.is_set() and direction == "answers":
            return  # the client is to go on believing in it
        sink.transport.abort()

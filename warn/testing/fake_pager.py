"""A pager on a local port that keeps PagerDuty's rules, and a webhook's receiver beside it; both can be made
to fail.

    async with FakePager() as pager:
        pager.faults.append(Fault(status=503))      # the next request only
        ...                                         # POST to pager.url + "/v2/enqueue" or "/hook"
        assert len(pager.rules.rings) == 1

A fault happens before the request is taken, or after (`after=True`): then it was processed and the sender is
not told.
"""

import asyncio
import contextlib
import json
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Self

from warn.testing.pager_rules import PagerRules

_PHRASES = {200: "OK", 202: "Accepted", 204: "No Content", 302: "Found"}


@dataclass(frozen=True)
class Fault:
    """How one request goes wrong.

    `kind`: `status` answers with that status and headers, `hang` never answers, `reset` cuts the line, `drip`
    sends a byte of its answer each `every_s`, `giant` answers with 64 MB. `after`: the request is processed
    first.
    """

    kind: Literal["status", "hang", "reset", "drip", "giant"] = "status"
    status: int = 503
    headers: Mapping[str, str] = field(default_factory=dict)
    after: bool = False
    every_s: float = 0.2


@dataclass(frozen=True)
class Request:
    """What arrived, in the order in which it did."""

    path: str
    headers: Mapping[str, str]
    body: bytes


class FakePager:
    """`/v2/enqueue` keeps `rules`; any other path is a webhook, whose `verify(body, headers)` raises to
    refuse.

    `hooks` holds the body of each webhook id that was accepted, once. `idle` is set while nobody is
    connected.
    """

    def __init__(self, verify: Callable[[bytes, dict[str, str]], object] | None = None) -> None:
        self.rules = PagerRules()
        self.faults: deque[Fault] = deque()
        self.requests: list[Request] = []
        self.hooks: dict[str, bytes] = {}
        self.idle = asyncio.Event()
        self.idle.set()
        self.url = ""
        self._verify = verify
        self._stop = asyncio.Event()
        self._connections = 0
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.let_go()
        if self._server is not None:
            self._server.close()
        async with asyncio.timeout(5):
            await self.idle.wait()

    def let_go(self) -> None:
        """End whatever hangs or drips."""
        self._stop.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        self.idle.clear()
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                while await self._exchange(reader, writer):
                    pass
        finally:
            writer.close()
            self._connections -= 1
            if self._connections == 0:
                self.idle.set()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request; False when the line is to be closed."""
        line = (await reader.readline()).decode("latin-1").split()
        if len(line) != 3:
            return False
        headers = {}
        while (raw := (await reader.readline()).strip()) != b"":
            name, _, value = raw.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.requests.append(Request(line[1], headers, body))
        fault = self.faults.popleft() if self.faults else None
        status, answer = 0, b""
        if fault is None or fault.after:
            status, answer = self._take(line[1], headers, body)
        if fault is None:
            writer.write(_head(status, {}, len(answer)) + answer)
            await writer.drain()
            return True
        await self._fail(fault, status or 202, answer, writer)
        return False

    def _take(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        if path == "/v2/enqueue":
            status, said = self.rules.accept(body, time.monotonic())
            return status, json.dumps(said).encode()
        if self._verify is not None:
            try:
                self._verify(body, headers)
            except Exception as e:  # noqa: BLE001 - whatever it raises means no, and the sender is told
                return 401, type(e).__name__.encode()
        self.hooks.setdefault(headers.get("webhook-id", ""), body)
        return 204, b""

    async def _fail(self, fault: Fault, status: int, answer: bytes, writer: asyncio.StreamWriter) -> None:
        if fault.kind == "hang":
            await self._stop.wait()
        elif fault.kind == "reset":
            writer.transport.abort()
        elif fault.kind == "drip":
            for byte in _head(status, {}, 10_000):
                writer.write(bytes([byte]))
                await writer.drain()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(fault.every_s):
                        await self._stop.wait()
                if self._stop.is_set() or writer.is_closing():
                    return
        elif fault.kind == "giant":
            writer.write(_head(status, {}, 64 << 20))
            for _ in range(1024):
                writer.write(b"x" * 65536)
                await writer.drain()
        else:
            writer.write(_head(fault.status, fault.headers, len(answer)) + answer)
            await writer.drain()


def _head(status: int, headers: Mapping[str, str], length: int) -> bytes:
    lines = [
        f"HTTP/1.1 {status} {_PHRASES.get(status, 'Status')}",
        *(f"{k}: {v}" for k, v in headers.items()),
    ]
    # 204 and 304 have no body, and say no length.
    if status not in {204, 304}:
        lines.append(f"content-length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

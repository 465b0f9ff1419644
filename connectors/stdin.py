"""JSON Lines from standard input: `some-tool | warn run`. Its end is the connector's end.

A pipe is read as it fills, a file in a thread, so the loop never waits; while nobody takes what was read, nothing more is
read, and whoever writes into the pipe waits.
"""

import asyncio
import os
import stat
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Final, Literal, NamedTuple, cast

from pydantic import BeforeValidator, model_validator

from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Batch, Cursor, Refused
from warn.ingest.kind import Kind
from warn.ingest.lines import Line, Lines, mapping_of
from warn.ingest.push.mapping import Mapping
from warn.ingest.push.shipped import guarded
from warn.ingest.recording import MAX_LINE
from warn.model.errors import PermanentError, Reason

MAPPINGS: Final = Path(__file__).with_name("mappings")
MOST: Final = 500
"""Lines in one batch."""
CHUNK: Final = 65_536
LINGER_S: Final = 0.02


class StdinConfig(ConnectorConfig):
    """Of all connectors one can read standard input; what it said before a restart of the process is gone."""

    type: Literal["stdin"] = "stdin"
    mapping: Annotated[Mapping | None, BeforeValidator(partial(mapping_of, folder=MAPPINGS))] = None
    """What a line says; without it, a line as `warn replay` reads them."""

    @model_validator(mode="before")
    @classmethod
    def _guarded(cls, raw: object) -> object:
        return guarded(raw, MAPPINGS)


class _Said(NamedTuple):
    lines: tuple[Line, ...]
    refused: tuple[Refused, ...]
    read: int


class StdinConnector:
    """There is nothing to resume: the cursor counts lines, for people to see. What was read and is not on the bus yet
    is kept, and comes first when it is read again. `fd`: another input, for tests.
    """

    def __init__(self, config: StdinConfig, *, fd: int = 0) -> None:
        self._config = config
        self._fd = fd
        self._lines = Lines(config, config.mapping)
        self._input = _Input()
        self._pending: _Said | None = None

    @property
    def name(self) -> str:
        return self._config.name

    @property
    def source(self) -> str:
        return self._config.origin

    @property
    def once(self) -> str:
        """So that nobody takes away the daemon's input to see whether there is some."""
        return "standard input"

    async def batches(self, cursor: Cursor | None) -> AsyncGenerator[Batch, None]:
        """Until the end of standard input. Raises PermanentError (config) for a terminal, and where there is none."""
        async with _flowing(self._fd, self._input) as more:
            while self._pending is not None or not self._input.over:
                if self._pending is None:
                    await more()
                    self._pending = self._input.take(time.time())
                said = self._pending
                if said.lines or said.refused:
                    batch = self._lines.batch(said.lines)
                    yield batch._replace(
                        refused=(*said.refused, *batch.refused), cursor=Cursor(str(said.read))
                    )
                self._pending = None


class _Input(asyncio.Protocol):
    """Bytes that came and were not taken; at most one line of the longest kind, and a chunk."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._looked = 0
        self._skips = False
        self._ended = False
        self._count = 0
        self._some = asyncio.Event()
        self._transport: asyncio.ReadTransport | None = None
        self.offset: int | None = None
        """Where the next read begins, in what has offsets."""

    @property
    def over(self) -> bool:
        """Nothing more comes, and all was taken."""
        return self._ended and not self._bytes and not self._skips

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.ReadTransport", transport)
        if len(self._bytes) > MAX_LINE:
            self._transport.pause_reading()

    def data_received(self, data: bytes) -> None:
        """More of it."""
        self._bytes += data
        self._some.set()
        if len(self._bytes) > MAX_LINE and self._transport is not None:
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """The end."""
        self._ended = True
        self._some.set()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """A pipe that broke has ended; one that we let go of has not."""
        self._transport = None
        if exc is not None:
            self.eof_received()

    @property
    def waits(self) -> bool:
        """Something came that was not looked at."""
        return self._some.is_set()

    async def came(self) -> None:
        """Until there is something to look at, and a moment more, so that few lines share a batch."""
        await self._some.wait()
        if not self._ended and len(self._bytes) <= MAX_LINE:
            await asyncio.sleep(LINGER_S)

    def take(self, now: float) -> _Said:
        """Whole lines; at the end what is left, too."""
        lines: list[Line] = []
        refused: list[Refused] = []
        start = 0
        while len(lines) + len(refused) < MOST:
            end = self._bytes.find(b"\n", max(start, self._looked))
            if end < 0:
                start = self._remainder(start, now, lines, refused)
                break
            self._one(bytes(self._bytes[start:end]), now, lines, refused)
            start = end + 1
        else:
            self._looked = start
        del self._bytes[:start]
        self._looked = max(0, self._looked - start)
        self._resume()
        return _Said(tuple(lines), tuple(refused), self._count)

    def _remainder(self, start: int, now: float, lines: list[Line], refused: list[Refused]) -> int:
        """What follows the last line break: the last line, the middle of one that is too long, or the start of one."""
        left = len(self._bytes) - start
        self._looked = len(self._bytes)
        if self._ended:
            if left or self._skips:
                self._one(bytes(self._bytes[start:]), now, lines, refused)
            return len(self._bytes)
        if left > MAX_LINE:
            self._skips = True
            return len(self._bytes)
        return start

    def _one(self, line: bytes, now: float, lines: list[Line], refused: list[Refused]) -> None:
        self._count += 1
        where = f"standard input:{self._count}"
        if self._skips or len(line) > MAX_LINE:
            self._skips = False
            refused.append(Refused(where, f"a line of more than {MAX_LINE:,} bytes", b""))
        elif body := (line.removeprefix(b"\xef\xbb\xbf") if self._count == 1 else line).strip():
            lines.append(Line(where, body, now))

    def _resume(self) -> None:
        if not self._ended and b"\n" not in self._bytes:
            self._some.clear()
        if len(self._bytes) <= MAX_LINE and self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()


@asynccontextmanager
async def _flowing(fd: int, into: _Input) -> AsyncGenerator[Callable[[], Awaitable[None]]]:
    """A way to wait for more of it. The descriptor stays open, and as it was."""
    try:
        mode = os.fstat(fd).st_mode
    except OSError:
        raise PermanentError("stdin: there is no standard input", reason=Reason.CONFIG) from None
    if os.isatty(fd):
        raise PermanentError(
            "stdin: standard input is a terminal: pipe something into it, as in `some-tool | warn run`",
            reason=Reason.CONFIG,
        )
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        yield partial(_pour, fd, into)
        return
    blocking = os.get_blocking(fd)
    pipe = os.fdopen(os.dup(fd), "rb", buffering=0)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: into, pipe)
    try:
        yield into.came
    finally:
        transport.close()
        os.set_blocking(fd, blocking)
        await asyncio.sleep(0)  # the descriptor is closed in the loop's next turn


async def _pour(fd: int, into: _Input) -> None:
    """A file, or a device: it answers at once, but not to a selector. A read that is cut off is made again."""
    if into.waits:
        return
    if into.offset is None:
        into.offset = os.lseek(fd, 0, os.SEEK_CUR)
    data = await asyncio.to_thread(os.pread, fd, CHUNK, into.offset)
    into.offset += len(data)
    if data:
        into.data_received(data)
    else:
        into.eof_received()


KIND = Kind(StdinConfig, StdinConnector)

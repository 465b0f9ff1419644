"""Has feeds read by a child, one for all who read feeds: whatever a feed does to it, the daemon keeps its pulse.

The child is started with the first user, ended with the last one, and replaced at once when a feed took it too long or
killed it. Only what the child died of by itself is held against a feed: not that the machine is busy, nor that somebody ended
the child. It is given no setting, no key and no file.
"""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple
from weakref import WeakKeyDictionary

import msgspec

from warn.ingest.feeds.framing import ANSWER, MOST_ANSWER, WORK
from warn.model.errors import PermanentError, Reason, TemporaryError

DEADLINE_S: Final = 0.85
"""From when a child is ready until its answer is here. What is killed then is refused within a second, all in all; the child
itself dies earlier of a feed that is too much work, unless it was given little of the processor.
"""
CPU_S: Final = 0.75
"""Of the processor, for one feed. The most that one of 2 MiB was seen to take is 0.45 s, one of a thousand articles 0.25 s."""
ENDS_S: Final = 0.1
"""A child that has closed its pipes is all but dead."""
START_S: Final = 30.0
"""A machine that is busy with something else takes its time to start a process."""
_TOO_LONG: Final = "it takes too long to read, as a feed made to do harm does"
_BUSY: Final = "it could not be read in time, since this machine is busy with other things"
_DIED: Final = "the process that reads feeds died of it, as of one made to do harm"
_KILLED: Final = (
    "the process that reads feeds was ended from outside, twice; see whether this machine is short of memory"
)
_OUTSIDE: Final = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
"""What a feed cannot make the child die of; people and machines that are short of memory can."""
_NO_START: Final = "the process that reads feeds does not start"
_BROKEN: Final = (OSError, asyncio.IncompleteReadError, ValueError, msgspec.MsgspecError)
_ROOT: Final = str(Path(__file__).resolve().parents[3])


class Entry(NamedTuple):
    """One entry of a feed; texts are plain, times in milliseconds, None where it gives none that can be read."""

    id: str
    link: str
    title: str
    text: str
    published_ms: int | None
    updated_ms: int | None


class Feed(NamedTuple):
    """What a feed says. `ttl_min`, `skip_hours` (UTC): when it wishes to be asked; `hubs`: where it could be subscribed to.

    `left_out`: entries above the thousand that are read; `empty`: those that say nothing.
    """

    title: str
    language: str
    ttl_min: int | None
    skip_hours: tuple[int, ...]
    hubs: tuple[str, ...]
    left_out: int
    empty: int
    entries: tuple[Entry, ...]


class Reader:
    """The child. Made by `reader()`."""

    def __init__(self, deadline_s: float = DEADLINE_S, cpu_s: float = CPU_S) -> None:
        self._deadline_s, self._cpu_s = deadline_s, cpu_s
        self._process: Process | None = None
        self._ready = False
        self._turn = asyncio.Lock()
        self.users = 0
        self.started = 0
        """Children that were started, for tests and for the curious."""

    async def read(self, data: bytes, charset: str = "") -> Feed:
        """What a feed says. Raises PermanentError (hostile) and TemporaryError (malformed; timeout, where the machine is busy;
        unexpected), whose messages begin with "it", "the feed" or "the process" and quote nothing.
        """
        async with self._turn:
            said = await self._try(data, charset)
            if isinstance(said, int) and said in _OUTSIDE:
                said = await self._try(data, charset)
        if said is None:
            raise TemporaryError(_BUSY, reason=Reason.TIMEOUT)
        if isinstance(said, int):
            if said in _OUTSIDE:
                raise TemporaryError(_KILLED, reason=Reason.UNEXPECTED)
            raise PermanentError(_TOO_LONG if said == signal.SIGPROF else _DIED, reason=Reason.HOSTILE)
        return _feed(said)

    async def _try(self, data: bytes, charset: str) -> dict[str, Any] | int | None:
        """What a child says; the signal that it died of, 0 for none; None where it did not answer in time."""
        process = await self._child()
        said: dict[str, Any] | int | None = None
        try:
            async with asyncio.timeout(self._deadline_s):
                said = await _exchange(process, data, charset, self._cpu_s)
        except TimeoutError:
            pass
        except _BROKEN:
            said = await _died_of(process)
        finally:
            if not isinstance(said, dict):  # it may be in the middle of something
                await self.end()
        if not isinstance(said, dict):
            # The next one begins to load what it needs now, and not with the next feed.
            await self._start()
        return said

    async def warm(self) -> None:
        """Start the child now, so that the first feed need not wait for it."""
        async with self._turn:
            if self._process is None:
                await self._start()

    async def _start(self) -> None:
        """Start a child, and do not wait until it is ready. Where none can be started, the next feed tries again."""
        self.started += 1
        self._ready = False
        with suppress(OSError):
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", "warn.ingest.feeds.child",
                stdin=PIPE, stdout=PIPE, stderr=DEVNULL, start_new_session=True, env=_environment(),
            )  # fmt: skip

    async def _child(self) -> Process:
        """A child that is ready. Raises TemporaryError."""
        if self._process is None or self._process.returncode is not None:
            await self._start()
        process = self._process
        if process is None:
            raise TemporaryError(_NO_START, reason=Reason.UNEXPECTED)
        try:
            if not self._ready:
                async with asyncio.timeout(START_S):
                    self._ready = bool((await _answer(process)).get("ready"))
        except (TimeoutError, *_BROKEN):
            pass
        finally:
            if not self._ready:
                await self.end()
        if not self._ready:
            raise TemporaryError(_NO_START, reason=Reason.UNEXPECTED)
        return process

    async def end(self) -> None:
        """Kill the child, and wait for its end."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.kill()
        if process.stdin is not None:
            process.stdin.close()
        await asyncio.shield(process.wait())


_readers: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, Reader]] = WeakKeyDictionary()


@asynccontextmanager
async def reader() -> AsyncGenerator[Reader]:
    """The reader that all of this loop share; its child ends with the last who uses it."""
    one = _readers.setdefault(asyncio.get_running_loop(), Reader())
    one.users += 1
    try:
        await one.warm()
        yield one
    finally:
        one.users -= 1
        if not one.users:
            await one.end()


async def _exchange(process: Process, data: bytes, charset: str, cpu_s: float) -> dict[str, Any]:
    assert process.stdin is not None
    header = json.dumps({"charset": charset[:80], "cpu_s": cpu_s}).encode()
    process.stdin.write(WORK.pack(len(header), len(data)) + header + data)
    await process.stdin.drain()
    return await _answer(process)


async def _died_of(process: Process) -> int:
    """The signal; 0 where it ended otherwise, or goes on and answers nonsense. Nobody may kill it before that is known."""
    with suppress(TimeoutError):
        async with asyncio.timeout(ENDS_S):
            await process.wait()
    return max(0, -(process.returncode or 0))


async def _answer(process: Process) -> dict[str, Any]:
    assert process.stdout is not None
    (size,) = ANSWER.unpack(await process.stdout.readexactly(ANSWER.size))
    if size > MOST_ANSWER:
        raise ValueError("an answer larger than any")
    said = msgspec.json.decode(await process.stdout.readexactly(size))
    if not isinstance(said, dict):
        raise ValueError("an answer that is none")  # noqa: TRY004 - one kind of error for all that is no answer
    return said


def _feed(said: dict[str, Any]) -> Feed:
    if "hostile" in said:
        raise PermanentError(f"it is not read: {said['hostile']}", reason=Reason.HOSTILE)
    if "unreadable" in said:
        raise TemporaryError(f"it cannot be read: {said['unreadable']}", reason=Reason.MALFORMED)
    return Feed(
        title=said["title"],
        language=said["language"],
        ttl_min=said["ttl_min"],
        skip_hours=tuple(said["skip_hours"]),
        hubs=tuple(said["hubs"]),
        left_out=said["left_out"],
        empty=said["empty"],
        entries=tuple(Entry(**one) for one in said["entries"]),
    )


def _environment() -> dict[str, str]:
    """Where to find our own code, and nothing else: settings and keys stay here."""
    kept = {
        name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH") if name in os.environ
    }
    return {
        **kept,
        "PYTHONPATH": _ROOT,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "LC_ALL": "C.UTF-8",
    }

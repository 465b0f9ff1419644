"""All the ways in which a service goes wrong, tried on one connector: `await check_faults(make, ...)`.

    async def test_faults() -> None:
        await check_faults(
            lambda url: ForumConnector(ForumConfig(name="forum", url=url, inside=(inside(url),), key=SecretStr("s3cret"))),
            place="forum",
            remedy="make a new key",
            secrets=["s3cret"],
        )

Every request of the connector must go to `url`, whatever path. What is right for one kind of connector only is said in
`but`: `{"404": Expected(TemporaryError, {Reason.CLIENT})}`; None leaves a fault out, with a reason beside it. For one that
begins with a stream (server-sent events, a WebSocket) it is `but=STREAM`. A connector over many places that tells of one place's fault as a `Trouble` and goes on is checked for its words.
"""

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from tests.contract.connectors.certificates import flawed, trusting
from tests.contract.connectors.misbehaving import FAULTS, PLANTED, STREAM, Expected, Fault
from tests.contract.connectors.service import free_port, raw
from warn.ingest.backoff import FIRST_S, LONGEST_S, PARKED_S, Backoff
from warn.ingest.connector import Connector, Trouble
from warn.model.errors import PermanentError, Reason, TemporaryError, WarnError
from warn.outbound import client

__all__ = ["FAULTS", "STREAM", "Expected", "check_faults", "inside"]

DEADLINE_S: Final = 0.4
"""What an answer may take where none will come."""
PATIENCE_S: Final = 8.0
Outcome = WarnError | Trouble


class _Told(NamedTuple):
    """What one run came to."""

    outcome: Outcome | None
    log: str


def inside(url: str) -> str:
    """What `inside` of the settings lists for it."""
    return urlsplit(url).netloc


async def check_faults(
    make: Callable[[str], Connector],
    *,
    place: str,
    remedy: str,
    secrets: Sequence[str] = (),
    but: Mapping[str, Expected | None] | None = None,
) -> None:
    """Raises AssertionError with everything that is wrong. `make`: the connector over a service at this address.

    `place`: how its errors call it. `remedy`: words of what a person can do about 401 and 403 ("" where there is no key).
    `secrets`: what it was given that no error and no log line may say; the suite plants more in the answers.
    """
    but = but or {}
    unknown = but.keys() - FAULTS.keys()
    assert not unknown, f"no such faults: {unknown}; there are {list(FAULTS)}"
    wrong = []
    for name, fault in FAULTS.items():
        expected = but.get(name, fault.expected)
        if expected is None:
            continue
        try:
            await _check(make, fault, expected, place, remedy, [*secrets, PLANTED])
        except AssertionError as e:
            wrong.append(f"{name}: {e}")
    try:
        await _check_cancel(make)
    except AssertionError as e:
        wrong.append(f"cancelled: {e}")
    assert not wrong, "\n".join(wrong)


async def _check(
    make: Callable[[str], Connector],
    fault: Fault,
    expected: Expected,
    place: str,
    remedy: str,
    secrets: Sequence[str],
) -> None:
    tasks, sockets = asyncio.all_tasks(), _sockets()
    began = time.time()
    with _deadline(DEADLINE_S if fault.unanswered else 5.0), trusting():
        async with _misbehaving(fault) as (url, trap):
            told = await _run(make, url)
            trapped = trap.connections
    assert told.outcome is not None, "the connector hid it: neither an error nor a trouble was told"
    assert not trapped, "it followed a redirect to where nobody allowed it to go"
    _check_words(told, place, (remedy if fault.refuses_us else "", *fault.says), secrets)
    if isinstance(told.outcome, WarnError):
        _check_error(told.outcome, expected, time.time() - began)
    await _check_nothing_left(tasks, sockets)


def _check_words(told: _Told, place: str, words: Sequence[str], secrets: Sequence[str]) -> None:
    outcome = told.outcome
    if isinstance(outcome, Trouble):
        said = f"{outcome.where}: {outcome.message}"
        behind = said
    else:
        said = str(outcome)
        behind = " ".join(str(error) for error in _chain(outcome))
    assert place in said, f"the error does not name its place {place!r}: {said}"
    for word in words:
        assert word in said, f"the error does not say what is wrong and what to do ({word!r}): {said}"
    for secret in secrets:
        assert secret not in said + behind + repr(outcome), (
            f"the error or what lies behind it says {secret!r}"
        )
        assert secret not in told.log, f"a log line at DEBUG says {secret!r}"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """All that a traceback would print."""
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _check_error(error: WarnError, expected: Expected, took_s: float) -> None:
    assert isinstance(error, expected.error), (
        f"raised {type(error).__name__}, not {expected.error.__name__}: {error}"
    )
    assert error.reason in expected.reasons, (
        f"reason {error.reason}, not one of {sorted(expected.reasons)}: {error}"
    )
    told = error.retry_after_s if isinstance(error, TemporaryError) else None
    if expected.retry_after_s is None:
        assert told is None, f"wait {told} s: nobody said so"
    else:
        assert told is not None, f"{expected.retry_after_s} s of Retry-After were lost"
        # A date is of whole seconds, and counted from when the answer came.
        assert expected.retry_after_s - took_s - 1.0 <= told <= expected.retry_after_s, f"wait {told} s"
    _check_backoff(error, told)


def _check_backoff(error: WarnError, told: float | None) -> None:
    """The waits after 30 failures in a row, none of which lasted."""
    backoff = Backoff(random.Random(5))
    backoff.started(0.0)
    waits = [backoff.wait(error, 1.0) for _ in range(30)]
    if isinstance(error, PermanentError):
        assert set(waits) == {PARKED_S}, "what a person has to mend is looked at every 15 minutes"
    elif told:
        assert all(told <= wait <= told + FIRST_S for wait in waits), "the source's own word was not kept"
    else:
        most = PARKED_S if error.reason is Reason.AUTH else LONGEST_S
        assert FIRST_S <= min(waits) <= waits[0] <= 2 * FIRST_S, f"the first wait is {waits[0]} s"
        assert most / 2 < max(waits) <= most, f"the longest wait is {max(waits)} s"


async def _check_cancel(make: Callable[[str], Connector]) -> None:
    """Cancelled while it waits for an answer that does not come."""
    tasks, sockets = asyncio.all_tasks(), _sockets()
    begun = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        begun.set()
        while await reader.read(65_536):
            pass
        writer.close()

    async with raw(silent) as address:

        async def read() -> None:
            async with aclosing(_batches(make(address.url))) as batches:
                async for _ in batches:
                    pass

        async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
            task = group.create_task(read())
            await begun.wait()
            await asyncio.sleep(0.02)
            assert not task.done(), "it gave up before it was cancelled"
            task.cancel()
    await _check_nothing_left(tasks, sockets)


async def _check_nothing_left(tasks: set[asyncio.Task[object]], sockets: int) -> None:
    left: set[asyncio.Task[object]] = set()
    for _ in range(100):
        left = asyncio.all_tasks() - tasks
        if not left and _sockets() <= sockets:
            return
        await asyncio.sleep(0.01)
    assert not left, f"it left {len(left)} tasks: {[task.get_coro() for task in left]}"
    assert _sockets() <= sockets, f"it left {_sockets() - sockets} sockets open"


def _sockets() -> int:
    """Sockets that this process has open, where the system tells."""
    found = 0
    for fd in Path("/proc/self/fd").iterdir() if Path("/proc/self/fd").exists() else ():
        try:
            found += str(fd.readlink()).startswith("socket:")
        except OSError:
            continue
    return found


async def _run(make: Callable[[str], Connector], url: str) -> _Told:
    """Until it tells of something."""
    outcome: Outcome | None = None
    with _listening() as lines:
        try:
            async with asyncio.timeout(PATIENCE_S), aclosing(_batches(make(url))) as outcomes:
                outcome = await anext(outcomes, None)
        except WarnError as e:
            outcome = e
        except TimeoutError:
            outcome = None
        log = "\n".join(lines)
    return _Told(outcome, log)


async def _batches(connector: Connector) -> AsyncGenerator[Trouble, None]:
    async with aclosing(connector.batches(None)) as batches:
        async for batch in batches:
            for trouble in batch.troubles:
                if trouble.message:
                    yield trouble


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.name} {self.format(record)} {record.__dict__}")


@contextmanager
def _listening() -> Iterator[Sequence[str]]:
    """Everything that anybody logs: the root logger at DEBUG, as somebody who looks for a mistake would set it."""
    root, handler = logging.getLogger(), _Lines()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield handler.lines
    finally:
        root.setLevel(before)
        root.removeHandler(handler)


@contextmanager
def _deadline(seconds: float) -> Iterator[None]:
    before = client.DEADLINE_S
    client.DEADLINE_S = seconds  # type: ignore[misc]  # it is looked up when a client is made
    try:
        yield
    finally:
        client.DEADLINE_S = before  # type: ignore[misc]


class _Trap:
    """A service inside that nobody allowed: its connections are counted."""

    def __init__(self) -> None:
        self.connections = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")


@asynccontextmanager
async def _misbehaving(fault: Fault) -> AsyncGenerator[tuple[str, _Trap], None]:
    trap = _Trap()
    if fault.handle is None:
        yield f"http://127.0.0.1:{free_port()}", trap
        return
    tls = flawed(fault.tls) if fault.tls not in ("", "none") else None
    async with raw(trap) as forbidden, raw(fault.handle(forbidden.url), tls=tls) as address:
        scheme = "https" if fault.tls else "http"
        yield f"{scheme}://{address.inside}", trap

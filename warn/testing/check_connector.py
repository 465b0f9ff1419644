"""What every connector must hold to, shown rather than described: run this on yours in `tests/contract`.

The connector must come to an end on its own (a recording, a stand-in for the service, a limited time), or be given one:

    Until(connector, lambda batch: not batch.items)    # a poller: at its first look that finds nothing
    Until(connector, idle_s=0.2)                        # a stream: when nothing has come for so long

It is run by the real supervisor on a real bus, once whole and once cut off after each of its batches.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from typing import Final, NamedTuple

from warn.bus.memory import MemoryBus, MemoryStore
from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Batch, Connector, Cursor
from warn.ingest.door import CouldMatch
from warn.ingest.entry import RefusedError, check
from warn.ingest.supervisor import Supervisor
from warn.model.errors import Reason, WarnError
from warn.model.flow import MENTIONS
from warn.model.hashing import PUBLIC_KEY
from warn.model.records import Parcel
from warn.model.rules import RuleSet
from warn.model.wire import decode_mentions
from warn.testing.until import Until

MOST_CUTS: Final = 25
"""Cursors from which resuming is tried, spread over all."""
PATIENCE_S: Final = 20.0
_OLDEST_MS: Final = 631_152_000_000
_SETTLES: Final = 30

__all__ = ["Failing", "Landed", "Made", "Until", "check_connector", "everything", "landed"]

Made = tuple[ConnectorConfig, Connector]
Landed = Counter[tuple[object, ...]]


class Failing(NamedTuple):
    """A connector whose source misbehaves, and what must come of it."""

    make: Callable[[], Connector]
    error: type[WarnError]
    reason: Reason
    retry_after_s: float | None = None


async def check_connector(
    make: Callable[[], Made], *, failing: Mapping[str, Failing] | None = None, secrets: Sequence[str] = ()
) -> None:
    """Raises AssertionError with what is wrong.

    `make` gives the settings and a fresh connector over the same source each time. `failing`: by name, sources that
    fail. `secrets`: keys, and names of authors in the source, that no error may say, and no log line at DEBUG.
    """
    with _listening() as lines:
        _, connector = make()
        batches = await _read(connector, None)
        assert batches, "it yielded nothing: give it a source with something in it"
        _check_items(connector, batches)
        await _check_reread(make, batches)
        await _check_resume(make, batches)
        await _check_cancel(make)
        for name, one in (failing or {}).items():
            await _check_failure(name, one, secrets)
    for line in lines:
        for secret in secrets:
            assert secret not in line, f"a log line of {line.split()[0]} says a secret or a name"


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        # The stand-in for the service may be a uvicorn of this process, and logs what it was asked.
        if not record.name.startswith("uvicorn"):
            self.lines.append(f"{record.name} {self.format(record)}")


@contextmanager
def _listening() -> Iterator[list[str]]:
    """All that is logged meanwhile, as somebody sees it who sets the root logger to DEBUG."""
    root, handler = logging.getLogger(), _Lines()  # noqa: TID251 - listening, not logging
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield handler.lines
    finally:
        root.setLevel(before)
        root.removeHandler(handler)


async def _read(connector: Connector, cursor: Cursor | None) -> list[Batch]:
    async with asyncio.timeout(PATIENCE_S), aclosing(connector.batches(cursor)) as batches:
        return [batch async for batch in batches]


def _check_items(connector: Connector, batches: Sequence[Batch]) -> None:
    assert connector.name == connector.name.strip() != "", "it has no name"
    for batch in batches:
        for item in batch.items:
            try:
                check(item)
            except RefusedError as e:
                raise AssertionError(f"item {item.id!r} would be refused at the door: {e}") from e
            assert item.created_ms >= _OLDEST_MS, (
                f"item {item.id!r} is of {item.created_ms} ms: seconds taken for milliseconds?"
            )
    assert any(batch.cursor for batch in batches), (
        "no batch has a cursor: it would begin anew after each restart"
    )


async def _check_reread(make: Callable[[], Made], batches: Sequence[Batch]) -> None:
    again = await _read(make()[1], None)
    first = Counter((item.source, item.id, item.kind) for batch in batches for item in batch.items)
    second = Counter((item.source, item.id, item.kind) for batch in again for item in batch.items)
    assert first == second, "read twice, it gives other ids: repeats could not be told"


async def _check_resume(make: Callable[[], Made], batches: Sequence[Batch]) -> None:
    whole = MemoryStore({MENTIONS: 3})
    await _supervise(whole, make())
    expected = landed(whole)
    assert expected.total(), "nothing reached [mentions]"
    cuts = range(1, len(batches) + 1)
    for cut in cuts[:: max(1, len(cuts) // MOST_CUTS)]:
        store = MemoryStore({MENTIONS: 3})
        config, connector = make()
        await _supervise(store, (config, Cut(connector, cut)))
        await _supervise(store, make())
        found = landed(store)
        lost, doubled = expected - found, found - expected
        assert not lost, f"resumed after batch {cut}, it lost {lost.total()} of {expected.total()} mentions"
        assert not doubled, f"resumed after batch {cut}, {doubled.total()} mentions came twice"


async def _check_cancel(make: Callable[[], Made]) -> None:
    before = asyncio.all_tasks()
    _, connector = make()
    started = asyncio.Event()

    async def read() -> None:
        async with aclosing(connector.batches(None)) as batches:
            async for _ in batches:
                started.set()
                await asyncio.sleep(0)
        started.set()

    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
        task = group.create_task(read())
        await started.wait()
        task.cancel()
    left = asyncio.all_tasks() - before
    for _ in range(_SETTLES):  # what it read from may run in this loop, and learns of its end a moment later
        if not left:
            return
        await asyncio.sleep(0.01)
        left = {task for task in left if not task.done()}
    assert not left, f"cancelled, it left {len(left)} tasks running"


async def _check_failure(name: str, one: Failing, secrets: Sequence[str]) -> None:
    error = await _error_of(one.make())
    assert error is not None, f"{name}: nothing was raised"
    assert isinstance(error, one.error), f"{name}: raised {type(error).__name__}, not {one.error.__name__}"
    assert error.reason is one.reason, f"{name}: reason {error.reason}, not {one.reason}"
    if one.retry_after_s is not None:
        told = getattr(error, "retry_after_s", None)
        assert told == one.retry_after_s, f"{name}: retry after {told}, the source said {one.retry_after_s}"
    for secret in secrets:
        assert secret not in f"{error} {error!r}", f"{name}: the error says a secret or a name"


async def _error_of(connector: Connector) -> WarnError | None:
    try:
        await _read(connector, None)
    except WarnError as e:
        return e
    return None


class Cut:
    """The same connector, which hangs after so many batches: what is committed then is what a crash would leave."""

    def __init__(self, connector: Connector, batches: int) -> None:
        self._connector = connector
        self._left = batches
        self.hangs = asyncio.Event()

    @property
    def name(self) -> str:
        return self._connector.name

    @property
    def source(self) -> str:
        return self._connector.source

    async def batches(self, cursor: Cursor | None) -> AsyncGenerator[Batch, None]:
        """As many as allowed, then nothing for ever."""
        async with aclosing(self._connector.batches(cursor)) as batches:
            async for batch in batches:
                yield batch
                self._left -= 1
                if self._left <= 0:
                    break
        self.hangs.set()
        await asyncio.Event().wait()


def everything(_ruleset: RuleSet) -> CouldMatch:
    """A filter that lets everything through."""
    return lambda _text: True


async def _supervise(store: MemoryStore, made: Made) -> None:
    """Run a supervisor over a store until its connector has ended, or hangs."""
    config, connector = made
    supervisor = Supervisor(
        MemoryBus(store), [(config, connector)], key=PUBLIC_KEY, compiles=everything, chance=random.Random(1)
    )
    supervisor.publish_ruleset(RuleSet())
    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
        running = group.create_task(supervisor.run())
        if isinstance(connector, Cut):
            await connector.hangs.wait()
        else:
            while (state := supervisor.states()[0].state) != "ended":
                assert state in {"starting", "running"}, f"it is {state}: {supervisor.states()[0].last_error}"
                await asyncio.sleep(0.005)
        running.cancel()


def landed(store: MemoryStore) -> Landed:
    """What lies in `[mentions]`: how often each mention, by all that it says but when it was seen."""
    found: Landed = Counter()
    for partition in range(store.counts[MENTIONS]):
        for record in store.fetch((MENTIONS, partition), 0, 1_000_000):
            parcel = decode_mentions(record.value)
            if isinstance(parcel, Parcel):
                found.update(
                    (m.source, m.key, m.thread, m.kind, m.text, m.parent, m.author, m.engagement, m.id)
                    for m in parcel.mentions
                )
                found.update((r.source, r.topic, r.signal, r.at_ms, r.value_milli) for r in parcel.readings)
    return found

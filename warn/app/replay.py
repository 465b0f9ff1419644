"""`warn replay`: recorded mentions through the door, the workers and the embedded bus, in event time.

The same code as the daemon, without its connectors, senders and settings. How the work is cut up and interleaved, how
many partitions there are, whether it was killed half-way: none of it changes a byte of what comes out.
"""

import asyncio
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

import msgspec

from connectors.replay import Recording, read_items
from warn.app.pipeline import Pipeline
from warn.bus.base import Bus
from warn.bus.embedded import EmbeddedBus
from warn.bus.rulesets import RuleSets
from warn.bus.topics import PartitionsError
from warn.ingest.connector import Refused
from warn.ingest.feed import Fed, Feed
from warn.model.alerts import IncidentEvent
from warn.model.errors import PermanentError, Reason
from warn.model.flow import INCIDENTS, MENTIONS, SIGNALS
from warn.model.hashing import PUBLIC_KEY
from warn.model.rules import RuleSet
from warn.model.wire import decode_incident
from warn.stages.matchers import Matchers

AHEAD_S: Final = 86_400
GIVE_UP_AFTER: Final = 8
"""More than the six failures after which a record that nobody can read is set aside."""
STEP_S: Final = 3600.0
"""A step of a replay may hold weeks of event time: only one that hangs is given up."""
_READ: Final = 500


class Options(NamedTuple):
    """How to replay; none of it changes what comes out."""

    partitions: int = 1
    batch: int = 500
    shuffle: int | None = None
    data: Path | None = None
    every_second: bool = False


class Outcome(NamedTuple):
    """What came of it: the recording's fate, the number of lines written, the state hash."""

    fed: Fed
    refused: int
    lines: int
    state_hash: str


Progress = Callable[[int], None]


def recording(files: Sequence[str], shuffle: int | None, on_refused: Callable[[Refused], None]) -> Recording:
    """Read files ("-": standard input), sorted; bad lines go to `on_refused`. Raises `PermanentError`.

    `shuffle` changes the order in which lines are read, which must change nothing. What was seen after tomorrow is a bad
    line: it would carry the clock into a future that nobody has heard yet.
    """
    latest_ms = int((time.time() + AHEAD_S) * 1000)
    try:
        mix = None if shuffle is None else random.Random(shuffle).shuffle
        return read_items(files, on_refused=on_refused, latest_ms=latest_ms, shuffle=mix)
    except OSError as e:
        raise PermanentError(f"{e.filename}: cannot be read: {e.strerror}", reason=Reason.CONFIG) from None


async def replay(
    read: Recording,
    refused: Sequence[Refused],
    ruleset: RuleSet,
    out: IO[bytes],
    options: Options,
    progress: Progress | None = None,
) -> Outcome:
    """Run a recording through all stages and write the incidents' events to `out`, one JSON object a line."""
    with _folder(options.data) as folder:
        bus = await _open(folder, options)
        try:
            fed, state = await _work(bus, read, refused, ruleset, options, progress)
            events = await _incident_events(bus)
        finally:
            await bus.close()
    for event in events:
        out.write(line(event))
    return Outcome(fed, read.refused, len(events), state)


async def _work(
    bus: Bus,
    read: Recording,
    refused: Sequence[Refused],
    ruleset: RuleSet,
    options: Options,
    progress: Progress | None,
) -> tuple[Fed, str]:
    matchers = Matchers(PUBLIC_KEY)
    feed = Feed(
        bus, ruleset, matchers.filter, key=PUBLIC_KEY, batch=options.batch, clock_every_second=options.every_second,
        fingerprint=read.fingerprint(), progress=progress,
    )  # fmt: skip
    rulesets = RuleSets(bus)
    await rulesets.load()
    chance = random.Random(options.shuffle)
    pipeline = Pipeline(
        bus,
        rulesets,
        key=PUBLIC_KEY,
        matchers=matchers,
        batch=options.batch,
        wait_s=0.05,
        pace=(lambda: 1) if options.shuffle is None else (lambda: chance.choice((1, 1, 2, 5, 40))),
        give_up_after=GIVE_UP_AFTER,
        step_s=STEP_S,
    )
    async with asyncio.TaskGroup() as group:
        following = group.create_task(rulesets.run())
        working = group.create_task(pipeline.run())
        fed = await feed.run(read.items, refused)
        await _caught_up(pipeline, working)
        state = pipeline.state_hash()
        pipeline.stop()
        rulesets.stop()
        await working
        following.cancel()
    return fed, state


async def _caught_up(pipeline: Pipeline, working: asyncio.Task[None]) -> None:
    """Until all is through; a worker that gives up ends the wait with its own error."""
    async with asyncio.TaskGroup() as group:
        through = group.create_task(pipeline.caught_up())
        await asyncio.wait({through, working}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            through.cancel()
            working.result()


async def _open(folder: Path, options: Options) -> EmbeddedBus:
    counts = {MENTIONS: options.partitions, SIGNALS: options.partitions}
    try:
        return await EmbeddedBus.start(
            folder, durable=False, partitions=counts, max_bytes=1 << 44, free_needed=0
        )
    except PartitionsError as e:
        raise PermanentError(str(e), reason=Reason.CONFIG) from None


async def _incident_events(bus: Bus) -> list[IncidentEvent]:
    """All of them, sorted by (at, brand, incident, sequence)."""
    reader = await bus.follow(INCIDENTS)
    found: list[IncidentEvent] = []
    try:
        while records := await reader.read(_READ, 0.0):
            decoded = (decode_incident(value) for _, _, _, value in records)
            found += [event for event in decoded if isinstance(event, IncidentEvent)]
    finally:
        await reader.close()
    return sorted(found, key=lambda e: (e.at, e.brand, e.incident, e.sequence))


def line(event: IncidentEvent) -> bytes:
    """One line of the output."""
    shown: dict[str, Any] = {
        "event": event.event,
        "at": f"{datetime.fromtimestamp(event.at, UTC):%Y-%m-%dT%H:%M:%SZ}",
        "incident": event.incident,
        "alert": event.alert,
        "brand": event.brand,
        "topic": event.topic.removeprefix(f"{event.brand}/"),
        "severity": event.severity,
        "mode": event.mode,
        "summary": event.summary,
        "numbers": msgspec.to_builtins(event.numbers),
    }
    return msgspec.json.encode(shown) + b"\n"


@contextmanager
def _folder(data: Path | None) -> Iterator[Path]:
    """The folder to keep, or one that is thrown away."""
    if data is not None:
        yield data
        return
    with tempfile.TemporaryDirectory(prefix="warn-replay-") as made:
        yield Path(made)

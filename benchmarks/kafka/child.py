"""The processes whose CPU time is measured: each does one thing once, and prints what it took as JSON."""

import asyncio
import gc
import json
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks.kafka.cases import JSON_TOPIC, config
from benchmarks.kafka.parts import Looks
from warn.app.engine import KAFKA_PACE, KAFKA_STEP_S
from warn.app.pipeline import Pipeline, Share
from warn.bus.kafka import KafkaBus
from warn.bus.ownership import Fixed
from warn.bus.rulesets import RuleSets
from warn.model.flow import MATCH
from warn.model.hashing import PUBLIC_KEY
from warn.stages.base import Effects
from warn.stages.matchers import Matchers
from warn.telemetry import events, logs
from warn.worker import Worker

Took = dict[str, Any]
Spec = dict[str, Any]


class _Author(msgspec.Struct):
    id: int
    followers: int


class Flat(msgspec.Struct):
    """What counting needs of a JSON mention."""

    source: str
    key: int
    thread: int
    kind: str
    text: str
    created_ms: int
    author: _Author
    parent: int
    url: str


decode_json: Final = msgspec.json.Decoder(Flat).decode


class Stopwatch:
    """CPU seconds of this process, all its threads, and seconds."""

    def __init__(self) -> None:
        self.cpu, self.wall = time.process_time(), time.monotonic()

    def stop(self, mentions: int) -> Took:
        """What it took since."""
        cpu, wall = time.process_time() - self.cpu, time.monotonic() - self.wall
        return {"mentions": mentions, "cpu_s": cpu, "wall_s": wall}


class Opened:
    """Telemetry as ever; and the watch is started when the first worker has its seat."""

    def __init__(self) -> None:
        self.took: Stopwatch | None = None
        self.commits = 0

    def worker_opened(self, *what: Any, **more: Any) -> None:
        events.worker_opened(*what, **more)
        self.took = self.took or Stopwatch()

    def worker_stepped(self, *what: Any, **more: Any) -> None:
        events.worker_stepped(*what, **more)
        self.commits += 1

    def __getattr__(self, name: str) -> Any:
        return getattr(events, name)


async def bare(spec: Spec) -> Took:
    """`getmany` of one JSON mention a record, stock settings; with `decode`, what counting needs of each."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=spec["bootstrap"],
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_committed",
    )
    await consumer.start()
    place = TopicPartition(JSON_TOPIC, 0)
    consumer.assign([place])
    consumer.seek(place, 0)
    got = 0
    took = Stopwatch()
    while got < spec["mentions"]:
        for records in (await consumer.getmany(timeout_ms=1000, max_records=1000)).values():
            got += len(records)
            if spec["decode"]:
                for record in records:
                    decode_json(record.value)
    result = took.stop(got)
    await consumer.stop()
    return result


async def pipeline(bus: KafkaBus, seats: Iterable[tuple[str, int]], watch: Any = events) -> Pipeline:
    """The daemon's own, for these seats, with its pacing of commits; its rules compiled."""
    seats = sorted(seats)
    stages = tuple(dict.fromkeys(stage for stage, _ in seats))
    rulesets, matchers = RuleSets(bus), Matchers(PUBLIC_KEY)
    await rulesets.load()
    await rulesets.close()
    if MATCH in stages and rulesets.latest is not None:
        matchers.filter(rulesets.latest)
    share = Share(Fixed(seats), stages=stages, paces=KAFKA_PACE)
    return Pipeline(
        bus, rulesets, key=PUBLIC_KEY, matchers=matchers, share=share, step_s=KAFKA_STEP_S, watch=watch, give_up_after=1
    )  # fmt: skip


async def stage(spec: Spec) -> Took:
    """Seats of one stage by warn's workers, as the daemon runs them: commits, metrics, events, all included.

    From when the first seat has been taken until all input is taken in and committed. `parts`: also where the time goes,
    which takes some of it.
    """
    bus = await KafkaBus.start(config(spec["bootstrap"], spec["prefix"], spec["copies"]))
    watch = Opened()
    pipe = await pipeline(bus, [(spec["stage"], partition) for partition in spec["partitions"]], watch)
    workers = pipe.workers[spec["stage"]]
    counts: Counter[str] = Counter()
    for worker in workers:
        _counted(worker, counts)
    gc.collect()
    looks = Looks()
    async with asyncio.TaskGroup() as tasks:
        if spec.get("parts"):
            looks.start()
        running = tasks.create_task(pipe.run())
        for worker in workers:
            await worker.caught_up()
        assert watch.took is not None
        result = watch.took.stop(spec["mentions"])
        parts = looks.stop()
        pipe.stop()
        await running
    await bus.close()
    return {**result, "commits": watch.commits, **counts, "parts": parts, "gc_frozen": gc.get_freeze_count()}


def _counted(worker: Worker, counts: Counter[str]) -> None:
    """Add up what a worker counts, beside the metrics."""
    tell = worker.on_effects

    def both(effects: Effects) -> None:
        if tell is not None:
            tell(effects)
        for (name, _), amount in effects.counts.items():
            counts[name] += amount

    worker.on_effects = both


def bytewax(spec: Spec) -> Took:
    """The same by bytewax."""
    from benchmarks.kafka.peer import run

    return run(spec)


KINDS: Final[dict[str, Callable[[Spec], Awaitable[Took]]]] = {"bare": bare, "stage": stage}


def main() -> None:
    spec = json.loads(sys.argv[1])
    logs.configure(form="json", level="info")  # as in a daemon; on stderr

    async def one() -> Took:
        return await KINDS[spec["kind"]](spec)

    print(json.dumps(bytewax(spec) if spec["kind"] == "bytewax" else asyncio.run(one())))


if __name__ == "__main__":
    main()

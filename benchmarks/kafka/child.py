"""The processes whose CPU time is measured: each does one thing once, and prints what it took as JSON."""

import asyncio
import gc
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks.kafka.cases import JSON_TOPIC, config
from warn.app.engine import KAFKA_PACE, KAFKA_STEP_S
from warn.app.pipeline import Pipeline, Share
from warn.bus.kafka import KafkaBus
from warn.bus.ownership import Fixed
from warn.bus.rulesets import RuleSets
from warn.model.flow import DETECT, MATCH
from warn.model.hashing import PUBLIC_KEY
from warn.stages.matchers import Matchers
from warn.telemetry import events
from warn.worker import Worker

Took = dict[str, float]
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
    """The daemon's own, for these seats; its rules compiled."""
    seats = sorted(seats)
    rulesets, matchers = RuleSets(bus), Matchers(PUBLIC_KEY)
    await rulesets.load()
    await rulesets.close()
    if any(stage == MATCH for stage, _ in seats):
        matchers.filter(_rules(rulesets))
    stages = tuple({stage: None for stage, _ in seats})
    share = Share(Fixed(seats), stages=stages, paces=KAFKA_PACE)
    return Pipeline(
        bus, rulesets, key=PUBLIC_KEY, matchers=matchers, share=share, step_s=KAFKA_STEP_S, watch=watch, give_up_after=1
    )  # fmt: skip

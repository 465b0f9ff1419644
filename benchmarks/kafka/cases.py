"""What is measured, and how the broker comes by it: one Kafka topic of JSON records, and warn's own for each case.

The partitions of a case's `[mentions]` hold the same records, one for each round: a seat that has worked through its
partition once is through with it.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from benchmarks.town import PER_SECOND, START, Town
from warn.bus.base import Seat
from warn.bus.kafka import KafkaBus, KafkaConfig
from warn.bus.kafka.admin import create
from warn.bus.rulesets import config_record
from warn.model.flow import COLLECT, MENTIONS
from warn.model.hashing import content_hash
from warn.model.mention import Mention
from warn.model.records import Clock, Parcel
from warn.model.wire import encode
from warn.stages.base import Out

JSON_TOPIC: Final = "bench.json"
JSON_BYTES: Final = 818
TOGETHER: Final = 1_000
"""Mentions to a commit of collect's, and so to a batch of Kafka's: 20 ms at 50,000 a second."""
QUIET_S: Final = 10
"""Clocks after the last mention, so that detect judges all that was counted."""


class Case(NamedTuple):
    """One set of mentions in parcels of one size. `of`: the share that the town was asked for."""

    name: str
    rules: int
    of: float
    parcel: int
    mentions: int

    @property
    def prefix(self) -> str:
        return f"bench-{self.rules}-{int(self.of * 100)}-{self.parcel}"

    def records(self, mentions: Sequence[Mention], config: str) -> Iterator[list[bytes]]:
        """Records of `[mentions]`, as many at once as collect commits."""
        some: list[bytes] = []
        for i in range(0, self.mentions, self.parcel):
            if i % PER_SECOND < self.parcel:
                some.append(encode(Clock(START + i // PER_SECOND, (), (config,))))
            some.append(encode(Parcel(tuple(mentions[i : i + self.parcel]))))
            if len(some) * self.parcel >= TOGETHER:
                yield some
                some = []
        last = START + self.mentions // PER_SECOND + 1
        yield [*some, *(encode(Clock(last + i, (), (config,))) for i in range(QUIET_S))]


def config(bootstrap: str, prefix: str, mentions: int = 6) -> KafkaConfig:
    """How to reach one case's Kafka topics. One node keeps one copy, so this is no set-up for production."""
    return KafkaConfig(
        (bootstrap,),
        prefix=prefix,
        partitions={MENTIONS: mentions},
        replication=1,
        min_insync=1,
        allow_unsafe=True,
    )


class Towns:
    """Mentions by rules and share, made once. The rule sets are written to `folder` for bytewax, which reads no `[config]`."""

    def __init__(self, folder: Path, cases: Sequence[Case]) -> None:
        self._folder = folder
        self._most: dict[tuple[int, float], int] = {}
        for one in cases:
            town = (one.rules, one.of)
            self._most[town] = max(one.mentions, self._most.get(town, 0))
        self._made: dict[tuple[int, float], list[Mention]] = {}

    def rules(self, case: Case) -> Path:
        """Where a town's rule set lies, once its mentions are made."""
        return self._folder / f"rules-{case.rules}-{case.of}.msgpack"

    def mentions(self, case: Case) -> list[Mention]:
        """Of a case's town, as many as the longest of its cases needs."""
        place = (case.rules, case.of)
        if place not in self._made:
            town = Town(1, *place)
            self.rules(case).write_bytes(encode(town.rules))
            self._made[place] = town.mentions(self._most[place])
        return self._made[place]


async def opened(reach: KafkaConfig, rules: bytes) -> tuple[KafkaBus, Seat]:
    """Make warn's Kafka topics as `warn init` does, take collect's first seat, and publish the rule set."""
    made = await create(reach)
    if made.failed or made.refusals:
        raise RuntimeError(f"no topics: {made}")
    bus = await KafkaBus.start(reach)
    seat = await bus.open(COLLECT, 0)
    await seat.restore()
    await seat.commit([config_record(rules)], {}, 1)
    return bus, seat


async def fill_warn(reach: KafkaConfig, case: Case, mentions: Sequence[Mention], rules: bytes) -> None:
    """Publish a case as collect does: through its seat, zstd, a batch a commit; the rule set first."""
    bus, seat = await opened(reach, rules)
    rounds = range(bus.partitions(MENTIONS))
    for i, some in enumerate(case.records(mentions, content_hash(rules)), 2):
        await seat.commit([Out(MENTIONS, p, b"", one) for one in some for p in rounds], {}, i)
    await seat.close()
    await bus.close()


def as_json(one: Mention) -> bytes:
    """A mention as a record of its own, the way sources give it; padded to the same length each."""
    record = {
        "id": one.id, "source": one.source, "kind": one.kind, "created_ms": one.created_ms, "text": one.text,
        "url": one.url, "lang": one.lang, "author": {"id": one.author, "followers": one.followers, "name": "somebody"},
        "thread": one.thread, "parent": one.parent, "key": one.key,
        "engagement": {"likes": 0, "replies": 0, "shares": 0, "views": 0}, "raw": "",
    }  # fmt: skip
    body = json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode()
    return body[:-2] + b"x" * (JSON_BYTES - len(body)) + b'"}'


async def fill_json(bootstrap: str, mentions: Sequence[Mention]) -> None:
    """One record a mention, uncompressed, in batches of 256 kB."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(JSON_TOPIC, 1, 1)])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_batch_size=1 << 18)
    await producer.start()
    batch = producer.create_batch()
    for value in map(as_json, mentions):
        if batch.append(key=None, value=value, timestamp=None) is None:
            await producer.send_batch(batch, JSON_TOPIC, partition=0)
            batch = producer.create_batch()
            batch.append(key=None, value=value, timestamp=None)
    await producer.send_batch(batch, JSON_TOPIC, partition=0)
    await producer.stop()

"""What differs between the Kafka topics that warn needs and those that are there; decides, and does no I/O.

Nothing is ever altered: aiokafka's `alter_configs` resets every setting that it does not name, and what somebody has set
on purpose is theirs to change. So each difference comes with the command that mends it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from warn.bus.kafka.config import KafkaConfig
from warn.bus.kafka.topics import TEXTS, KafkaTopic
from warn.model.flow import COLLECT, DETECT, MATCH, MENTIONS, SIGNALS
from warn.model.hashing import BUCKETS


class Level(StrEnum):
    """How bad a finding is."""

    WRONG = "wrong"
    """warn does not start."""
    UNSAFE = "unsafe"
    """warn does not start unless `bus.kafka.allow_unsafe` says that losing data is acceptable here."""
    NOTE = "note"
    """warn works, and less well than it could."""


@dataclass(frozen=True)
class Finding:
    """At a `place` (a Kafka topic, a broker) `what` is so; what to `do`. `passes`: it may be over by itself."""

    level: Level
    place: str
    what: str
    do: str
    passes: bool = False

    def __str__(self) -> str:
        return f"{self.place}: {self.what}: {self.do}"

    def refuses(self, config: KafkaConfig) -> bool:
        """Does it keep warn from starting?"""
        return self.level is Level.WRONG or (self.level is Level.UNSAFE and not config.allow_unsafe)


class There(NamedTuple):
    """A Kafka topic as the brokers describe it. `replication` is that of the partition with the fewest replicas.

    `settings` is None where we may not read them. `leaderless` and `short` are partitions that nobody leads, and that
    have fewer replicas in sync than they need to be written. `forbidden`: we may not even see it, nor whether it is there.
    """

    partitions: int
    replication: int
    settings: Mapping[str, str] | None
    leaderless: Sequence[int] = ()
    short: Sequence[int] = ()
    forbidden: bool = False


class _Bound(StrEnum):
    EXACTLY = "exactly"
    AT_LEAST = "at least"
    AT_MOST = "at most"


_BOUNDS: Final[Mapping[str, tuple[_Bound, Level]]] = {
    "cleanup.policy": (_Bound.EXACTLY, Level.WRONG),
    "message.timestamp.type": (_Bound.EXACTLY, Level.WRONG),
    "retention.ms": (_Bound.AT_LEAST, Level.WRONG),
    "retention.bytes": (_Bound.EXACTLY, Level.WRONG),
    "max.message.bytes": (_Bound.AT_LEAST, Level.WRONG),
    "min.insync.replicas": (_Bound.AT_LEAST, Level.UNSAFE),
    "unclean.leader.election.enable": (_Bound.EXACTLY, Level.UNSAFE),
    "segment.ms": (_Bound.AT_MOST, Level.NOTE),
    "segment.bytes": (_Bound.AT_MOST, Level.NOTE),
    "min.cleanable.dirty.ratio": (_Bound.AT_MOST, Level.NOTE),
    "max.compaction.lag.ms": (_Bound.AT_MOST, Level.NOTE),
    "delete.retention.ms": (_Bound.EXACTLY, Level.NOTE),
}
_BOUNDS_OF_TEXTS: Final[Mapping[str, tuple[_Bound, Level]]] = {
    # Kept longer than promised is as wrong as kept shorter.
    "retention.ms": (_Bound.EXACTLY, Level.WRONG),
    "segment.ms": (_Bound.AT_MOST, Level.WRONG),
}
_SETTING_OF: Final = {
    MENTIONS: "bus.mentions",
    SIGNALS: "bus.signals",
    f"state.{COLLECT}": "bus.collect",
    f"state.{MATCH}": "bus.mentions",
    f"state.{DETECT}": "bus.signals",
}
"""Which of our settings says how many partitions a topic has."""


def compare(topic: KafkaTopic, there: There | None, config: KafkaConfig) -> Sequence[Finding]:
    """Everything that differs, the worst first; none where a topic is right."""
    if there is None:
        return [Finding(Level.WRONG, topic.name, "is missing", "run `warn init`")]
    if there.forbidden:
        what = "may not be seen by us"
        return [Finding(Level.WRONG, topic.name, what, "allow us Describe on it (docs/kafka.md, Security)")]
    found = [*_partitions(topic, there, config), *_replicas(topic, there, config)]
    if there.settings is None:
        what = "its settings cannot be read"
        found.append(
            Finding(Level.WRONG, topic.name, what, "allow us DescribeConfigs on it (docs/kafka.md, Security)")
        )
    else:
        found += _settings(topic, there.settings, config)
    return sorted(found, key=lambda f: list(Level).index(f.level))


def _partitions(topic: KafkaTopic, there: There, config: KafkaConfig) -> Iterator[Finding]:
    if there.partitions == topic.partitions:
        return
    what = f"has {_count(there.partitions, 'partition')}, and must have {topic.partitions}"
    key = _SETTING_OF.get(topic.ours)
    other = f"another bus.kafka.prefix (now {config.prefix}) and run `warn init`, which starts anew beside the old"
    can_be = key is not None and 1 <= there.partitions <= BUCKETS
    if key == "bus.mentions" and BUCKETS % max(there.partitions, 1):
        can_be = False  # our own settings would refuse it
    do = (
        f"set {key} to {there.partitions} if all its topics have that, or take {other}"
        if can_be
        else f"take {other}"
    )
    yield Finding(Level.WRONG, topic.name, what, do)


def _replicas(topic: KafkaTopic, there: There, config: KafkaConfig) -> Iterator[Finding]:
    if there.leaderless:
        what = f"nobody leads partition {_list(there.leaderless)}"
        do = "start the brokers that hold it; a broker whose disk is full ends, or takes its disk offline: see its log"
        yield Finding(Level.WRONG, topic.name, what, do, passes=True)
    if there.short:
        what = f"partition {_list(there.short)} has fewer replicas in sync than min.insync.replicas, so nothing can be written"
        do = "start the brokers that are down, and see their logs"
        yield Finding(Level.WRONG, topic.name, what, do, passes=True)
    if there.replication < topic.replication:
        what = f"has {_count(there.replication, 'replica')}, and must have {topic.replication}"
        do = (
            f"kafka-reassign-partitions.sh --bootstrap-server {_bootstrap(config)} --execute, with {topic.replication} "
            "replicas for each partition in its plan"
        )
        yield Finding(Level.UNSAFE, topic.name, what, do)


def _settings(topic: KafkaTopic, there: Mapping[str, str], config: KafkaConfig) -> Iterator[Finding]:
    for name, must in topic.settings.items():
        bound, level = _BOUNDS[name]
        if topic.ours in TEXTS and name in _BOUNDS_OF_TEXTS:
            bound, level = _BOUNDS_OF_TEXTS[name]
        value = there.get(name, "")
        if _holds(value, must, bound):
            continue
        qualified = must if bound is _Bound.EXACTLY else f"{bound} {must}"
        what = f"{name} is {value or 'not set'}, and must be {qualified}"
        yield Finding(level, topic.name, what, change(topic.name, name, must, config))


def _holds(value: str, must: str, bound: _Bound) -> bool:
    if bound is _Bound.EXACTLY:
        return set(value.split(",")) == set(must.split(","))
    try:
        given, needed = float(value), float(must)
    except ValueError:
        return False
    given = float("inf") if given < 0 else given  # -1: without end
    return given >= needed if bound is _Bound.AT_LEAST else given <= needed


def change(topic: str, name: str, value: str, config: KafkaConfig) -> str:
    """The command that sets one setting of a Kafka topic and leaves the others."""
    value = f"[{value}]" if "," in value else value
    return (
        f"kafka-configs.sh --bootstrap-server {_bootstrap(config)} --alter --entity-type topics "
        f"--entity-name {topic} --add-config {name}={value}"
    )


def _bootstrap(config: KafkaConfig) -> str:
    return ",".join(config.bootstrap)


def _list(partitions: Sequence[int]) -> str:
    return ", ".join(str(p) for p in partitions)


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"

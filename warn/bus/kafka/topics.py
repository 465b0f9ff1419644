"""Which Kafka topics warn needs, with their settings, as data: what `warn init` makes and every start holds against.

Each setting is named, also where it is Kafka's default, because a cluster may have defaults of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from warn.bus.kafka.config import PARTITIONS, KafkaConfig
from warn.bus.topics import COMPACTED, RETENTION_S, partition_counts
from warn.model.flow import COLLECT, DEADLETTERS, EVIDENCE, MENTIONS, STAGE_INPUT, TOPICS

MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024
"""The largest batch of records that the brokers take, and the largest record that a producer sends. A state body has 4 MiB
at most (`bus.codec.MAX_BODY`); the rule set of ten thousand rules is one record of seven or eight."""

TEXTS: Final = frozenset({MENTIONS, EVIDENCE, DEADLETTERS})
"""Topics that hold texts, links and native ids: keeping them longer than promised is a fault."""

_HOUR: Final = 3_600_000
_MIB: Final = 1024 * 1024

ROLL_MS: Final = 6 * _HOUR
"""Kafka deletes whole segments, counted from the youngest record in them: a text may outlive its days by this much."""

_ALWAYS: Final[Mapping[str, str]] = {
    # A broker's time of arrival can be neither refused for being ahead nor keep a segment alive for ever.
    "message.timestamp.type": "LogAppendTime",
    "unclean.leader.election.enable": "false",
    "max.message.bytes": str(MAX_MESSAGE_BYTES),
}
_COMPACT: Final[Mapping[str, str]] = {
    "cleanup.policy": "compact",
    # Restore reads a partition from its first record: at most a tenth of what is closed is out of date, and what is
    # still open, which compaction leaves alone, is 32 MiB or ten minutes.
    "min.cleanable.dirty.ratio": "0.1",
    "segment.bytes": str(32 * _MIB),
    "segment.ms": str(10 * 60_000),
    "max.compaction.lag.ms": str(_HOUR),
    # A commit leaves a marker, and match commits ten times a second: a day's markers would be most of a partition.
    # Nobody takes an hour to read one to its end, so no reader misses that a key was deleted.
    "delete.retention.ms": str(_HOUR),
}


@dataclass(frozen=True)
class KafkaTopic:
    """One Kafka topic as it has to be. `name` is that in Kafka, `ours` without the prefix."""

    name: str
    ours: str
    partitions: int
    replication: int
    settings: Mapping[str, str]


def state_topic(stage: str) -> str:
    """Ours, without the prefix: where a stage's seats save their state and their position."""
    return f"state.{stage}"


def counts(config: KafkaConfig) -> dict[str, int]:
    """Partitions of each of our topics, and of collect (a stage without input).

    Raises `PartitionsError` where a count cannot be.
    """
    asked = {**PARTITIONS, **config.partitions}
    return partition_counts(asked, (*TOPICS, COLLECT))


def wanted(config: KafkaConfig) -> Sequence[KafkaTopic]:
    """Every Kafka topic of an installation, in the order in which people read them. Raises `PartitionsError`."""
    of = counts(config)
    return [
        *(_topic(config, topic, of[topic]) for topic in TOPICS),
        *(_topic(config, state_topic(stage), of[topic]) for stage, topic in _seats()),
    ]


def _seats() -> Sequence[tuple[str, str]]:
    """Each stage, and whose partitions are its seats."""
    return [(COLLECT, COLLECT), *STAGE_INPUT.items()]


def _topic(config: KafkaConfig, ours: str, partitions: int) -> KafkaTopic:
    keeps_newest = ours in COMPACTED or ours not in RETENTION_S
    return KafkaTopic(
        name=config.topic(ours),
        ours=ours,
        partitions=partitions,
        replication=config.replication,
        settings={
            **_ALWAYS,
            "min.insync.replicas": str(config.min_insync),
            # A body of `[config]` may be in force for years: compaction keeps it, age never takes it away.
            **(_COMPACT if keeps_newest else _kept_for(ours)),
        },
    )


def _kept_for(ours: str) -> Mapping[str, str]:
    days = {
        "cleanup.policy": "delete",
        "retention.ms": str(RETENTION_S[ours] * 1000),
        "retention.bytes": "-1",
    }
    return {**days, "segment.ms": str(ROLL_MS if ours in TEXTS else 4 * ROLL_MS)}

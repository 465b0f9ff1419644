"""A Kafka topic of somebody else's mentions: read from where we were, all partitions, nothing committed there."""

import time
from collections.abc import AsyncGenerator, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from pydantic import BeforeValidator, StringConstraints, model_validator

from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Batch, Cursor, Gap
from warn.ingest.foreign import Bootstrap, KafkaSecurity, Record, Topic, opened
from warn.ingest.kind import Kind
from warn.ingest.lines import Line, Lines, mapping_of
from warn.ingest.push.mapping import Mapping
from warn.ingest.push.shipped import guarded
from warn.model.errors import PermanentError, Reason

MAPPINGS: Final = Path(__file__).with_name("mappings")
MOST: Final = 1_000
"""Records in one batch."""
WAIT_S: Final = 1.0
REFRESH_S: Final = 300.0
"""How often it is looked at whether there are more partitions."""

Marks = dict[int, tuple[int, int]]
"""By partition: the position to go on from, and when the record before it was written (seconds; 0: none was read)."""


class KafkaTopicConfig(ConnectorConfig):
    """A topic whose values are mentions as JSON."""

    type: Literal["kafka"] = "kafka"
    bootstrap: Bootstrap
    """Brokers to begin with: host:port, more of them with commas between."""
    topic: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9._-]{1,249}$")]
    security: KafkaSecurity = KafkaSecurity()
    """TLS and SASL, as of `bus.kafka`."""
    begin: Literal["end", "start"] = "end"
    """Where the first start begins: with what comes from now on, or with the first record that is kept."""
    mapping: Annotated[Mapping | None, BeforeValidator(partial(mapping_of, folder=MAPPINGS))] = None
    """What a value says; without it, a line as `warn replay` reads them."""

    @model_validator(mode="before")
    @classmethod
    def _guarded(cls, raw: object) -> object:
        return guarded(raw, MAPPINGS)


class KafkaTopicConnector:
    """The cursor is JSON: {partition: [position, seconds of the last record]}."""

    def __init__(
        self, config: KafkaTopicConfig, *, wait_s: float = WAIT_S, refresh_s: float = REFRESH_S
    ) -> None:
        self._config = config
        self._lines = Lines(config, config.mapping)
        self._wait_s, self._refresh_s = wait_s, refresh_s

    @property
    def name(self) -> str:
        return self._config.name

    @property
    def source(self) -> str:
        return self._config.origin

    async def batches(self, cursor: Cursor | None) -> AsyncGenerator[Batch, None]:
        """Raises PermanentError (config) for a topic that is not there, (auth) for a password that is wrong."""
        marks = _marks(cursor)
        config = self._config
        positions = {partition: mark[0] for partition, mark in marks.items()}
        earliest = config.begin == "start" or bool(positions)
        async with opened(config.bootstrap, config.security, config.topic, positions, earliest=earliest) as (
            topic,
            lost,
        ):
            missing = {one.partition: marks[one.partition][1] for one in lost}
            looked = time.monotonic()
            # At once: what comes while it waits for a first record must not be lost by a restart.
            yield Batch(cursor=_cursor(topic, marks))
            while True:
                records, lost = await topic.read(MOST, self._wait_s)
                if time.monotonic() - looked > self._refresh_s:
                    lost = [*lost, *await topic.refresh()]
                    looked = time.monotonic()
                missing |= {one.partition: marks.get(one.partition, (0, 0))[1] for one in lost}
                gaps = self._gaps(missing, records, empty=not records and not lost)
                if records or gaps:
                    yield self._batch(topic, marks, records, gaps)
                else:
                    yield Batch()

    def _batch(self, topic: Topic, marks: Marks, records: Sequence[Record], gaps: tuple[Gap, ...]) -> Batch:
        for one in records:
            marks[one.partition] = (one.offset + 1, max(0, one.at_ms // 1000))
        lines = [
            Line(f"{self._config.topic} partition {r.partition} offset {r.offset}", r.value, r.at_ms / 1000)
            for r in records
        ]
        return self._lines.batch(lines)._replace(cursor=_cursor(topic, marks), gaps=gaps)

    def _gaps(self, missing: dict[int, int], records: Sequence[Record], *, empty: bool) -> tuple[Gap, ...]:
        """Of partitions that have lost something: up to their first record that is kept; to now where there is none."""
        first: dict[int, int] = {}
        for one in records:
            first.setdefault(one.partition, max(0, one.at_ms // 1000))
        ends = {p: first.get(p) for p in missing}
        if empty:
            ends = dict.fromkeys(missing, int(time.time()))
        gaps = []
        for partition, end in ends.items():
            if end is not None:
                start = missing.pop(partition)
                gaps.append(Gap(min(start or end, end), end))
        return tuple(gaps)


def _marks(cursor: Cursor | None) -> Marks:
    if cursor is None:
        return {}
    try:
        marks = msgspec.json.decode(cursor, type=Marks)
    except msgspec.MsgspecError:
        marks = {-1: (0, 0)}
    if any(value < 0 for partition, mark in marks.items() for value in (partition, *mark)):
        raise PermanentError("kafka: a cursor that is none of its own", reason=Reason.MALFORMED)
    return marks


def _cursor(topic: Topic, marks: Marks) -> Cursor:
    """Positions as the topic has them: they also move over what holds no record."""
    for partition, position in topic.positions.items():
        marks[partition] = (position, marks.get(partition, (0, 0))[1])
    return Cursor(msgspec.json.encode(dict(sorted(marks.items()))).decode())


KIND = Kind(KafkaTopicConfig, KafkaTopicConnector)

"""docs/kafka.md says what `warn init` makes and what has to be granted; so it is held against the code."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import errors as kafka
from aiokafka.errors import OffsetOutOfRangeError
from aiokafka.structs import TopicPartition

from warn.app.doctor import LIMIT_S
from warn.bus.codec import UnreadableStateError, seal
from warn.bus.kafka.chain import saved
from warn.bus.kafka.config import KafkaConfig
from warn.bus.kafka.faults import fault, step_fault
from warn.bus.kafka.permissions import GRANTS, TO_MAKE
from warn.bus.kafka.restore import POSITION_KEY, state_record, unreadable
from warn.bus.kafka.tail import Tail
from warn.bus.kafka.topics import MAX_MESSAGE_BYTES, TEXTS, wanted
from warn.telemetry.told import MOST_WORDS, words

MANUAL = (Path(__file__).resolve().parents[3] / "docs" / "kafka.md").read_text(encoding="utf-8")
_DAY_MS = 86_400_000


def table() -> str:
    """The table of topics, to be pasted there."""
    rows = ["| Kafka topic | Partitions | Kept | Holds texts |", "| --- | --- | --- | --- |"]
    for topic in wanted(KafkaConfig(("kafka:9092",))):
        kept = topic.settings.get("retention.ms")
        days = f"{int(kept) // _DAY_MS} days" if kept else "newest of each key"
        texts = "yes" if topic.ours in TEXTS else "no"
        rows.append(f"| `{topic.name}` | {topic.partitions} | {days} | {texts} |")
    return "\n".join(rows) + "\n"


def test_every_topic_is_in_the_manual() -> None:
    """With its partitions and days."""
    assert table() in MANUAL, f"put this under `## Topics that warn needs`:\n\n{table()}"
    assert f"batches of up to {MAX_MESSAGE_BYTES // 2**20} MiB" in MANUAL


def test_every_permission_is_in_the_manual() -> None:
    """Those that the tests of the whole bus work with, and no others."""
    given = [
        f"    kafka-acls.sh --add --allow-principal User:warn {operations} {resource.format(prefix='warn')}"
        for resource, names in (*GRANTS.items(), *TO_MAKE.items())
        for operations in [" ".join(f"--operation {name}" for name in names)]
    ]
    assert [line for line in MANUAL.splitlines() if "kafka-acls.sh" in line] == given


def test_the_limit_is_in_the_manual() -> None:
    """How long `warn doctor` takes at most."""
    assert f"all of Kafka together {LIMIT_S:g} s" in MANUAL


def recovery() -> list[str]:
    """The patterns of what the table under Recovery says that warn says; N stands for a number."""
    section = MANUAL.split("## Recovery\n")[1].split("\n## ")[0]
    said = [row.split(" | ")[0] for row in section.splitlines() if row.startswith("| `")]
    phrases = [phrase for row in said for phrase in row.split("`")[1::2]]
    return [re.sub(r"\bN\b", r"\\d+", re.escape(phrase)) for phrase in phrases]


class _Consumer:
    """Says where a log begins, as a client of a broker does."""

    async def beginning_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, 40)


async def _out_of_range(position: int) -> Exception:
    place = TopicPartition("warn.signals", 3)
    clients: Any = None
    consumer: Any = _Consumer()
    return await Tail(clients, "detect/3", {place: position})._out_of_range(
        consumer, OffsetOutOfRangeError({place: position})
    )


def _unreadable() -> Iterator[Exception]:
    good = bytes(8) + seal(b"a body")
    later = bytearray(good)
    later[10:12] = b"\x03\x02"
    for value in (b"short", bytes(40), good[:-1], good[:-1] + b"?", bytes(later)):
        with pytest.raises(UnreadableStateError) as caught:
            state_record(b"bucket 2", value, "match/3")
        yield caught.value
    with pytest.raises(UnreadableStateError) as caught:
        saved(b"\xc1")
    yield unreadable("match/3", POSITION_KEY, caught.value)


async def test_the_table_of_recovery_says_what_the_terminal_says() -> None:
    """Every phrase there is in a line that the code makes, whole and with what to do about it."""
    doing = "committing a step of match/3"
    unknown = kafka.UnknownError()
    lines = [
        await _out_of_range(12),
        await _out_of_range(90),
        *_unreadable(),
        fault(kafka.ProducerFenced(), doing),
        step_fault(unknown, doing),
        fault(kafka.KafkaConnectionError("x"), doing),
        fault(TimeoutError(), doing),
        fault(kafka.GroupCoordinatorNotAvailableError(), doing),
        fault(kafka.LeaderNotAvailableError(), doing),
    ]
    said = [words(line) for line in lines]
    assert all(text == str(line) and len(text) < MOST_WORDS for text, line in zip(said, lines, strict=True))
    found = recovery()
    assert len(found) == 15
    for pattern in found:
        if "has\\ answered" not in pattern:  # after a quarter of a minute; tests/kafka has seen it
            assert any(re.search(pattern, text) for text in said), pattern
    for line in said:
        assert any(re.search(pattern, line) for pattern in found), line
    trimmed, cut, *state = said[:8]
    assert trimmed == (
        "reading detect/3: warn.signals partition 3 has to be read from 12, and begins at 40: retention has passed it by; "
        "start over with another bus.kafka.prefix (docs/kafka.md, Recovery)"
    )
    assert "bring back the right one" in cut
    assert all(line.startswith("state of match/3, key ") for line in state)
    assert b"bucket 2".hex() in state[0]
    assert all("who may write to its Kafka topic" in line for line in state)

"""docs/kafka.md says what `warn init` makes and what has to be granted; so it is held against the code."""

from pathlib import Path

from warn.app.doctor import LIMIT_S
from warn.bus.kafka.config import KafkaConfig
from warn.bus.kafka.permissions import GRANTS, TO_MAKE
from warn.bus.kafka.topics import MAX_MESSAGE_BYTES, TEXTS, wanted

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

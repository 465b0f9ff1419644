"""Which Kafka topics warn needs: as data, and what differs from them, each with what to do about it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warn.bus.codec import MAX_BODY
from warn.bus.kafka.compare import Level, There, compare
from warn.bus.kafka.config import KafkaConfig
from warn.bus.kafka.topics import KafkaTopic, counts, wanted
from warn.bus.topics import RETENTION_S, PartitionsError

CONFIG = KafkaConfig(("kafka:9092",))
TOPICS = {t.ours: t for t in wanted(CONFIG)}
HOUR = 3_600_000


def there(topic: KafkaTopic, **off: Any) -> There:
    """A topic as it has to be, but for some settings (`segment_ms` for `segment.ms`)."""
    settings = dict(topic.settings) | {name.replace("_", "."): value for name, value in off.items()}
    return There(topic.partitions, topic.replication, settings)


def test_every_topic_and_state() -> None:
    """Nine topics and a state for each stage, whose partitions are the stage's seats."""
    assert {t.name: t.partitions for t in wanted(CONFIG)} == {
        "warn.mentions": 6, "warn.signals": 6, "warn.desk": 1, "warn.evidence": 1, "warn.history": 1,
        "warn.incidents": 1, "warn.config": 1, "warn.audit": 1, "warn.deadletters": 1,
        "warn.state.collect": 6, "warn.state.match": 6, "warn.state.detect": 6, "warn.state.respond": 1,
    }  # fmt: skip


def test_counts_that_are_asked_for() -> None:
    """A stage's state follows its input; what cannot be is refused."""
    asked = KafkaConfig(("k:1",), partitions={"mentions": 12, "signals": 5, "collect": 2})
    found = {t.ours: t.partitions for t in wanted(asked)}
    assert (found["state.match"], found["state.detect"], found["state.collect"]) == (12, 5, 2)
    assert counts(asked)["collect"] == 2
    with pytest.raises(PartitionsError, match="must divide 60"):
        wanted(KafkaConfig(("k:1",), partitions={"mentions": 7}))


def test_days_are_those_that_are_promised() -> None:
    """Retention is that of the one table; what is compacted is never deleted for its age."""
    for ours, topic in TOPICS.items():
        if topic.settings["cleanup.policy"] == "delete":
            assert int(topic.settings["retention.ms"]) == RETENTION_S[ours] * 1000
            assert topic.settings["retention.bytes"] == "-1"
        else:
            assert "retention.ms" not in topic.settings
    assert {o for o, t in TOPICS.items() if t.settings["cleanup.policy"] == "compact"} == {
        "config", "state.collect", "state.match", "state.detect", "state.respond",
    }  # fmt: skip


def test_texts_are_gone_six_hours_after_their_days() -> None:
    """Kafka deletes whole segments: those with texts in them are closed four times a day."""
    for ours in ("mentions", "evidence", "deadletters"):
        assert TOPICS[ours].settings["segment.ms"] == str(6 * HOUR)


def test_every_topic_is_safe() -> None:
    """The broker's own time, three copies of which two are written, no leader that has missed commits, room for a
    state body of the largest size."""
    for topic in TOPICS.values():
        assert topic.replication == 3
        assert topic.settings["message.timestamp.type"] == "LogAppendTime"
        assert topic.settings["min.insync.replicas"] == "2"
        assert topic.settings["unclean.leader.election.enable"] == "false"
        assert int(topic.settings["max.message.bytes"]) >= MAX_BODY + 64 * 1024
        assert int(topic.settings.get("segment.bytes", 2**30)) > int(topic.settings["max.message.bytes"])


@pytest.mark.parametrize("ours", TOPICS)
def test_what_is_right_is_not_told(ours: str) -> None:
    """A topic that is exactly as asked, and one that is safer still."""
    topic = TOPICS[ours]
    assert not compare(topic, there(topic), CONFIG)
    safer = there(topic, min_insync_replicas="3", max_message_bytes="99999999")
    assert not compare(topic, safer._replace(replication=5), CONFIG)


@pytest.mark.parametrize(
    ("ours", "off", "level", "what"),
    [
        ("mentions", {"retention_ms": "-1"}, "wrong", "retention.ms is -1, and must be 604800000"),
        ("mentions", {"segment_ms": "604800000"}, "wrong", "segment.ms is 604800000, and must be at most 21600000"),
        ("signals", {"retention_ms": "1000"}, "wrong", "retention.ms is 1000, and must be at least 172800000"),
        ("signals", {"retention_bytes": "1000"}, "wrong", "retention.bytes is 1000, and must be -1"),
        ("signals", {"segment_ms": "604800000"}, "note", "segment.ms is 604800000, and must be at most 86400000"),
        ("desk", {"min_insync_replicas": "1"}, "unsafe", "min.insync.replicas is 1, and must be at least 2"),
        ("desk", {"unclean_leader_election_enable": "true"}, "unsafe", "unclean.leader.election.enable is true, and must be false"),
        ("state.match", {"max_message_bytes": "1048588"}, "wrong", "max.message.bytes is 1048588, and must be at least 16777216"),
        ("state.match", {"min_cleanable_dirty_ratio": "0.5"}, "note", "min.cleanable.dirty.ratio is 0.5, and must be at most 0.1"),
        ("state.match", {"cleanup_policy": "delete"}, "wrong", "cleanup.policy is delete, and must be compact"),
        ("audit", {"message_timestamp_type": ""}, "wrong", "message.timestamp.type is not set, and must be LogAppendTime"),
    ],
)  # fmt: skip
def test_a_setting_that_differs(ours: str, off: dict[str, str], level: str, what: str) -> None:
    """One line: what is, what must be, and the command that sets it and nothing else."""
    topic = TOPICS[ours]
    [found] = compare(topic, there(topic, **off), CONFIG)
    name = next(iter(off)).replace("_", ".")
    assert (found.level.value, found.place, found.what) == (level, f"warn.{ours}", what)
    assert found.do == (
        "kafka-configs.sh --bootstrap-server kafka:9092 --alter --entity-type topics "
        f"--entity-name warn.{ours} --add-config {name}={topic.settings[name]}"
    )
    allowed = KafkaConfig(("kafka:9092",), allow_unsafe=True)
    assert (found.refuses(CONFIG), found.refuses(allowed)) == (level != "note", level == "wrong")


def test_partitions_replicas_and_leaders() -> None:
    """What no setting mends is told with the way round it; what may pass is marked so."""
    topic = TOPICS["state.detect"]
    of = there(topic)
    [count] = compare(topic, of._replace(partitions=1), CONFIG)
    assert count.what == "has 1 partition, and must have 6"
    assert count.do.startswith(
        "set bus.signals to 1 if all its topics have that, or take another bus.kafka.prefix"
    )
    [desk] = compare(TOPICS["desk"], there(TOPICS["desk"])._replace(partitions=2), CONFIG)
    assert desk.do.startswith("take another bus.kafka.prefix (now warn)")
    [copies] = compare(topic, of._replace(replication=1), CONFIG)
    assert (copies.level, copies.what) == (Level.UNSAFE, "has 1 replica, and must have 3")
    [led] = compare(topic, of._replace(leaderless=[2, 5]), CONFIG)
    assert (led.what, led.passes) == ("nobody leads partition 2, 5", True)
    [short] = compare(topic, of._replace(short=[0]), CONFIG)
    assert "nothing can be written" in short.what
    assert short.passes


@pytest.mark.parametrize("ours", ["mentions", "state.match"])
@pytest.mark.parametrize("count", [1, 4, 7, 12, 59, 60, 61])
def test_no_remedy_is_one_that_our_own_settings_refuse(ours: str, count: int) -> None:
    """What the line says to set can be set: partitions of `[mentions]` have to divide 60."""
    topic = TOPICS[ours]
    [found] = compare(topic, there(topic)._replace(partitions=count), CONFIG)
    try:
        wanted(KafkaConfig(("kafka:9092",), partitions={"mentions": count}))
    except PartitionsError:
        assert found.do.startswith("take another bus.kafka.prefix (now warn)")
        assert "bus.mentions" not in found.do
    else:
        assert found.do.startswith(f"set bus.mentions to {count} if all its topics have that")


def test_missing_forbidden_and_unread() -> None:
    """Three ways of not knowing."""
    topic = TOPICS["mentions"]
    [missing] = compare(topic, None, CONFIG)
    assert str(missing) == "warn.mentions: is missing: run `warn init`"
    [forbidden] = compare(topic, There(0, 0, None, forbidden=True), CONFIG)
    assert "allow us Describe" in forbidden.do
    [unread] = compare(topic, There(6, 3, None), CONFIG)
    assert "allow us DescribeConfigs" in unread.do


@given(st.sampled_from(sorted(TOPICS)), st.data())
def test_a_comparison_never_fails_whatever_a_broker_says(ours: str, data: st.DataObject) -> None:
    """Values of other releases, empty ones and nonsense are findings, not errors; the worst comes first."""
    topic = TOPICS[ours]
    values = st.one_of(st.text(max_size=8), st.integers(-1, 2**63).map(str))
    settings = {name: data.draw(values) for name in topic.settings}
    found = compare(topic, There(topic.partitions, 3, settings), CONFIG)
    levels = [list(Level).index(f.level) for f in found]
    assert levels == sorted(levels)
    for one in found:
        assert one.what.split(" ")[0] in topic.settings

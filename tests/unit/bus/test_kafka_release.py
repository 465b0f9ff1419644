"""Which Kafka it is by what its brokers support, and which settings of theirs warn cannot work with."""

from typing import Any

import pytest

from warn.bus.kafka import wire
from warn.bus.kafka.compare import Level
from warn.bus.kafka.config import KafkaConfig
from warn.bus.kafka.permissions import topics_lacking
from warn.bus.kafka.release import BrokerSeen, judge, release

CONFIG = KafkaConfig(("kafka:9092",))
GOOD = {
    "auto.create.topics.enable": "false",
    "group.max.session.timeout.ms": "1800000",
    "group.min.session.timeout.ms": "6000",
    "log.cleaner.enable": "true",
    "socket.request.max.bytes": "104857600",
    "transaction.max.timeout.ms": "900000",
    "transaction.state.log.min.isr": "2",
    "transaction.state.log.replication.factor": "3",
}


def brokers(level: int | None = 29, n: int = 3, **off: str) -> list[BrokerSeen]:
    settings = GOOD | {name.replace("_", "."): value for name, value in off.items()}
    return [BrokerSeen(i, f"k{i}:9092", level, settings) for i in range(1, n + 1)]


@pytest.mark.parametrize(
    ("level", "name"),
    [(21, "3.9"), (22, "4.0"), (25, "4.0"), (26, "4.1"), (27, "4.1"), (28, "4.2"), (29, "4.2"), (30, "4.3"), (31, "later than 4.3"), (11, "3.6 or older"), (None, "of a release that does not tell")],
)  # fmt: skip
def test_releases(level: int | None, name: str) -> None:
    """As brokers of these releases answered (3.9.1, 4.1.1, 4.2.1, 4.3.0, 4.3.1), and what lies between."""
    assert release(level).startswith(name)


def test_three_good_brokers_are_well() -> None:
    """Nothing to say."""
    assert not judge(brokers(), CONFIG)


def test_a_release_that_loses_commits_is_refused() -> None:
    """Each such broker by name; told otherwise it is not refused, and still said."""
    found = judge([*brokers(n=2), BrokerSeen(3, "k3:9092", 30, GOOD)], CONFIG)
    assert [(f.level, f.place) for f in found] == [(Level.UNSAFE, "broker 3 (k3:9092)")]
    assert "set bus.kafka.allow_unsafe" in found[0].do
    assert not found[0].refuses(KafkaConfig(("k:1",), allow_unsafe=True))


@pytest.mark.parametrize("level", [21, 27, 31, None])
def test_other_releases_are_noted(level: int | None) -> None:
    """They may work."""
    assert {f.level for f in judge(brokers(level), CONFIG)} == {Level.NOTE}


@pytest.mark.parametrize(
    ("name", "value", "level"),
    [
        ("auto.create.topics.enable", "true", "unsafe"),
        ("transaction.state.log.min.isr", "1", "unsafe"),
        ("transaction.state.log.replication.factor", "1", "unsafe"),
        ("log.cleaner.enable", "false", "wrong"),
        ("transaction.max.timeout.ms", "59999", "wrong"),
        ("group.min.session.timeout.ms", "6001", "wrong"),
        ("group.max.session.timeout.ms", "5999", "wrong"),
        ("socket.request.max.bytes", "1048576", "wrong"),
    ],
)
def test_a_setting_of_a_broker(name: str, value: str, level: str) -> None:
    """What is, what must be, and what to write."""
    [found] = judge([*brokers(n=2), BrokerSeen(3, "k3:9092", 29, GOOD | {name: value})], CONFIG)
    assert (found.level.value, found.place) == (level, "broker 3 (k3:9092)")
    assert found.what.startswith(f"{name} is {value}, and must be ")
    assert found.do.startswith(f"set {name}=")


def test_what_cannot_be_asked_is_said() -> None:
    """A broker that is down, and one whose settings we may not read, keep nobody from starting."""
    seen = [*brokers(n=1), BrokerSeen(2, "k2:9092", trouble="k2:9092 refuses"), BrokerSeen(3, "k3:9092", 29)]
    found = judge(seen, CONFIG)
    assert [(f.level.value, f.what) for f in found] == [
        ("note", "could not be asked"),
        ("note", "its settings cannot be read"),
    ]


@pytest.mark.parametrize("of", [{"replication": 1, "min_insync": 1}, {"replication": 2, "min_insync": 1}])
def test_settings_of_ours_that_lose_data(of: dict[str, int]) -> None:
    """One copy, or a commit that rests on one, is refused."""
    found = judge(brokers(), KafkaConfig(("k:1",), **of))
    assert found
    assert {(f.level.value, f.place) for f in found} == {("unsafe", "settings")}


class Answer:
    """Tagged fields of an answer, as brokers send them."""

    def __init__(self, tags: dict[int, bytes]) -> None:
        self.tags = tags


def test_features_of_a_broker_that_tells_none() -> None:
    """One with ZooKeeper."""
    assert wire.features(Answer({})) == wire.Features({}, {})


def test_features_are_read() -> None:
    """Name, then for what is supported lowest and highest, for what is in force highest and lowest."""
    name = b"\x11metadata.version"
    tags = {0: b"\x02" + name + b"\x00\x01\x00\x1d\x00", 2: b"\x02" + name + b"\x00\x1c\x00\x01\x00"}
    assert wire.features(Answer(tags)) == wire.Features({"metadata.version": 29}, {"metadata.version": 28})


def described(name: str, *operations: str, code: int = 0) -> tuple[Any, ...]:
    bits = sum(1 << wire.OPERATIONS[o] for o in operations)
    return (code, name, False, [], bits)


def test_permissions_on_topics() -> None:
    """What all lack is said once; what some lack names them; what is not there is said elsewhere."""
    every = ("Read", "Write", "Describe", "DescribeConfigs")
    assert not list(topics_lacking([described("warn.a", *every), described("warn.b", code=3)], CONFIG))
    both = [described("warn.a", "Read", "Describe"), described("warn.b", "Read", "Describe")]
    [one] = topics_lacking(both, CONFIG)
    assert one.what == "we may not Write or DescribeConfigs every Kafka topic of warn's"
    assert "--operation Write --operation DescribeConfigs --topic warn. " in one.do
    [some] = topics_lacking([described("warn.a", *every), described("warn.b", code=29)], CONFIG)
    assert some.what == "we may not Read, Write, Describe or DescribeConfigs warn.b"

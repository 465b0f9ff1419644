"""`warn doctor` on real brokers: what it says before `warn init` and after, of time, and of a broker that hangs."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kafka.brokers import Brokers
from tests.kafka.fixtures import Cluster, make_topics
from warn.app.doctor import LIMIT_S, about_time, examine, last_clock
from warn.app.symptom import State, Symptom
from warn.bus.kafka import KafkaBus, KafkaConfig
from warn.model.flow import MENTIONS
from warn.model.records import Clock
from warn.model.wire import encode
from warn.settings import Settings
from warn.stages.base import Out

pytestmark = pytest.mark.real


def settings(tmp_path: Path, bootstrap: str, **kafka: object) -> Settings:
    return Settings(
        data=tmp_path / "data",
        web={"port": 0},
        bus={"kafka": {"bootstrap": bootstrap, "allow_unsafe": True, **kafka}},
    )


def of(found: list[Symptom], *names: str) -> list[str]:
    return [f"{one.state.value} {one}" for one in found if one.name in names and one.state is not State.NOTE]


async def test_before_init_and_after(kafka: Cluster, kafka_prefix: str, tmp_path: Path) -> None:
    """Each missing topic has its line; then all is well, and time is the next thing to see to."""
    asked = settings(tmp_path, kafka.bootstrap, prefix=kafka_prefix)
    before = await examine(asked)
    assert f"wrong {kafka_prefix}.mentions: is missing: run `warn init`" in of(before, "topics")
    assert f"well {kafka.bootstrap} answers: Kafka 4.2, not encrypted" in of(before, "kafka")
    assert "well we may do all that warn needs" in of(before, "kafka")
    await make_topics(kafka.bootstrap, kafka_prefix, {"mentions": 6, "signals": 6, "collect": 6})
    after = await examine(asked)
    assert of(after, "topics") == ["well 13 of 13 are as warn needs them"]
    assert "none has been written yet" in next(str(one) for one in after if one.name == "time")


async def test_the_last_time_that_was_written(kafka: Cluster, kafka_prefix: str) -> None:
    """The latest of all that lie at the end, among records that are no clocks."""
    config = await make_topics(kafka.bootstrap, kafka_prefix, {"mentions": 2})
    assert await last_clock(config) is None
    bus = await KafkaBus.start(config)
    for now in range(1_000, 1_300):
        await bus.write([Out(MENTIONS, p, b"", encode(Clock(now=now))) for p in (0, 1)])
    await bus.write([Out(MENTIONS, 0, b"", b"nonsense")])
    await bus.close()
    assert await last_clock(config) == 1_299


def test_what_time_says() -> None:
    """A machine whose clock is behind, nobody who writes time, and all well."""
    assert about_time(None, 1_000.0).state is State.NOTE
    assert about_time(1_000, 1_000.5).state is State.WELL
    assert about_time(1_000, 1_060.0).what == "the last was written 60 s ago"
    behind = about_time(1_060, 1_000.0)
    assert behind.state is State.WRONG
    assert behind.what == "this machine's clock is 60 s behind that of the machine which runs collect"


async def test_a_broker_that_hangs(make_kafka: Callable[..., Brokers], tmp_path: Path) -> None:
    """Stopped in its tracks it still takes connections: told within the limit."""
    brokers = make_kafka()
    brokers.pause(1)
    started = time.monotonic()
    found = await examine(settings(tmp_path, brokers.bootstrap))
    took = time.monotonic() - started
    brokers.resume(1)
    [line] = of(found, "kafka")
    assert "takes the connection and says nothing for 3 s" in line
    assert took < LIMIT_S


async def test_it_disturbs_nobody(kafka: Cluster, kafka_prefix: str, tmp_path: Path) -> None:
    """A seat that is held stays held, and no group has a member more: it may be asked at any time."""
    config: KafkaConfig = await make_topics(
        kafka.bootstrap, kafka_prefix, {"mentions": 6, "signals": 6, "collect": 6}
    )
    bus = await KafkaBus.start(config)
    seat = await bus.open("match", 0)
    await seat.restore()
    await seat.commit([], {b"k": b"1"}, 0)
    ends = [await bus.end(t, 0) for t in ("mentions", "signals", "desk", "incidents")]
    found = await examine(settings(tmp_path, kafka.bootstrap, prefix=kafka_prefix))
    assert not [one for one in found if one.state is State.WRONG and one.name in ("kafka", "topics")]
    await seat.commit([], {b"k": b"2"}, 0)
    assert [await bus.end(t, 0) for t in ("mentions", "signals", "desk", "incidents")] == ends
    await seat.close()
    await bus.close()

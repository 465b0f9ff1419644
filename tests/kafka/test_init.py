"""`warn init` on real brokers: makes what is missing, says what differs, alters nothing, refuses what would lose data."""

import asyncio
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from typer.testing import CliRunner, Result

from tests.kafka.brokers import Brokers, Listener
from tests.kafka.fixtures import Cluster, topics_of
from warn.bus.kafka import KafkaBus
from warn.bus.kafka.admin import check, create, inspect
from warn.bus.kafka.config import KafkaConfig
from warn.bus.kafka.topics import wanted
from warn.cli import app
from warn.model.errors import PermanentError
from warn.model.flow import CONFIG, INCIDENTS, RESPOND
from warn.stages.base import Out

pytestmark = pytest.mark.real

EVERYTHING = 13


def config(bootstrap: str, prefix: str = "warn", **of: Any) -> KafkaConfig:
    return KafkaConfig(tuple(bootstrap.split(",")), **{"prefix": prefix, "allow_unsafe": True, **of})


async def make(bootstrap: str, name: str, partitions: int, settings: Mapping[str, str]) -> None:
    """One Kafka topic by somebody else's hand."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    answer = await admin.create_topics([NewTopic(name, partitions, 1, topic_configs=dict(settings))])
    assert [code for _, code, *_ in answer.topic_errors] == [0]
    # The controller has made it; the broker hears of it a moment later.
    for _ in range(500):
        if not (await admin.describe_topics([name]))[0]["error_code"]:
            break
        await asyncio.sleep(0.02)
    await admin.close()


def right(of: KafkaConfig, ours: str) -> dict[str, str]:
    return next(dict(t.settings) for t in wanted(of) if t.ours == ours) | {"min.insync.replicas": "1"}


async def test_makes_everything_once(kafka: Cluster, kafka_prefix: str) -> None:
    """An empty cluster gets all topics; a second time nothing is left to do; a start finds everything right."""
    asked = config(kafka.bootstrap, kafka_prefix)
    assert len((await inspect(asked)).missing) == EVERYTHING
    assert topics_of(kafka.bootstrap, kafka_prefix) == {}
    first, second = await create(asked), await create(asked)
    assert (len(first.created), first.missing, first.refusals) == (EVERYTHING, [], [])
    assert (second.created, second.failed) == ((), ())
    assert topics_of(kafka.bootstrap, kafka_prefix) == {t.name: t.partitions for t in wanted(asked)}
    assert not (await check(asked)).refusals


async def test_half_made_is_completed(kafka: Cluster, kafka_prefix: str) -> None:
    """What is there stays as it is, the rest is made."""
    asked = config(kafka.bootstrap, kafka_prefix)
    await make(kafka.bootstrap, f"{kafka_prefix}.history", 1, right(asked, "history"))
    made = await create(asked)
    assert len(made.created) == EVERYTHING - 1
    assert f"{kafka_prefix}.history" not in made.created
    assert not made.refusals


async def test_what_differs_is_told_with_its_remedy(kafka: Cluster, kafka_prefix: str) -> None:
    """Partitions, retention, compaction, time stamps: what is, what must be, and the command; a start is refused."""
    asked = config(kafka.bootstrap, kafka_prefix)
    for ours, partitions, off in (
        ("mentions", 4, {}),
        ("evidence", 1, {"retention.ms": "31536000000"}),
        ("incidents", 1, {"retention.ms": "3600000", "message.timestamp.type": "CreateTime"}),
        ("config", 1, {"cleanup.policy": "compact,delete"}),
        ("state.match", 6, {"cleanup.policy": "delete"}),
        ("history", 1, {"retention.ms": "-1"}),
    ):
        await make(kafka.bootstrap, f"{kafka_prefix}.{ours}", partitions, right(asked, ours) | off)
    before = (await inspect(asked)).topics
    seen = await create(asked)
    after = {name: there for name, there in seen.topics.items() if name not in seen.created}
    assert after == {name: there for name, there in before.items() if there}
    told = {(f.place.removeprefix(f"{kafka_prefix}."), f.what): f.do for f in seen.refusals}
    change = (
        f"kafka-configs.sh --bootstrap-server {kafka.bootstrap} --alter --entity-type topics --entity-name "
    )
    assert told == {
        ("mentions", "has 4 partitions, and must have 6"): (
            "set bus.mentions to 4 if all its topics have that, or take another bus.kafka.prefix "
            f"(now {kafka_prefix}) and run `warn init`, which starts anew beside the old"
        ),
        ("evidence", "retention.ms is 31536000000, and must be 2592000000"): (
            f"{change}{kafka_prefix}.evidence --add-config retention.ms=2592000000"
        ),
        ("incidents", "retention.ms is 3600000, and must be at least 7776000000"): (
            f"{change}{kafka_prefix}.incidents --add-config retention.ms=7776000000"
        ),
        ("incidents", "message.timestamp.type is CreateTime, and must be LogAppendTime"): (
            f"{change}{kafka_prefix}.incidents --add-config message.timestamp.type=LogAppendTime"
        ),
        ("config", "cleanup.policy is compact,delete, and must be compact"): (
            f"{change}{kafka_prefix}.config --add-config cleanup.policy=compact"
        ),
        ("state.match", "cleanup.policy is delete, and must be compact"): (
            f"{change}{kafka_prefix}.state.match --add-config cleanup.policy=compact"
        ),
    }
    with pytest.raises(PermanentError, match=r"see `warn init`\n.*mentions: has 4 partitions.*"):
        await check(asked)


async def test_partitions_that_are_there_can_be_asked_for(kafka: Cluster, kafka_prefix: str) -> None:
    """As the remedy says."""
    asked = config(kafka.bootstrap, kafka_prefix, partitions={"mentions": 4, "signals": 3, "collect": 2})
    made = await create(asked)
    assert not made.refusals
    counts = topics_of(kafka.bootstrap, kafka_prefix)
    names = ("mentions", "state.match", "signals", "state.detect", "state.collect", "state.respond", "desk")
    assert [counts[f"{kafka_prefix}.{n}"] for n in names] == [4, 4, 3, 3, 2, 1, 1]


async def test_the_largest_records_fit(kafka: Cluster, kafka_prefix: str) -> None:
    """A rule set of more than ten thousand rules, even if it could not be compressed."""
    asked = config(kafka.bootstrap, kafka_prefix)
    await create(asked)
    bus = await KafkaBus.start(asked)
    body = os.urandom(10 * 1024 * 1024)
    await bus.write([Out(CONFIG, 0, b"hash", body)])
    reader = await bus.follow(CONFIG)
    [(_, _, key, value)] = await reader.read(10, 10.0)
    assert (key, value) == (b"hash", body)
    await reader.close()
    await bus.close()


def warn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bootstrap: str, *arguments: str, **kafka: Any
) -> Result:
    """The command, with settings of its own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "warn.yaml").write_text(json.dumps({"bus": {"kafka": {"bootstrap": bootstrap, **kafka}}}))
    return CliRunner().invoke(app, list(arguments))


def test_one_broker_is_refused_unless_told_otherwise(
    kafka: Cluster, kafka_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`warn init` makes nothing there and ends with 3; told that losing data is acceptable, it does and ends with 0."""

    def init(*arguments: str, **of: Any) -> Result:
        return warn(tmp_path, monkeypatch, kafka.bootstrap, "init", *arguments, prefix=kafka_prefix, **of)

    refused = init()
    assert refused.exit_code == 3, refused.output
    assert "there is one broker only: when its disk is lost, everything is" in refused.stdout
    assert "Nothing was made: mend the above first." in refused.stdout
    assert topics_of(kafka.bootstrap, kafka_prefix) == {}
    looked = init("--check", allow_unsafe=True)
    assert looked.exit_code == 3
    assert "run `warn init` to make them" in looked.stdout
    assert topics_of(kafka.bootstrap, kafka_prefix) == {}
    made = init(allow_unsafe=True)
    assert (made.exit_code, made.stdout.count("created")) == (0, EVERYTHING), made.output
    again = init("--json", allow_unsafe=True)
    said = json.loads(again.stdout)
    assert (again.exit_code, said["ok"], {t["state"] for t in said["topics"]}) == (0, True, {"right"})
    assert said["brokers"][0]["release"] == "4.2"


async def test_three_brokers_are_what_it_is_made_for(
    make_kafka: Callable[..., Brokers], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is to be mended: three copies, two in sync. With one broker down it starts all the same, and says so."""
    brokers = make_kafka(3)
    safe = config(brokers.bootstrap, allow_unsafe=False)
    made = await create(safe)
    assert (len(made.created), made.refusals) == (EVERYTHING, [])
    assert {there.replication for there in made.topics.values() if there} == {3}
    brokers.pause(3)
    async with asyncio.timeout(4):
        hung = await check(safe)
    brokers.resume(3)
    [away] = [f for f in hung.findings if f.what == "could not be asked"]
    assert "did not answer within 1.5 s" in away.do
    brokers.kill(3)
    seen = await check(safe)
    assert [f.place for f in seen.findings if f.what == "could not be asked"] in (
        [],
        [seen.brokers[-1].place],
    )
    brokers.kill(2)
    short = [f for f in (await inspect(safe)).refusals if "in sync" in f.what or "leads" in f.what]
    assert all(f.passes for f in short)


async def test_settings_of_a_broker_that_lose_data_are_told(make_kafka: Callable[..., Brokers]) -> None:
    """Topics that come by themselves, transactions with one copy, no compaction, sessions that may not be so short."""
    brokers = make_kafka(
        settings={
            "auto.create.topics.enable": "true",
            "log.cleaner.enable": "false",
            "group.min.session.timeout.ms": "10000",
            "transaction.max.timeout.ms": "30000",
        }
    )
    seen = await inspect(config(brokers.bootstrap, allow_unsafe=False))
    told = {f.what for f in seen.refusals if f.place.startswith("broker 1")}
    assert told == {
        "auto.create.topics.enable is true, and must be false",
        "group.min.session.timeout.ms is 10000, and must be at most 6000",
        "log.cleaner.enable is false, and must be true",
        "transaction.max.timeout.ms is 30000, and must be at least 60000",
        "transaction.state.log.min.isr is 1, and must be at least 2",
        "transaction.state.log.replication.factor is 1, and must be at least 2",
    }


async def test_an_address_that_clients_cannot_reach_is_told(make_kafka: Callable[..., Brokers]) -> None:
    """The broker answers where the settings say, and sends clients on to a port where nobody listens."""
    brokers = make_kafka(listener=Listener("AWAY", proxied=True))
    listens = f"127.0.0.1:{brokers.ports['AWAY'][1]}"
    seen = await inspect(config(listens))
    told = [f for f in seen.findings if f.what == "could not be asked"]
    assert [f.place for f in told] == [f"broker 1 (127.0.0.1:{brokers.advertised['AWAY'][1]})"]
    assert "refuses the connection" in told[0].do
    assert "mend advertised.listeners of that broker" in told[0].do


@pytest.mark.parametrize(
    ("version", "release", "unsafe"),
    [("4.3.1", "4.3", True), ("4.1.1", "4.1", False), ("3.9.1", "3.9", False)],
)
async def test_other_releases(
    make_kafka: Callable[..., Brokers], version: str, release: str, unsafe: bool
) -> None:
    """4.3.1 is refused unless told otherwise; others are noted and work."""
    brokers = make_kafka(version=version)
    asked = config(brokers.bootstrap)
    made = await create(asked)
    assert (len(made.created), made.refusals) == (EVERYTHING, [])
    bus = await KafkaBus.start(asked)
    seat = await bus.open(RESPOND, 0)
    await seat.restore()
    await seat.commit([Out(INCIDENTS, 0, b"k", b"v")], {b"key": b"body"}, 0)
    reader = await bus.follow(INCIDENTS)
    assert [value for *_, value in await reader.read(5, 5.0)] == [b"v"]
    for one in (reader, seat, bus):
        await one.close()
    about = [f for f in made.findings if f"runs Kafka {release}" in f.what]
    assert [f.level.value for f in about] == ["unsafe" if unsafe else "note"]
    strict = await inspect(config(brokers.bootstrap, allow_unsafe=False))
    refused = [f for f in strict.refusals if "runs Kafka" in f.what]
    assert len(refused) == unsafe
    if unsafe:
        assert "KAFKA-20734" in refused[0].what
        with pytest.raises(PermanentError, match=r"4\.3\.0 and 4\.3\.1 lose committed transactions"):
            await check(config(brokers.bootstrap, allow_unsafe=False))

"""A topic of somebody else's on real brokers: nothing lost, nothing twice, nothing written there."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions, NewTopic

from connectors.kafka_topic import KafkaTopicConfig, KafkaTopicConnector
from tests.kafka.fixtures import Cluster, started
from tests.kafka.secure import SECURE, grant, make_certs, secure
from warn.ingest.connector import Batch, Connector, Cursor
from warn.model.errors import PermanentError, Reason, TemporaryError
from warn.testing.check_connector import Failing, Made, Until, check_connector

pytestmark = pytest.mark.real

T0 = 1_764_000_000


class Theirs:
    """A topic with a writer."""

    def __init__(self, bootstrap: str, topic: str, partitions: int = 3) -> None:
        self.bootstrap, self.topic = bootstrap, topic
        self.admin = AdminClient({"bootstrap.servers": bootstrap})
        self.make(partitions)

    def make(self, partitions: int) -> None:
        made = self.admin.create_topics([NewTopic(self.topic, partitions, 1)], operation_timeout=10)
        made[self.topic].result(10)

    def write(
        self, numbers: Sequence[int], *, partition: int | None = None, commit: bool | None = None
    ) -> None:
        """`commit`: in a transaction, which is committed or not."""
        values = [line(number) for number in numbers]
        self.put(values, partition=partition, commit=commit, at_s=[T0 + number for number in numbers])

    def put(
        self, values: Sequence[bytes], *, partition: int | None = None, commit: bool | None = None,
        at_s: Sequence[int] | None = None,
    ) -> None:  # fmt: skip
        settings = {"bootstrap.servers": self.bootstrap}
        if commit is not None:
            settings["transactional.id"] = f"{self.topic}.writer"
        producer = Producer(settings)
        if commit is not None:
            producer.init_transactions(10)
            producer.begin_transaction()
        for n, value in enumerate(values):
            where = n % 3 if partition is None else partition
            at = (at_s[n] if at_s else T0) * 1000
            producer.produce(self.topic, value, partition=where, timestamp=at)
        assert producer.flush(10) == 0
        if commit is True:
            producer.commit_transaction(10)
        if commit is False:
            producer.abort_transaction(10)

    def trim(self, partition: int, before: int) -> None:
        """Retention has taken what was before."""
        place = TopicPartition(self.topic, partition, before)
        self.admin.delete_records([place])[place].result(10)

    def config(self, **of: object) -> KafkaTopicConfig:
        settings = {"name": "theirs", "bootstrap": self.bootstrap, "topic": self.topic, "begin": "start"}
        return KafkaTopicConfig(**{**settings, **of})

    def connector(self, **of: object) -> KafkaTopicConnector:
        return KafkaTopicConnector(self.config(**of), wait_s=0.3, refresh_s=0.5)


def line(number: int) -> bytes:
    return json.dumps(
        {"id": str(number), "source": "forum", "created_at": f"2026-05-01T10:{number // 60 % 60:02}:{number % 60:02}Z",
         "author": "Marker Person", "text": f"Acme kettle {number}"}
    ).encode()  # fmt: skip


@pytest.fixture
def theirs(kafka: Cluster, kafka_prefix: str) -> Theirs:
    return Theirs(kafka.bootstrap, f"{kafka_prefix}.posts")


async def until(connector: Connector, ids: int, cursor: Cursor | None = None) -> list[Batch]:
    """Read until so many items have come."""
    found: list[Batch] = []
    async with asyncio.timeout(30), aclosing(connector.batches(cursor)) as batches:
        async for batch in batches:
            found.append(batch)
            if sum(len(one.items) for one in found) >= ids:
                break
    return found


def ids(batches: Sequence[Batch]) -> set[int]:
    return {int(item.id) for batch in batches for item in batch.items}


@pytest.mark.timeout(300)
async def test_contract(theirs: Theirs) -> None:
    for first in range(0, 90, 30):
        theirs.write(range(first, first + 30))

    def make() -> Made:
        read = [0]

        def over(batch: Batch) -> bool:
            read[0] += len(batch.items)
            return read[0] >= 90 or batch == Batch()

        return theirs.config(), Until(theirs.connector(), over)

    gone = theirs.config(topic=f"{theirs.topic}.gone")
    await check_connector(
        make,
        failing={"no such topic": Failing(lambda: KafkaTopicConnector(gone), PermanentError, Reason.CONFIG)},
        secrets=["Marker Person"],
    )


async def test_it_goes_on_where_it_was_and_leaves_no_trace_there(theirs: Theirs) -> None:
    theirs.write(range(50))
    first = await until(theirs.connector(), 50)
    cursor = first[-1].cursor
    theirs.write(range(50, 60))
    again = await until(theirs.connector(), 10, cursor)
    assert ids(again) == set(range(50, 60))
    assert not [gap for batch in first + again for gap in batch.gaps]
    groups = theirs.admin.list_consumer_groups(request_timeout=10).result().valid
    assert not [group.group_id for group in groups if theirs.topic in group.group_id]
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_only_what_is_committed_is_read(theirs: Theirs) -> None:
    theirs.write(range(10), commit=True)
    theirs.write(range(10, 20), commit=False)
    theirs.write(range(20, 30), commit=True)
    assert ids(await until(theirs.connector(), 20)) == {*range(10), *range(20, 30)}


async def test_what_comes_before_the_first_record_was_read_is_not_lost_by_a_restart(theirs: Theirs) -> None:
    theirs.write(range(10))
    start = await until(theirs.connector(begin="end"), 0)
    assert start[0].items == ()
    theirs.write(range(10, 20))
    assert ids(await until(theirs.connector(begin="end"), 10, start[0].cursor)) == set(range(10, 20))


async def test_what_retention_took_is_a_gap(theirs: Theirs) -> None:
    theirs.write(range(30), partition=0)
    cursor = (await until(theirs.connector(), 30))[-1].cursor
    theirs.write(range(30, 60), partition=0)
    theirs.trim(0, 45)
    again = await until(theirs.connector(), 15, cursor)
    assert ids(again) == set(range(45, 60))
    assert [gap for batch in again for gap in batch.gaps] == [(T0 + 29, T0 + 45)]


async def test_what_retention_takes_while_it_reads_is_a_gap(theirs: Theirs) -> None:
    theirs.write(range(30), partition=0)
    found: list[Batch] = []
    async with asyncio.timeout(30), aclosing(theirs.connector().batches(None)) as batches:
        async for batch in batches:
            found.append(batch)
            if sum(len(one.items) for one in found) == 30:
                theirs.write(range(30, 60), partition=0)
                theirs.trim(0, 45)
            if ids(found) >= set(range(45, 60)):
                break
    gaps = [gap for batch in found for gap in batch.gaps]
    # The consumer may have fetched them before they went.
    assert gaps in ([], [(T0 + 29, T0 + 45)])
    assert gaps or ids(found) == set(range(60))


async def test_a_topic_that_was_made_anew_is_read_from_its_start(theirs: Theirs) -> None:
    theirs.write(range(30), partition=0)
    cursor = (await until(theirs.connector(), 30))[-1].cursor
    theirs.admin.delete_topics([theirs.topic], operation_timeout=10)[theirs.topic].result(10)
    await asyncio.sleep(1.0)
    theirs.make(3)
    theirs.write(range(100, 105), partition=0)
    again = await until(theirs.connector(), 5, cursor)
    assert ids(again) == set(range(100, 105))
    assert [gap for batch in again for gap in batch.gaps] == [(T0 + 29, T0 + 100)]


async def test_new_partitions_are_read_too(theirs: Theirs) -> None:
    theirs.write(range(9))
    found: list[Batch] = []
    async with asyncio.timeout(30), aclosing(theirs.connector().batches(None)) as batches:
        async for batch in batches:
            found.append(batch)
            if len(ids(found)) == 9 and batch.items:
                theirs.admin.create_partitions([NewPartitions(theirs.topic, 5)])[theirs.topic].result(10)
                theirs.write(range(9, 15), partition=4)
            if len(ids(found)) == 15:
                break
    assert json.loads(found[-1].cursor or "").keys() == {"0", "1", "2", "3", "4"}


async def test_what_is_no_mention_is_refused_with_its_place_and_stops_nothing(theirs: Theirs) -> None:
    bad = [
        b"no json",
        b'{"id": "1"}',
        b"",
        b'{"id": "7", "created_at": "2026-05-01T10:00:00Z", "text": "Acme"}',
    ]
    theirs.put(bad, partition=1)
    found = await until(theirs.connector(source="elsewhere"), 1)
    assert [item.source for batch in found for item in batch.items] == ["elsewhere"]
    refused = [one for batch in found for one in batch.refused]
    assert [one.where for one in refused] == [f"{theirs.topic} partition 1 offset {n}" for n in range(3)]
    assert refused[0].payload == b"no json"


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
async def test_compressed_values_and_tombstones(theirs: Theirs, codec: str) -> None:
    producer = Producer({"bootstrap.servers": theirs.bootstrap, "compression.type": codec, "linger.ms": 50})
    for number in range(40):
        value = None if number % 10 == 3 else line(number)
        producer.produce(theirs.topic, value, key=str(number), partition=0, timestamp=T0 * 1000)
    assert producer.flush(10) == 0
    found = await until(theirs.connector(), 36)
    assert ids(found) == {number for number in range(40) if number % 10 != 3}
    refused = [one for batch in found for one in batch.refused]
    assert [one.where.rpartition(" ")[2] for one in refused] == ["3", "13", "23", "33"]
    assert all("tombstone" in one.message for one in refused)


async def test_a_mapping_reads_anything(theirs: Theirs) -> None:
    mapping = {"mentions": [{"id": "nr", "text": "body.said", "created": "when"}]}
    theirs.put(
        [b'{"nr": 7, "body": {"said": "Acme burns"}, "when": "2026-05-01T10:00:00Z"}', b"[]"], partition=2
    )
    found = await until(theirs.connector(mapping=mapping, role="care"), 1)
    assert [(i.id, i.text, i.source) for b in found for i in b.items] == [("7", "Acme burns", "theirs")]
    refused = [one for batch in found for one in batch.refused]
    assert len(refused) == 1
    assert refused[0].payload == b"", "what customers say is not put aside"


async def test_who_may_not_read_is_told_what_to_ask_for(tmp_path: Path) -> None:
    """A wrong password, no grant, and then both right; the password is in no word of it."""
    certs = make_certs(tmp_path / "certs")
    kafka = started(**secure(certs, {"reader": "sesame", "warn": "secret"}))
    try:
        theirs = Theirs(kafka.bootstrap, "posts")
        theirs.write(range(5))
        access = {"protocol": "sasl_ssl", "ca": certs / "ca.pem", "username": "reader"}
        bootstrap = kafka.bootstrap_of(SECURE)

        def connector(password: str) -> Connector:
            return theirs.connector(bootstrap=bootstrap, security={**access, "password": password})

        with pytest.raises(PermanentError) as wrong:
            await until(connector("open sesame"), 1)
        with pytest.raises(TemporaryError) as barred:
            await until(connector("sesame"), 1)
        grant(kafka, "reader", "--topic posts", ["Read"])
        found = await until(connector("sesame"), 5)
    finally:
        kafka.stop()
    assert wrong.value.reason is barred.value.reason is Reason.AUTH
    assert "sesame" not in f"{wrong.value!r}{barred.value!r}"
    assert "grant Describe and Read on it to reader" in str(barred.value)
    assert ids(found) == set(range(5))

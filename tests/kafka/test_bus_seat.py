"""Seats on real brokers: what is fenced stays out, what is restored is all there is, what is missing is told."""

import asyncio
import random
from typing import Any

import pytest
from aiokafka.admin import RecordsToDelete
from aiokafka.errors import ProducerFenced

from tests.kafka.buses import Recorder, another, bus_of, values
from tests.kafka.fixtures import Cluster
from warn.bus.base import FencedError, Seat, TrimmedError
from warn.bus.codec import MAX_BODY, UnreadableStateError
from warn.bus.kafka import KafkaBus
from warn.bus.kafka import seat as seats
from warn.bus.kafka.batches import MAX_RECORD
from warn.bus.kafka.restore import POSITION_KEY
from warn.model.errors import Reason, TemporaryError
from warn.model.flow import COLLECT, DESK, DETECT, MATCH, MENTIONS, SIGNALS
from warn.stages.base import In, Out

pytestmark = pytest.mark.real


def mention(value: bytes, partition: int = 0) -> Out:
    return Out(MENTIONS, partition, b"", value)


def signal(value: bytes) -> Out:
    return Out(SIGNALS, 0, b"", value)


async def restored(seat: Seat) -> dict[bytes, tuple[int, bytes]]:
    return {key: (at, body) for key, at, body in (await seat.restore()).records}


async def trim(bus: KafkaBus, topic: str, partition: int, before: int) -> None:
    """Retention, on request."""
    clients = bus.cluster.clients
    admin = await clients.start(clients.admin("test"), "trimming")
    await admin.delete_records({bus.cluster.place(topic, partition): RecordsToDelete(before)})
    clients.let_go(admin)


async def test_an_abandoned_commit_is_undone_by_the_next_owner(
    kafka: Cluster, kafka_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything is written but for the decision, and the answer does not come: the successor's fence decides."""
    monkeypatch.setattr(seats, "COMMIT_S", 1.0)
    async with bus_of(kafka.bootstrap, kafka_prefix) as bus:
        old = await bus.open(MATCH, 0)
        await old.commit([signal(b"one")], {b"a": b"1"}, 1)
        producer: Any = old._producer
        decide = producer.commit_transaction
        monkeypatch.setattr(producer, "commit_transaction", asyncio.Event().wait)
        with monkeypatch.context() as living:
            living.setattr(bus.cluster.clients, "let_go", lambda _: None)
            with pytest.raises(TemporaryError) as caught:
                await old.commit([signal(b"zombie")], {b"a": b"666"}, 2)
        assert caught.value.reason is Reason.TIMEOUT
        new = await bus.open(MATCH, 0)
        async with asyncio.timeout(5):
            with pytest.raises(ProducerFenced):
                await decide()
        assert await restored(new) == {b"a": (1, b"1")}
        await new.commit([signal(b"two")], {}, 2)
        assert await values(bus, SIGNALS) == [b"one", b"two"]


async def test_two_processes_fence_each_other(kafka: Cluster, kafka_prefix: str) -> None:
    """Whoever opened last has the seat; nothing of the others gets through, whatever they had begun."""
    async with bus_of(kafka.bootstrap, kafka_prefix) as one:
        two = await another(one.cluster.config)
        wrote: list[bytes] = []
        seat = await one.open(MATCH, 0)
        for n in range(30):
            value = b"%d" % n
            committing = asyncio.create_task(seat.commit([signal(value)], {b"n": value}, n + 1))
            await asyncio.sleep(random.Random(n).random() * 0.006)
            heir = await (two if n % 2 else one).open(MATCH, 0)
            try:
                await committing
                wrote.append(value)
            except FencedError:
                pass
            assert (await restored(heir)).get(b"n", (0, b""))[1] == (wrote[-1] if wrote else b"")
            seat = heir
        assert await values(one, SIGNALS) == wrote
        await two.close()


async def test_state_that_was_only_ever_aborted_is_none(kafka: Cluster, kafka_prefix: str) -> None:
    """A partition that holds nothing but aborted records and markers is read to its end, and is empty."""
    async with bus_of(kafka.bootstrap, kafka_prefix) as bus:
        for _ in range(3):
            producer: Any = (await bus.open(MATCH, 1))._producer
            await producer.begin_transaction()
            place = bus.cluster.state_of(MATCH, 1)
            await (await producer.send(place.topic, b"junk", b"k", place.partition))
            await producer.abort_transaction()
        seat = await bus.open(MATCH, 1)
        assert await seat.restore() == ([], 0)


async def test_large_state_and_many_records_go_in_one_step(kafka: Cluster, kafka_prefix: str) -> None:
    """A body of the largest size that compresses by nothing, and more records than fit a batch."""
    rng = random.Random(3)
    big = rng.randbytes(MAX_BODY)
    some = {b"%d" % n: rng.randbytes(700) for n in range(2_000)}
    async with bus_of(kafka.bootstrap, kafka_prefix) as bus:
        seat = await bus.open(MATCH, 0)
        outputs = [signal(rng.randbytes(2_000)) for _ in range(1_000)]
        await seat.commit(outputs, {**some, b"big": big}, 5)
        heir = await bus.open(MATCH, 0)
        assert await restored(heir) == {k: (5, v) for k, v in {**some, b"big": big}.items()}
        assert await values(bus, SIGNALS) == [out.value for out in outputs]
        with pytest.raises(ValueError, match="above the limit"):
            await heir.commit([signal(bytes(MAX_RECORD + 1))], {}, 6)


async def test_input_that_is_gone_is_told(kafka: Cluster, kafka_prefix: str) -> None:
    """A seat never steps over what retention took; one that has never committed begins with what is kept."""
    async with bus_of(kafka.bootstrap, kafka_prefix) as bus:
        collect, match = await bus.open(COLLECT, 0), await bus.open(MATCH, 0)
        for n in range(6):
            await collect.commit([mention(b"%d" % n)], {}, n + 1)
        first = (await match.read(1, 5.0))[0]
        await match.commit([], {}, first.position + 1)
        await trim(bus, MENTIONS, 0, 7)
        heir = await bus.open(MATCH, 0)
        with pytest.raises(TrimmedError, match="begins at 7"):
            await heir.read(10, 5.0)
        fresh = await bus.open(MATCH, 1)
        await collect.commit([mention(b"a", 1), mention(b"b", 1)], {}, 7)
        await trim(bus, MENTIONS, 1, 1)
        assert [r.value for r in await fresh.read(10, 5.0)] == [b"b"]


async def test_a_log_that_was_read_to_its_end_may_be_emptied(kafka: Cluster, kafka_prefix: str) -> None:
    """After the last record there are markers; a seat that has read all of it does not miss those."""
    async with bus_of(kafka.bootstrap, kafka_prefix) as bus:
        collect, match = await bus.open(COLLECT, 0), await bus.open(MATCH, 0)
        await collect.commit([mention(b"1")], {}, 1)
        record = (await match.read(10, 5.0))[0]
        await match.commit([], {}, record.position + 1)
        await trim(bus, MENTIONS, 0, await bus.end(MENTIONS, 0))
        heir = await bus.open(MATCH, 0)
        assert not await heir.read(10, 0.3)
        await collect.commit([mention(b"2")], {}, 2)
        assert [r.value for r in await heir.read(10, 5.0)] == [b"2"]


@pytest.mark.parametrize("again", [1, 3])
async def test_what_was_read_ahead_of_a_commit_comes_again(
    kafka: Cluster, kafka_prefix: str, again: int
) -> None:
    """Four are read, two are worked through and committed, the process dies: the other two come again, and no alarm. So
    too when that commit is repeated, and when the records are those of a stage with input, which are known by it.
    """
    watch = Recorder()
    async with bus_of(kafka.bootstrap, kafka_prefix, watch) as bus:
        match = await bus.open(MATCH, 0)
        for n in range(4):
            await match.commit([signal(b"%d" % n)], {}, n + 1)
        detect = await bus.open(DETECT, 0)
        read = await some(detect, 4)
        after = read[1].position + 1
        for _ in range(again):
            await detect.commit([Out(DESK, 0, b"", b"alert")], {b"a": b"1"}, after)
            assert detect.position > after, "it had read ahead"
        next_one = await another(bus.cluster.config, watch)
        heir = await next_one.open(DETECT, 0)
        assert (await heir.restore()).committed == after
        assert [r.value for r in await some(heir, 2)] == [b"2", b"3"]
        heir.seek(read[0].position)  # who has to read again for its state reads what it read
        assert [r.value for r in await some(heir, 4)] == [b"0", b"1", b"2", b"3"]
        await next_one.close()
    assert not [one for one in watch.told if one[0] != "lag untold"], (
        "a new cluster has no coordinator at first"
    )


async def some(seat: Seat, number: int) -> list[In]:
    """The next records, so many if they come within a while."""
    found: list[In] = []
    for _ in range(number):
        if len(found) < number:
            found += await seat.read(number - len(found), 2.0)
    return found


async def test_a_lost_record_is_counted(kafka: Cluster, kafka_prefix: str) -> None:
    """Numbers that are skipped are told once, with writer and amount; what comes after is read."""
    watch = Recorder()
    async with bus_of(kafka.bootstrap, kafka_prefix, watch) as bus:
        collect = await bus.open(COLLECT, 1)
        await collect.commit([mention(b"1")], {}, 1)
        chain: Any = collect._chain
        for _ in range(3):
            chain.link(MENTIONS, 0, 0)
        await collect.commit([mention(b"5"), mention(b"6")], {}, 2)
        for _ in range(2):  # a seat that is opened anew meets them again
            match = await bus.open(MATCH, 0)
            found: list[bytes] = []
            while len(found) < 3:
                found += [r.value for r in await match.read(10, 5.0)]
            assert found == [b"1", b"5", b"6"]
    assert watch.told == [("gap", MENTIONS, 0, "collect/1", 3)]


async def test_an_undecided_transaction_is_an_alarm(kafka: Cluster, kafka_prefix: str) -> None:
    """After the fence nobody else writes a seat's state: what stays undecided there, no broker will decide."""
    watch = Recorder()
    async with bus_of(kafka.bootstrap, kafka_prefix, watch) as bus:
        seat = await bus.open(MATCH, 0)
        await seat.commit([], {b"a": b"1"}, 1)
        clients, place = bus.cluster.clients, bus.cluster.state_of(MATCH, 0)
        other = await clients.start(clients.producer("other", f"{kafka_prefix}.other"), "hanging")
        await other.begin_transaction()
        await (await other.send(place.topic, b"x" * 30, b"b", place.partition))
        heir = await bus.open(MATCH, 0)
        assert await restored(heir) == {b"a": (1, b"1")}
        assert watch.told == [("hanging", MATCH, 0, 1)]
        await other.abort_transaction()
        assert await restored(await bus.open(MATCH, 0)) == {b"a": (1, b"1")}
        assert len(watch.told) == 1


@pytest.mark.parametrize("key", [b"a", POSITION_KEY])
async def test_state_that_cannot_be_read_is_refused(kafka: Cluster, kafka_prefix: str, key: bytes) -> None:
    """A record that is damaged, or that something else wrote, is named; nothing is written over it."""
    async with bus_of(kafka.bootstrap, kafka_prefix) as bus:
        seat = await bus.open(MATCH, 0)
        await seat.commit([], {b"b": b"1"}, 1)
        producer: Any = seat._producer
        place = bus.cluster.state_of(MATCH, 0)
        await producer.begin_transaction()
        await (await producer.send(place.topic, b"\0" * 40, key, place.partition))
        await producer.commit_transaction()
        heir = await bus.open(MATCH, 0)
        with pytest.raises(UnreadableStateError, match="match/0"):
            await heir.restore()


async def test_the_reserved_key_is_refused(kafka: Cluster, kafka_prefix: str) -> None:
    """A stage cannot write the position by accident."""
    async with bus_of(kafka.bootstrap, kafka_prefix) as bus:
        seat = await bus.open(MATCH, 0)
        with pytest.raises(ValueError, match="reserved"):
            await seat.commit([], {POSITION_KEY: b"9"}, 1)
        assert await (await bus.open(MATCH, 0)).restore() == ([], 0)


async def test_lag_tools_see_where_seats_stand(kafka: Cluster, kafka_prefix: str) -> None:
    """The group of that name holds the positions; it is written beside the steps."""
    watch = Recorder()
    async with bus_of(kafka.bootstrap, kafka_prefix, watch) as bus:
        seat = await bus.open(MATCH, 1)
        await seat.commit([], {}, 4)
        clients = bus.cluster.clients
        beside: Any = clients._beside
        await asyncio.wait({beside}, timeout=10)
        admin = await clients.start(clients.admin("test"), "asking")
        found = await admin.list_consumer_group_offsets(f"{kafka_prefix}.lag")
        clients.let_go(admin)
        assert {(tp.partition, at.offset) for tp, at in found.items()} == {(1, 4)}
    assert not watch.told

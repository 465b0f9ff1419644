"""Brokers that die, stop, or lose an answer: every acknowledged step is there once, every wait ends, nothing is left."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
)

from tests.kafka.brokers import Brokers, Listener
from tests.kafka.buses import Recorder, another, config_for, everything, made
from tests.kafka.proxy import Proxy
from warn.bus.base import FencedError
from warn.bus.kafka import KafkaBus
from warn.bus.kafka.seat import COMMIT_S
from warn.model.errors import Reason, TemporaryError
from warn.model.flow import COLLECT, MATCH, MENTIONS
from warn.stages.base import Out

pytestmark = pytest.mark.real

MakeKafka = Callable[..., Brokers]


class Counting:
    """Writes 0, 1, 2, ... into both partitions of `[mentions]`, and opens its seat anew after every failure."""

    def __init__(self, bus: KafkaBus) -> None:
        self._bus = bus
        self.failures: Counter[str] = Counter()
        self.committed = 0
        self._stepped = asyncio.Event()

    @asynccontextmanager
    async def going_on(self) -> AsyncIterator[None]:
        """While the block runs; it ends with a step that succeeds."""
        self._stopping = False
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._run())
            yield
            at = self.committed
            async with asyncio.timeout(60):
                await self.reach(at + 3)
            self._stopping = True

    async def reach(self, number: int) -> None:
        """Until so many steps are committed."""
        while self.committed < number:
            self._stepped = asyncio.Event()
            await self._stepped.wait()

    async def _run(self) -> None:
        while not self._stopping:
            with suppress(TimeoutError):
                try:
                    await self._sit()
                except TemporaryError as e:
                    self.failures[e.reason] += 1
                    await asyncio.sleep(0.1)

    async def _sit(self) -> None:
        async with asyncio.timeout(6.0):
            seat = await self._bus.open(COLLECT, 0)
        try:
            n = (await seat.restore()).committed
            while not self._stopping:
                value = b"%d" % n
                outputs = [Out(MENTIONS, p, b"", value) for p in (0, 1)]
                await seat.commit(outputs, {b"n": value, b"%d" % (n % 50): value}, n + 1)
                n += 1
                self.committed = n
                self._stepped.set()
        finally:
            await seat.close()

    async def check(self) -> None:
        """Each number is there once, in order, in each partition; a seat that reads them sees no break."""
        reader = await self._bus.follow(MENTIONS)
        found = await everything(reader)
        for partition in (0, 1):
            numbers = [int(value) for p, _, _, value in found if p == partition]
            assert numbers == list(range(self.committed))
        match = await self._bus.open(MATCH, 0)
        read = 0
        while some := await match.read(500, 1.0):
            read += len(some)
        assert read == self.committed


async def no_task_left() -> None:
    """What was let go of has ended; stuck clients take some seconds."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    if tasks:
        _, pending = await asyncio.wait(tasks, timeout=15)
        assert not pending


@pytest.mark.timeout(180)
async def test_a_broker_that_is_killed_again_and_again(make_kafka: MakeKafka) -> None:
    """In the middle of commits: what was acknowledged is there, once, after a commit that the client could sit out, and
    after one that could not be told any more.
    """
    kafka, watch, rng = make_kafka(), Recorder(), random.Random(4)
    bus = await made(kafka.bootstrap, watch=watch)
    counting = Counting(bus)
    for down_s in (0.0, 0.7, 2.0, COMMIT_S + 1):
        async with counting.going_on():
            await counting.reach(counting.committed + rng.randrange(20, 60))
            await asyncio.to_thread(kafka.kill, 1)
            await asyncio.sleep(down_s)
            await asyncio.to_thread(kafka.start, 1)
    await counting.check()
    assert counting.failures
    assert not watch.told
    await bus.close()
    await no_task_left()


@pytest.mark.timeout(120)
async def test_a_broker_that_stands_still(make_kafka: MakeKafka) -> None:
    """It takes connections and says nothing: a commit ends by its own limit, and goes on when the broker does."""
    kafka, watch = make_kafka(), Recorder()
    bus = await made(kafka.bootstrap, watch=watch)
    counting = Counting(bus)
    async with counting.going_on():
        await counting.reach(20)
        kafka.pause(1)
        await asyncio.sleep(7.0)
        kafka.resume(1)
    await counting.check()
    assert counting.failures[Reason.TIMEOUT]
    assert not watch.told
    await bus.close()
    await no_task_left()


@pytest.mark.timeout(120)
async def test_everything_ends_without_brokers(make_kafka: MakeKafka) -> None:
    """A commit, a write, an end, a read and the close itself, with the only broker stopped for good."""
    kafka, watch = make_kafka(), Recorder()
    bus = await made(kafka.bootstrap, watch=watch)
    collect, match = await bus.open(COLLECT, 0), await bus.open(MATCH, 0)
    await match.read(1, 0.1)
    await bus.write([Out(MENTIONS, 0, b"", b"1")])
    await bus.end(MENTIONS, 0)
    kafka.pause(1)
    loop = asyncio.get_running_loop()
    began = loop.time()
    waits = [
        collect.commit([Out(MENTIONS, 0, b"", b"2")], {}, 1),
        match.commit([], {}, 1),
        bus.write([Out(MENTIONS, 0, b"", b"3")]),
        bus.end(MENTIONS, 0),
        bus.open(MATCH, 1),
        another(bus.cluster.config),
    ]
    errors = await asyncio.gather(*waits, return_exceptions=True)
    assert all(isinstance(e, TemporaryError) for e in errors), errors
    assert loop.time() - began < 10.0
    began = loop.time()
    await bus.close()
    assert loop.time() - began < 9.0
    assert not bus.stuck
    assert not watch.told
    await no_task_left()


@pytest.mark.timeout(120)
async def test_a_commit_whose_answer_is_lost(make_kafka: MakeKafka) -> None:
    """Its outcome is unknown, and is what the store says after the next fence: all of it or nothing."""
    kafka = make_kafka(listener=Listener("PROXIED", proxied=True))
    rng = random.Random(8)
    async with Proxy(kafka.advertised["PROXIED"][1], kafka.ports["PROXIED"][1]) as proxy:
        bus = await made(kafka.bootstrap_of("PROXIED"))
        counting = Counting(bus)
        for _ in range(3):
            async with counting.going_on():
                await counting.reach(counting.committed + rng.randrange(5, 20))
                proxy.strand()
        await counting.check()
        await bus.close()
    await no_task_left()


@pytest.mark.timeout(120)
async def test_a_zombie_that_wakes_up(make_kafka: MakeKafka) -> None:
    """Its requests are held back until another has its seat: when they arrive they are refused, whatever they ask."""
    kafka = make_kafka(listener=Listener("PROXIED", proxied=True))
    prefix = config_for("x").prefix
    async with Proxy(kafka.advertised["PROXIED"][1], kafka.ports["PROXIED"][1]) as proxy:
        bus = await made(kafka.bootstrap, prefix)
        for n in range(6):
            sleepy = await another(config_for(kafka.bootstrap_of("PROXIED"), prefix))
            zombie = await sleepy.open(COLLECT, 0)
            restored = await zombie.restore()
            committing = asyncio.create_task(
                zombie.commit([Out(MENTIONS, 0, b"", b"zombie")], {b"z": b"1"}, restored.committed + 1)
            )
            await asyncio.sleep(n * 0.0005)
            proxy.hold()
            await asyncio.sleep(0.1)
            heir = await bus.open(COLLECT, 0)
            state = await heir.restore()
            went_through = state.committed > restored.committed
            await heir.commit([Out(MENTIONS, 0, b"", b"heir")], {b"z": None}, state.committed + 1)
            proxy.release()
            outcome = (await asyncio.gather(committing, return_exceptions=True))[0]
            if not went_through:
                assert isinstance(outcome, FencedError | TemporaryError)
            found = [value for _, _, _, value in await everything(await bus.follow(MENTIONS))]
            assert found.count(b"heir") == n + 1
            assert found[-2:] == ([b"zombie", b"heir"] if went_through else found[-2:])
            assert found[-1] == b"heir"
            await sleepy.close()
        await bus.close()


@pytest.mark.timeout(120)
async def test_state_that_was_compacted(make_kafka: MakeKafka) -> None:
    """Compaction took most of the records: what is restored is the newest of each key, and where the seat stood."""
    kafka = make_kafka(settings={"log.cleaner.backoff.ms": "100"})
    bus = await made(kafka.bootstrap)
    place = bus.cluster.state_of(MATCH, 0)
    _set(
        kafka.bootstrap,
        place.topic,
        {"segment.ms": "200", "min.cleanable.dirty.ratio": "0.001", "delete.retention.ms": "0"},
    )
    seat = await bus.open(MATCH, 0)
    rng, state, n = random.Random(2), dict[bytes, bytes](), 0
    async with asyncio.timeout(60):
        while await _written(bus) > n / 2 or n < 500:
            for _ in range(100):
                key, n = b"%d" % rng.randrange(40), n + 1
                body = None if rng.random() < 0.4 else b"%d" % n
                await seat.commit([], {key: body}, n)
                state.pop(key, None)
                state |= {} if body is None else {key: body}
    heir = await bus.open(MATCH, 0)
    restored = await heir.restore()
    assert {r.key: r.body for r in restored.records} == state
    assert restored.committed == n
    follower = await bus.follow_state(MATCH)
    followed: dict[bytes, bytes | None] = {}
    while some := await follower.read(50, 0.1):
        followed |= {key: body for _, key, body in some}
    assert {k: v for k, v in followed.items() if v is not None} == state
    await bus.close()


def _set(bootstrap: str, topic: str, settings: dict[str, str]) -> None:
    entries = [
        ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        for name, value in settings.items()
    ]
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=entries)
    client = AdminClient({"bootstrap.servers": bootstrap})
    for done in client.incremental_alter_configs([resource]).values():
        done.result(10)


async def _written(bus: KafkaBus) -> int:
    """How many records are in the state of match's first seat."""
    place = bus.cluster.state_of(MATCH, 0)
    end = (await bus.cluster.offsets.committed([place]))[place]
    clients = bus.cluster.clients
    consumer = await clients.start(clients.consumer("counting"), "counting")
    consumer.assign([place])
    consumer.seek(place, 0)
    number = 0
    while await consumer.position(place) < end:
        number += sum(map(len, (await consumer.getmany(timeout_ms=100)).values()))
    clients.let_go(consumer)
    return number

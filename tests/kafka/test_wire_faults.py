"""Faults on the wire, from librdkafka's mock cluster: no call waits without end, nothing acknowledged is lost, work goes on."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.kafka.mock import Api, Err, MockKafka
from tests.kafka.wire_trial import Trial, mocked
from warn.stages.base import Out

RECORDS = 40

ERRORS: dict[Api, tuple[Err, ...]] = {
    Api.PRODUCE: (
        Err.BROKEN,
        Err.UNKNOWN_SERVER_ERROR,
        Err.UNKNOWN_TOPIC_OR_PARTITION,
        Err.NOT_LEADER_OR_FOLLOWER,
        Err.REQUEST_TIMED_OUT,
        Err.NOT_ENOUGH_REPLICAS,
        Err.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
        Err.TOPIC_AUTHORIZATION_FAILED,
        Err.OUT_OF_ORDER_SEQUENCE_NUMBER,
        Err.INVALID_PRODUCER_EPOCH,
        Err.INVALID_TXN_STATE,
        Err.KAFKA_STORAGE_ERROR,
        Err.UNKNOWN_PRODUCER_ID,
        Err.PRODUCER_FENCED,
    ),
    Api.INIT_PRODUCER_ID: (
        Err.BROKEN,
        Err.UNKNOWN_SERVER_ERROR,
        Err.COORDINATOR_LOADING,
        Err.COORDINATOR_NOT_AVAILABLE,
        Err.NOT_COORDINATOR,
        Err.CONCURRENT_TRANSACTIONS,
        Err.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        Err.PRODUCER_FENCED,
    ),
    Api.ADD_PARTITIONS_TO_TXN: (
        Err.BROKEN,
        Err.COORDINATOR_LOADING,
        Err.NOT_COORDINATOR,
        Err.CONCURRENT_TRANSACTIONS,
        Err.UNKNOWN_TOPIC_OR_PARTITION,
        Err.INVALID_PRODUCER_EPOCH,
        Err.INVALID_PRODUCER_ID_MAPPING,
        Err.INVALID_TXN_STATE,
        Err.TOPIC_AUTHORIZATION_FAILED,
        Err.PRODUCER_FENCED,
    ),
    Api.END_TXN: (
        Err.BROKEN,
        Err.COORDINATOR_LOADING,
        Err.COORDINATOR_NOT_AVAILABLE,
        Err.NOT_COORDINATOR,
        Err.CONCURRENT_TRANSACTIONS,
        Err.INVALID_PRODUCER_EPOCH,
        Err.INVALID_TXN_STATE,
        Err.INVALID_PRODUCER_ID_MAPPING,
        Err.PRODUCER_FENCED,
    ),
    Api.FETCH: (
        Err.BROKEN,
        Err.UNKNOWN_SERVER_ERROR,
        Err.NOT_LEADER_OR_FOLLOWER,
        Err.UNKNOWN_TOPIC_OR_PARTITION,
        Err.TOPIC_AUTHORIZATION_FAILED,
        Err.KAFKA_STORAGE_ERROR,
    ),
    Api.LIST_OFFSETS: (
        Err.BROKEN,
        Err.UNKNOWN_SERVER_ERROR,
        Err.NOT_LEADER_OR_FOLLOWER,
        Err.LEADER_NOT_AVAILABLE,
        Err.TOPIC_AUTHORIZATION_FAILED,
    ),
    Api.METADATA: (Err.BROKEN, Err.LEADER_NOT_AVAILABLE, Err.UNKNOWN_TOPIC_OR_PARTITION),
    Api.FIND_COORDINATOR: (
        Err.BROKEN,
        Err.COORDINATOR_NOT_AVAILABLE,
        Err.COORDINATOR_LOADING,
        Err.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    ),
}


AUTH = {Err.TOPIC_AUTHORIZATION_FAILED, Err.TRANSACTIONAL_ID_AUTHORIZATION_FAILED}
RETRIED = {
    Err.COORDINATOR_LOADING,
    Err.COORDINATOR_NOT_AVAILABLE,
    Err.NOT_COORDINATOR,
    Err.NOT_LEADER_OR_FOLLOWER,
    Err.NOT_ENOUGH_REPLICAS,
    Err.REQUEST_TIMED_OUT,
}
"""Passing by themselves: the client tries again, and nobody has to know."""


@asynccontextmanager
async def working() -> AsyncIterator[tuple[MockKafka, Trial]]:
    """A cluster of three, and a seat of match on it that has committed two steps of many."""
    with MockKafka(brokers=3) as mock:
        bus = mocked(mock)
        try:
            await bus.write([Out("mentions", 0, b"k", b"%d" % i) for i in range(RECORDS)])
            trial = Trial(bus)
            await trial.work(2, within_s=10)
            yield mock, trial
            await trial.drop()
        finally:
            await bus.close()


async def meet(api: Api, error: Err) -> Trial:
    """An error, met once by a seat that works and twice while it is opened."""
    try:
        async with working() as (mock, trial):
            mock.fail(api, error)
            await trial.work(2, within_s=20)
            mock.fail(api, error, error)
            await trial.drop()
            await trial.work(2, within_s=20)
            if error in AUTH:
                assert set(trial.errors) == {"auth"}
            if error is Err.INVALID_PRODUCER_EPOCH:
                assert set(trial.errors) == {"FencedError"}
            if error in RETRIED and api is not Api.FIND_COORDINATOR:
                assert not trial.errors
            return trial
    except BaseException as e:
        e.add_note(f"{api.name} answered by {error.name}")
        raise


@pytest.mark.parametrize("api", ERRORS, ids=lambda api: api.name)
async def test_an_error_on_the_wire(api: Api) -> None:
    """Whatever a request is answered by: work goes on in the end, and what was acknowledged is there."""
    async with asyncio.TaskGroup() as group:
        met = [group.create_task(meet(api, error)) for error in ERRORS[api]]
    for error, one in zip(ERRORS[api], met, strict=True):
        print(one.result().told(f"{api.name} answered by {error.name}"))


async def test_leaders_and_coordinators_move() -> None:
    """Each step finds another broker in charge; nobody has to know."""
    async with working() as (mock, trial):
        for turn in range(6):
            broker = mock.brokers[turn % 3]
            for topic in ("t.mentions", "t.signals", "t.state.match"):
                mock.lead(topic, 0, broker)
            mock.coordinate("t.match.0", mock.brokers[(turn + 1) % 3])
            if turn % 3 == 2:
                await trial.drop()
            await trial.work(1, within_s=10)
        print(trial.told("moves"))
        assert not trial.errors


@pytest.mark.parametrize("lost", [(1,), (1, 2, 3)], ids=["one", "all"])
async def test_brokers_go_away_and_come_back(lost: tuple[int, ...]) -> None:
    """While they are away no call waits longer than it may; afterwards work goes on."""
    async with working() as (mock, trial):
        mock.down(*lost)
        async with asyncio.TaskGroup() as group:
            group.create_task(trial.work(6, within_s=30))
            await asyncio.sleep(2.0)
            mock.up(*lost)
        print(trial.told(f"{len(lost)} of 3 away for 2 s"))


async def slowed(rtt_ms: int) -> None:
    """Each answer so much later, for 20 s."""
    async with working() as (mock, trial):
        for broker in mock.brokers:
            mock.slow(broker, rtt_ms)
        async with asyncio.TaskGroup() as group:
            group.create_task(trial.work(4, within_s=120))
            await asyncio.sleep(20.0)
            for broker in mock.brokers:
                mock.slow(broker, 0)
        print(trial.told(f"each answer {rtt_ms} ms late for 20 s"))


async def struck(seed: int) -> None:
    """Half a minute of everything, drawn by a seed."""
    rng = random.Random(seed)
    kinds = list(ERRORS)

    def strike(mock: MockKafka) -> None:
        api, broker = rng.choice(kinds), rng.choice(mock.brokers)
        rng.choice(
            [
                lambda: mock.fail(api, *rng.choices(ERRORS[api], k=rng.randint(1, 3))),
                lambda: mock.down(broker),
                lambda: mock.slow(broker, rng.choice((0, 300, 4_000))),
                lambda: mock.lead("t.state.match", 0, broker),
                lambda: mock.coordinate("t.match.0", broker),
                mock.up,
            ]
        )()

    async with working() as (mock, trial):
        trial.pace_s = 0.8
        async with asyncio.TaskGroup() as group:
            group.create_task(trial.work(RECORDS - 2, within_s=150))
            for _ in range(60):
                strike(mock)
                await asyncio.sleep(0.5)
            mock.up()
            for api in kinds:
                mock.forgive(api)
            for broker in mock.brokers:
                mock.slow(broker, 0)
        print(trial.told(f"seed {seed}"))


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_slow_brokers_and_one_fault_after_the_other() -> None:
    """However late, and whatever comes together: all calls end in time, and afterwards work goes on."""
    async with asyncio.TaskGroup() as group:
        for rtt_ms in (800, 2_500, 10_000):
            group.create_task(slowed(rtt_ms))
        for seed in range(3):
            group.create_task(struck(seed))

"""Faults on the wire, from librdkafka's mock cluster: no call waits without end, nothing acknowledged is lost, work goes on."""

from collections.abc import AsyncIterator, Iterator

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
    Api.API_VERSIONS: (Err.BROKEN,),
}


@pytest.fixture
def mock() -> Iterator[MockKafka]:
    """Three brokers of which none is a real one."""
    with MockKafka(brokers=3) as cluster:
        yield cluster


@pytest.fixture
async def trial(mock: MockKafka) -> AsyncIterator[Trial]:
    """A seat of match that has committed two steps of many; what was longest is printed at the end."""
    bus = mocked(mock)
    await bus.write([Out("mentions", 0, b"k", b"%d" % i) for i in range(RECORDS)])
    trial = Trial(bus)
    await trial.work(2, within_s=10)
    yield trial
    print(
        "longest waits, s:", {k: round(v, 2) for k, v in trial.longest.items()}, "errors:", dict(trial.errors)
    )
    await trial.drop()
    await bus.close()


@pytest.mark.parametrize(
    ("api", "error"), [(api, error) for api, errors in ERRORS.items() for error in errors]
)
async def test_an_error_on_the_wire(api: Api, error: Err, mock: MockKafka, trial: Trial) -> None:
    """Met in a seat that works, and again while it is opened: work goes on, and what was acknowledged is there."""
    mock.fail(api, error)
    await trial.work(2, within_s=20)
    mock.fail(api, error, error)
    await trial.drop()
    await trial.work(2, within_s=20)

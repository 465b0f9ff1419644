"""The bus on real brokers keeps the port, with the old protocol of transactions and with the new."""

import asyncio
from collections.abc import Callable

import pytest

from tests.kafka.brokers import Brokers
from tests.kafka.buses import another, bus_of, config_for, made
from tests.kafka.fixtures import Cluster
from warn.bus.base import Bus
from warn.bus.kafka import KafkaBus, KafkaConfig
from warn.model.errors import PermanentError, Reason, TemporaryError
from warn.model.flow import MENTIONS, SIGNALS
from warn.testing.check_bus import check_bus

pytestmark = pytest.mark.real


@pytest.mark.timeout(300)
@pytest.mark.parametrize("version", [0, 2])
async def test_keeps_the_port(make_kafka: Callable[..., Brokers], version: int) -> None:
    """All that `check_bus` asks of an engine."""
    brokers = make_kafka(transaction_version=version)

    async def make() -> Bus:
        return await made(brokers.bootstrap)

    async def reopen(bus: Bus) -> Bus:
        assert isinstance(bus, KafkaBus)
        await bus.close()
        return await another(bus.cluster.config)

    await check_bus(make, reopen, settle_s=0.5, check_s=120.0)


async def test_nothing_is_left_when_it_is_closed(kafka: Cluster, kafka_prefix: str) -> None:
    """Seats and readers that nobody closed are let go of with the bus: no task, no connection stays."""
    async with bus_of(kafka.bootstrap, kafka_prefix) as bus:
        seat = await bus.open("match", 0)
        await seat.commit([], {b"a": b"1"}, 0)
        await seat.read(10, 0.0)
        await (await bus.follow(SIGNALS)).read(10, 0.0)
        await (await bus.follow_state("match")).read(10, 0.0)
        await bus.write([])
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert not bus.stuck
    with pytest.raises(RuntimeError, match="closed"):
        await bus.end(MENTIONS, 0)


async def test_a_missing_topic_is_told_at_start(kafka: Cluster, kafka_prefix: str) -> None:
    """Not minutes later by silence, and with the command that makes it."""
    with pytest.raises(PermanentError, match="warn init") as caught:
        await another(config_for(kafka.bootstrap, kafka_prefix))
    assert caught.value.reason is Reason.CONFIG


async def test_no_broker_is_told_in_time(unused_tcp_port: int) -> None:
    """Starting without brokers fails at once, and leaves nothing behind."""
    with pytest.raises(TemporaryError) as caught:
        await another(KafkaConfig((f"127.0.0.1:{unused_tcp_port}",)))
    assert caught.value.reason in {Reason.NETWORK, Reason.TIMEOUT}
    assert asyncio.all_tasks() == {asyncio.current_task()}

"""The bus on real brokers keeps the port, and fences, restores and recovers as the seats rest on it."""

import secrets
from collections.abc import Callable

import pytest

from tests.kafka.brokers import Brokers
from warn.bus.base import Bus
from warn.bus.kafka import KafkaBus, KafkaConfig
from warn.bus.kafka.admin import create
from warn.testing.check_bus import check_bus

pytestmark = pytest.mark.real


def config_for(bootstrap: str, prefix: str, **more: object) -> KafkaConfig:
    """Small: two partitions of `[mentions]` and of collect, one of the others; one replica."""
    partitions = {"mentions": 2, "signals": 1, "collect": 2}
    return KafkaConfig(
        tuple(bootstrap.split(",")),
        prefix=prefix,
        replication=1,
        min_insync=1,
        allow_unsafe=True,
        partitions=partitions,
        **more,
    )


async def made(bootstrap: str, prefix: str = "", **more: object) -> KafkaBus:
    """A bus over topics of its own."""
    config = config_for(bootstrap, prefix or f"t{secrets.token_hex(5)}", **more)
    await create(config)
    return await KafkaBus.start(config)


@pytest.mark.parametrize("version", [0, 2])
async def test_keeps_the_port(make_kafka: Callable[..., Brokers], version: int) -> None:
    """All that `check_bus` asks of an engine, with the old protocol of transactions and with the new."""
    brokers = make_kafka(transaction_version=version)

    async def make() -> Bus:
        return await made(brokers.bootstrap)

    async def reopen(bus: Bus) -> Bus:
        assert isinstance(bus, KafkaBus)
        await bus.close()
        return await KafkaBus.start(bus.cluster.config)

    await check_bus(make, reopen, settle_s=0.5, check_s=120.0)

"""Buses on real brokers for tests: topics of their own, and a watch that remembers."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from warn.bus.base import Bus, Reader
from warn.bus.kafka import KafkaBus, KafkaConfig
from warn.bus.kafka.admin import create
from warn.bus.watch import BusWatch


class Recorder:
    """Remembers what a bus tells."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    def bus_gap(self, topic: str, partition: int, *, writer: str, amount: int) -> None:
        self.told.append(("gap", topic, partition, writer, amount))

    def bus_overlap(self, topic: str, partition: int, *, writer: str, amount: int, dropped: bool) -> None:
        self.told.append(("overlap", topic, partition, writer, amount, dropped))

    def bus_hanging(self, stage: str, partition: int, behind: int) -> None:
        if behind:
            self.told.append(("hanging", stage, partition, behind))

    def bus_client_leaked(self, leaked: int) -> None:
        self.told.append(("leaked", leaked))

    def bus_lag_untold(self, error: BaseException) -> None:
        self.told.append(("lag untold", str(error)))


def config_for(bootstrap: str, prefix: str = "") -> KafkaConfig:
    """Two partitions of `[mentions]` and of collect, one of the others; one replica."""
    return KafkaConfig(
        tuple(bootstrap.split(",")),
        prefix=prefix or f"t{secrets.token_hex(5)}",
        replication=1,
        min_insync=1,
        allow_unsafe=True,
        partitions={"mentions": 2, "signals": 1, "collect": 2},
    )


async def made(bootstrap: str, prefix: str = "", watch: BusWatch | None = None) -> KafkaBus:
    """A bus over topics that `warn init` has just made."""
    config = config_for(bootstrap, prefix)
    await create(config)
    return await another(config, watch)


async def another(config: KafkaConfig, watch: BusWatch | None = None) -> KafkaBus:
    """The bus of another process, over topics that are there."""
    return await KafkaBus.start(config, watch=watch or Recorder())


@asynccontextmanager
async def bus_of(bootstrap: str, prefix: str, watch: BusWatch | None = None) -> AsyncIterator[KafkaBus]:
    """A bus that is closed at the end."""
    bus = await made(bootstrap, prefix, watch)
    try:
        yield bus
    finally:
        await bus.close()


async def everything(reader: Reader) -> list[tuple[int, int, bytes, bytes]]:
    """All that was committed before the reader was made."""
    found: list[tuple[int, int, bytes, bytes]] = []
    while some := await reader.read(500, 0.0):
        found += some
    return found


async def values(bus: Bus, topic: str) -> list[bytes]:
    """The values of a topic."""
    reader = await bus.follow(topic)
    found = [value for _, _, _, value in await everything(reader)]
    await reader.close()
    return found

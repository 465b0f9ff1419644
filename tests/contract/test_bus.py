"""Every engine keeps the port."""

from itertools import count
from pathlib import Path

import pytest

from warn.bus.base import Bus
from warn.bus.embedded import EmbeddedBus
from warn.bus.memory import MemoryBus, MemoryStore
from warn.testing.check_bus import check_bus

PARTITIONS = {"mentions": 2}


@pytest.mark.parametrize("collect", [1, 3])
async def test_memory(collect: int) -> None:
    """The bus in memory keeps the port, with one seat of collect or several."""

    async def make() -> Bus:
        return MemoryBus(MemoryStore(PARTITIONS, collect=collect))

    async def reopen(bus: Bus) -> Bus:
        assert isinstance(bus, MemoryBus)
        return MemoryBus(bus.store)

    await check_bus(make, reopen, settle_s=0.02)


@pytest.mark.parametrize("durable", [True, False])
async def test_embedded(tmp_path: Path, durable: bool) -> None:
    """The embedded bus keeps the port, with its writer's thread and without."""
    number = count()

    async def make() -> Bus:
        return await EmbeddedBus.start(tmp_path / str(next(number)), durable=durable, partitions=PARTITIONS)

    async def reopen(bus: Bus) -> Bus:
        assert isinstance(bus, EmbeddedBus)
        await bus.close()
        return await EmbeddedBus.start(bus.folder, durable=durable, partitions=PARTITIONS)

    await check_bus(make, reopen, settle_s=0.02)

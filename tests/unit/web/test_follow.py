"""The copy follows the bus: all that was there, then all that comes; what cannot be read is stepped over."""

import asyncio
from collections.abc import Callable

from tests.unit.web.made_up import BRAND, INCIDENT, RULE, course, deliveries, evidence, history
from warn.bus.base import Bus
from warn.bus.memory import MemoryBus, MemoryStore
from warn.model.flow import EVIDENCE, HISTORY, INCIDENTS
from warn.model.wire import encode
from warn.stages.base import Out
from warn.web.follow import follow
from warn.web.health import Health
from warn.web.store import Store


async def _write(bus: Bus, *outs: Out) -> None:
    seat = await bus.open("test", 0)
    await seat.commit(outs, {}, (await seat.restore()).committed + 1)
    await seat.close()


async def _until(seen: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not seen():  # noqa: ASYNC110 - it is the outside that is watched
            await asyncio.sleep(0.01)


async def test_it_reads_everything_and_then_is_ready() -> None:
    """The web is not ready before it has read what was there; later records follow; broken ones stop nothing."""
    bus = MemoryBus(MemoryStore())
    await _write(
        bus,
        *(Out(INCIDENTS, 0, b"", encode(e)) for e in course()[:3]),
        Out(INCIDENTS, 0, b"", b"\xff broken"),
        Out(INCIDENTS, 0, b"", encode({"type": "of a later release"})),
        *(Out(EVIDENCE, 0, b"", encode(e)) for e in evidence()),
        *(Out(HISTORY, 0, b"", encode(p)) for p in history()),
    )
    store, health = Store(), Health()
    following = asyncio.create_task(follow(bus, store, health, lambda: 0.0))
    await asyncio.sleep(0)
    assert health.problems
    await _until(lambda: not health.problems)
    assert store.events(INCIDENT) == course()[:3]
    assert len(store.history(RULE, 0, 2**40)) == len(history())
    assert len(store.evidence_between(BRAND, 0, 2**40, 100)) == len(evidence())

    await _write(bus, *(Out(INCIDENTS, 0, b"", encode(e)) for e in [*course()[3:], *deliveries()]))
    await _until(lambda: len(store.deliveries(INCIDENT)) == len(deliveries()))
    assert store.events(INCIDENT) == course()
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


async def test_an_empty_bus_is_ready_at_once() -> None:
    """Where nothing was ever said there is nothing to wait for."""
    health = Health()
    following = asyncio.create_task(follow(MemoryBus(MemoryStore()), Store(), health, lambda: 0.0))
    await asyncio.sleep(0)
    await _until(lambda: not health.problems)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)

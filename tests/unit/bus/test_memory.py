"""Faults of the bus in memory happen where a test wants them."""

import pytest

from warn.bus.base import TrimmedError
from warn.bus.memory import MemoryBus, MemoryStore, Point
from warn.bus.topics import REREAD_S, RETENTION_S
from warn.model.flow import COLLECT, MATCH, MENTIONS, SIGNALS
from warn.stages.base import Out


@pytest.mark.parametrize(("at", "written"), [("commit", 0), ("committed", 1)])
async def test_a_commit_fails_before_or_after_it_took_effect(at: Point, written: int) -> None:
    """A fault at `commit` leaves nothing, one at `committed` leaves everything and loses the answer."""
    store = MemoryStore()

    async def fault(point: Point) -> None:
        if point == at:
            raise ConnectionError(point)

    seat = await MemoryBus(store, fault).open(MATCH, 0)
    with pytest.raises(ConnectionError):
        await seat.commit([Out(SIGNALS, 0, b"", b"x")], {b"k": b"v"}, 4)
    bus = MemoryBus(store)
    restored = await (await bus.open(MATCH, 0)).restore()
    assert len(restored.records) == await bus.end(SIGNALS, 0) == written
    assert restored.committed == 4 * written


async def test_every_wait_of_the_port_can_fail() -> None:
    """A fault can be had at each call that a worker or a reader awaits."""
    points: list[Point] = []

    async def fault(point: Point) -> None:
        points.append(point)

    bus = MemoryBus(MemoryStore(), fault)
    seat = await bus.open(MATCH, 0)
    await seat.restore()
    await seat.read(1, 0)
    await seat.commit([], {}, 0)
    await bus.write([])
    await (await bus.follow(SIGNALS)).read(1, 0)
    await (await bus.follow_state(MATCH)).read(1, 0)
    await bus.end(SIGNALS, 0)
    await bus.expire(0)
    assert points == [
        "open", "opened", "restore", "read", "commit", "committed", "write", "written",
        "follow", "followed", "follow state", "state followed", "end", "expire",
    ]  # fmt: skip


async def test_it_forgets_as_the_embedded_bus_does() -> None:
    """By age, but never what a seat has not taken in, nor the hour before that."""
    now = 1_000_000_000
    store = MemoryStore(clock=lambda: now)
    bus = MemoryBus(store)
    collect, match = await bus.open(COLLECT, 0), await bus.open(MATCH, 0)
    for n in range(20):
        now += 600
        await collect.commit([Out(MENTIONS, 0, b"", b"%d" % n)], {}, 0)
    await match.commit([], {}, 10)
    await bus.expire(now + RETENTION_S[MENTIONS] * 9)
    match.seek(10 - 1 - REREAD_S // 600)
    assert [r.value for r in await match.read(99, 0)] == [b"%d" % n for n in range(3, 20)]
    match.seek(2)
    with pytest.raises(TrimmedError):
        await match.read(1, 0)

"""Seats that are fixed, and seats that a person has named beside those that are shared out."""

import asyncio

from tests.unit.app.scripted import Scripted
from warn.bus.ownership import Besides, Fixed


async def test_fixed_seats_never_change() -> None:
    """All seats of the stages; who knows them waits, who does not is told at once; stopping wakes everybody."""
    fixed = Fixed.all({"match": 2, "respond": 1})
    assert fixed.wanted == {("match", 0), ("match", 1), ("respond", 0)}
    assert await fixed.changed(frozenset(), 60) == fixed.wanted
    assert await fixed.changed(fixed.wanted, 0.01) == fixed.wanted
    async with asyncio.TaskGroup() as group:
        group.create_task(fixed.run())
        waiting = group.create_task(fixed.changed(fixed.wanted, 60))
        await asyncio.sleep(0)
        fixed.stop()
    assert waiting.result() == fixed.wanted, "nobody waits for them: they are held until their workers end"


async def test_named_seats_stay_beside_what_is_shared_out() -> None:
    """Changes of the shared ones are told; the named ones are there from first to last."""
    shared = Scripted()
    both = Besides(shared, {("match", 0)})
    assert both.wanted == {("match", 0)}
    assert await both.changed(frozenset(), 60) == {("match", 0)}
    async with asyncio.TaskGroup() as group:
        running = group.create_task(both.run())
        waiting = group.create_task(both.changed(both.wanted, 60))
        await asyncio.sleep(0)
        shared.give({("detect", 1)})
        assert await waiting == {("match", 0), ("detect", 1)}
        both.stop()
        await running
    assert both.wanted == {("match", 0)}

"""Waiting for a partition to go on."""

import asyncio

import pytest

from warn.bus.ends import Ends


async def test_growth_wakes_at_once() -> None:
    """Whoever waits for a partition is woken when it goes beyond their position, and by no other partition."""
    ends = Ends({"a": 0, "b": 0})
    async with asyncio.TaskGroup() as tasks, asyncio.timeout(5):
        one = tasks.create_task(ends.wait({"a": 0}, 60))
        far = tasks.create_task(ends.wait({"a": 1}, 60))
        either = tasks.create_task(ends.wait({"a": 0, "b": 0}, 60))
        await asyncio.sleep(0)
        ends.publish({"b": 1})
        assert await either
        assert not one.done()
        ends.publish({"a": 1})
        assert await one
        await asyncio.sleep(0)
        assert not far.done()
        ends.publish({"a": 2})
        assert await far


async def test_waits_end() -> None:
    """A wait ends with its time, or when nothing will come any more."""
    ends = Ends({"a": 3})
    assert await ends.wait({"a": 2}, 0)
    assert not await ends.wait({"a": 3}, 0)
    assert not await ends.wait({"a": 3}, 0.01)
    async with asyncio.TaskGroup() as tasks, asyncio.timeout(5):
        waiting = tasks.create_task(ends.wait({"a": 3}, None))
        await asyncio.sleep(0)
        ends.close()
        assert not await waiting
    assert not await ends.wait({"a": 3}, 60)


async def test_cancelled_waits_leave_nothing_behind() -> None:
    """A reader that was cancelled is not remembered."""
    ends = Ends({"a": 0})
    for _ in range(100):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await ends.wait({"a": 0}, 60)
    assert not ends._waiting["a"]

"""The state that a run has left, as the next owner of every seat would find it."""

import asyncio

from tests.chaos.script import KEY
from warn.app.pipeline import Pipeline
from warn.bus.base import Bus
from warn.bus.rulesets import RuleSets

RESTORE_S = 120.0


def pipeline_on(bus: Bus, rulesets: RuleSets) -> Pipeline:
    """All stages in this process; the first thing that goes wrong ends it."""
    return Pipeline(bus, rulesets, key=KEY, batch=97, wait_s=0.2, give_up_after=1)


async def state_of(bus: Bus) -> str:
    """Opens every seat (which fences whoever has it), reads again what has to be, and hashes. Raises where a seat fails."""
    rulesets = RuleSets(bus)
    await rulesets.load()
    pipeline = pipeline_on(bus, rulesets)
    async with asyncio.timeout(RESTORE_S), asyncio.TaskGroup() as group:
        running = group.create_task(pipeline.run())
        await pipeline.caught_up()
        state = pipeline.state_hash()
        pipeline.stop()
        await running
    return state

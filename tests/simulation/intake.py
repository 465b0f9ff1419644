"""Collect in a simulated process: the real supervisor over sources that live, or the real feed over a recording."""

import asyncio
import random
from typing import TYPE_CHECKING

from tests.simulation.rules import KEY, RULES
from warn.bus.base import FencedError
from warn.ingest.config import ConnectorConfig
from warn.ingest.feed import Feed
from warn.ingest.supervisor import Supervisor

if TYPE_CHECKING:
    from tests.simulation.process import Process

ROLES = {"press": "press", "care": "care"}


class Intake:
    """Holds a seat of collect for as long as it may."""

    def __init__(self, process: "Process", partition: int) -> None:
        self._process = process
        self._partition = partition
        self._supervisor: Supervisor | None = None
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Until stopped, or somebody else has the seat."""
        if self._process.sim.world.live:
            await self._live()
        else:
            await self._recorded()

    def stop(self) -> None:
        """Let go."""
        self._stopping.set()
        if self._supervisor is not None:
            self._supervisor.stop()

    async def _live(self) -> None:
        process, sim = self._process, self._process.sim
        pairs = [(ConnectorConfig(name=one.name, role=ROLES.get(one.name, "")), one) for one in sim.sources]
        supervisor = self._supervisor = Supervisor(
            process.bus,
            pairs,
            key=KEY,
            compiles=sim.matchers.filter,
            partition=self._partition,
            peers=process.peers,
            wall=sim.wall,
            chance=process.rng,
        )
        supervisor.publish_ruleset(RULES["two" if sim.switched() else "one"])
        process.spawn(self._switch(supervisor))
        await supervisor.run()

    async def _switch(self, supervisor: Supervisor) -> None:
        """The other rule file is put in its place at some moment."""
        sim = self._process.sim
        at = sim.world.switch_at
        if at is not None and not sim.switched():
            await asyncio.sleep(at - sim.loop.time())
            supervisor.publish_ruleset(RULES["two"])

    async def _recorded(self) -> None:
        process, sim = self._process, self._process.sim
        shuffled = sim.world.items()
        random.Random(process.name).shuffle(shuffled)
        items = sorted(shuffled, key=sim.plant.order)
        while not self._stopping.is_set():
            feed = Feed(
                process.bus,
                RULES["one"],
                sim.matchers.filter,
                key=KEY,
                batch=sim.world.feed_batch,
                end_s=sim.world.end_jump_s,
            )
            try:
                await feed.run(lambda start: items[start:])
            except FencedError:
                raise
            except Exception as e:  # noqa: BLE001 - told, and begun again, as a person would
                sim.failed("feed", e)
                await asyncio.sleep(process.rng.uniform(0.1, 1.0))
            else:
                await self._stopping.wait()

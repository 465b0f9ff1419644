"""The places that are read: they say what the seed decided, and a little of it again to whoever comes back."""

import asyncio
import random
from collections.abc import AsyncGenerator

from tests.simulation.world import World
from warn.ingest.connector import Batch, Cursor
from warn.model.errors import Reason, TemporaryError
from warn.model.mention import Item, Reading


class Source:
    """One place, which outlives every process that reads it. `acked`: how many things somebody has confirmed to it."""

    def __init__(self, world: World, name: str) -> None:
        self.name = name
        self.source = name
        self.acked = 0
        self.said = world.said[name]
        self._rng = random.Random(f"{world.seed} {name}")
        self._failures = 2

    async def batches(self, cursor: Cursor | None) -> AsyncGenerator[Batch, None]:
        """From a little before the cursor on, as it happens."""
        rng, loop = self._rng, asyncio.get_running_loop()
        self.acked = max(self.acked, int(cursor or 0))  # who knows this cursor has all before it
        at = max(0, int(cursor or 0) - rng.choice((0, 0, 1, 3)))
        while at < len(self.said):
            await asyncio.sleep(max(0.0, self.said[at][0] - loop.time()))
            if self._failures and rng.random() < 0.1:
                self._failures -= 1
                raise TemporaryError("the source is away", reason=Reason.NETWORK)
            end = at
            while end < len(self.said) and end < at + 8 and self.said[end][0] <= loop.time():
                end += 1
            told = [one for _, one in self.said[at:end]]
            yield Batch(
                items=tuple(one for one in told if isinstance(one, Item)),
                readings=tuple(one for one in told if isinstance(one, Reading)),
                cursor=Cursor(str(end)),
            )
            at = end
            self.acked = max(self.acked, end)
        await asyncio.Event().wait()

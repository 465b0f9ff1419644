"""Brings a script onto a bus while others work: the seat of collect, whose every step is one second of event time."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.chaos.script import Script
from warn.bus.base import Bus, FencedError
from warn.model.flow import COLLECT

RETRY_S = 0.2
PLACE = b"loaded"


def _nothing() -> None:
    return


@dataclass
class Loader:
    """Writes exactly once, whatever breaks: how far it is stands in its seat's state.

    `seconds`: how long the whole script is to take where nothing breaks. It counts what went wrong, for the report.
    """

    bus: Bus
    script: Script
    seconds: float
    done: int = 0
    failures: dict[str, int] = field(default_factory=dict)
    longest_s: float = 0.0
    hurried: asyncio.Event = field(default_factory=asyncio.Event)
    committed: Callable[[], None] = _nothing
    """Called in the same turn of the loop in which a commit was acknowledged."""

    def hurry(self) -> None:
        """The faults are over: write the rest as fast as the bus takes it."""
        self.hurried.set()

    @property
    def over(self) -> bool:
        """Whether all of it is committed."""
        return self.done >= len(self.script.steps)

    async def run(self) -> None:
        """Until all is written. Raises `FencedError`: nobody else may load."""
        began = last = time.monotonic()
        while not self.over:
            try:
                seat = await self.bus.open(COLLECT, 0)
                try:
                    self.done = (await seat.restore()).committed
                    while not self.over:
                        due = began + self.done * self.seconds / len(self.script.steps)
                        await self._rest(due - time.monotonic())
                        place = {PLACE: b"%d" % self.done}
                        last = time.monotonic()
                        await seat.commit(self.script.steps[self.done], place, self.done + 1)
                        self.done += 1
                        self.committed()
                        self.longest_s = max(self.longest_s, time.monotonic() - last)
                finally:
                    await seat.close()
            except FencedError:
                raise
            except Exception as e:  # noqa: BLE001 - told, and tried again from what is committed
                name = type(e).__name__
                self.failures[name] = self.failures.get(name, 0) + 1
                await asyncio.sleep(RETRY_S)
                self.longest_s = max(self.longest_s, time.monotonic() - last)

    async def _rest(self, wait_s: float) -> None:
        if wait_s <= 0:
            return
        try:
            async with asyncio.timeout(wait_s):
                await self.hurried.wait()
        except TimeoutError:
            return

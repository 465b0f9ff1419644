"""A connector that does what a test tells it, and a supervisor on time that costs none."""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from typing import Any, TypeVar

import looptime

from tests.unit.ingest.items import KEY, NOW_MS, compiles
from warn.bus.base import Bus, FencedError
from warn.bus.memory import MemoryBus, MemoryStore
from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Batch, Cursor
from warn.ingest.supervisor import Supervisor
from warn.model.errors import WarnError
from warn.model.rules import RuleSet

T = TypeVar("T")
START = NOW_MS // 1000

Act = Batch | BaseException | float


def timed(work: Coroutine[Any, Any, T], start: float = 0.0) -> T:
    """Run on a loop whose time jumps to the next thing to do; it begins `start` seconds after `START`."""
    with asyncio.Runner(loop_factory=lambda: looptime.new_event_loop(start=start)) as runner:
        return runner.run(work)


def wall() -> float:
    """The time of the loop, as if it had begun at `START`; before it begins, that."""
    try:
        return START + asyncio.get_running_loop().time()
    except RuntimeError:
        return START


class Scripted:
    """Each run plays the next script (the last one again and again): batches, errors, pauses; then it hangs."""

    def __init__(self, name: str, *scripts: Sequence[Act], source: str = "forum", ends: bool = False) -> None:
        self.name = name
        self.source = source
        self.cursors: list[Cursor | None] = []
        self.times: list[float] = []
        self._scripts = scripts
        self._ends = ends

    async def batches(self, cursor: Cursor | None) -> AsyncGenerator[Batch, None]:
        script = self._scripts[min(len(self.cursors), len(self._scripts) - 1)]
        self.cursors.append(cursor)
        self.times.append(asyncio.get_running_loop().time())
        for act in script:
            if isinstance(act, Batch):
                yield act
            elif isinstance(act, BaseException):
                raise act
            else:
                await asyncio.sleep(act)
        if not self._ends:
            await asyncio.Event().wait()


def supervise(
    store: MemoryStore | Bus, *connectors: Scripted, rules: RuleSet | None = None, **config: Any
) -> Supervisor:
    """A supervisor over scripted connectors; `config` are settings that all of them have."""
    bus = MemoryBus(store) if isinstance(store, MemoryStore) else store
    pairs = [(ConnectorConfig(name=one.name, source=one.source, **config), one) for one in connectors]
    one = Supervisor(bus, pairs, key=KEY, compiles=compiles, wall=wall, chance=random.Random(1))
    one.publish_ruleset(rules or RuleSet())
    return one


async def during(
    supervisor: Supervisor, seconds: float, then: Callable[[], None] | None = None
) -> BaseException | None:
    """Let it run so long, do something, and let it run on as long; returns what it raised, if it did."""
    try:
        async with asyncio.timeout(seconds):
            await supervisor.run()
    except TimeoutError:
        pass
    except (FencedError, WarnError) as e:
        return e
    if then is not None:
        then()
        return await during(supervisor, seconds)
    return None

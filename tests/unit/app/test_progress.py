"""Whether workers get on: only one that has input, says nothing, and could ask the engine is stuck."""

import asyncio
from collections.abc import Sequence
from typing import Literal

import pytest

from warn.app import progress as progress_module
from warn.app.pipeline import Pipeline, Share
from warn.app.progress import OPENING_S, STILL_S, Progress
from warn.app.watching import WorkerHealth
from warn.bus.ends import Ends
from warn.bus.memory import MemoryBus, MemorySeat
from warn.bus.memory_store import MemoryStore
from warn.bus.ownership import Fixed
from warn.bus.rulesets import RuleSets
from warn.model.errors import Reason, TemporaryError
from warn.model.flow import MENTIONS
from warn.model.records import Clock
from warn.model.wire import encode
from warn.stages.base import In, Out
from warn.telemetry.series import REGISTRY
from warn.web.health import Health


class Worker:
    """Takes in what there is, or does not."""

    stage_name = "match"
    partition = 0

    def __init__(self, what: Literal["well", "quiet", "ended"]) -> None:
        self.what = what
        self.taken = Ends({0: 0})

    async def caught_up(self) -> None:
        if self.what == "ended":
            raise RuntimeError("ended")
        if self.what == "quiet":
            raise TimeoutError


class World:
    """A clock, an engine, and one worker."""

    def __init__(self, what: Literal["well", "quiet", "ended"]) -> None:
        self.now = 0.0
        self.away = False
        self.bus = MemoryBus(MemoryStore(), self.fault)
        self.progress = Progress(lambda: self.now)
        self.worker = Worker(what)

    async def fault(self, point: str) -> None:
        if self.away and point == "end":
            raise TemporaryError("no broker", reason=Reason.NETWORK)

    async def look(self, after_s: float) -> str:
        self.now += after_s
        return await self.progress.look(self.bus, [self.worker])


async def stuck(world: World, seconds: float) -> bool:
    """Whether it is found stuck, looking every ten seconds."""
    found = [await world.look(10) for _ in range(int(seconds // 10))]
    return any(found)


async def test_quiet_with_input_is_stuck() -> None:
    """A minute without a sign; the words name the worker."""
    world = World("quiet")
    await world.bus.write([Out(MENTIONS, 0, b"", b"x")])
    world.progress.sign("match", 0)
    assert not await stuck(world, STILL_S)
    assert await world.look(10) == "match 0 has input and has done nothing for 60 s"


@pytest.mark.parametrize("what", ["well", "ended"])
async def test_who_gets_on_or_has_ended_is_not(what: Literal["well", "ended"]) -> None:
    world = World(what)
    world.progress.sign("match", 0)
    assert not await stuck(world, 500)


async def test_signs_of_life_count() -> None:
    """A failure told every half minute is a sign; waiting for a rule set is told once, and goes on."""
    world = World("quiet")
    for _ in range(10):
        world.progress.sign("match", 0)
        assert not await stuck(world, 40)
    world.progress.sign("match", 0, waiting=True)
    assert not await stuck(world, 500)
    world.progress.sign("match", 0)
    assert await stuck(world, 100)


async def test_opening_takes_its_time() -> None:
    """Reading a large state back is given what a worker gives it, and a minute more."""
    world = World("quiet")
    world.progress.sign("match", 0, opening=True)
    assert not await stuck(world, OPENING_S)
    assert await stuck(world, 60)


async def test_without_an_engine_nothing_is_known() -> None:
    """While it does not answer nobody is stuck, and the minute begins anew when it does."""
    world = World("quiet")
    world.progress.sign("match", 0)
    assert not await stuck(world, 50)
    world.away = True
    with pytest.raises(TemporaryError):
        await world.look(100)
    world.away = False
    assert not await stuck(world, STILL_S)
    assert await stuck(world, 20)


async def test_input_that_nobody_decides_is_an_alarm_and_no_reason_to_end() -> None:
    """A new process would wait for the same transaction; once it is decided, who does not read on is stuck."""
    world = World("quiet")
    readable = 3

    async def decided(topic: str, partition: int) -> int:
        assert (topic, partition) == (MENTIONS, 0)
        return readable

    await world.bus.write([Out(MENTIONS, 0, b"", b"x") for _ in range(4)])
    world.progress = Progress(lambda: world.now, decided)
    world.progress.sign("match", 0)
    world.worker.taken.publish({0: 3})
    assert not await stuck(world, 500)
    labels = {"stage": "match", "partition": "0"}
    assert REGISTRY.get_sample_value("warn_bus_input_held_up", labels) == 1
    readable = 4
    assert await world.look(10), "it could read on, and does not"
    world.worker.what = "well"
    assert not await stuck(world, 100)
    assert REGISTRY.get_sample_value("warn_bus_input_held_up", labels) == 0


async def test_a_seat_that_is_gone_is_forgotten() -> None:
    world = World("quiet")
    world.progress.sign("match", 0)
    assert not await stuck(world, 50)
    world.progress.gone("match", 0)
    assert not await stuck(world, 500)


class _QuietSeat(MemorySeat):
    """A client that has gone quiet: it answers in time, and with nothing."""

    async def read(self, limit: int, wait_s: float) -> Sequence[In]:
        await asyncio.sleep(wait_s)
        return ()


class _QuietBus(MemoryBus):
    async def open(self, stage: str, partition: int) -> MemorySeat:
        seat = await super().open(stage, partition)
        seat.__class__ = _QuietSeat
        return seat


@pytest.mark.parametrize("kind", [_QuietBus, MemoryBus])
async def test_a_real_worker_whose_client_has_gone_quiet_is_found(
    kind: type[MemoryBus], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It raises nothing, and says nothing; a worker that reads is left alone."""
    monkeypatch.setattr(progress_module, "CATCH_UP_S", 0.2)
    now = [0.0]
    progress = Progress(lambda: now[0])
    watch = WorkerHealth(Health(), progress)
    bus = kind(MemoryStore())
    await bus.write([Out(MENTIONS, 0, b"", encode(Clock(5)))])
    rulesets = RuleSets(bus)
    share = Share(Fixed([("match", 0)]), stages=("match",), told=watch)
    line = Pipeline(bus, rulesets, key=b"k" * 16, wait_s=0.01, share=share, watch=watch)
    found = []
    async with asyncio.TaskGroup() as group:
        group.create_task(line.run())
        for _ in range(30):
            await asyncio.sleep(0.02)
            found.append(await progress.look(bus, line.workers["match"]))
            now[0] += 10
        line.stop()
    stuck = "match 0 has input and has done nothing" in "".join(found)
    assert stuck == (kind is _QuietBus)

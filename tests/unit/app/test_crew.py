"""The crew: a runner for each wanted seat, and none for any other, whatever becomes of runners and seats."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from tests.unit.app.scripted import Scripted
from warn.app.crew import Crew
from warn.app.pipeline import Pipeline, Share
from warn.bus.base import FencedError
from warn.bus.memory import MemoryBus
from warn.bus.memory_store import MemoryStore
from warn.bus.rulesets import RuleSets
from warn.model.flow import DETECT, MATCH, MENTIONS, RESPOND, SIGNALS

FAST = (0.001, 0.01)


async def until(seen: Callable[[], object]) -> None:
    """Look now and then."""
    async with asyncio.timeout(20):
        while not seen():  # noqa: ASYNC110 - what is seen does not know who looks
            await asyncio.sleep(0.002)


class Runner:
    """Runs until stopped, or does what the test says at its start."""

    def __init__(self, seat: tuple[str, int], act: Callable[["Runner"], Awaitable[None]] | None) -> None:
        self.seat = seat
        self.act = act
        self.stopped = asyncio.Event()
        self.ended = False

    async def run(self) -> None:
        try:
            if self.act is not None:
                await self.act(self)
            await self.stopped.wait()
        finally:
            self.ended = True

    def stop(self) -> None:
        self.stopped.set()


class World:
    """A crew and what it was told to do."""

    def __init__(self, *seats: tuple[str, int], ends: bool = False) -> None:
        self.ownership = Scripted(seats)
        self.acts: list[Callable[[Runner], Awaitable[None]]] = []
        self.made: list[Runner] = []
        self.told: list[str] = []
        self.lost: list[tuple[str, int]] = []
        self.crew: Crew[Runner] = Crew(
            ("match", "detect"), self.ownership, self.make, self, ends=ends, backoff_s=FAST,
            fenced=lambda stage, partition: self.lost.append((stage, partition)),
        )  # fmt: skip

    def make(self, stage: str, partition: int) -> Runner:
        runner = Runner((stage, partition), self.acts.pop(0) if self.acts else None)
        self.made.append(runner)
        return runner

    def seat_wanted(self, stage: str, partition: int) -> None:
        self.told.append(f"+{stage}{partition}")

    def seat_released(self, stage: str, partition: int) -> None:
        self.told.append(f"-{stage}{partition}")

    def worker_failed(
        self, stage: str, partition: int, error: BaseException, *, retry_in_s: float | None
    ) -> None:
        self.told.append(f"{stage}{partition} {type(error).__name__}")

    @property
    def working(self) -> set[tuple[str, int]]:
        return {one.seat for one in self.made if not one.ended}

    async def until(self, seen: Callable[[], object]) -> None:
        await until(seen)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.crew.run())
            yield
            self.crew.stop()


async def test_runners_come_and_go_with_their_seats() -> None:
    """Given, taken, given again: one runner at a time for each seat; other stages' seats are no business of the crew."""
    world = World(("match", 0))
    assert world.working == {("match", 0)}, "what is wanted from the first is there before anything runs"
    async with world.at_work():
        world.ownership.give({("match", 0), ("detect", 1), ("collect", 0)})
        await world.until(lambda: world.working == {("match", 0), ("detect", 1)})
        world.ownership.give({("detect", 1)})
        await world.until(lambda: world.working == {("detect", 1)})
        world.ownership.give({("match", 0), ("detect", 1)})
        await world.until(lambda: world.working == {("match", 0), ("detect", 1)})
    assert not world.working
    assert world.told[:4] == ["+match0", "+detect1", "-match0", "+match0"]
    assert len(world.made) == 3


async def test_a_seat_that_comes_back_before_its_runner_has_ended_gets_another_one() -> None:
    """A runner that was told to stop stays stopped; two never work on one seat at a time."""
    gate = asyncio.Event()

    async def slow(runner: Runner) -> None:
        await runner.stopped.wait()
        await gate.wait()  # its step is not committed yet

    world = World()
    world.acts = [slow]
    async with world.at_work():
        world.ownership.give({("match", 0)})
        await world.until(lambda: world.made)
        world.ownership.give(())
        await world.until(world.made[0].stopped.is_set)
        world.ownership.give({("match", 0)})
        await asyncio.sleep(0.02)
        assert len(world.made) == 1
        gate.set()
        await world.until(lambda: len(world.made) == 2)
        assert world.made[0].ended
        assert world.working == {("match", 0)}
    assert world.told == ["+match0", "-match0"], "for others it was ours all the time"


@pytest.mark.parametrize("error", [RuntimeError("text"), FencedError("taken"), None], ids=repr)
async def test_who_ends_while_it_is_wanted_is_begun_again(error: Exception | None) -> None:
    """Whatever ended it. A fence it has told itself, and whoever knows the seats hears of it."""

    async def fall(runner: Runner) -> None:
        if error is not None:
            raise error
        runner.stop()

    world = World()
    world.acts = [fall, fall, fall]
    async with world.at_work():
        world.ownership.give({("match", 0)})
        await world.until(lambda: len(world.made) == 4)
        assert world.working == {("match", 0)}
    failed = [one for one in world.told if "Error" in one]
    assert failed == (["match0 RuntimeError"] * 3 if isinstance(error, RuntimeError) else [])
    assert world.lost == ([("match", 0)] * 3 if isinstance(error, FencedError) else [])


async def at_work_for_ever(world: World) -> None:
    async with world.at_work():
        world.ownership.give({("match", 0), ("detect", 0)})
        await world.until(lambda: False)


async def test_replay_ends_with_the_first_error() -> None:
    """`ends`: nothing is begun again, and the error comes out."""

    async def fall(_: Runner) -> None:
        raise ValueError("spoilt")

    world = World(ends=True)
    world.acts = [fall]
    with pytest.raises(ExceptionGroup) as caught:
        await at_work_for_ever(world)
    assert caught.group_contains(ValueError, match="spoilt")
    assert not world.working


async def test_stages_are_stopped_one_after_the_other() -> None:
    """Each ends its own; a stopped stage's seats are wanted no more, whatever the ownership says."""
    world = World(("match", 0), ("detect", 0))
    async with world.at_work():
        await asyncio.sleep(0.01)
        world.crew.stop("match")
        await world.crew.ended(5.0, "match")
        assert world.working == {("detect", 0)}
        assert not world.crew.wants("match", 0)
        world.ownership.give({("match", 0), ("match", 1), ("detect", 0)})
        await asyncio.sleep(0.02)
        assert world.working == {("detect", 0)}
        world.crew.stop("detect")
        await world.crew.ended(5.0, "detect")
        assert not world.working


async def test_two_processes_hand_seats_to_each_other() -> None:
    """Real workers on one store: whoever gets a seat fences the other, who lets go; and a fence that is none comes back."""
    store = MemoryStore({MENTIONS: 2, SIGNALS: 2})
    every = {(stage, n) for stage in (MATCH, DETECT) for n in (0, 1)} | {(RESPOND, 0)}
    ownerships, lines = [Scripted(every), Scripted()], []
    for ownership in ownerships:
        bus = MemoryBus(store)
        rulesets = RuleSets(bus)
        lines.append(Pipeline(bus, rulesets, key=b"k" * 16, wait_s=0.01, share=Share(ownership)))

    def holding(line: Pipeline) -> set[tuple[str, int]]:
        return {seat for seat, worker in line.crew.runners.items() if worker.stage is not None}

    async with asyncio.TaskGroup() as group:
        for line in lines:
            group.create_task(line.run())
        await until(lambda: holding(lines[0]) == every)
        half = {(MATCH, 1), (DETECT, 1)}
        ownerships[1].give(half)  # it hears of it first: the old owner is fenced before it is told
        await until(lambda: holding(lines[1]) == half)
        ownerships[0].give(every - half)
        await until(lambda: holding(lines[0]) == every - half)
        ownerships[0].give(())  # gone: the other has all
        ownerships[1].give(every)
        await until(lambda: holding(lines[1]) == every and not lines[0].crew.runners)
        for line in lines:
            line.stop()

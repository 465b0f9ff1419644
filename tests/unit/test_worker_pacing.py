"""Commits that cover several steps: when they come, and that nothing is lost or doubled between them."""

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warn import worker as module
from warn.bus.memory import MemoryBus, MemoryStore, Point
from warn.bus.rulesets import RuleSets, config_record
from warn.model.flow import COLLECT, DEADLETTERS, MATCH, SIGNALS
from warn.model.hashing import content_hash
from warn.model.rules import RuleSet
from warn.model.wire import decode_deadletter, encode
from warn.stages.base import Effects, In
from warn.stages.window import Pacing, Window
from warn.testing.rereading import Recorder, publish, run_through
from warn.testing.tally import Tally, tallied
from warn.worker import Worker

NAMES = [b"a", b"b", b"a", b"c", b"b", b"a", b"d", b"a"]
LONG = 3600.0  # longer than any test: a window left open for so long is committed for another reason


def quick(bus: MemoryBus, make: Any = Tally, **options: Any) -> Worker:
    """A worker that loses no time over its failures, and has just committed: its first window stays open for a while."""
    usual = {"watch": Recorder(), "wait_s": 60.0, "backoff_s": (0.0005, 0.001), "commit_every_s": LONG}
    options = {**usual, **options}
    worker = Worker(bus, MATCH, 0, make, **options)
    worker._pacing.committed_at = asyncio.get_running_loop().time()
    return worker


async def until(holds: Callable[[], bool]) -> None:
    """Let others run until something holds."""
    for _ in range(100_000):
        if holds():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came to that")


def values(store: MemoryStore, topic: str = SIGNALS) -> list[bytes]:
    return [record.value for record in store.log[topic, 0]]


class Counting(Tally):
    """A tally that tells how many records it has seen, and leaves its count open until it is asked to finish."""

    seen = 0

    def step(self, batch: Sequence[In], effects: Effects) -> Iterator[None]:
        yield from super().step(batch, effects)
        Counting.seen += len(batch)

    def finish(self, effects: Effects) -> Iterator[None]:
        effects.emit(SIGNALS, 0, b"", b"finished")
        yield


def test_when_a_window_is_due() -> None:
    """After the time since the last commit, with enough records, for what is awaited, and for a suspect."""
    pacing = Pacing(0.1, 3, at_once=True)
    window = Window(In(0, b""))
    window.add(Effects(), [In(0, b"")], 0.0)
    assert pacing.is_due(window, 0.0)  # what comes after a quiet time
    pacing.committed_at = 1.0
    assert not pacing.is_due(window, 1.05)
    assert pacing.wait_s(1.05) == pytest.approx(0.05)
    assert pacing.is_due(window, 1.1)
    window.alone = True
    assert pacing.is_due(window, 1.05)
    window.alone = False
    said = Effects()
    said.emit(SIGNALS, 0, b"", b"")
    window.add(said, [In(1, b"")], 0.0)
    assert pacing.is_due(window, 1.05)
    late = Pacing(0.1, 3, at_once=False)
    late.committed_at = 1.0
    assert not late.is_due(window, 1.05)
    window.add(Effects(), [In(2, b"")], 0.0)
    assert late.is_due(window, 1.05)


async def test_one_commit_covers_several_steps() -> None:
    """What arrives is worked through at once; one commit finishes all of it, offers once, and is told once."""
    bus, watch = MemoryBus(), Recorder()
    effects: list[Effects] = []
    Counting.seen = 0
    worker = quick(bus, Counting, watch=watch, on_effects=effects.append)
    async with asyncio.TaskGroup() as tasks, asyncio.timeout(5):
        tasks.create_task(worker.run())
        for n, name in enumerate(NAMES, 1):
            await publish(bus, [name])
            await until(lambda n=n: Counting.seen == n)  # type: ignore[misc]
        assert values(bus.store) == []
        assert worker.position == 0
        worker.stop()
    assert values(bus.store) == [*tallied(NAMES), b"finished"]
    assert watch.told == ["opened", "stepped"]
    assert watch.details[1][2:4] == (len(NAMES), len(NAMES))
    assert [one.counts["partials", ""] for one in effects] == [len(NAMES)]


async def test_a_quiet_worker_commits_when_the_time_is_over() -> None:
    """A window is committed though nothing more arrives; being caught up means being committed."""
    bus = MemoryBus()
    await publish(bus, NAMES[:1])
    worker = quick(bus, commit_every_s=0.02)
    async with asyncio.TaskGroup() as tasks, asyncio.timeout(5):
        tasks.create_task(worker.run())
        await worker.caught_up()
        assert values(bus.store) == tallied(NAMES[:1])
        worker.stop()


@pytest.mark.parametrize("batch", [1, 3, 8])
async def test_a_backlog_is_committed_by_the_batch(batch: int) -> None:
    """As soon as so many records wait for their commit it comes, whatever the time; what is left, when the worker stops."""
    bus, watch = MemoryBus(), Recorder()
    await publish(bus, NAMES)
    Counting.seen = 0
    worker = quick(bus, Counting, batch=batch, watch=watch)
    async with asyncio.TaskGroup() as tasks, asyncio.timeout(5):
        tasks.create_task(worker.run())
        await until(lambda: Counting.seen == len(NAMES))
        worker.stop()
    assert [one for one in values(bus.store) if one != b"finished"] == tallied(NAMES)
    commits = [d[3] for what, d in zip(watch.told, watch.details, strict=True) if what == "stepped"]
    assert commits == [batch] * (len(NAMES) // batch) + [len(NAMES) % batch] * (len(NAMES) % batch > 0)


async def test_what_is_awaited_is_committed_at_once() -> None:
    """A stage that mostly has nothing to say: steps without a word wait, a word does not."""

    class Taciturn(Tally):
        def step(self, batch: Sequence[In], effects: Effects) -> Iterator[None]:
            mine = Effects()
            yield from super().step(batch, mine)
            effects.out += [out for out in mine.out if not out.value.startswith(b"a")]

    bus, watch = MemoryBus(), Recorder()
    worker = quick(bus, Taciturn, watch=watch, at_once=True)
    worker._pacing.committed_at = asyncio.get_running_loop().time()
    async with asyncio.TaskGroup() as tasks, asyncio.timeout(5):
        tasks.create_task(worker.run())
        for name in (b"a", b"a", b"b"):
            assert worker.position == 0
            await publish(bus, [name])
            await asyncio.sleep(0.01)
        await until(lambda: worker.position == 3)
        worker.stop()
    assert values(bus.store) == [b"b 1"]
    assert watch.details[1][2:4] == (3, 3)


@given(st.integers(0, 2**32), st.integers(1, 9), st.booleans(), st.sampled_from([0.0, 0.001, 0.01]))
def test_faults_anywhere(seed: int, batch: int, sliced: bool, every: float) -> None:
    """As without windows: calls that fail or lose their answer at any await change nothing in what comes out."""

    async def story() -> None:
        rng = random.Random(seed)
        left = 20

        async def fault(point: Point) -> None:
            nonlocal left
            await asyncio.sleep(0)
            if left and rng.random() < 0.3:
                left -= 1
                raise ConnectionError(point)

        store = MemoryStore()
        feeder = MemoryBus(store)
        worker = quick(
            MemoryBus(store, fault),
            lambda: Tally(sliced=sliced),
            batch=batch,
            wait_s=0.01,
            commit_every_s=every,
        )
        calm = quick(feeder, lambda: Tally(sliced=sliced), commit_every_s=0.0)
        async with asyncio.TaskGroup() as tasks, asyncio.timeout(20):
            running = tasks.create_task(worker.run())
            for name in NAMES:
                await publish(feeder, [name])
                await asyncio.sleep(rng.random() * 0.002)
            running.cancel()
        await run_through(calm)
        assert values(store) == tallied(NAMES)
        assert calm.stage is not None
        assert dict(calm.stage.entries()) == {n: b"%d" % NAMES.count(n) for n in NAMES}

    asyncio.run(story())


class Fragile(Tally):
    """A tally that fails on some records always, and fails to finish or to offer after others."""

    def __init__(self, fails: str) -> None:
        super().__init__()
        self._fails = fails
        self._bad = False

    def step(self, batch: Sequence[In], effects: Effects) -> Iterator[None]:
        bad = any(record.value == b"poison" for record in batch)
        if bad and self._fails == "step":
            raise ValueError("in the stage")
        self._bad = self._bad or bad
        yield from super().step(batch, effects)

    def finish(self, effects: Effects) -> Iterator[None]:
        if self._bad and self._fails == "finish":
            raise ValueError("in the end")
        yield

    def offer(self, effects: Effects, position: int) -> None:
        if self._bad and self._fails == "offer":
            raise ValueError("in the offer")
        super().offer(effects, position)


@pytest.mark.parametrize("fails", ["step", "finish", "offer"])
async def test_poison_is_found_among_many(fails: str) -> None:
    """The one bad record goes to dead letters wherever in a window the stage trips over it; all others count."""
    bus = MemoryBus()
    names = [*NAMES[:4], b"poison", *NAMES[4:]]
    await publish(bus, names)
    worker = quick(bus, lambda: Fragile(fails), batch=500, commit_every_s=0.002)
    async with asyncio.timeout(10):
        await run_through(worker)
    assert values(bus.store) == tallied(NAMES)
    letters = [decode_deadletter(value) for value in values(bus.store, DEADLETTERS)]
    assert [(d.where, d.reason, d.payload) for d in letters] == [("mentions:0:4", "poison", b"poison")]


async def test_what_is_through_does_not_wait_for_a_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that lacks a configuration commits what was worked through before it, then waits with the same stage."""
    monkeypatch.setattr(module, "GRACE_S", 0.01)
    monkeypatch.setattr(module, "STALL_S", 0.01)
    bus, body, made = MemoryBus(), encode(RuleSet()), 0
    rules, through = RuleSets(bus), asyncio.Event()
    names = [b"a", b"b", b"use " + content_hash(body).encode(), b"a"]

    class Ruled(Tally):
        def step(self, batch: Sequence[In], effects: Effects) -> Iterator[None]:
            for record in batch:
                if record.value.startswith(b"use "):
                    effects.emit(SIGNALS, 0, b"", b"of a step that is not to count")
                    rules.get(record.value[4:].decode())
                    effects.out.clear()
            yield from super().step(batch, effects)
            if batch[-1].position == len(names) - 1:
                through.set()

    def make() -> Ruled:
        nonlocal made
        made += 1
        return Ruled()

    await publish(bus, names[:2])
    worker = quick(bus, make, config_wait=rules.wait)
    async with asyncio.TaskGroup() as tasks, asyncio.timeout(10):
        for task in (worker.run(), rules.run()):
            tasks.create_task(task)
        await asyncio.sleep(0.01)
        assert values(bus.store) == []
        await publish(bus, names[2:])
        await until(lambda: worker.position == 2)
        assert values(bus.store) == tallied(names[:2])
        await (await bus.open(COLLECT, 0)).commit([config_record(body)], {}, 0)
        async with asyncio.timeout(5):
            await through.wait()
        worker.stop()
        rules.stop()
    assert values(bus.store) == tallied(names)
    assert made == 1


async def test_cancelling_drops_what_is_open_and_nothing_else() -> None:
    """A cancelled worker commits nothing that it has not begun to commit; its successor reads it again."""
    bus = MemoryBus()
    await publish(bus, NAMES)
    Counting.seen = 0
    worker = quick(bus, Counting)
    async with asyncio.TaskGroup() as tasks, asyncio.timeout(5):
        running = tasks.create_task(worker.run())
        await until(lambda: Counting.seen == len(NAMES))
        await asyncio.sleep(0.01)
        running.cancel()
    assert values(bus.store) == []
    await run_through(quick(bus, commit_every_s=0.0))
    assert values(bus.store) == tallied(NAMES)

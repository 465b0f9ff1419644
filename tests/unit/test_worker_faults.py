"""Whatever goes wrong, the worker loses nothing, doubles nothing, says so, and stops for nobody."""

import asyncio
import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warn.bus.base import TrimmedError
from warn.bus.codec import UnreadableStateError
from warn.bus.memory import MemoryBus, MemoryStore, Point
from warn.model.errors import TemporaryError
from warn.model.flow import DEADLETTERS, MATCH, MENTIONS, SIGNALS
from warn.model.wire import decode_deadletter
from warn.stages.base import Effects, In
from warn.testing.rereading import Recorder, publish, run_through
from warn.testing.tally import Tally, tallied
from warn.worker import Worker

NAMES = [b"a", b"b", b"a", b"c", b"b", b"a", b"d", b"a"]


def quick(bus: MemoryBus, make: Any = Tally, **options: Any) -> Worker:
    """A worker that loses no time."""
    options = {"watch": Recorder(), "wait_s": 60.0, "backoff_s": (0.0005, 0.001), **options}
    return Worker(bus, MATCH, 0, make, **options)


def values(store: MemoryStore, topic: str = SIGNALS) -> list[bytes]:
    return [record.value for record in store.log[topic, 0]]


@given(st.integers(0, 2**32), st.integers(1, 9), st.booleans())
def test_faults_anywhere(seed: int, batch: int, sliced: bool) -> None:
    """Calls that fail, hang too long or lose their answer at any await change nothing in what comes out."""

    async def story() -> None:
        rng = random.Random(seed)
        left = 30

        async def fault(point: Point) -> None:
            nonlocal left
            await asyncio.sleep(0)
            if left and rng.random() < 0.3:
                left -= 1
                if rng.random() < 0.1:
                    await asyncio.sleep(0.01)  # more than a step may take
                else:
                    raise ConnectionError(point)

        store, calm = MemoryStore(), True

        async def later(point: Point) -> None:
            if not calm:
                await fault(point)

        await publish(MemoryBus(store), NAMES)
        worker = quick(
            MemoryBus(store, later), lambda: Tally(sliced=sliced), batch=batch, step_s=0.005, wait_s=0.01
        )
        async with asyncio.TaskGroup() as tasks, asyncio.timeout(20):
            tasks.create_task(worker.run())
            calm = False
            await asyncio.sleep(0.05)
            calm = True
            await worker.caught_up()
            worker.stop()
        assert values(store) == tallied(NAMES)
        assert worker.stage is not None
        assert dict(worker.stage.entries()) == {n: b"%d" % NAMES.count(n) for n in NAMES}

    asyncio.run(story())


class Panic(BaseException):
    """As Rust's panics are: no Exception."""


class Fragile(Tally):
    """A tally that fails on some records, as often as it is told."""

    def __init__(self, failures: dict[bytes, int], error: type[BaseException]) -> None:
        super().__init__()
        self._failures = failures
        self._error = error
        self.handed: list[int] = []

    def step(self, batch: Sequence[In], effects: Effects) -> Iterator[None]:
        for record in batch:
            if self._failures.get(record.value, 0) > 0:
                self._failures[record.value] -= 1
                raise self._error("in the stage")
            yield from super().step([record], effects)


@pytest.mark.parametrize("error", [ValueError, Panic])
async def test_poison_goes_to_dead_letters(error: type[BaseException]) -> None:
    """A record that fails the stage whenever it is tried is put aside; all others count, and each failure is told."""
    bus, watch = MemoryBus(), Recorder()
    names = [*NAMES[:4], b"poison", *NAMES[4:], b"poison"]
    await publish(bus, names)
    failures = {b"poison": 10**9}
    await run_through(quick(bus, lambda: Fragile(failures, error), watch=watch))
    assert values(bus.store) == tallied(NAMES)
    letters = [decode_deadletter(value) for value in values(bus.store, DEADLETTERS)]
    assert [(d.where, d.reason, d.payload) for d in letters] == [
        ("mentions:0:4", "poison", b"poison"),
        ("mentions:0:9", "poison", b"poison"),
    ]
    told = [d for t, d in zip(watch.told, watch.details, strict=True) if t == "failed"]
    assert len(told) == 10**9 - failures[b"poison"] == 9
    assert {type(d[2]) for d in told} == {error}
    assert watch.told.count("dead letter") == 2
    # The next process reads from an older slice again: it meets the record once more, and puts nothing aside twice.
    failures[b"poison"] = 10**9
    await publish(bus, [b"a"])
    await run_through(quick(bus, lambda: Fragile(failures, error)))
    assert values(bus.store) == tallied([*NAMES, b"a"])
    assert len(values(bus.store, DEADLETTERS)) == 2


async def test_known_poison_is_not_tried_again() -> None:
    """When a worker reads again over a record that it has put aside, the stage does not see it."""
    store, breaking = MemoryStore(), False

    async def fault(point: Point) -> None:
        nonlocal breaking
        if point == "commit" and breaking:
            breaking = False
            raise ConnectionError

    names = [b"a", b"b", b"c", b"d", b"e"]
    await publish(MemoryBus(store), [*names, b"poison", b"a"])
    failures = {b"poison": 10**9}
    worker = quick(MemoryBus(store, fault), lambda: Fragile(failures, ValueError))
    async with asyncio.TaskGroup() as tasks, asyncio.timeout(5):
        tasks.create_task(worker.run())
        await worker.caught_up()
        assert min(at for at, _ in store.seats[MATCH, 0].state.values()) < len(names), (
            "it will not read over it"
        )
        left, breaking = failures[b"poison"], True
        await publish(MemoryBus(store), [b"b"])
        await worker.caught_up()
        worker.stop()
    assert not breaking
    assert failures[b"poison"] == left
    assert values(store) == tallied([*names, b"a", b"b"])


async def test_what_passes_is_no_poison() -> None:
    """A stage that fails a few times and then does not has lost nothing."""
    bus = MemoryBus()
    await publish(bus, NAMES)
    failures = {b"c": 2, b"d": 3}
    await run_through(quick(bus, lambda: Fragile(failures, ValueError)))
    assert values(bus.store) == tallied(NAMES)
    assert values(bus.store, DEADLETTERS) == []


async def test_giving_up() -> None:
    """Told to, a worker ends with its error after so many failures in a row; each was told, the last as the end."""

    async def fault(point: Point) -> None:
        if point == "commit":
            raise ConnectionError("no bus")

    store, watch = MemoryStore(), Recorder()
    await publish(MemoryBus(store), NAMES)
    worker = quick(MemoryBus(store, fault), give_up_after=4, watch=watch)
    with pytest.raises(ConnectionError, match="no bus"):
        await worker.run()
    assert watch.told == ["opened", "failed"] * 4
    assert [d[3] is None for t, d in zip(watch.told, watch.details, strict=True) if t == "failed"] == [
        False
    ] * 3 + [True]
    with pytest.raises(RuntimeError, match="has ended"):
        await worker.caught_up()


async def test_failures_with_success_between_them() -> None:
    """Only failures in a row count towards giving up."""
    calls = 0

    async def fault(point: Point) -> None:
        nonlocal calls
        if point == "commit":
            calls += 1
            if calls % 3:
                raise ConnectionError

    store = MemoryStore()
    await publish(MemoryBus(store), NAMES)
    await run_through(quick(MemoryBus(store, fault), batch=1, give_up_after=3))
    assert values(store) == tallied(NAMES)


async def test_waits_between_tries_grow_and_are_drawn() -> None:
    """The wait is drawn from zero up to a bound that doubles, and is never longer than the longest."""
    worker = quick(MemoryBus(), backoff_s=(1.0, 10.0), rng=random.Random(4))
    bounds = []
    for failures in range(1, 40):
        worker._setbacks.in_a_row = failures
        drawn = [worker._setbacks.backoff() for _ in range(200)]
        assert min(drawn) < 0.1 * max(drawn)
        bounds.append(max(drawn))
    assert bounds[0] <= 2.0 < bounds[2] <= 8.0 < bounds[3]
    assert all(8.0 < b <= 10.0 for b in bounds[3:])


async def test_fenced_and_still_wanted() -> None:
    """Who is fenced tells it and lets go; where the seat is still wanted it is opened anew, and nothing is doubled."""
    store, watch, robbed = MemoryStore(), Recorder(), 0

    async def rob(point: Point) -> None:
        nonlocal robbed
        if point == "commit" and robbed < 2:
            robbed += 1
            store.open(MATCH, 0)

    await publish(MemoryBus(store), NAMES)
    await run_through(quick(MemoryBus(store, rob), batch=3, watch=watch))
    assert watch.told.count("fenced") == 2
    assert "failed" not in watch.told
    assert values(store) == tallied(NAMES)


@pytest.mark.parametrize("give_up_after", [None, 5])
async def test_state_that_cannot_be_read_is_left_alone(give_up_after: int | None) -> None:
    """Unreadable state is an alarm and stays as it is, input is not touched; replay ends with it, a daemon waits."""
    bus, watch = MemoryBus(), Recorder()
    await publish(bus, NAMES)
    await run_through(quick(bus))
    held = bus.store.seats[MATCH, 0].state
    held[b"a"] = (held[b"a"][0], b"damaged")
    before = dict(held)
    await publish(bus, [b"a"])
    worker = quick(bus, give_up_after=give_up_after, watch=watch)
    if give_up_after:
        with pytest.raises(UnreadableStateError):
            await worker.run()
        assert watch.told == ["failed"]
    else:
        async with asyncio.TaskGroup() as tasks, asyncio.timeout(5):
            tasks.create_task(worker.run())
            await asyncio.sleep(0.1)
            worker.stop()
        assert len(watch.told) > 2
        assert set(watch.told) == {"failed"}
    assert held == before
    assert values(bus.store) == tallied(NAMES)


async def test_a_gap_in_the_input_is_told() -> None:
    """Where retention has passed a seat by, the worker says so and does not step over the gap."""
    bus, watch = MemoryBus(), Recorder()
    await publish(bus, NAMES)
    await run_through(quick(bus, batch=2))
    bus.store.firsts[MENTIONS, 0] = 7
    with pytest.raises(TrimmedError):
        await quick(bus, give_up_after=3, watch=watch).run()
    assert watch.told == ["opened", "failed"]


async def test_an_overdue_step_is_left_behind() -> None:
    """A commit that hangs is given up; when it comes through after all it is fenced, and nothing is doubled."""
    hang, on = True, asyncio.Event()

    async def fault(point: Point) -> None:
        nonlocal hang
        if point == "commit" and hang:
            hang = False
            await on.wait()

    store, watch = MemoryStore(), Recorder()
    await publish(MemoryBus(store), NAMES)
    worker = quick(MemoryBus(store, fault), step_s=0.05, watch=watch)
    async with asyncio.timeout(5):
        await run_through(worker)
    assert watch.told == ["opened", "failed", "opened", "stepped"]
    assert isinstance(watch.details[1][2], TemporaryError)
    on.set()
    await asyncio.sleep(0.01)
    assert not worker._steps
    assert values(store) == tallied(NAMES)

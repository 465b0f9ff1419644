"""The loop itself: what it commits, what it hands on and when, and how it begins and ends."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from warn import worker as module
from warn.bus.memory import MemoryBus, MemoryStore, Point
from warn.bus.rulesets import RuleSets, config_record
from warn.model.alerts import Delivery, IncidentEvent, Numbers
from warn.model.errors import Reason, TemporaryError
from warn.model.flow import COLLECT, DEADLETTERS, MATCH, MENTIONS, SIGNALS
from warn.model.hashing import content_hash
from warn.model.rules import RuleSet
from warn.model.wire import decode_deadletter, encode
from warn.stages.base import Effects, In
from warn.stages.base import RuleSets as Lookup
from warn.telemetry import events
from warn.testing.rereading import Recorder, publish, run_through
from warn.testing.tally import Tally, tallied
from warn.worker import Worker

NAMES = [b"a", b"b", b"a", b"c", b"b", b"a"]
EVENT = IncidentEvent(
    event="opened", at=1, incident="i", sequence=1, alert="A", rule="Acme/A", brand="Acme", topic="Acme/a",
    severity="page", mode="live", summary="s", message="m", numbers=Numbers(),
)  # fmt: skip


def quick(bus: MemoryBus, make: Any = Tally, **options: Any) -> Worker:
    """A worker that loses no time."""
    options = {"watch": Recorder(), "wait_s": 60.0, "backoff_s": (0.001, 0.002), **options}
    return Worker(bus, MATCH, 0, make, **options)


def values(store: MemoryStore, topic: str = SIGNALS) -> list[bytes]:
    return [record.value for record in store.log[topic, 0]]


class Teller(Tally):
    """A tally that has every effect: a delivery per record, and a dead letter for names that begin with x."""

    def step(self, batch: Sequence[In], effects: Effects) -> Iterator[None]:
        for record in batch:
            effects.deliveries.append(
                Delivery(
                    delivery=str(record.position),
                    attempt=1,
                    notifier="n",
                    action="trigger",
                    dedup_key="d",
                    event=EVENT,
                )
            )
            if record.value.startswith(b"x"):
                effects.dead.append((f"mentions:0:{record.position}", "unreadable", "why", record.value))
        yield from super().step(batch, effects)


async def test_a_run_from_start_to_end() -> None:
    """Everything is taken in, committed and told, in batches of the size asked for."""
    bus = MemoryBus()
    await publish(bus, NAMES)
    watch, counted = Recorder(), []
    worker = quick(bus, batch=4, watch=watch, on_effects=lambda e: counted.append(e.counts["partials", ""]))
    await run_through(worker)
    assert values(bus.store) == tallied(NAMES)
    assert worker.position == await bus.end(MENTIONS, 0) == 6
    assert counted == [4, 2]
    assert watch.told == ["opened", "stepped", "stepped"]
    assert watch.details[0] == (MATCH, 0, 0, 0)
    assert watch.details[2][:5] == (MATCH, 0, 6, 2, 2)  # lag is asked for once a second


async def test_going_on_where_it_was() -> None:
    """A second worker goes on after the first: state restored, nothing again, and it knows at once when that is all."""
    bus = MemoryBus()
    await publish(bus, NAMES)
    await run_through(quick(bus))
    idle = quick(bus)
    async with asyncio.timeout(5):
        await run_through(idle)
    assert idle.position == 6
    assert idle.stage is not None
    assert dict(idle.stage.entries()) == {b"a": b"3", b"b": b"2", b"c": b"1"}
    await publish(bus, [b"c"])
    await run_through(quick(bus))
    assert values(bus.store) == tallied([*NAMES, b"c"])


@pytest.mark.parametrize("lost", ["commit", "committed"])
async def test_deliveries_leave_only_after_their_commit(lost: Point) -> None:
    """What a step wants delivered is handed on once, when the step is known to be committed, and never before."""
    fail = True

    async def fault(point: Point) -> None:
        nonlocal fail
        if point == lost and fail:
            fail = False
            raise ConnectionError

    bus = MemoryBus(MemoryStore(), fault)
    handed: list[str] = []
    effects: list[Effects] = []

    async def take(deliveries: Sequence[Delivery]) -> None:
        assert len(values(bus.store)) == 6
        handed.extend(d.delivery for d in deliveries)

    await publish(MemoryBus(bus.store), NAMES)
    await run_through(quick(bus, Teller, on_deliveries=take, on_effects=effects.append))
    # A lost reply leaves the step committed and its deliveries with nobody: respond claims them again when they are due.
    assert handed == ([str(n) for n in range(6)] if lost == "commit" else [])
    assert len(effects) == (1 if lost == "commit" else 0)
    assert values(bus.store) == tallied(NAMES)


async def test_slow_senders_hold_the_worker_up() -> None:
    """A full queue makes the worker wait with the next step; one that never takes anything is a failure, not the end."""
    bus = MemoryBus()
    await publish(bus, NAMES)
    gate, taken = asyncio.Event(), 0

    async def take(deliveries: Sequence[Delivery]) -> None:
        nonlocal taken
        taken += 1
        await gate.wait()

    watch = Recorder()
    worker = quick(bus, Teller, batch=2, on_deliveries=take, step_s=0.05, watch=watch)
    async with asyncio.TaskGroup() as tasks, asyncio.timeout(5):
        tasks.create_task(worker.run())
        await asyncio.sleep(0.02)
        assert (taken, worker.position) == (1, 2)
        await asyncio.sleep(0.2)
        assert "failed" in watch.told
        gate.set()
        await worker.caught_up()
        worker.stop()
    assert values(bus.store) == tallied(NAMES)


async def test_dead_letters_are_part_of_the_step() -> None:
    """What a stage cannot read lies in [deadletters] in the same commit: where, why, when, and 4 kB of it."""
    bus = MemoryBus()
    await publish(bus, [b"a", b"x" * 9000, b"b"])
    watch = Recorder()
    await run_through(quick(bus, Teller, watch=watch, clock=lambda: 1234.9))
    letters = [decode_deadletter(value) for value in values(bus.store, DEADLETTERS)]
    assert [(d.where, d.reason, d.message, d.at, len(d.payload)) for d in letters] == [
        ("mentions:0:1", "unreadable", "why", 1234, 4096)
    ]
    assert watch.details[watch.told.index("dead letter")] == (MATCH, "unreadable", "mentions:0:1")


class Ruled(Tally):
    """A tally that needs the rule set that a record names (`use <hash>`) before it may count on."""

    def __init__(self, lookup: Lookup) -> None:
        super().__init__()
        self._lookup = lookup

    def step(self, batch: Sequence[In], effects: Effects) -> Iterator[None]:
        for record in batch:
            if record.value.startswith(b"use "):
                self._lookup(record.value[4:].decode())
        yield from super().step(batch, effects)


@pytest.mark.parametrize("late_s", [0.0, 0.3])
async def test_a_missing_configuration_stalls(late_s: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker waits for a body with the same stage, alarms where that takes long, and loses and doubles nothing."""
    monkeypatch.setattr(module, "GRACE_S", 0.1)
    monkeypatch.setattr(module, "STALL_S", 0.05)
    bus, body, made = MemoryBus(), encode(RuleSet()), 0
    rules = RuleSets(bus)
    names = [b"a", b"use " + content_hash(body).encode(), b"a"]
    await publish(bus, names)

    def make() -> Ruled:
        nonlocal made
        made += 1
        return Ruled(rules.get)

    watch = Recorder()
    worker = quick(bus, make, watch=watch, config_wait=rules.wait)
    async with asyncio.TaskGroup() as tasks, asyncio.timeout(10):
        for task in (worker.run(), rules.run()):
            tasks.create_task(task)
        await asyncio.sleep(late_s)
        assert values(bus.store) == []
        await (await bus.open(COLLECT, 0)).commit([config_record(body)], {}, 0)
        await worker.caught_up()
        worker.stop()
        rules.stop()
    assert values(bus.store) == tallied(names)
    alarms = ["stalled", "resumed"] if late_s else []
    assert watch.told == ["opened", *alarms, "stepped"]
    assert made == 1


async def test_stopping_is_prompt_and_finishes_the_step() -> None:
    """A worker that waits for input ends at once; one in its commit ends when that is through."""
    inside, on = asyncio.Event(), asyncio.Event()

    async def fault(point: Point) -> None:
        if point == "commit":
            inside.set()
            await on.wait()

    bus = MemoryBus(MemoryStore(), fault)
    worker = quick(bus)
    async with asyncio.timeout(5):
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(worker.run())
            await asyncio.sleep(0.01)
            worker.stop()
        await publish(MemoryBus(bus.store), NAMES)
        worker = quick(bus)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(worker.run())
            await inside.wait()
            worker.stop()
            await asyncio.sleep(0.01)
            assert not running.done()
            on.set()
    assert values(bus.store) == tallied(NAMES)
    await publish(MemoryBus(bus.store), NAMES)
    with pytest.raises(RuntimeError, match="has ended"):
        await worker.caught_up()


async def test_stopping_in_the_turn_in_which_a_read_runs_out() -> None:
    """A read whose time is up in the same turn needs no ending, and stopping does not trip over it."""
    worker = quick(MemoryBus())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0) as worker._reading:
            await asyncio.sleep(1)
    worker.stop()


async def test_cancelling_does_not_cut_a_step_in_half() -> None:
    """Whoever cancels a worker waits until its step is through."""
    inside, on = asyncio.Event(), asyncio.Event()

    async def fault(point: Point) -> None:
        if point == "commit":
            inside.set()
            await on.wait()

    bus = MemoryBus(MemoryStore(), fault)
    await publish(MemoryBus(bus.store), NAMES)
    async with asyncio.TaskGroup() as tasks, asyncio.timeout(5):
        running = tasks.create_task(quick(bus).run())
        await inside.wait()
        running.cancel()
        await asyncio.sleep(0.01)
        assert not running.done()
        on.set()
    assert running.cancelled()
    assert values(bus.store) == tallied(NAMES)


async def test_pace_varies_the_interleaving() -> None:
    """`pace` is asked before each read how many turns of the loop to let pass."""
    bus, asked = MemoryBus(), 0
    await publish(bus, NAMES)

    def pace() -> int:
        nonlocal asked
        asked += 1
        return 3

    await run_through(quick(bus, batch=1, pace=pace))
    assert asked >= 6


def test_telemetry_is_a_watch() -> None:
    """Without another watch the worker tells telemetry."""
    assert Worker(MemoryBus(), MATCH, 0, Tally).watch is events


async def test_a_lag_that_nobody_tells_costs_no_seat() -> None:
    """Where the input ends is asked for the eye alone: an engine that does not say so goes on being worked on."""

    async def silent(point: Point) -> None:
        if point == "end":
            raise TemporaryError("no answer", reason=Reason.TIMEOUT)

    store, watch = MemoryStore(), Recorder()
    await publish(MemoryBus(store), [b"a", b"b"])
    worker = quick(MemoryBus(store, silent), batch=1, watch=watch)
    worker.on_effects = lambda _: worker.stop() if worker.position == 2 else None
    await worker.run()
    assert worker.position == 2 and watch.told.count("opened") == 1 and "failed" not in watch.told

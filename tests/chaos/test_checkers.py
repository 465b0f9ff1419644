"""The checkers pass on a run in which nothing is wrong, and see a record lost, doubled or changed."""

import asyncio
import copy
from collections.abc import Mapping, Sequence

import pytest

from tests.chaos.loader import Loader
from tests.chaos.oracle import Outcome, differences, expected, observed
from tests.chaos.restoring import pipeline_on, state_of
from tests.chaos.script import script
from tests.chaos.tenures import Tenures
from warn.aggregate.partial import merge
from warn.bus.memory import MemoryBus, MemorySeat, MemoryStore
from warn.bus.rulesets import RuleSets
from warn.model.flow import DESK, DETECT, HISTORY, INCIDENTS, MATCH, MENTIONS, SIGNALS
from warn.stages.base import Out

SEED, SIZE = 1, 12_000
SMALL = 3_000


async def run_on(bus: MemoryBus, size: int) -> Outcome:
    """Load and work at once, as on Kafka; then leave, and look at what lies there."""
    rulesets = RuleSets(bus)
    loader = Loader(bus, script(SEED, size), 0.0)
    pipeline = pipeline_on(bus, rulesets)
    async with asyncio.TaskGroup() as group:
        following = group.create_task(rulesets.run())
        running = group.create_task(pipeline.run())
        await loader.run()
        await pipeline.caught_up()
        pipeline.stop()
        await running
        rulesets.stop()
        await following
    return await observed(bus, await state_of(bus))


def store() -> MemoryStore:
    return MemoryStore({MENTIONS: 6, SIGNALS: 6})


@pytest.fixture(scope="module")
def seen() -> Outcome:
    return asyncio.run(run_on(MemoryBus(store()), SIZE))


def test_nothing_wrong(seen: Outcome) -> None:
    wanted = expected(SEED, SIZE)
    assert len(wanted.incidents) >= 2 and len(wanted.counts) > 1000
    assert differences(wanted, seen) == []


@pytest.mark.parametrize("planted", ["lost", "doubled", "changed"])
@pytest.mark.parametrize("topic", [MENTIONS, SIGNALS, INCIDENTS, HISTORY, "state"])
def test_a_difference_is_told(seen: Outcome, topic: str, planted: str) -> None:
    """One record of each topic, in the middle of it."""
    broken = copy.copy(seen)
    if topic == SIGNALS:
        broken.counts = dict(seen.counts)
        at = sorted(seen.counts)[len(seen.counts) // 2]
        one = broken.counts.pop(at)
        if planted != "lost":
            broken.counts[at] = merge(one, one)
    elif topic == "state":
        broken.state = seen.state[::-1]
    else:
        log = {MENTIONS: seen.mentions.get(3), INCIDENTS: seen.incidents, HISTORY: seen.history}[topic]
        assert log
        changed = list(log)
        middle = len(log) // 2
        changed[middle : middle + 1] = {"lost": [], "doubled": [log[middle]] * 2, "changed": [b"x"]}[planted]
        if topic == MENTIONS:
            broken.mentions = {**seen.mentions, 3: changed}
        else:
            setattr(broken, topic, changed)
    told = differences(expected(SEED, SIZE), broken)
    assert len(told) == 1 and topic in told[0], told


class Faulty(MemoryBus):
    """Loses or doubles one record that a stage writes, the hundredth of a topic, and says that all went well."""

    def __init__(self, topic: str, copies: int) -> None:
        super().__init__(store())
        self.topic, self.copies, self.met = topic, copies, 0

    async def open(self, stage: str, partition: int) -> MemorySeat:
        seat = await super().open(stage, partition)
        commit = seat.commit

        async def faulty(outputs: Sequence[Out], state: Mapping[bytes, bytes | None], position: int) -> None:
            written: list[Out] = []
            for out in outputs:
                self.met += out.topic == self.topic
                hit = out.topic == self.topic and self.met == 100
                written += [out] * (self.copies if hit else 1)
            await commit(written, state, position)

        seat.commit = faulty  # type: ignore[method-assign]
        return seat


@pytest.mark.parametrize("copies", [0, 2])
@pytest.mark.parametrize("topic", [MENTIONS, SIGNALS, HISTORY])
async def test_a_bus_that_loses_or_doubles_one_record_is_found_out(topic: str, copies: int) -> None:
    """The whole way, as in a chaos test; with the same bus and no fault there is no difference."""
    bus = Faulty(topic, copies)
    told = differences(expected(SEED, SMALL), await run_on(bus, SMALL))
    assert bus.met > 100
    assert any(topic in line for line in told), told


async def test_the_same_bus_without_a_fault() -> None:
    assert differences(expected(SEED, SMALL), await run_on(Faulty(DESK, 1), SMALL)) == []


def test_a_step_of_who_was_fenced_is_a_trespass() -> None:
    """A step that is told late is none, as long as it lies before where the next one began."""
    seat, tenures = (MATCH, 3), Tenures()
    tenures.opened(seat, "a", 1.0, 0)
    tenures.stepped(seat, "a", 2.0, 10)
    tenures.opened(seat, "b", 3.0, 12)
    tenures.opened((DETECT, 3), "a", 3.0, 0)
    tenures.stepped(seat, "b", 4.0, 20)
    tenures.stepped(seat, "a", 5.0, 12)
    assert tenures.trespasses() == []
    tenures.stepped(seat, "a", 5.0, 13)
    (found,) = tenures.trespasses()
    assert (found.seat, found.earlier.child, found.later.child) == (seat, "a", "b")


def test_who_opens_and_never_steps_may_say_so_late() -> None:
    seat, tenures = (MATCH, 0), Tenures()
    tenures.opened(seat, "b", 1.0, 5)
    tenures.stepped(seat, "b", 2.0, 9)
    tenures.opened(seat, "a", 2.5, 5)
    tenures.opened(seat, "c", 3.0, 9)
    tenures.stepped(seat, "c", 4.0, 11)
    assert tenures.trespasses() == []

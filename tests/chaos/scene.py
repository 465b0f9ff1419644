"""One chaos test: a script is loaded while processes work on it and a fault strikes; then everything must be as if not.

What was injected and what was seen is printed, whether or not it went well.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.crew_child import NUMBERS, config_of, total
from tests.chaos.fleet import Fleet
from tests.chaos.loader import Loader
from tests.chaos.oracle import Outcome, differences, everything, expected, observed
from tests.chaos.restoring import state_of
from tests.chaos.script import script
from warn.bus.base import Bus
from warn.bus.kafka import KafkaBus
from warn.model.flow import DESK, DETECT, MATCH, MENTIONS, RESPOND, SIGNALS

WORLD = 7
"""The script is the same in all of them, so that its oracle is driven once; a plan's seed is that of its faults."""
SETTLE_S = 240.0
"""After the last fault: until all that was loaded has gone through all stages."""
INPUTS = ((MATCH, MENTIONS), (DETECT, SIGNALS), (RESPOND, DESK))


@dataclass(frozen=True)
class Plan:
    """How large a test is. `load_s`: over how long the mentions come; longer than the faults, who end it early. `calm_s`:
    how long all is well before a broker is struck.
    """

    seed: int
    mentions: int
    load_s: float
    workers: int = 3
    faults: int = 0
    calm_s: tuple[float, float] = (3.0, 6.0)


@dataclass
class Scene:
    """What a fault has to work with."""

    plan: Plan
    bus: Bus
    fleet: Fleet
    loader: Loader
    rng: random.Random
    injected: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """A line of the report."""
        self.notes.append(text)

    @property
    def loading(self) -> bool:
        """A fault that comes after the last mention proves little."""
        return not self.loader.over


Fault = Callable[[Scene], Awaitable[None]]


@dataclass
class Seen:
    """How it ended."""

    scene: Scene
    wanted: Outcome
    outcome: Outcome
    wrong: list[str]
    seconds: float
    settled: bool
    numbers: Mapping[str, float]

    def report(self, title: str) -> str:
        """What was injected and what was seen."""
        scene, fleet = self.scene, self.scene.fleet
        fenced, opened = fleet.count("worker_fenced"), fleet.tenures.number()
        failed = Counter(
            str(t.fields.get("error", t.fields.get("reason")))
            for t in fleet.told
            if t.event == "worker_failed"
        )
        longest = ", ".join(f"{stage} {s:.1f} s" for stage, s in sorted(fleet.longest.items()))
        numbers = ", ".join(f"{name} {number:g}" for name, number in self.numbers.items())
        lines = [
            f"{title}: seed {scene.plan.seed}, {scene.plan.mentions:,} mentions, {self.seconds:.0f} s",
            f"  injected: {', '.join(f'{n} {what}' for what, n in scene.injected.items())}",
            *(f"    {note}" for note in scene.notes),
            f"  seen: {len(fleet.children)} processes, seats opened {opened}, fenced {fenced}",
            f"  commits {dict(fleet.steps)}, failed {dict(failed.most_common(6))}",
            f"  longest without a commit of a seat: {longest}",
            f"  longest step of the loader {scene.loader.longest_s:.1f} s, failures {scene.loader.failures}",
            f"  {numbers}, trespasses {len(fleet.tenures.trespasses())}",
            *(f"    alarm: {line}" for line in noticed(fleet)),
            f"  wanted: {self.wanted.told()}",
            f"  found:  {self.outcome.told()}",
            *(f"  WRONG {line}" for line in self.wrong),
        ]
        return "\n".join(lines)


def noticed(fleet: Fleet) -> list[str]:
    """The alarms by what they name, with their amounts; who opens a seat anew may tell of the same thing again."""
    sums: Counter[tuple[str, ...]] = Counter()
    for one in fleet.alarms():
        named = {k: str(v) for k, v in one.fields.items() if k not in {"level", "amount", "behind"}}
        what = (one.event, *(f"{k} {v}" for k, v in sorted(named.items())))
        sums[what] += int(one.fields.get("amount", one.fields.get("behind", 0)))
    return [f"{', '.join(what)}: {amount}" for what, amount in sorted(sums.items())]


async def play(
    plan: Plan,
    bootstrap: str,
    prefix: str,
    folder: Path,
    fault: Fault,
    *,
    nodes: int = 1,
    session_ms: int = 6_000,
    transaction_ms: int = 60_000,
    settle_s: float = SETTLE_S,
) -> Seen:
    """Load, work, strike, settle, compare."""
    began = time.monotonic()
    wanted = expected(WORLD, plan.mentions)
    before = {name: total(name) for name in NUMBERS}  # of this process, which has run other tests
    times = {"session_ms": session_ms, "transaction_ms": transaction_ms}
    config = config_of(bootstrap, prefix, nodes, **times)
    bus = await KafkaBus.start(config)
    command = ["--bootstrap", bootstrap, "--prefix", prefix, "--replication", str(nodes)]
    command += ["--session-ms", str(session_ms), "--transaction-ms", str(transaction_ms)]
    fleet = Fleet(folder, command)
    loader = Loader(bus, script(WORLD, plan.mentions), plan.load_s)
    scene = Scene(plan, bus, fleet, loader, random.Random(plan.seed))
    settled = False
    try:
        await fleet.ready(*(fleet.start() for _ in range(plan.workers)))
        async with asyncio.TaskGroup() as group:
            group.create_task(loader.run())
            await fault(scene)
            loader.hurry()
        settled = await settle(scene, settle_s)
        for child in fleet.alive():
            assert await fleet.leave(child), f"{child.name} did not leave in order: {fleet.output(child)}"
        fleet.look()
        outcome = await observed(bus, await state_of(bus) if settled else "")
    finally:
        fleet.close()
        await bus.close()
    numbers = {name: max(0.0, total(name) - before[name]) + _told(fleet, name) for name in NUMBERS}
    wrong = differences(wanted, outcome)
    return Seen(scene, wanted, outcome, wrong, time.monotonic() - began, settled, numbers)


async def settle(scene: Scene, wait_s: float) -> bool:
    """Until every record of every stage's input has been stepped over; whether that came about in time."""
    deadline = time.monotonic() + wait_s
    for stage, topic in INPUTS:
        last = {partition: position for partition, position, _, _ in await everything(scene.bus, topic)}
        while not all(scene.fleet.positions.get((stage, p), 0) > at for p, at in last.items()):
            scene.fleet.look()
            if time.monotonic() > deadline:
                scene.note(f"{stage} did not come to the end of its input: {scene.fleet.brief()}")
                return False
            await asyncio.sleep(0.05)
    return True


def _told(fleet: Fleet, name: str) -> float:
    """What the processes said their counters stood at when they left."""
    return sum(float(t.fields.get(name, 0.0)) for t in fleet.told if t.event == "chaos_ended")


def exact(seen: Seen) -> None:
    """Nothing lost, nothing doubled, nothing noticed that was not so."""
    assert seen.settled, "the workers did not come to the end"
    assert seen.wrong == []
    assert seen.scene.fleet.tenures.trespasses() == []
    assert not seen.scene.fleet.alarms() and not any(seen.numbers.values()), "an alarm where nothing was lost"

"""Runs a seed: the real processes in a world where things go wrong, then what must have come of it.

python -m tests.simulation.run 200            seeds 0 to 199
python -m tests.simulation.run 17 18          seed 17
"""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NoReturn

from tests.simulation import loop as virtual
from tests.simulation import oracle
from tests.simulation.logs import UnevenError, log_of, made, segments
from tests.simulation.pager import Desk
from tests.simulation.plant import Plant
from tests.simulation.process import Process, stage_of
from tests.simulation.rules import BY_HASH, KEY, RULES, scaled
from tests.simulation.settle import settled
from tests.simulation.sources import Source
from tests.simulation.table import Table
from tests.simulation.weather import Mishap, Weather
from tests.simulation.world import LIVE_S, SOURCES, World, world
from warn.bus.memory import MemoryStore
from warn.model.flow import DETECT, MATCH, MENTIONS, RESPOND, SIGNALS
from warn.model.rules import RuleSet
from warn.stages.base import MissingConfigError, Stage
from warn.stages.matchers import Matchers

MATCHERS = Matchers(KEY)
NAMES = {name: "one" if ruleset is RULES["one"] else "two" for name, ruleset in BY_HASH.items()}


@dataclass
class Ran:
    """What came of a seed: `trace` is a hash of everything that happened, in its order."""

    seed: int
    violations: list[str]
    story: list[str]
    trace: str
    counts: Counter[str]

    def told(self) -> str:
        """For a failing test: the seed, what is wrong, and what was injected."""
        wrong, story = "\n  ".join(self.violations[:6]), "\n  ".join(self.story[-40:])
        return (
            f"seed {self.seed}: {len(self.violations)} violations\n  {wrong}\nwhat was injected:\n  {story}"
        )


class Simulation:
    """One seed's run."""

    def __init__(self, one: World, plant: Plant) -> None:
        self.world, self.plant, self.matchers = one, plant, MATCHERS
        self.loop: asyncio.AbstractEventLoop = asyncio.get_running_loop()
        counts = {MENTIONS: one.partitions, SIGNALS: one.signals}
        self.store = plant.store(counts, self.wall, one.collect)
        self.weather = Weather(one.seed, one.processes)
        self.sources = [Source(one, name) for name in SOURCES]
        self.desk = Desk()
        self.calm = False
        self.happened: Counter[str] = Counter()
        self.violations: list[str] = []
        self.story: list[str] = []
        self.trace = blake2b(digest_size=16)
        self.buried: list[Any] = []
        self.table = Table(self)

    # ---- what processes ask

    def wall(self) -> float:
        """The world's time."""
        return self.world.time.at(self.loop.time())

    def switched(self) -> bool:
        """Is the second rule file in its place?"""
        return self.world.switch_at is not None and self.loop.time() >= self.world.switch_at

    def stage(self, stage: str, partition: int, get: Any) -> Stage:
        """A fresh stage."""
        return stage_of(self.store, stage, partition, get, self.matchers)

    def draw(self, process: Process, point: str) -> Mishap | None:
        """What happens at an await of a process."""
        mishap = None if self.calm else self.weather.draw(point, self.loop.time())
        self.trace.update(f"{self.loop.time():.6f} {process.name} {point} {mishap}\n".encode())
        self.happened["awaits"] += 1
        if mishap not in {None, "delay"}:
            self.happened[mishap or ""] += 1
            self.tell(f"{process.name}: {mishap} at {point}")
        return mishap

    def tell(self, what: str) -> None:
        """A line of the story."""
        self.story.append(f"{self.loop.time():7.3f} {what}")

    def failed(self, stage: str, error: BaseException) -> None:
        """Something failed, and is tried again."""
        self.happened["failed"] += 1
        self.trace.update(f"{stage} {type(error).__name__}\n".encode())
        if not isinstance(error, ConnectionError | TimeoutError) and type(error).__name__ != "TemporaryError":
            self.tell(f"{stage} failed: {error!r} {error.__cause__!r}")

    def violated(self, what: str) -> None:
        """Something that must never be."""
        self.violations.append(what)

    async def grave(self) -> NoReturn:
        """Where a dead process waits for ever."""
        rest: asyncio.Future[None] = self.loop.create_future()
        self.buried.append(rest)
        await rest
        raise AssertionError("the dead do not come back")

    # ---- the run

    async def run(self) -> None:
        """Until everything has come to rest; then what is wrong with it."""
        for slot in range(self.world.processes):
            self.table.launch(slot)
        self.table.schedule()
        await asyncio.sleep(LIVE_S + 3.0)
        self.calm = True
        self.tell("calm")
        try:
            hashes = await settled(self)
        except TimeoutError as e:
            self.violated(f"it does not come to rest: {e}")
            return
        self.violations += self._judged(hashes)

    def _judged(self, hashes: tuple[str, str]) -> Iterator[str]:
        log = log_of(self.store)
        shape = oracle.Shape(self.world)
        try:
            found = segments(log)
        except UnevenError as e:
            yield f"[mentions]: {e}"
            return
        want_log = found if self.world.live else oracle.recorded(self.world, self.plant, MATCHERS)
        got = made(log)
        want, state = oracle.expected(want_log, shape, self._fresh(shape))
        alike = shape.partitions == self.world.partitions and not shape.sparse
        yield from oracle.differences(got, want, want_log, alike=alike)
        for what, one in zip(("live", "saved"), hashes, strict=True):
            if one != state:
                yield f"the {what} state differs"
        yield from oracle.ledger(self.world, found, got.partials, self.store.seen, NAMES)
        if self.world.live:  # a recording has no ticks, so nobody is told of it
            yield from oracle.deliveries(log, got.incidents, self.desk)
        self.happened.update(f"incident {event.event}" for event in got.incidents)
        self.happened["rings"] += sum(len(rules.rings) for rules in self.desk.rules.values())
        self.happened["switched"] += any(len(one.clock.config) > 1 for one in found if one.clock)
        self.trace.update(state.encode())

    def _fresh(self, shape: oracle.Shape) -> dict[str, list[Stage]]:
        """Fresh stages of the oracle's shape."""
        store = MemoryStore({MENTIONS: shape.partitions, SIGNALS: shape.signals})
        counts = {MATCH: shape.partitions, DETECT: shape.signals, RESPOND: 1}
        return {
            name: [stage_of(store, name, p, body_of, self.matchers) for p in range(n)]
            for name, n in counts.items()
        }


def body_of(name: str) -> RuleSet:
    """A rule set by its hash."""
    if name not in BY_HASH:
        raise MissingConfigError(name)
    return BY_HASH[name]


def simulate(seed: int, plant: Plant | None = None) -> Ran:
    """Run one seed, with or without a planted bug."""
    plant, one = plant or Plant(), world(seed)

    async def story() -> Ran:
        sim = Simulation(one, plant)
        await sim.run()
        for what in sim.violations:
            sim.trace.update(what.encode())
        return Ran(seed, sim.violations, sim.story, sim.trace.hexdigest(), sim.happened)

    with scaled(one.room), plant.planted():
        try:
            return virtual.run(story())
        except virtual.StuckError as e:
            return Ran(seed, [str(e)], [], str(e), Counter())


def main(*args: str) -> int:
    """Run seeds and say what was seen."""
    first, last = (0, int(args[0])) if len(args) == 1 else (int(args[0]), int(args[1]))
    counts: Counter[str] = Counter()
    bad = []
    began = time.process_time()
    for seed in range(first, last):
        ran = simulate(seed)
        counts += ran.counts
        if ran.violations:
            bad.append(seed)
            print(ran.told(), file=sys.stderr)
    took = time.process_time() - began
    print(
        f"{last - first} seeds in {took:.1f} s ({(last - first) / took:.1f}/s): {len(bad)} with violations {bad}"
    )
    print(" ".join(f"{what}={n}" for what, n in sorted(counts.items())))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

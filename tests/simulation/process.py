"""One process of warn: the real crew, workers, stages, supervisor and door, over a bus on which things go wrong."""

import asyncio
import random
from collections.abc import Coroutine, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.simulation.intake import Intake
from tests.simulation.pager import Pager
from tests.simulation.rules import KEY, ROUTES
from tests.simulation.weather import AFTER
from warn.app.crew import Crew
from warn.bus.base import Seats
from warn.bus.memory import MemoryStore, Point
from warn.bus.rulesets import RuleSets
from warn.detect.registry import build
from warn.ingest.peers import Peers
from warn.model.alerts import Delivery
from warn.model.errors import Reason, TemporaryError
from warn.model.flow import COLLECT, DETECT, MATCH, MENTIONS, RESPOND, SIGNALS
from warn.stages.base import Stage
from warn.stages.detect import DetectStage
from warn.stages.match import MatchStage
from warn.stages.matchers import Matchers
from warn.stages.respond import RespondStage
from warn.worker import Worker

if TYPE_CHECKING:
    from tests.simulation.run import Simulation

STEP_S = 5.0


class Owned:
    """The seats that a process believes to be its own; the simulation tells it, sooner or later."""

    def __init__(self) -> None:
        self.wanted: Seats = frozenset()
        self._change = asyncio.Event()

    def tell(self, wanted: Seats) -> None:
        """These are yours now."""
        if wanted != self.wanted:
            self.wanted = wanted
            self._change.set()
            self._change = asyncio.Event()

    async def changed(self, known: Seats, wait_s: float) -> Seats:
        """Until they differ from `known`, for at most `wait_s`."""
        if known == self.wanted:
            try:
                async with asyncio.timeout(wait_s):
                    await self._change.wait()
            except TimeoutError:
                pass
        return self.wanted

    async def run(self) -> None:
        """Nothing to do: the simulation calls `tell`."""

    def stop(self) -> None:
        """Nothing to do."""


class Quiet:
    """A watch that counts what it hears: a story needs no more."""

    def __init__(self, tell: "Simulation") -> None:
        self._sim = tell

    def worker_opened(self, stage: str, partition: int, *, position: int, records: int) -> None:
        self._sim.happened["opened"] += 1

    def worker_stepped(
        self, stage: str, partition: int, *, seconds: float, records: int, position: int, lag: int
    ) -> None:
        self._sim.happened["steps"] += 1

    def worker_stalled(self, stage: str, partition: int, missing: str) -> None:
        self._sim.happened["stalled"] += 1

    def worker_resumed(self, stage: str, partition: int) -> None: ...

    def worker_fenced(self, stage: str, partition: int, error: BaseException) -> None:
        self._sim.happened["fenced"] += 1

    def worker_failed(
        self, stage: str, partition: int, error: BaseException, *, retry_in_s: float | None
    ) -> None:
        self._sim.failed(stage, error)

    def dead_letter(self, stage: str, reason: str, *, where: str) -> None:
        self._sim.happened["dead letters"] += 1

    def seat_wanted(self, stage: str, partition: int) -> None: ...

    def seat_released(self, stage: str, partition: int) -> None: ...


class Process:
    """Alive from `start` until it crashes, which is when nothing of it gets past an await of the port any more."""

    def __init__(self, sim: "Simulation", name: str, slot: int) -> None:
        self.sim, self.name, self.slot = sim, name, slot
        self.dead = False
        self.frozen_until = 0.0
        self.rng = random.Random(f"{sim.world.seed} {name}")
        self.owned = Owned()
        self.watch = Quiet(sim)
        self.bus = sim.plant.bus(sim.store, self)
        self.rulesets = RuleSets(self.bus)
        self.peers = Peers(self.bus) if sim.world.collect > 1 else None
        self.pager = Pager(self)
        self._late_s: float | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, seats: Seats) -> None:
        """Take up work."""
        self.owned.tell(seats)
        backoff, rng = (0.05, 1.0), self.rng
        self.crew: Crew[Worker] = Crew(
            (MATCH, DETECT, RESPOND), self.owned, self._worker, self.watch, backoff_s=backoff, rng=rng
        )
        self.intakes: Crew[Intake] = Crew(
            (COLLECT,),
            self.owned,
            lambda _, partition: Intake(self, partition),
            self.watch,
            backoff_s=backoff,
            rng=rng,
        )
        for work in (self._follow(), self.crew.run(), self.intakes.run()):
            self.spawn(work)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """A task that is the process's own; one that fails is a violation."""
        task = asyncio.get_running_loop().create_task(work, name=f"{self.name} {len(self._tasks)}")
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self.sim.violated(f"{self.name} ended with {error!r}")

    async def _follow(self) -> None:
        """The bodies of rule sets; whatever goes wrong with reading them, it is tried again."""
        while True:
            try:
                await self.rulesets.run()
            except (ConnectionError, TemporaryError):
                await asyncio.sleep(0.5)

    def _worker(self, stage: str, partition: int) -> Worker:
        return self.sim.plant.worker(
            self.bus,
            stage,
            partition,
            partial(self._stage, stage, partition),
            batch=self.sim.world.batch,
            wait_s=8.0,
            step_s=STEP_S,
            on_deliveries=self._deliver if stage == RESPOND else None,
            config_wait=self.rulesets.wait,
            wanted=lambda: self.crew.wants(stage, partition),
            watch=self.watch,
            rng=self.rng,
            backoff_s=(0.05, 1.0),
            clock=self.sim.wall,
            pace=lambda: self.rng.choice((1, 1, 2, 5)),
            commit_every_s=self.sim.world.commit_every_s,
            at_once=stage != MATCH,
        )

    def _stage(self, stage: str, partition: int) -> Stage:
        return self.sim.stage(stage, partition, self.rulesets.get)

    async def _deliver(self, deliveries: Sequence[Delivery]) -> None:
        self.pager.offer(deliveries)

    # ---- what goes wrong

    def tell(self, seats: Seats) -> None:
        """What it believes to be its own from now on."""
        if not self.dead:
            self.owned.tell(seats)

    async def fault(self, point: Point) -> None:
        """An await of the port."""
        await self.stand()
        sim = self.sim
        mishap = sim.draw(self, point)
        if mishap is None:
            return
        if mishap == "crash":
            self.dead = True
            sim.table.crashed(self)
        elif mishap == "freeze":
            self.frozen_until = sim.loop.time() + sim.weather.wait_s("freeze")
            sim.table.froze(self)
        elif mishap == "late":
            self._late_s = sim.weather.wait_s("late")
        elif mishap == "delay":
            await asyncio.sleep(sim.weather.wait_s("delay"))
        elif mishap == "slow":
            await asyncio.sleep(sim.weather.wait_s("slow"))
        elif point in AFTER and self.rng.random() < 0.5:
            raise TemporaryError("no answer", reason=Reason.TIMEOUT)
        else:
            raise ConnectionError(point)
        await self.stand()

    async def stand(self) -> None:
        """Goes on only where the process does."""
        if self.dead:
            await self.sim.grave()
        while (left := self.frozen_until - self.sim.loop.time()) > 0:
            await asyncio.sleep(left)
            if self.dead:
                await self.sim.grave()

    @property
    def linger_s(self) -> float:
        """As `Faults` says."""
        return 0.0 if self.sim.calm else self.sim.world.linger_s

    def late_s(self) -> float | None:
        """As `Faults` says."""
        late, self._late_s = self._late_s, None
        return late

    def short(self, limit: int) -> int:
        """As `Faults` says."""
        if self.sim.calm or limit < 2:
            return limit
        drawn = self.rng.random()
        return 0 if drawn < 0.05 else self.rng.randint(1, limit) if drawn < 0.3 else limit


def stage_of(store: MemoryStore, stage: str, partition: int, get: Any, matchers: Matchers) -> Stage:
    """A fresh stage, as the pipeline makes it; compiled rule sets are shared."""
    if stage == MATCH:
        compiled = partial(matchers.get, get)
        return MatchStage(partition, store.counts[SIGNALS], get, KEY, compiled=compiled)
    if stage == DETECT:
        signals, mentions = store.counts[SIGNALS], store.counts[MENTIONS]
        return DetectStage(
            partition, partitions=signals, match_partitions=mentions, rulesets=get, build=build, key=KEY
        )
    return RespondStage(ROUTES)

"""The stages and their workers over one bus: match, detect and respond, a worker for each seat that is to be held."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from functools import partial
from typing import Final, NamedTuple

from warn.app.crew import Crew, Told
from warn.bus.base import Bus, Ownership
from warn.bus.ownership import Fixed
from warn.bus.rulesets import RuleSets
from warn.bus.watch import Watch
from warn.detect.registry import build
from warn.incident.route import Route
from warn.model.alerts import Delivery
from warn.model.flow import DESK, DETECT, MATCH, MENTIONS, RESPOND, SIGNALS
from warn.stages.base import Effects, Stage, state_hash
from warn.stages.detect import DetectStage
from warn.stages.match import MatchStage
from warn.stages.matchers import Matchers
from warn.stages.respond import RespondStage
from warn.telemetry import events, metrics
from warn.worker import STEP_S, Worker

STAGES: Final = (MATCH, DETECT, RESPOND)
"""In the order in which work flows."""


def count(effects: Effects) -> None:
    """What a committed step counted becomes metrics."""
    metrics.counts(effects.counts)


class _Nobody:
    """Seats that come and go where nobody else has any are no news."""

    def seat_wanted(self, stage: str, partition: int) -> None: ...
    def seat_released(self, stage: str, partition: int) -> None: ...
    def worker_failed(
        self, stage: str, partition: int, error: BaseException, *, retry_in_s: float | None
    ) -> None: ...


class Pace(NamedTuple):
    """How a stage's worker commits: the least time between two commits, and whether what has output waits for it."""

    every_s: float = 0.0
    at_once: bool = False


@dataclass(frozen=True)
class Share:
    """What of the stages is this process's: which stages, which of their seats, who hears of seats that come and go, and
    how each stage commits.
    """

    ownership: Ownership
    _: KW_ONLY
    stages: Sequence[str] = STAGES
    told: Told = field(default_factory=_Nobody)
    paces: Mapping[str, Pace] = field(default_factory=dict)

    @classmethod
    def whole(cls, bus: Bus) -> "Share":
        """All of it."""
        return cls(Fixed.all({stage: bus.seats(stage) for stage in STAGES}))


class Pipeline:
    """Stages, as far as they are this process's.

    `key` is the installation's secret; `matchers` may be shared with the door. `routes` and `deliver` are respond's:
    whom to tell, and who takes the claimed deliveries; without them nobody is told. `alive` hears of each minute whose
    canary has come through everything. `label` begins every text ([DEMO]).
    `share`: by default the whole, and then every worker is there from the start. `pace` and `batch` vary how work is
    cut up, which changes nothing.
    """

    def __init__(
        self,
        bus: Bus,
        rulesets: RuleSets,
        *,
        key: bytes,
        matchers: Matchers | None = None,
        routes: Sequence[Route] = (),
        label: str = "",
        deliver: Callable[[Sequence[Delivery]], Awaitable[None]] | None = None,
        alive: Callable[[int], None] | None = None,
        share: Share | None = None,
        batch: int = 500,
        wait_s: float = 1.0,
        pace: Callable[[], int] = lambda: 1,
        give_up_after: int | None = None,
        step_s: float = STEP_S,
        watch: Watch = events,
    ) -> None:
        if bus.seats(RESPOND) != 1:
            raise ValueError(f"[{DESK}] has one partition")
        self._bus, self._rulesets, self._key = bus, rulesets, key
        self._matchers = matchers or Matchers(key)
        self._routes, self._label = routes, label
        ours = share or Share.whole(bus)

        def committed(effects: Effects) -> None:
            count(effects)
            if alive is not None:
                for minute in effects.heartbeats:
                    alive(minute)

        def make(stage: str, partition: int) -> Worker:
            commits = ours.paces.get(stage, Pace())
            return Worker(
                bus, stage, partition, self._stage(stage, partition),
                batch=batch, wait_s=wait_s, on_effects=committed, pace=pace, give_up_after=give_up_after, step_s=step_s,
                watch=watch, config_wait=rulesets.wait, on_deliveries=deliver if stage == RESPOND else None,
                wanted=lambda: self.crew.wants(stage, partition),
                commit_every_s=commits.every_s, at_once=commits.at_once,
            )  # fmt: skip

        self.crew: Crew[Worker] = Crew(
            ours.stages, ours.ownership, make, ours.told, ends=give_up_after is not None
        )

    def _stage(self, stage: str, partition: int) -> Callable[[], Stage]:
        get = self._rulesets.get
        matches, detects = self._bus.partitions(MENTIONS), self._bus.partitions(SIGNALS)
        if stage == MATCH:
            compiled = partial(self._matchers.get, get)
            return lambda: MatchStage(partition, detects, get, self._key, compiled=compiled)
        if stage == DETECT:
            return lambda: DetectStage(
                partition,
                partitions=detects,
                match_partitions=matches,
                rulesets=get,
                build=build,
                key=self._key,
            )
        return lambda: RespondStage(self._routes, self._label, signal_partitions=detects)

    @property
    def workers(self) -> dict[str, list[Worker]]:
        """Who works now, or is about to, by stage and in the order of their partitions."""
        seats = sorted(self.crew.runners)
        return {stage: [self.crew.runners[s] for s in seats if s[0] == stage] for stage in self.crew.stages}

    async def run(self) -> None:
        """Until every worker has been stopped, or one gives up."""
        await self.crew.run()

    async def caught_up(self) -> None:
        """Until all that is on the bus now has gone through all stages."""
        for workers in self.workers.values():
            for worker in workers:
                await worker.caught_up()

    def stop(self, *stages: str) -> None:
        """End workers (of these stages, or all) once the step under way is committed."""
        self.crew.stop(*stages)

    def state_hash(self) -> str:
        """One line over the keyed state of all stages; the same however many partitions it is spread over."""
        return state_hash(
            {stage: [w.stage for w in workers if w.stage] for stage, workers in self.workers.items()}
        )

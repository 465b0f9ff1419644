"""The stages and their workers over one bus: match, detect and respond, a worker for each input partition."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

from warn.bus.base import Bus
from warn.bus.rulesets import RuleSets
from warn.bus.watch import Watch
from warn.detect.registry import build
from warn.incident.route import Route
from warn.model.alerts import Delivery
from warn.model.flow import DESK, DETECT, MATCH, MENTIONS, RESPOND, SIGNALS, STAGE_INPUT
from warn.stages.base import Effects, Stage, state_hash
from warn.stages.detect import DetectStage
from warn.stages.match import MatchStage
from warn.stages.matchers import Matchers
from warn.stages.respond import RespondStage
from warn.telemetry import events, metrics
from warn.worker import STEP_S, Worker

STAGES: Final = (MATCH, DETECT, RESPOND)


def count(effects: Effects) -> None:
    """What a committed step counted becomes metrics."""
    metrics.counts(effects.counts)


class Pipeline:
    """All stages in one process.

    `key` is the installation's secret; `matchers` may be shared with the door. `routes` and `deliver` are respond's: whom to tell, and who takes the claimed deliveries; without them nobody is
    told. `label` begins every text ([DEMO]). `pace` and `batch` vary how work is cut up, which changes nothing.
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
        batch: int = 500,
        wait_s: float = 1.0,
        pace: Callable[[], int] = lambda: 1,
        give_up_after: int | None = None,
        step_s: float = STEP_S,
        watch: Watch = events,
    ) -> None:
        matchers = matchers or Matchers(key)
        matches, detects = bus.partitions(MENTIONS), bus.partitions(SIGNALS)

        def make(stage: str, partition: int) -> Callable[[], Stage]:
            if stage == MATCH:
                return lambda: MatchStage(
                    partition, detects, rulesets.get, key, compiled=partial(matchers.get, rulesets.get)
                )
            if stage == DETECT:
                return lambda: DetectStage(
                    partition,
                    partitions=detects,
                    match_partitions=matches,
                    rulesets=rulesets.get,
                    build=build,
                )
            return lambda: RespondStage(routes, label)

        self.workers: dict[str, list[Worker]] = {
            stage: [
                Worker(
                    bus, stage, partition, make(stage, partition),
                    batch=batch, wait_s=wait_s, on_effects=count, pace=pace, give_up_after=give_up_after, step_s=step_s, watch=watch,
                    config_wait=rulesets.wait, on_deliveries=deliver if stage == RESPOND else None,
                )
                for partition in range(bus.partitions(STAGE_INPUT[stage]))
            ]
            for stage in STAGES
        }  # fmt: skip
        if len(self.workers[RESPOND]) != 1:
            raise ValueError(f"[{DESK}] has one partition")

    def all(self) -> list[Worker]:
        """Every worker, in the order in which work flows."""
        return [worker for stage in STAGES for worker in self.workers[stage]]

    async def run(self) -> None:
        """Until every worker has been stopped, or one gives up."""
        async with asyncio.TaskGroup() as group:
            for worker in self.all():
                group.create_task(worker.run(), name=f"{worker.stage_name} {worker.partition}")

    async def caught_up(self) -> None:
        """Until all that is on the bus now has gone through all stages."""
        for stage in STAGES:
            for worker in self.workers[stage]:
                await worker.caught_up()

    def stop(self, *stages: str) -> None:
        """End workers (of these stages, or all) once the step under way is committed."""
        for stage in stages or STAGES:
            for worker in self.workers[stage]:
                worker.stop()

    def state_hash(self) -> str:
        """One line over the keyed state of all stages; the same however many partitions it is spread over."""
        return state_hash(
            {stage: [w.stage for w in workers if w.stage] for stage, workers in self.workers.items()}
        )

"""What a process does over an open engine: its share of collect, of the stages, of telling people, and of showing."""

import asyncio
import shutil
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final

from warn.app.collecting import Collecting
from warn.app.deletions import blank_deleted
from warn.app.engine import Engine
from warn.app.keeping import until_it_works
from warn.app.pipeline import STAGES, Pipeline, Share
from warn.app.plan import Plan, RulesError
from warn.app.progress import Progress
from warn.app.telling import Telling
from warn.app.watching import WorkerHealth
from warn.bus.rulesets import RuleSets
from warn.model.flow import COLLECT, CONFIG, RESPOND, WEB
from warn.notify.heartbeat import Heartbeat
from warn.stages.matchers import Matchers
from warn.telemetry import events
from warn.web.follow import follow
from warn.web.health import Health
from warn.web.register import Known
from warn.web.store import Store

_LOOK_S: Final = 15.0
_EXPIRE_S: Final = 600.0

Part = Callable[[], Coroutine[Any, Any, None]]


class Work:
    """Made when the engine is open. `parts` are what has to be kept running; the caller owns their tasks."""

    def __init__(
        self, plan: Plan, engine: Engine, health: Health, store: Store, known: Known | None = None
    ) -> None:
        self._known = known
        self._plan, self._engine, self._health, self._store = plan, engine, health, store
        self._matchers = Matchers(plan.key)
        self._progress = Progress(time.monotonic, engine.decided)
        self.rulesets = RuleSets(engine.bus)
        self.telling = Telling(engine.bus, plan.notifiers) if RESPOND in plan.stages else None
        self.heartbeat = (
            Heartbeat(plan.monitors, every_s=plan.heartbeat_s, inside=plan.monitors_inside)
            if RESPOND in plan.stages
            else None
        )
        self.collecting = self._collect() if COLLECT in plan.stages else None
        self.pipeline = self._pipeline([stage for stage in STAGES if stage in plan.stages])

    def _collect(self) -> Collecting:
        plan = self._plan
        return Collecting(
            self._engine, plan.connectors, key=plan.key, matchers=self._matchers, rules=plan.rules,
            routes=plan.routes if plan.check_routes else None, health=self._health,
            pushed=[config for config, _ in plan.inbound],
        )  # fmt: skip

    def _pipeline(self, stages: Sequence[str]) -> Pipeline:
        plan, engine = self._plan, self._engine
        watch = WorkerHealth(self._health, self._progress, engine.fenced)
        return Pipeline(
            engine.bus,
            self.rulesets,
            key=plan.key,
            matchers=self._matchers,
            routes=plan.routes,
            label=plan.label,
            deliver=self.telling.claim if self.telling else None,
            alive=self.heartbeat.beat if self.heartbeat else None,
            share=Share(engine.ownership, stages=stages, told=watch, paces=engine.paces),
            step_s=engine.step_s,
            watch=watch,
        )

    async def begin(self) -> None:
        """Read the rules. Raises `RulesError` where there are none to work by."""
        await until_it_works(self.rulesets.load, self._health)
        collecting = self.collecting
        if collecting is None:
            return
        await until_it_works(lambda: collecting.erased.load(self._engine.bus), self._health)
        await until_it_works(lambda: collecting.shown.load(self._engine.bus), self._health)
        problems = await until_it_works(collecting.rules.reload, self._health)
        if problems and not await until_it_works(lambda: self._engine.bus.end(CONFIG, 0), self._health):
            raise RulesError(problems)

    def parts(self) -> Mapping[str, Part]:
        """What works beside the crews, by name: each is begun again where it fails."""
        bus = self._engine.bus
        parts: dict[str, Part] = {"rulesets": self.rulesets.run, "housekeeping": self._keep_house}
        if self.telling is not None:
            parts["senders"] = self.telling.run
        if self.heartbeat is not None:
            parts["heartbeat"] = self.heartbeat.run
        if self.collecting is not None:
            parts["rules"] = self.collecting.rules.watch
            parts["seats"] = self.collecting.watch_seats
            erased, shown = self.collecting.erased, self.collecting.shown
            parts["erased"] = lambda: erased.follow(bus)
            parts["shown"] = lambda: shown.follow(bus)
            parts["deletions"] = lambda: blank_deleted(bus, time.time)
        if WEB in self._plan.stages:
            parts["web"] = lambda: follow(bus, self._store, self._health, time.time, self._known)
        return parts

    def crews(self) -> Mapping[str, Part]:
        """What holds the seats."""
        crews: dict[str, Part] = {"ownership": self._engine.ownership.run, "stages": self.pipeline.run}
        if self.collecting is not None:
            crews["collect"] = self.collecting.crew.run
        return crews

    async def stuck(self) -> str:
        """What no waiting mends, "" where there is nothing. Raises what asking the engine raises."""
        if self._engine.stuck():
            return "clients of the engine that would not end are left behind"
        workers = [worker for workers in self.pipeline.workers.values() for worker in workers]
        return await self._progress.look(self._engine.bus, workers)

    async def close(self) -> None:
        """Let go of what the parts have left open."""
        if self.collecting is not None:
            await self.collecting.close()
        if self.heartbeat is not None:
            await self.heartbeat.close()

    async def _keep_house(self) -> None:
        """Gauges every quarter of a minute; what is too old is forgotten every ten minutes."""
        expire_at = time.monotonic() + _EXPIRE_S
        while True:
            if self._engine.keeps is not None:
                free = await asyncio.to_thread(shutil.disk_usage, self._engine.keeps)
                events.disk_free(free.free)
            if WEB in self._plan.stages:
                going_on = self._store.incidents(500, open_only=True)
                events.incidents_open(len(going_on))
                events.outbox_undelivered(sum(self._untold(e.event.incident) for e in going_on))
            if time.monotonic() >= expire_at:
                expire_at = time.monotonic() + _EXPIRE_S
                await self._engine.bus.expire(int(time.time()))
            await asyncio.sleep(_LOOK_S)

    def _untold(self, incident: str) -> int:
        latest = {d.notifier: d.state for d in self._store.deliveries(incident)}
        return sum(state in ("claimed", "retry", "held") for state in latest.values())

"""The daemon: connectors, stages, senders and web, as far as they are this process's, in one TaskGroup, and an orderly end.

The web comes first, so that it can say why nothing else is there yet: the engine may be away. The end has an order,
because each part feeds the next: others may have our seats, intake stops, steps finish, what was claimed is delivered,
and the web goes last. Kill it at any point instead, and nothing is lost either.
"""

import asyncio
import contextlib
import time
from collections.abc import Coroutine, Sequence
from typing import Any, Final

from warn.app.engine import Engine
from warn.app.erasing import asked
from warn.app.keeping import keep, until_it_works
from warn.app.pipeline import STAGES
from warn.app.plan import Plan
from warn.app.watchdog import Watchdog
from warn.app.work import Work
from warn.ingest.ledger import Intake, Taken
from warn.ingest.pushes import Pushes
from warn.ingest.status import ConnectorState
from warn.model.errors import Reason, TemporaryError
from warn.model.flow import COLLECT, DETECT, MATCH, RESPOND, WEB
from warn.model.rules import RuleSet
from warn.stages.silence import home
from warn.telemetry import events, metrics
from warn.web.health import Health
from warn.web.register import Known, Register
from warn.web.routes import build
from warn.web.server import Server
from warn.web.store import Store

INTAKE_S: Final = 2.0
STEPS_S: Final = 4.0
OUTBOX_S: Final = 10.0
RESPOND_S: Final = 1.0
WEB_S: Final = 2.5
"""The parts of the end, together within 20 s."""
_BEAT_S: Final = 1.0
_LOOK_S: Final = 10.0


class Daemon:
    """One process's daemon. `run` returns when `stop` was called and everything has ended."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.health = Health()
        self.health.failing("process", "warn is starting")
        self.store = Store()
        self.known = Known()
        self._stopping = asyncio.Event()
        self._reload = asyncio.Event()
        self._why = ""
        self._engine: Engine | None = None
        self._work: Work | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.pushes = Pushes(plan.inbound, self._take_pushed, rules=self._rules)
        app = build(
            self.store, self.health, metrics.exposition, shows=WEB in plan.stages,
            reload=self._read_rules, reload_token=plan.reload_token, hosts=plan.hosts, erase=self._erase,
            press_sources=self._press_sources, demo=bool(plan.label),
            deliver=self.pushes.deliver if plan.inbound else None, register=self._register(),
        )  # fmt: skip
        self.server = Server(app, *plan.server)
        collects, responds = COLLECT in plan.stages, RESPOND in plan.stages
        metrics.touch(
            connectors=[c.name for c, _ in (*plan.connectors, *plan.inbound) if collects],
            notifiers=[n.name for n in plan.notifiers if responds],
            stages=[stage for stage in STAGES if stage in plan.stages],
            sources=[c.origin for c, _ in (*plan.connectors, *plan.inbound) if MATCH in plan.stages],
        )

    def connector_states(self) -> Sequence[ConnectorState]:
        """The connectors that this process runs now, and the places that it can be sent to."""
        collecting = None if self._work is None else self._work.collecting
        return () if collecting is None else (*collecting.states(), *self.pushes.states())

    def _register(self) -> Register:
        plan, rules = self.plan, self._rules
        return Register(
            self.known,
            channels=lambda: found.channels if (found := rules()) else (),
            home=lambda: home(rules()),
            live=self.connector_states,
            named={config.name: config.origin for config, _ in (*plan.connectors, *plan.inbound)},
            pushed=[config.name for config, _ in plan.inbound],
        )

    def _rules(self) -> RuleSet | None:
        """The rule set in force, as far as this process knows it."""
        return None if self._work is None else self._work.rulesets.latest

    async def _take_pushed(self, intake: Intake) -> Taken:
        collecting = None if self._work is None else self._work.collecting
        if collecting is None:
            why = "this process takes nothing in: it is starting, or does not collect"
            raise TemporaryError(why, reason=Reason.SERVER, retry_after_s=5.0)
        return await collecting.push(intake)

    def stop(self, why: str) -> None:
        """Begin the end; a second call changes nothing."""
        if not self._stopping.is_set():
            self._why = why
            self._stopping.set()

    def reload_soon(self) -> None:
        """Ask for the rules to be read again (SIGHUP)."""
        self._reload.set()

    async def run(self) -> None:
        """Until stopped. Raises `RulesError` where there are no rules to work by, and what keeps the engine from opening."""
        try:
            async with asyncio.TaskGroup() as group:
                serving = group.create_task(self.server.run(), name="server")
                events.listening(self.server.host, self.server.port)
                starting = group.create_task(self._start(group), name="start")
                self._tasks = [serving, starting]
                await self._stopping.wait()
                await self._end(serving)
        except BaseExceptionGroup as e:
            events.stopping(type(e.exceptions[0]).__name__)
            raise
        finally:
            self.server.close()
            if self._work is not None:
                await self._work.close()
            for (
                notifier
            ) in self.plan.notifiers:  # here, since they are also there in a process that tells nobody
                await notifier.close()
            self.store.close()

    async def _start(self, group: asyncio.TaskGroup) -> None:
        """Open the engine, however long that takes, and start everything over it."""
        plan = self.plan
        self._begin(group, "watchdog", self._watch())
        engine = self._engine = await until_it_works(lambda: plan.open(self.health), self.health)
        work = self._work = Work(plan, engine, self.health, self.store, self.known)
        await work.begin()
        if work.collecting is not None:
            self.pushes.begin()
        for name, part in work.parts().items():
            self._begin(group, name, keep(name, part, self.health))
        for name, crew in work.crews().items():
            self._begin(group, name, crew())
        self._begin(group, "asked", keep("reload", self._reload_when_asked, self.health))
        self.health.well("process")
        events.started(bus=engine.name, stages=",".join(plan.stages))

    def _begin(self, group: asyncio.TaskGroup, name: str, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(group.create_task(work, name=name))

    async def _end(self, serving: asyncio.Task[None]) -> None:
        """Part after part, each with its time; whatever has not ended by then is cut off."""
        started = time.monotonic()
        events.stopping(self._why)
        self.health.failing("process", "warn is stopping")
        if self._work is not None and self._engine is not None:
            await self._wind_up(self._work, self._engine)
        self.server.stop()
        await asyncio.wait({serving}, timeout=WEB_S)
        for task in self._tasks:
            task.cancel()
        if self.plan.watchdog is not None:
            self.plan.watchdog.stop()
        events.stopped(time.monotonic() - started)

    async def _wind_up(self, work: Work, engine: Engine) -> None:
        engine.ownership.stop()  # where there are others, they have our seats from here on
        stages = work.pipeline.crew
        if work.collecting is not None:
            work.collecting.crew.stop()
            await work.collecting.crew.ended(INTAKE_S, COLLECT)
        stages.stop(MATCH, DETECT)
        await stages.ended(STEPS_S, MATCH, DETECT)
        if work.telling is not None:
            await work.telling.drain(OUTBOX_S)
        stages.stop(RESPOND)
        await stages.ended(RESPOND_S, RESPOND)
        work.rulesets.stop()

    async def _watch(self) -> None:
        """Until cancelled: show the watchdog that the loop turns, and look for what is stuck all the same."""
        dog = self.plan.watchdog
        if dog is None:
            return
        dog.start()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look(dog))
            while True:
                dog.beat()
                await asyncio.sleep(_BEAT_S)

    async def _look(self, dog: Watchdog) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            if self._work is None:
                continue
            with contextlib.suppress(
                Exception
            ):  # an engine that does not answer is told of by those who need it
                if why := await self._work.stuck():
                    dog.condemn(why)

    def _press_sources(self) -> Sequence[str]:
        """Sources of the press that are set up, by the rule files or the connectors' settings."""
        rules = self._rules()
        named = {c.source for _, c in rules.channels if c.role == "press"} if rules else set()
        configs = [config for config, _ in (*self.plan.connectors, *self.plan.inbound)]
        heard = {config.origin for config in configs} | set(self.plan.sources)
        own = {config.origin for config in configs if config.role == "press"}
        return sorted(own | (named & heard))

    async def _read_rules(self) -> Sequence[str]:
        collecting = None if self._work is None else self._work.collecting
        if collecting is None:
            return ("this process reads no rules: those that collect do",)
        return await collecting.rules.reload()

    async def _erase(self, body: bytes, signature: str) -> bytes:
        if self._engine is None:
            raise TemporaryError("warn is still starting: try again in a minute", reason=Reason.NETWORK)
        return await asked(self._engine.bus, self.plan.key, body, signature, int(time.time()))

    async def _reload_when_asked(self) -> None:
        while True:
            await self._reload.wait()
            self._reload.clear()
            await self._read_rules()

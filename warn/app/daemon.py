"""The daemon: connectors, stages, senders and web in one process, one TaskGroup, and an orderly end.

Its end has an order, because each part feeds the next: intake stops, steps finish, what was claimed is delivered, and
the web goes last, so that it can say why it is not ready. Kill it at any point instead, and nothing is lost either.
"""

import asyncio
import shutil
import time
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Final

from warn.app.desk import Desk
from warn.app.pipeline import STAGES, Pipeline
from warn.app.rules import RuleFiles
from warn.app.watching import Deliveries, WorkerHealth
from warn.bus.base import Bus
from warn.bus.rulesets import RuleSets
from warn.incident.route import Route
from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Connector
from warn.ingest.supervisor import Supervisor
from warn.model.errors import PermanentError, Reason
from warn.model.flow import CONFIG, DETECT, MATCH, RESPOND
from warn.notify.notifier import Notifier
from warn.notify.sender import Sender
from warn.stages.matchers import Matchers
from warn.telemetry import events, metrics
from warn.web.follow import follow
from warn.web.health import Health
from warn.web.routes import build
from warn.web.server import Server
from warn.web.store import Store

INTAKE_S: Final = 2.0
STEPS_S: Final = 4.0
OUTBOX_S: Final = 10.0
RESPOND_S: Final = 1.0
WEB_S: Final = 2.5
"""The parts of the end, together within 20 s."""
_CLOCK_S: Final = 0.5
_LOOK_S: Final = 15.0
_EXPIRE_S: Final = 600.0


class RulesError(PermanentError):
    """There are no rules to work by: the files have mistakes, and none were in force before."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems), reason=Reason.CONFIG)


@dataclass(frozen=True)
class Plan:
    """What a daemon is made of.

    `sources`: what connectors bring besides mentions under their own name. `label` begins every text ([DEMO]).
    `check_routes`: live rules need notifiers that can wake somebody.
    """

    bus: Bus
    _: KW_ONLY
    key: bytes
    data: Path
    rules: Path
    connectors: Sequence[tuple[ConnectorConfig, Connector]] = ()
    notifiers: Sequence[Notifier] = ()
    routes: Sequence[Route] = ()
    server: tuple[str, int] = ("127.0.0.1", 8080)
    hosts: Sequence[str] = ()
    reload_token: str | None = None
    sources: Sequence[str] = ()
    label: str = ""
    check_routes: bool = True
    bus_name: str = "embedded"


class Daemon:
    """One daemon over one bus. `run` returns when `stop` was called and everything has ended."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.health = Health()
        self.store = Store()
        self._stopping = asyncio.Event()
        self._reload = asyncio.Event()
        self._why = ""
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._rulesets = RuleSets(plan.bus)
        self._desk = Desk(plan.bus)
        self._deliveries = Deliveries(self._desk)
        self._sender = Sender(
            plan.notifiers, self._deliveries.report, now=lambda: int(time.time()), hooks=self._deliveries
        )
        self._deliveries.connect(self._sender)
        matchers = Matchers(plan.key)
        self.supervisor = Supervisor(plan.bus, plan.connectors, key=plan.key, compiles=matchers.filter)
        self.rules = RuleFiles(
            plan.rules, plan.bus, matchers.filter, self.supervisor.publish_ruleset,
            plan.routes if plan.check_routes else None,
        )  # fmt: skip
        watch = WorkerHealth(self.health)
        self.pipeline = Pipeline(
            plan.bus,
            self._rulesets,
            key=plan.key,
            matchers=matchers,
            routes=plan.routes,
            label=plan.label,
            deliver=self._deliveries.claim,
            watch=watch,
        )
        for worker in [w for ws in self.pipeline.workers.values() for w in ws]:
            watch.seat_wanted(worker.stage_name, worker.partition)
        app = build(
            self.store, self.health, metrics.exposition,
            reload=self.rules.reload, reload_token=plan.reload_token, hosts=plan.hosts,
            press_sources=self._press_sources, demo=bool(plan.label),
        )  # fmt: skip
        self.server = Server(app, *plan.server)
        metrics.touch(
            connectors=[c.name for _, c in plan.connectors],
            notifiers=[n.name for n in plan.notifiers],
            stages=STAGES,
            sources=[c.source for _, c in plan.connectors],
        )

    def stop(self, why: str) -> None:
        """Begin the end; a second call changes nothing."""
        if not self._stopping.is_set():
            self._why = why
            self._stopping.set()

    def reload_soon(self) -> None:
        """Ask for the rules to be read again (SIGHUP)."""
        self._reload.set()

    async def run(self) -> None:
        """Until stopped. Raises `RulesError` before anything starts where there are no rules to work by."""
        try:
            await self._rulesets.load()
            problems = await self.rules.reload()
            if problems and not await self.plan.bus.end(CONFIG, 0):
                raise RulesError(problems)
            async with asyncio.TaskGroup() as group:
                self._start(group)
                events.started(bus=self.plan.bus_name, stages=",".join(STAGES))
                events.listening(self.server.host, self.server.port)
                await self._stopping.wait()
                await self._end()
        except BaseExceptionGroup as e:
            events.stopping(type(e.exceptions[0]).__name__)
            raise
        finally:
            self.server.close()
            await self._sender.close()
            self.store.close()

    def _start(self, group: asyncio.TaskGroup) -> None:
        work = {
            "rulesets": self._rulesets.run(),
            "supervisor": self.supervisor.run(),
            "senders": self._sender.run(),
            "web": follow(self.plan.bus, self.store, self.health, time.time),
            "server": self.server.run(),
            "rules": self.rules.watch(),
            "clock": self._watch_clock(),
            "asked": self._reload_when_asked(),
            "housekeeping": self._keep_house(),
        }
        work |= {
            f"{w.stage_name} {w.partition}": w.run()
            for w in [w for ws in self.pipeline.workers.values() for w in ws]
        }
        self._tasks = {name: group.create_task(one, name=name) for name, one in work.items()}

    async def _end(self) -> None:
        """Part after part, each with its time; whatever has not ended by then is cut off."""
        started = time.monotonic()
        events.stopping(self._why)
        self.health.failing("process", "warn is stopping")
        self.supervisor.stop()
        await self._ended(INTAKE_S, "supervisor")
        self.pipeline.stop(MATCH, DETECT)
        await self._ended(STEPS_S, MATCH, DETECT)
        await self._sender.drain(OUTBOX_S)
        self.pipeline.stop(RESPOND)
        await self._ended(RESPOND_S, RESPOND)
        self.server.stop()
        await self._ended(WEB_S, "server")
        self._rulesets.stop()
        for task in self._tasks.values():
            task.cancel()
        events.stopped(time.monotonic() - started)

    async def _ended(self, within_s: float, *names: str) -> None:
        tasks = [t for name, t in self._tasks.items() if name.partition(" ")[0] in names]
        await asyncio.wait(tasks, timeout=within_s)

    def _press_sources(self) -> Sequence[str]:
        """Sources of the press that are set up, by the rule files or the connectors' settings."""
        rules = self.rules.in_force
        named = {c.source for _, c in rules.channels if c.role == "press"} if rules else set()
        heard = {connector.source for _, connector in self.plan.connectors} | set(self.plan.sources)
        own = {connector.source for config, connector in self.plan.connectors if config.role == "press"}
        return sorted(own | (named & heard))

    async def _reload_when_asked(self) -> None:
        while True:
            await self._reload.wait()
            self._reload.clear()
            await self.rules.reload()

    async def _watch_clock(self) -> None:
        """Not ready before the first clock is written, nor while the machine's time is behind the last one."""
        self.health.failing("clock", "no time has been written yet")
        while True:
            behind = self.supervisor.behind_s
            if behind:
                self.health.failing(
                    "clock", f"this machine's time went back {behind} s; warn waits until it is over"
                )
            elif self.supervisor.now:
                self.health.well("clock")
            await asyncio.sleep(_CLOCK_S)

    async def _keep_house(self) -> None:
        """Gauges every quarter of a minute; what is too old is forgotten every ten minutes."""
        expire_at = time.monotonic() + _EXPIRE_S
        while True:
            free = await asyncio.to_thread(lambda: shutil.disk_usage(self.plan.data).free)
            events.disk_free(free)
            going_on = self.store.incidents(500, open_only=True)
            events.incidents_open(len(going_on))
            events.outbox_undelivered(sum(self._untold(e.event.incident) for e in going_on))
            if time.monotonic() >= expire_at:
                expire_at = time.monotonic() + _EXPIRE_S
                await self.plan.bus.expire(int(time.time()))
            await asyncio.sleep(_LOOK_S)

    def _untold(self, incident: str) -> int:
        latest = {d.notifier: d.state for d in self.store.deliveries(incident)}
        return sum(state in ("claimed", "retry", "held") for state in latest.values())

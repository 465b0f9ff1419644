"""Collect in this process: the rule files, a supervisor for each seat of collect that it holds, and the clock's health.

Every process that collects reads the rule files, so that whoever holds the first seat has them; bringing them into
force is that seat's alone (`ingest.switch`).
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from warn.app.crew import Crew
from warn.app.engine import Engine
from warn.app.rules import RuleFiles
from warn.incident.route import Route
from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Connector
from warn.ingest.door import Past
from warn.ingest.erased import Erased
from warn.ingest.ledger import Intake, Taken
from warn.ingest.peers import Peers
from warn.ingest.shown import Shown, Writers
from warn.ingest.status import ConnectorState
from warn.ingest.supervisor import Supervisor
from warn.ingest.topics import unknown
from warn.model.errors import Reason, TemporaryError
from warn.model.flow import COLLECT
from warn.model.hashing import connector_seat
from warn.model.rules import RuleSet
from warn.stages.matchers import Matchers
from warn.telemetry import events
from warn.web.health import Health

_LOOK_S: Final = 0.5
CLOCK: Final = 0
"""The seat that tells the time."""


class Collecting:
    """Runs the connectors of the seats that are this process's.

    `connectors`: all there are, whoever runs them; `pushed`: settings of the places that others send to. `routes`: whom live rules can reach; None: it does not matter.
    """

    def __init__(
        self,
        engine: Engine,
        connectors: Sequence[tuple[ConnectorConfig, Connector]],
        *,
        key: bytes,
        matchers: Matchers,
        rules: Path,
        routes: Sequence[Route] | None,
        health: Health,
        pushed: Sequence[ConnectorConfig] = (),
    ) -> None:
        bus = engine.bus
        self._bus = bus
        self._health = health
        self._ruleset: RuleSet | None = None
        self._pushed = pushed
        self._peers = Peers(bus) if bus.seats(COLLECT) > 1 else None
        self.erased, self.shown = Erased(), Shown()
        past = Past(self.erased, self.shown, Writers(self.shown.writers))

        def make(_: str, partition: int) -> Supervisor:
            one = Supervisor(
                bus, connectors, key=key, compiles=matchers.filter, partition=partition, peers=self._peers,
                past=past, pushed=pushed,
            )  # fmt: skip
            if self._ruleset is not None:
                one.publish_ruleset(self._ruleset)
            return one

        self.crew: Crew[Supervisor] = Crew((COLLECT,), engine.ownership, make, self, fenced=engine.fenced)
        self.rules = RuleFiles(rules, bus, matchers.filter, self._publish, routes)

    def _publish(self, ruleset: RuleSet) -> str:
        """To all seats held now, and to those that will be; gives the hash, "" where none is held."""
        self._ruleset = ruleset
        for name, topic in unknown(self._pushed, ruleset):
            events.push_topic_unknown(name, topic)
        names = [supervisor.publish_ruleset(ruleset) for supervisor in self.crew.runners.values()]
        return names[0] if names else ""

    def states(self) -> list[ConnectorState]:
        """Every connector of the seats held now, by name."""
        found = [one for supervisor in self.crew.runners.values() for one in supervisor.states()]
        return sorted(found, key=lambda one: one.name)

    async def push(self, intake: Intake) -> Taken:
        """Take in what somebody sent, on the seat of its connector where that is held, else on the first that is.

        Raises TemporaryError where none is held, or none is at work.
        """
        own = (COLLECT, connector_seat(intake.connector, self._bus.seats(COLLECT)))
        for seat in sorted(self.crew.runners, key=lambda seat: (seat != own, seat)):
            if self.crew.runners[seat].takes:
                return await self.crew.runners[seat].push(intake)
        raise TemporaryError("no seat of collect is at work here", reason=Reason.SERVER, retry_after_s=5.0)

    async def close(self) -> None:
        """Let go of what the seats had in common."""
        if self._peers is not None:
            await self._peers.close()

    def seat_wanted(self, stage: str, partition: int) -> None:
        """Not ready before the seat is taken."""
        self._health.failing(_part(partition), f"{stage} {partition} has not started yet")
        events.seat_wanted(stage, partition)

    def seat_released(self, stage: str, partition: int) -> None:
        """Another process has it, or none."""
        self._health.well(_part(partition))
        events.seat_released(stage, partition)

    def worker_failed(
        self, stage: str, partition: int, error: BaseException, *, retry_in_s: float | None
    ) -> None:
        """A supervisor was ended by what no waiting mends."""
        events.worker_failed(stage, partition, error, retry_in_s=retry_in_s)

    async def watch_seats(self) -> None:
        """Until cancelled: not ready while a seat that is ours is not taken. With the first one comes the clock: not
        before it is written, nor while this machine's time is behind the last one.
        """
        while True:
            for (stage, partition), supervisor in self.crew.runners.items():
                if supervisor.seated:
                    self._health.well(_part(partition))
                else:
                    why = f": {supervisor.seat_error}" if supervisor.seat_error else ""
                    self._health.failing(_part(partition), f"{stage} {partition} is not held yet{why}")
            self._watch_clock(self.crew.runners.get((COLLECT, CLOCK)))
            await asyncio.sleep(_LOOK_S)

    def _watch_clock(self, first: Supervisor | None) -> None:
        if first is None or (first.now and not first.behind_s):
            self._health.well("clock")
        elif first.behind_s:
            why = f"this machine's time went back {first.behind_s} s; warn waits until it is over"
            self._health.failing("clock", why)
        else:
            self._health.failing("clock", "no time has been written yet")


def _part(partition: int) -> str:
    return f"worker {COLLECT} {partition}"

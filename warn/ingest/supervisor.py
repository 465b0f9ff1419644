"""Runs the connectors of one seat of collect: one task each, so that what happens to one happens to no other.

Connectors read and hand over; a single task, which alone holds the seat, writes. Between them is a short queue: when
the bus is slow, connectors wait, and nothing piles up. A connector goes on behind its cursor only when all before it is
on the bus. Small batches wait up to 20 ms for each other, so that many connectors that say little share a step.

Connectors are spread over the seats of collect by their names; the first seat also tells the time. Every process is
given all connectors, runs those of the seats that it holds, and on the first seat knows from the others' notices which
of the rest are deaf.

Whatever fails is left alone for a while and tried again, for ever: a source for seconds to minutes, what a person has
to mend every quarter of an hour. Losing the seat ends the lot, and everybody begins again from what was committed; when
somebody else has the seat, `run` raises `FencedError` and lets go.
"""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from typing import Final

from warn.bus.base import Bus, FencedError
from warn.bus.codec import UnreadableStateError
from warn.ingest.clock import Wall
from warn.ingest.collector import Collector
from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Connector
from warn.ingest.door import NOTHING_YET, Past
from warn.ingest.hearing import Heard, Hearing, View
from warn.ingest.inforce import Compile
from warn.ingest.inlet import Inlet, Request
from warn.ingest.ledger import Intake, Kept, Taken
from warn.ingest.listener import Listener
from warn.ingest.peers import Peers
from warn.ingest.reports import Reports
from warn.ingest.status import ConnectorState
from warn.model.errors import PermanentError, Reason, TemporaryError, WarnError
from warn.model.flow import COLLECT
from warn.model.hashing import connector_seat
from warn.model.rules import RuleSet
from warn.stages.base import MissingConfigError
from warn.telemetry import events

PAUSE_S: Final = 10.0
"""How long intake pauses before the disk is tried again."""
SEAT_BACKOFF_S: Final = (0.2, 10.0)
OPEN_S: Final = 90.0
"""Taking a seat and reading everything back takes no longer than this."""
_LOOK_S: Final = 0.2


class Supervisor:
    """`connectors` are pairs of settings and what was built from them, all there are; `partition`: the seat whose ones
    are run. `compiles` makes match's filter of a rule set.

    `wall` is the only source of time for the clock; give `key` as the installation's secret. `peers`: one for all seats
    of a process; whoever gives it closes it. `pushed`: settings of the places that others send to.
    """

    def __init__(
        self,
        bus: Bus,
        connectors: Sequence[tuple[ConnectorConfig, Connector]],
        *,
        key: bytes,
        compiles: Compile,
        partition: int = 0,
        peers: Peers | None = None,
        past: Past = NOTHING_YET,
        pushed: Sequence[ConnectorConfig] = (),
        wall: Callable[[], float] = time.time,
        chance: random.Random | None = None,
    ) -> None:
        names = [connector.name for _, connector in connectors]
        if len(set(names)) < len(names):
            raise PermanentError("two connectors have one name", reason=Reason.CONFIG)
        seats = bus.seats(COLLECT)
        self._wall = Wall(wall)
        self._chance = chance or random.Random()
        self.partition = partition
        self._own_peers = Peers(bus) if seats > 1 and peers is None else None
        self._peers = self._own_peers or (peers if seats > 1 else None)
        self._listeners = [
            Listener(config, connector, wall=self._wall, chance=self._chance)
            for config, connector in connectors
            if connector_seat(connector.name, seats) == partition
        ]
        self._started = self._wall.now()
        self._hearing = _hearing(connectors, self._listeners, pushed, seats, partition, self._started)
        self._heard, self._heard_at = Heard(alive=False), -1
        reports = Reports([one.status for one in self._listeners], names)
        self._collector = Collector(
            bus,
            key=key,
            compiles=compiles,
            wall=self._wall,
            partition=partition,
            peers=self._peers,
            past=past,
            keepers=(reports, self._hearing) if partition == 0 else (reports,),
        )
        self._inlet = Inlet()
        self._stopping = asyncio.Event()
        self._paused_until = 0.0
        self._failures = 0
        self.seated = False
        """Whether the seat is held, and all that it remembers is read back."""
        self.seat_error = ""
        """Why the seat was last lost."""

    def publish_ruleset(self, ruleset: RuleSet) -> str:
        """The rule files of this process say this; returns its hash. The first seat brings it into force: writes it to
        `[config]`, and names it in the next clock, or once all other seats filter by it. On any other seat it counts
        for nothing.
        """
        return self._collector.publish(ruleset)

    def states(self) -> tuple[ConnectorState, ...]:
        """Every connector of this seat now."""
        now = self._wall.now()
        return tuple(listener.status.snapshot(now) for listener in self._listeners)

    @property
    def now(self) -> int:
        """The last clock that this seat has written, in seconds; 0: none yet. Only the first seat does."""
        return self._collector.force.now

    @property
    def behind_s(self) -> int:
        """Seconds by which the machine's time is behind the last clock: until it has caught up, no clock is written."""
        return self._wall.behind(self._collector.force.now)

    def heard(self) -> Heard:
        """What is not heard as it should be: of all seats on the first one, on another of its own connectors alone."""
        now = self._wall.now()
        if not self._collector.leads:
            return Heard(self._hearing.down(now))
        if now != self._heard_at:
            peers, collector = self._peers, self._collector
            view = View(
                now,
                collector.ledger.heard,
                collector.force.expects(),
                {} if peers is None else peers.notices,
                {} if peers is None else peers.reports,
            )
            self._heard, self._heard_at = self._hearing.look(view), now
        return self._heard

    @property
    def takes(self) -> bool:
        """Whether what is pushed would be taken in now."""
        return self._inlet.is_open

    async def push(self, intake: Intake) -> Taken:
        """Take in what somebody sent; returns once it is on the bus. Raises TemporaryError, which says when to try again."""
        return await self._inlet.push(intake)

    def stop(self) -> None:
        """Let the step under way end, then let go: `run` returns within about a second."""
        self._stopping.set()

    async def run(self) -> None:
        """Until stopped. Raises `FencedError`, and what no waiting can mend: a state or a rule set that cannot be read.

        To be stopped with `stop`; cancelling it may cut a commit off, whose outcome only the next start can tell.
        """
        self._failures = 0
        try:
            while not self._stopping.is_set():
                opened = False
                try:
                    async with asyncio.timeout(OPEN_S):
                        await self._collector.open()
                    self.seated = opened = True
                    await self._session()
                except FencedError as e:
                    events.worker_fenced(COLLECT, self.partition, e)
                    raise
                except (UnreadableStateError, MissingConfigError):
                    raise
                except Exception as e:  # noqa: BLE001 - told, and begun again from the last commit, as every worker does
                    await self._fell(e, opened=opened)
                finally:
                    self.seated = False
                    await self._collector.close()
        finally:
            if self._own_peers is not None:
                await self._own_peers.close()

    async def _fell(self, error: Exception, *, opened: bool) -> None:
        """Tell of a seat that was lost, and wait before it is taken again."""
        self._failures += 1
        low, high = SEAT_BACKOFF_S
        full = isinstance(error, TemporaryError) and error.reason is Reason.DISK
        # Where the disk takes no intake, but all else, there is nothing to wait for: the clock has to go on.
        wait = (
            0.0
            if full and opened
            else self._chance.uniform(low, min(high, low * 2.0 ** min(self._failures, 30)))
        )
        self._lost(error, full=full)
        events.worker_failed(COLLECT, self.partition, error, retry_in_s=wait)
        await self._rest(wait)

    async def _rest(self, wait_s: float) -> None:
        try:
            async with asyncio.timeout(wait_s):
                await self._stopping.wait()
        except TimeoutError:
            return

    def _lost(self, error: Exception, *, full: bool) -> None:
        """The seat is gone; where the disk is full, intake pauses while the clock goes on."""
        self.seat_error = str(error) if isinstance(error, WarnError) else type(error).__name__
        if full:
            self._paused_until = self._wall() + PAUSE_S
            for listener in self._listeners:
                if listener.status.state not in {"ended", "refused"}:
                    listener.status.turn("paused", self._wall.now(), int(self._paused_until))

    async def _session(self) -> None:
        """From taking the seat to losing it. Connectors never raise here; the writer's error is what ended it."""
        while not self._collector.force.newest and not self._collector.leads:
            # The first rules are not there yet: connectors that started now would drop everything.
            if self._stopping.is_set():
                return
            await self._rest(_LOOK_S)
            await self._collector.follow()
        if self._paused_until:
            await self._pause()
        lost: Exception | None = None
        self._inlet.open()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._listen(listener)) for listener in self._listeners]
            try:
                await self._write()
            except Exception as e:  # noqa: BLE001 - raised below, once the connectors are down
                lost = e
            finally:
                self._inlet.close()
            for task in tasks:
                task.cancel()
        if lost is not None:
            raise lost

    async def _pause(self) -> None:
        """Only the clock, for a while; then a step that shows whether the disk takes intake again."""
        while self._wall() < self._paused_until and not self._stopping.is_set():
            await self._collector.step((), heard=self.heard(), keep=False)
            await asyncio.sleep(self._wall.to_next_s())
        await self._collector.step((), heard=self.heard())
        self._paused_until = 0.0

    async def _write(self) -> None:
        """The only writer: each turn commits the clock, if a second has begun, and the batches that wait."""
        while not self._stopping.is_set():
            waiting = await self._waiting()
            await self._collector.follow()
            taken = await self._collector.step(
                [request.intake for request in waiting],
                heard=self.heard(),
                reading=[one.connector.name for one in self._listeners if one.status.state == "running"],
            )
            self._failures = 0
            for request, one in zip(waiting, taken, strict=False):
                if not request.done.done():
                    request.done.set_result(one)

    async def _waiting(self) -> list[Request]:
        """The batches that wait; none when the next second begins first, or has begun."""
        if self._collector.leads and self._wall.due(self.now) is not None:
            return self._inlet.drain([])
        return await self._inlet.gather(self._wall.to_next_s(), self._reading)

    def _reading(self) -> int:
        return sum(one.status.state == "running" for one in self._listeners)

    async def _listen(self, listener: Listener) -> None:
        if not listener.refuse(self._collector.ledger.door.policy.roles):
            name = listener.connector.name
            await listener.listen(
                lambda: self._collector.ledger.kept.get(name, Kept()), self._inlet.hand_over
            )


def _hearing(
    connectors: Sequence[tuple[ConnectorConfig, Connector]],
    listeners: Sequence[Listener],
    pushed: Sequence[ConnectorConfig],
    seats: int,
    partition: int,
    started: int,
) -> Hearing:
    elsewhere: dict[int, list[ConnectorConfig]] = {}
    for config, connector in connectors:
        if (seat := connector_seat(connector.name, seats)) != partition:
            elsewhere.setdefault(seat, []).append(config)
    return Hearing([(one.config, one.status) for one in listeners], elsewhere, pushed, started=started)

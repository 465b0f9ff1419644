"""Runs the connectors: one task each, so that what happens to one happens to no other.

Connectors read and hand over; a single task, which alone holds the seat, writes. Between them is a short queue: when
the bus is slow, connectors wait, and nothing piles up. A connector goes on behind its cursor only when all before it is
on the bus.

Whatever fails is left alone for a while and tried again, for ever: a source for seconds to minutes, what a person has
to mend every quarter of an hour. Losing the seat ends the lot, and everybody begins again from what was committed; when
somebody else has the seat, `run` raises `FencedError` and lets go.
"""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from warn.bus.base import Bus, FencedError
from warn.bus.codec import UnreadableStateError
from warn.ingest.clock import Wall
from warn.ingest.collector import Collector, Intake, Kept, Taken
from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Connector
from warn.ingest.inforce import Compile
from warn.ingest.listener import Listener
from warn.ingest.status import PULSES, ConnectorState
from warn.model.errors import PermanentError, Reason, TemporaryError, WarnError
from warn.model.flow import COLLECT
from warn.model.rules import RuleSet
from warn.stages.base import MissingConfigError
from warn.telemetry import events

MOST_WAITING: Final = 32
MOST_TOGETHER: Final = 16
"""Batches in one step."""
PAUSE_S: Final = 10.0
"""How long intake pauses before the disk is tried again."""
SEAT_BACKOFF_S: Final = (0.2, 10.0)


class _Request(NamedTuple):
    intake: Intake
    done: asyncio.Future[Taken]


class Supervisor:
    """`connectors` are pairs of settings and what was built from them. `compiles` makes match's filter of a rule set.

    `wall` is the only source of time for the clock; give `key` as the installation's secret.
    """

    def __init__(
        self,
        bus: Bus,
        connectors: Sequence[tuple[ConnectorConfig, Connector]],
        *,
        key: bytes,
        compiles: Compile,
        wall: Callable[[], float] = time.time,
        chance: random.Random | None = None,
    ) -> None:
        self._wall = Wall(wall)
        self._chance = chance or random.Random()
        self._collector = Collector(bus, key=key, compiles=compiles, wall=self._wall)
        self._listeners = [
            Listener(config, connector, wall=self._wall, chance=self._chance)
            for config, connector in connectors
        ]
        names = [listener.connector.name for listener in self._listeners]
        if len(set(names)) < len(names):
            raise PermanentError("two connectors have one name", reason=Reason.CONFIG)
        self._queue: asyncio.Queue[_Request] = asyncio.Queue(maxsize=MOST_WAITING)
        self._stopping = asyncio.Event()
        self._paused_until = 0.0
        self._started = self._wall.now()
        self.seat_error = ""
        """Why the seat was last lost."""

    def publish_ruleset(self, ruleset: RuleSet) -> str:
        """Bring a rule set into force: written to `[config]`, and named by the next clock. Returns its hash."""
        return self._collector.publish(ruleset)

    def states(self) -> tuple[ConnectorState, ...]:
        """Every connector now."""
        return tuple(listener.status.snapshot() for listener in self._listeners)

    @property
    def now(self) -> int:
        """The last clock that was written, in seconds; 0: none yet."""
        return self._collector.force.now

    @property
    def behind_s(self) -> int:
        """Seconds by which the machine's time is behind the last clock: until it has caught up, no clock is written."""
        return self._wall.behind(self._collector.force.now)

    def deaf(self) -> tuple[str, ...]:
        """Sources that are not being heard: their connector is down, or their channel's pulse is missing."""
        now = self._wall.now()
        deaf = {one.connector.source for one in self._listeners if one.status.deaf(now)}
        for source, pulse in self._collector.force.expects().items():
            if now - self._collector.heard.get(source, self._started) > PULSES * pulse:
                deaf.add(source)
        return tuple(sorted(deaf))

    def stop(self) -> None:
        """Let the step under way end, then let go: `run` returns within about a second."""
        self._stopping.set()

    async def run(self) -> None:
        """Until stopped. Raises `FencedError`, and what no waiting can mend: a state or a rule set that cannot be read.

        To be stopped with `stop`; cancelling it may cut a commit off, whose outcome only the next start can tell.
        """
        failures = 0
        while not self._stopping.is_set():
            try:
                await self._collector.open()
                failures = 0
                await self._session()
            except FencedError:
                events.worker_fenced(COLLECT, 0)
                raise
            except (UnreadableStateError, MissingConfigError):
                raise
            except Exception as e:  # noqa: BLE001 - told, and begun again from the last commit, as every worker does
                failures += 1
                low, high = SEAT_BACKOFF_S
                full = isinstance(e, TemporaryError) and e.reason is Reason.DISK
                wait = (
                    0.0
                    if full and failures == 1
                    else self._chance.uniform(low, min(high, low * 2.0**failures))
                )
                self._lost(e, full=full)
                events.worker_failed(COLLECT, 0, e, retry_in_s=wait)
                await self._rest(wait)
            finally:
                await self._collector.close()

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
        if self._paused_until:
            await self._pause()
        lost: Exception | None = None
        self._queue = asyncio.Queue(maxsize=MOST_WAITING)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._listen(listener)) for listener in self._listeners]
            try:
                await self._write()
            except Exception as e:  # noqa: BLE001 - raised below, once the connectors are down
                lost = e
            for task in tasks:
                task.cancel()
        if lost is not None:
            raise lost

    async def _pause(self) -> None:
        """Only the clock, for a while; then a step that shows whether the disk takes intake again."""
        while self._wall() < self._paused_until and not self._stopping.is_set():
            await self._collector.step((), deaf=self.deaf(), keep=False)
            await asyncio.sleep(self._wall.to_next_s())
        await self._collector.step((), deaf=self.deaf())
        self._paused_until = 0.0

    async def _write(self) -> None:
        """The only writer: each turn commits the clock, if a second has begun, and the batches that wait."""
        while not self._stopping.is_set():
            waiting = await self._waiting()
            taken = await self._collector.step(
                [request.intake for request in waiting],
                deaf=self.deaf(),
                reading=[one.connector.name for one in self._listeners if one.status.state == "running"],
            )
            for request, one in zip(waiting, taken, strict=False):
                if not request.done.done():
                    request.done.set_result(one)

    async def _waiting(self) -> list[_Request]:
        """The batches that wait; none when the next second begins first, or has begun."""
        waiting: list[_Request] = []
        if self._queue.empty() and self._wall.due(self.now) is None:
            try:
                async with asyncio.timeout(self._wall.to_next_s()):
                    waiting.append(await self._queue.get())
            except TimeoutError:
                return []
        while not self._queue.empty() and len(waiting) < MOST_TOGETHER:
            waiting.append(self._queue.get_nowait())
        return waiting

    async def _listen(self, listener: Listener) -> None:
        if not listener.refuse(self._collector.door.policy.roles):
            name = listener.connector.name
            await listener.listen(lambda: self._collector.kept.get(name, Kept()), self._hand_over)

    async def _hand_over(self, intake: Intake) -> Taken:
        done: asyncio.Future[Taken] = asyncio.get_running_loop().create_future()
        await self._queue.put(_Request(intake, done))
        return await done

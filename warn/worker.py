"""The one loop: take the seat, restore, then read, step, offer, commit; and hand deliveries on after the commit.

A commit may cover several steps, since it costs a broker a few milliseconds however little is in it: what arrives is
worked through at once, and committed when it is due (`Worker.commit_every_s`).

All that can go wrong ends in one of four ways. Somebody else has the seat: let go. The configuration that a clock names
is not here yet: alarm, wait, hand in the same records again. A record that makes the stage fail however often it is
tried: dead letters. Anything else: drop stage and seat, open anew after a back-off, read again from the last commit.

A step is never cancelled half-way: it runs in a task of its own, and whoever cancels the worker waits until it has
ended. An overdue step is left to itself with its own seat and stage, which nobody uses again.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Final, TypeVar

from warn.bus.base import Bus, FencedError, Seat
from warn.bus.ends import Ends
from warn.bus.setbacks import Setbacks
from warn.bus.watch import Watch
from warn.model.alerts import Delivery
from warn.model.errors import Reason, TemporaryError
from warn.model.flow import DEADLETTERS, STAGE_INPUT
from warn.stages.base import Effects, In, MissingConfigError, Stage
from warn.stages.poison import blamed
from warn.stages.window import Pacing, Window, poisoned
from warn.telemetry import events

STEP_S: Final = 30.0
"""A step that takes longer is given up: its outcome is unknown until the seat is opened anew."""
RESTORE_S: Final = 120.0
GRACE_S: Final = 2.0
"""A configuration may be a moment behind the clock that names it; only then is it an alarm."""
STALL_S: Final = 1.0
_LAG_EVERY_S: Final = 1.0
T = TypeVar("T")
Held = Window | None


def _now() -> float:
    return asyncio.get_running_loop().time()


@dataclass(eq=False)
class Worker:
    """Runs one partition of one stage.

    `make_stage` makes a fresh stage each time the seat is opened. `on_effects` gets the effects of each committed
    step once; `on_deliveries` (a bounded queue's put) gets its deliveries and may make the worker wait, `step_s` at
    most: respond claims them again later. `config_wait` is `RuleSets.wait`. `wanted` says after a fence whether the
    seat is still ours to open. `give_up_after`: failures in a row after which `run` raises (replay; finding poison takes
    six); None: never. `pace` says how many turns of the loop to let pass before each read (tests vary interleaving).
    `backoff_s`: first and longest wait before the seat is opened anew; the actual one is drawn from zero up.
    `commit_every_s` and `at_once`: see `Pacing`. What is worked through and not committed goes with the stage when
    something fails, and is read again. `step_s` limits a step together with the commit that it makes due.
    """

    bus: Bus
    stage_name: str
    partition: int
    make_stage: Callable[[], Stage]
    _: KW_ONLY
    batch: int = 500
    wait_s: float = 1.0
    step_s: float = STEP_S
    on_effects: Callable[[Effects], None] | None = None
    on_deliveries: Callable[[Sequence[Delivery]], Awaitable[None]] | None = None
    config_wait: Callable[[str, float], Awaitable[bool]] | None = None
    wanted: Callable[[], bool] = lambda: True
    give_up_after: int | None = None
    pace: Callable[[], int] = lambda: 1
    watch: Watch = events
    rng: random.Random = field(default_factory=random.Random)
    backoff_s: tuple[float, float] = (0.1, 10.0)
    clock: Callable[[], float] = time.time
    commit_every_s: float = 0.0
    at_once: bool = False

    def __post_init__(self) -> None:
        self.stage: Stage | None = None
        """The stage of the seat held now: its `entries` are for the state hash, once `caught_up`."""
        self.position = 0
        """The position after the last record whose effects are committed."""
        self._stopping, self._missing = asyncio.Event(), False
        self.taken = Ends({self.partition: -1})  # how far input is taken in and, after a restore, read again
        self._reading: asyncio.Timeout | None = None
        limits: dict[str, Any] = {"give_up_after": self.give_up_after, "backoff_s": self.backoff_s}
        self._setbacks = Setbacks(self.stage_name, self.partition, self.watch, rng=self.rng, **limits)
        self._poison = self._setbacks.poison
        self._pacing = Pacing(self.commit_every_s, self.batch, self.at_once)
        self._lag, self._lag_due = 0, 0.0
        self._steps: set[asyncio.Task[Any]] = set()

    async def caught_up(self) -> None:
        """Until all input that is there now is taken in and committed. Raises `RuntimeError` if the worker ends first."""
        end = await self.bus.end(STAGE_INPUT[self.stage_name], self.partition)
        if not await self.taken.wait({self.partition: end - 1}, None):
            raise RuntimeError(f"the worker of {self.stage_name} has ended")

    def stop(self) -> None:
        """End `run` once all that is worked through is committed."""
        self._stopping.set()
        if self._reading is not None and not self._reading.expired():
            self._reading.reschedule(0.0)

    async def run(self) -> None:
        """Work until stopped. Raises only after `give_up_after` failures, or what cancels it."""
        try:
            while not self._stopping.is_set():
                try:
                    await self._sit()
                except MissingConfigError as e:
                    await self._stall(e)
                except FencedError as e:
                    self._setbacks.fenced(e)
                    if not self.wanted():
                        return
                    await self._pause(self._setbacks.backoff())
                except Exception as e:  # noqa: BLE001 - told, and tried again from the last commit
                    await self._pause(self._setbacks.failed(e))
        finally:
            self.taken.close()

    async def _sit(self) -> None:
        """Take the seat and work in it until something goes wrong."""
        async with asyncio.timeout(self.step_s):
            seat = await self.bus.open(self.stage_name, self.partition)
        try:
            async with asyncio.timeout(RESTORE_S):
                restored = await seat.restore()
            stage = self.make_stage()
            stage.restore(((r.key, r.position, r.body) for r in restored.records), restored.committed)
            self.stage, self.position = stage, restored.committed
            back = stage.resume_from
            seat.seek(self.position if back is None else min(back, self.position))
            self.watch.worker_opened(
                self.stage_name, self.partition, position=self.position, records=len(restored.records)
            )
            await self._serve(seat, stage)
        finally:
            self.taken.publish({self.partition: -1})  # the next stage has to read again before it is as far
            await seat.close()

    async def _serve(self, seat: Seat, stage: Stage) -> None:
        """Read, step and commit until stopped."""
        window: Held = None
        while not self._stopping.is_set():
            if seat.position >= self.position:
                self.taken.publish({self.partition: self.position if window else seat.position})
            batch = await self._next(seat, window)
            # What was committed before is worked through again for the state alone, apart from what is new.
            seen = [r for r in batch if r.position < self.position and r.position not in self._poison]
            new = [r for r in batch if r.position >= self.position]
            if seen:
                await self._insist(None, stage, seen, None)
            suspect = bool(new) and self._poison.suspects(new[0].position)
            if window and (suspect or (not new and self._pacing.is_due(window, _now()))):
                await self._settle(seat, stage, window)
                window = None
            if new:
                window = await self._insist(seat, stage, new, window)
        if window:
            await self._settle(seat, stage, window)

    async def _next(self, seat: Seat, window: Held) -> Sequence[In]:
        """What there is to read, as soon as there is any; not longer than until the window is due."""
        for _ in range(self.pace()):
            await asyncio.sleep(0)
        if self._stopping.is_set():  # asked for in one of these turns, when there was no read yet to end
            return ()
        room, wait_s = self.batch, self.wait_s
        if window:
            room, wait_s = max(1, room - window.records), min(wait_s, self._pacing.wait_s(_now()))
        limit = self._poison.limit(seat.position, room)
        try:
            async with asyncio.timeout(wait_s + self.step_s) as self._reading:
                return await seat.read(limit, wait_s)
        except TimeoutError:
            if self._stopping.is_set():
                return ()
            raise TemporaryError("a read took too long", reason=Reason.TIMEOUT) from None
        finally:
            self._reading = None

    async def _insist(self, seat: Seat | None, stage: Stage, batch: Sequence[In], window: Held) -> Held:
        """Do one step (without a seat: for the state alone); while it lacks a configuration, wait and do it again.

        What it adds up to with the steps before, or None once that is committed.
        """
        while not self._stopping.is_set():
            try:
                done = await self._whole(self._step(seat, stage, batch, window))
            except MissingConfigError as e:
                if seat and window:  # it need not wait for what it does not need
                    await self._settle(seat, stage, window)
                    window = None
                await self._stall(e)
                continue
            self._missing = False
            self._setbacks.resumed()
            if not done or not done.committed:
                return done
            await self._committed(done)
            return None
        return window

    async def _settle(self, seat: Seat, stage: Stage, window: Window) -> None:
        await self._whole(self._commit(seat, stage, window))
        await self._committed(window)

    async def _whole(self, work: Coroutine[Any, Any, T]) -> T:
        """Await work that must not be cut in half, for `step_s` at most."""
        task = asyncio.create_task(work)  # noqa: TID251 - the one: see the module's docstring
        self._steps.add(task)
        task.add_done_callback(self._let_go)
        try:
            await asyncio.wait({task}, timeout=self.step_s)
        except asyncio.CancelledError:
            await asyncio.wait({task}, timeout=self.step_s)
            raise
        if not task.done():
            raise TemporaryError(f"a step took longer than {self.step_s:.0f} s", reason=Reason.TIMEOUT)
        return task.result()

    def _let_go(self, task: asyncio.Task[Any]) -> None:
        self._steps.discard(task)
        if not task.cancelled():
            task.exception()  # seen here, in case nobody waits for the task any more

    async def _step(self, seat: Seat | None, stage: Stage, batch: Sequence[In], window: Held) -> Held:
        """One step, and the commit if it makes one due. Touches nothing of the worker's, which may have given it up."""
        started = _now()
        if batch[0].position in self._poison:
            effects = poisoned(self.stage_name, self.partition, batch[0])
        else:
            effects = Effects()
            for _ in blamed(self.stage_name, batch, stage.step(batch, effects)):
                await asyncio.sleep(0)
        if seat is None:
            return None
        window = window or Window(batch[0])
        window.add(effects, batch, _now() - started)
        window.alone = self._poison.suspects(batch[0].position)
        if self._pacing.is_due(window, _now()):
            await self._commit(seat, stage, window)
        return window

    async def _commit(self, seat: Seat, stage: Stage, window: Window) -> None:
        """Have the stage say what it has to say, and commit it."""
        started = _now()
        for _ in blamed(self.stage_name, window.ends(), window.close(stage)):
            await asyncio.sleep(0)
        window.letters(int(self.clock()), self.partition % self.bus.partitions(DEADLETTERS))
        await seat.commit(window.effects.out, window.effects.state, window.position)
        window.committed, window.took_s = True, window.took_s + _now() - started

    async def _committed(self, done: Window) -> None:
        """Tell of a commit, and hand on what it wants delivered."""
        now = self._pacing.committed_at = _now()
        self.position = done.position
        self._setbacks.committed(done.position)
        if self.on_effects is not None:
            self.on_effects(done.effects)
        for where, reason, *_ in done.effects.dead:
            self.watch.dead_letter(self.stage_name, reason, where=where)
        if done.effects.deliveries and self.on_deliveries is not None:
            async with asyncio.timeout(self.step_s):
                await self.on_deliveries(done.effects.deliveries)
        if now >= self._lag_due:  # asking a broker for every step would cost more than the step
            self._lag_due = now + _LAG_EVERY_S
            with suppress(TemporaryError, TimeoutError):  # a number for the eye is not worth a seat
                async with asyncio.timeout(_LAG_EVERY_S / 2):
                    end = await self.bus.end(STAGE_INPUT[self.stage_name], self.partition)
                    self._lag = max(0, end - done.position)
        self.watch.worker_stepped(
            self.stage_name, self.partition,
            seconds=done.took_s, records=done.records, position=done.position, lag=self._lag,
        )  # fmt: skip

    async def _stall(self, error: MissingConfigError) -> None:
        """Wait for a configuration: quietly at first, then with an alarm."""
        missing = str(error.args[0]) if error.args else ""
        first, self._missing = not self._missing, True
        if first and self.config_wait is not None and await self.config_wait(missing, GRACE_S):
            return
        self._setbacks.stalled(missing)
        await self._pause(STALL_S)

    async def _pause(self, wait_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._stopping.wait()

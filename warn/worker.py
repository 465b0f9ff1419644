"""The one loop: take the seat, restore, then read, step, offer, commit; and hand deliveries on after the commit.

All that can go wrong ends in one of four ways. Somebody else has the seat: let go. The configuration that a clock names
is not here yet: alarm, wait, hand in the same records again. Anything else: drop stage and seat, open anew and read
again from the last commit, after a back-off. And a record that makes the stage fail however often it is tried goes to
dead letters, so that it cannot stop the rest.

A step is never cancelled half-way: it runs in a task of its own (the only one that warn starts outside a TaskGroup),
and whoever cancels the worker waits until it has ended. An overdue step is left to itself with its own seat and stage,
which nobody uses again.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Final, NamedTuple

from warn.bus.base import Bus, FencedError, Seat, TrimmedError
from warn.bus.codec import UnreadableStateError
from warn.bus.ends import Ends
from warn.bus.watch import Watch
from warn.model.alerts import Delivery
from warn.model.errors import Reason, TemporaryError
from warn.model.flow import DEADLETTERS, STAGE_INPUT
from warn.model.records import DeadLetter
from warn.model.wire import encode
from warn.stages.base import Effects, In, MissingConfigError, Out, Stage
from warn.stages.poison import Poison, StageFailedError
from warn.telemetry import events

STEP_S: Final = 30.0
"""A step that takes longer is given up: its outcome is unknown until the seat is opened anew."""
RESTORE_S: Final = 120.0
GRACE_S: Final = 2.0
"""A configuration may be a moment behind the clock that names it; only then is it an alarm."""
STALL_S: Final = 1.0
_LAG_EVERY_S: Final = 1.0


class _Done(NamedTuple):
    """A step that was committed: position after its last record, how many there were, what it wanted."""

    position: int
    records: int
    effects: Effects


@dataclass(eq=False)
class Worker:
    """Runs one partition of one stage.

    `make_stage` makes a fresh stage each time the seat is opened. `on_effects` gets the effects of each committed
    step once; `on_deliveries` (a bounded queue's put) gets its deliveries and may make the worker wait, `step_s` at
    most: respond claims them again later. `config_wait` is `RuleSets.wait`. `wanted` says after a fence whether the
    seat is still ours to open. `give_up_after`: failures in a row after which `run` raises (replay; finding poison takes
    six); None: never. `pace` says how many turns of the loop to let pass before each read (tests vary interleaving).
    `backoff_s`: first and longest wait before the seat is opened anew; the actual one is drawn from zero up.
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

    def __post_init__(self) -> None:
        self.stage: Stage | None = None
        """The stage of the seat held now: its `entries` are for the state hash, once `caught_up`."""
        self.position = 0
        """The position after the last record whose effects are committed."""
        self._stopping = asyncio.Event()
        self._done = Ends({self.partition: -1})  # how far input is taken in and, after a restore, read again
        self._reading: asyncio.Timeout | None = None
        self._failures = 0
        self._poison = Poison()
        self._missing = self._alarmed = False
        self._lag, self._lag_due = 0, 0.0
        self._steps: set[asyncio.Task[Any]] = set()

    async def lag(self) -> int:
        """Records still to take in."""
        return max(0, await self.bus.end(STAGE_INPUT[self.stage_name], self.partition) - self.position)

    async def caught_up(self) -> None:
        """Until all input that is there now is taken in and committed. Raises `RuntimeError` if the worker ends first."""
        end = await self.bus.end(STAGE_INPUT[self.stage_name], self.partition)
        if not await self._done.wait({self.partition: end - 1}, None):
            raise RuntimeError(f"the worker of {self.stage_name} has ended")

    def stop(self) -> None:
        """End `run` once the step under way is committed."""
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
                except FencedError:
                    self.watch.worker_fenced(self.stage_name, self.partition)
                    if not self.wanted():
                        return
                    self._failures += 1
                    await self._pause(self._backoff())
                except Exception as e:  # noqa: BLE001 - told, and tried again from the last commit
                    await self._failed(e)
        finally:
            self._done.close()

    async def _sit(self) -> None:
        """Take the seat and work in it until something goes wrong."""
        async with asyncio.timeout(self.step_s):
            seat = await self.bus.open(self.stage_name, self.partition)
        try:
            async with asyncio.timeout(RESTORE_S):
                restored = await seat.restore()
            stage = self.make_stage()
            stage.restore(((r.key, r.position, r.body) for r in restored.records), restored.committed)
            back = stage.resume_from
            seat.seek(restored.committed if back is None else min(back, restored.committed))
            self.stage, self.position = stage, restored.committed
            self.watch.worker_opened(
                self.stage_name, self.partition, position=restored.committed, records=len(restored.records)
            )
            while not self._stopping.is_set():
                if seat.position >= self.position:
                    self._done.publish({self.partition: seat.position})
                batch = await self._next(seat)
                # What was committed before is worked through again for the state alone, apart from what is new.
                seen = [r for r in batch if r.position < self.position and r.position not in self._poison]
                new = [r for r in batch if r.position >= self.position]
                if seen:
                    await self._insist(None, stage, seen)
                if new:
                    await self._insist(seat, stage, new)
        finally:
            self._done.publish({self.partition: -1})  # the next stage has to read again before it is as far
            await seat.close()

    async def _next(self, seat: Seat) -> Sequence[In]:
        for _ in range(self.pace()):
            await asyncio.sleep(0)
        if self._stopping.is_set():  # asked for in one of these turns, when there was no read yet to end
            return ()
        limit = self._poison.limit(seat.position, self.batch)
        try:
            async with asyncio.timeout(self.wait_s + self.step_s) as self._reading:
                return await seat.read(limit, self.wait_s)
        except TimeoutError:
            if self._stopping.is_set():
                return ()
            raise TemporaryError("a read took too long", reason=Reason.TIMEOUT) from None
        finally:
            self._reading = None

    async def _insist(self, seat: Seat | None, stage: Stage, batch: Sequence[In]) -> None:
        """Do one step (without a seat: for the state alone); while it lacks a configuration, wait and do it again."""
        started = asyncio.get_running_loop().time()
        while not self._stopping.is_set():
            try:
                done = await self._whole(self._step(seat, stage, batch))
            except MissingConfigError as e:
                await self._stall(e)
                continue
            self._missing = False
            if self._alarmed:
                self._alarmed = False
                self.watch.worker_resumed(self.stage_name, self.partition)
            if done is not None:
                await self._committed(done, started)
            return

    async def _whole(self, work: Coroutine[Any, Any, _Done | None]) -> _Done | None:
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

    async def _step(self, seat: Seat | None, stage: Stage, batch: Sequence[In]) -> _Done | None:
        """One step. Touches nothing of the worker's, which may have given it up."""
        effects, position = Effects(), batch[-1].position + 1
        if batch[0].position in self._poison:
            where = f"{STAGE_INPUT[self.stage_name]}:{self.partition}:{batch[0].position}"
            effects.dead.append((where, "poison", f"{self.stage_name} failed on it", batch[0].value))
        else:
            await self._work(stage, batch, effects, None if seat is None else position)
        if seat is None:
            return None
        at = int(self.clock())
        shelf = self.partition % self.bus.partitions(DEADLETTERS)
        for where, reason, message, payload in effects.dead:
            letter = encode(DeadLetter(where, reason, message, at, payload[:4096]))
            effects.out.append(Out(DEADLETTERS, shelf, where.encode("utf-8", "replace"), letter))
        await seat.commit(effects.out, effects.state, position)
        return _Done(position, len(batch), effects)

    async def _work(self, stage: Stage, batch: Sequence[In], effects: Effects, offer_at: int | None) -> None:
        try:
            for _ in stage.step(batch, effects):
                await asyncio.sleep(0)
            if offer_at is not None:
                stage.offer(effects, offer_at)
        except (MissingConfigError, asyncio.CancelledError, KeyboardInterrupt, SystemExit):
            raise
        except BaseException as e:  # a panic in Rust (river) is no Exception
            raise StageFailedError(self.stage_name, batch) from e

    async def _committed(self, done: _Done, started: float) -> None:
        """Tell of a step, and hand on what it wants delivered."""
        now = asyncio.get_running_loop().time()
        self.position = done.position
        self._failures = 0
        self._poison.committed(done.position)
        if self.on_effects is not None:
            self.on_effects(done.effects)
        for where, reason, _, _ in done.effects.dead:
            self.watch.dead_letter(self.stage_name, reason, where=where)
        if done.effects.deliveries and self.on_deliveries is not None:
            async with asyncio.timeout(self.step_s):
                await self.on_deliveries(done.effects.deliveries)
        if now >= self._lag_due:  # asking a broker for every step would cost more than the step
            self._lag, self._lag_due = await self.lag(), now + _LAG_EVERY_S
        self.watch.worker_stepped(
            self.stage_name,
            self.partition,
            seconds=now - started,
            records=done.records,
            position=done.position,
            lag=self._lag,
        )

    async def _failed(self, error: Exception) -> None:
        """Tell of a failure and wait, or give up."""
        self._failures += 1
        if isinstance(error, StageFailedError):
            self._poison.failed(error)
        # No trying mends what a person has to see to; the daemon goes on saying so, replay ends.
        hopeless = isinstance(error, UnreadableStateError | TrimmedError)
        if self.give_up_after is not None and (hopeless or self._failures >= self.give_up_after):
            self.watch.worker_failed(self.stage_name, self.partition, error, retry_in_s=None)
            raise error
        wait = self.backoff_s[1] if hopeless else self._backoff()
        cause = error.__cause__ if isinstance(error, StageFailedError) and error.__cause__ else error
        self.watch.worker_failed(self.stage_name, self.partition, cause, retry_in_s=wait)
        await self._pause(wait)

    async def _stall(self, error: MissingConfigError) -> None:
        """Wait for a configuration: quietly at first, then with an alarm."""
        missing = str(error.args[0]) if error.args else ""
        first, self._missing = not self._missing, True
        if first and self.config_wait is not None and await self.config_wait(missing, GRACE_S):
            return
        if not self._alarmed:
            self._alarmed = True
            self.watch.worker_stalled(self.stage_name, self.partition, missing)
        await self._pause(STALL_S)

    def _backoff(self) -> float:
        first, longest = self.backoff_s
        return self.rng.uniform(0.0, min(longest, first * 2.0 ** min(self._failures, 30)))

    async def _pause(self, wait_s: float) -> None:
        try:
            async with asyncio.timeout(wait_s):
                await self._stopping.wait()
        except TimeoutError:
            return

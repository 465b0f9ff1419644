"""The seats that this process is to hold, and a worker for each: as they come and go, so do the workers.

Which seats those are is a hint (`Ownership`); that two processes never both have their way is the bus's fencing. So a
worker whose seat is not wanted any more ends its step in peace, and one that has ended while its seat is still wanted
is begun again after a while: whatever ended it, somebody has to hold the seat.
"""

import asyncio
import random
from collections.abc import Callable, Iterable
from typing import Final, Generic, Protocol, TypeVar

from warn.bus.base import FencedError, Ownership, Seats

LOOK_S: Final = 5.0
"""A change of the wanted seats that nobody told us of is seen within this time."""
BACKOFF_S: Final = (0.2, 10.0)
SOUND_S: Final = 60.0
"""Whoever has worked for so long begins a new count of failures."""

SeatName = tuple[str, int]


class Runner(Protocol):
    """Works on one seat: a stage's worker, or the connectors of one partition of collect."""

    async def run(self) -> None:
        """Until stopped. May return early, or raise, where somebody else has the seat."""

    def stop(self) -> None:
        """End `run` once the step under way is committed."""


class Told(Protocol):
    """Who hears of seats that come and go."""

    def seat_wanted(self, stage: str, partition: int) -> None: ...
    def seat_released(self, stage: str, partition: int) -> None: ...
    def worker_failed(
        self, stage: str, partition: int, error: BaseException, *, retry_in_s: float | None
    ) -> None: ...


R = TypeVar("R", bound=Runner)


class Crew(Generic[R]):
    """Keeps a runner at work on every wanted seat of its stages.

    `make` makes a fresh runner for a seat, whose question whether it is still wanted is to be `Crew.wants`. `ends`: a
    runner that raises ends the whole crew (replay), instead of being begun again. `fenced` hears of a seat that was
    taken from us while it is wanted. `backoff_s`: first and longest wait.
    """

    def __init__(
        self,
        stages: Iterable[str],
        ownership: Ownership,
        make: Callable[[str, int], R],
        told: Told,
        *,
        ends: bool = False,
        fenced: Callable[[str, int], None] = lambda _stage, _partition: None,
        backoff_s: tuple[float, float] = BACKOFF_S,
        rng: random.Random | None = None,
    ) -> None:
        self.stages = tuple(stages)
        self._ownership = ownership
        self._make = make
        self._told = told
        self._ends = ends
        self._fenced = fenced
        self._backoff_s = backoff_s
        self._rng = rng or random.Random()
        self._stopped: set[str] = set()
        self._stopping = asyncio.Event()
        self._free: dict[SeatName, asyncio.Event] = {}
        self._serving: dict[SeatName, asyncio.Task[None]] = {}
        self.runners: dict[SeatName, R] = {}
        """Who works now, or is about to; those wanted when the crew is made are there from the start."""
        for seat in self._wanted():
            self._engage(seat)

    def wants(self, stage: str, partition: int) -> bool:
        """Whether this process is still to hold the seat."""
        if self._stopping.is_set() or stage in self._stopped:
            return False
        return (stage, partition) in self._ownership.wanted

    def _wanted(self) -> list[SeatName]:
        return sorted(seat for seat in self._ownership.wanted if seat[0] in self.stages and self.wants(*seat))

    async def run(self) -> None:
        """Until `stop` was called for all stages, and every runner has ended."""
        async with asyncio.TaskGroup() as group:
            while not self._stopping.is_set():
                known = self._ownership.wanted
                for seat in self._wanted():
                    if seat not in self._serving:
                        self._engage(seat)
                        self._serving[seat] = group.create_task(
                            self._serve(seat), name=f"{seat[0]} {seat[1]}"
                        )
                for seat in sorted(self._serving.keys() - known):
                    self._release(seat)
                await self._change(known)

    def stop(self, *stages: str) -> None:
        """End the runners of these stages, or all, once their steps under way are committed."""
        self._stopped |= set(stages or self.stages)
        if self._stopped.issuperset(self.stages):
            self._stopping.set()
        for seat in self.runners:
            if not self.wants(*seat):
                self._release(seat)

    async def ended(self, within_s: float, *stages: str) -> None:
        """Until no runner of these stages is at work, for at most `within_s`."""
        tasks = [task for (stage, _), task in self._serving.items() if stage in stages]
        if tasks:
            await asyncio.wait(tasks, timeout=within_s)

    def _engage(self, seat: SeatName) -> None:
        if seat not in self.runners:
            self.runners[seat] = self._make(*seat)
            self._free[seat] = asyncio.Event()
            self._told.seat_wanted(*seat)

    def _release(self, seat: SeatName) -> None:
        self._free[seat].set()
        self.runners[seat].stop()

    async def _change(self, known: Seats) -> None:
        """Until other seats are wanted, or the crew is stopped."""
        async with asyncio.TaskGroup() as group:
            waits = {
                group.create_task(self._ownership.changed(known, LOOK_S)),
                group.create_task(self._stopping.wait()),
            }
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for one in waits:
                one.cancel()

    async def _serve(self, seat: SeatName) -> None:
        """One seat, for as long as it is wanted: a runner, and another after it."""
        loop, failures = asyncio.get_running_loop(), 0
        try:
            while self.wants(*seat):
                began = loop.time()
                error = await self._work(self.runners[seat])
                failures = 1 if loop.time() - began >= SOUND_S else failures + 1
                if self.wants(*seat) and not self._free[seat].is_set():
                    await self._rest(seat, error, failures)
                if self.wants(
                    *seat
                ):  # a runner that was told to stop stays stopped; the seat may be ours again
                    self.runners[seat], self._free[seat] = self._make(*seat), asyncio.Event()
        finally:
            del self.runners[seat], self._free[seat], self._serving[seat]
            self._told.seat_released(*seat)

    async def _work(self, runner: R) -> Exception | None:
        try:
            await runner.run()
        except Exception as e:
            if self._ends:
                raise
            return e
        return None

    async def _rest(self, seat: SeatName, error: Exception | None, failures: int) -> None:
        """Wait before the next runner, and tell why the last one ended (of a fence it has told itself)."""
        low, high = self._backoff_s
        wait_s = self._rng.uniform(low / 2, min(high, low * 2.0 ** min(failures, 30)))
        if isinstance(error, FencedError):
            self._fenced(*seat)
        elif error is not None:
            self._told.worker_failed(*seat, error, retry_in_s=wait_s)
        try:
            async with asyncio.timeout(wait_s):
                await self._free[seat].wait()
        except TimeoutError:
            return

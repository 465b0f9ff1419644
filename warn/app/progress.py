"""Whether the workers get on: what the watchdog is told of them.

A worker that has input, and of which nothing is heard for a minute though the engine answers, is stuck. One that fails
again and again, waits for a rule set, or cannot reach the engine says so and is not: a new process would do no better.
Nor would it where the input cannot be read yet, because a transaction in it is decided by nobody: that is an alarm.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, Protocol

from warn.bus.base import Bus
from warn.bus.ends import Ends
from warn.model.flow import STAGE_INPUT
from warn.telemetry import events
from warn.worker import RESTORE_S

LOOK_S: Final = 10.0
STILL_S: Final = 60.0
"""With input and no sign of life."""
CATCH_UP_S: Final = 3.0
"""A worker that gets on has taken in what is there now, or shows that it takes it in."""
OPENING_S: Final = RESTORE_S + STILL_S
"""The same while a seat is opened and its state read."""


class Reads(Protocol):
    """A worker, as far as this matters."""

    stage_name: str
    partition: int

    taken: Ends[int]
    """By partition, the position before which all input is taken in; -1 before anything is known of it."""

    async def caught_up(self) -> None:
        """Until all input that is there now is taken in. Raises `RuntimeError` where the worker ends first."""


Decided = Callable[[str, int], Awaitable[int]]
"""Up to where a topic's partition can be read, which may lie before its end. Raises what asking the engine raises."""


class Progress:
    """Signs of life by seat, and since when there has been input without one."""

    def __init__(self, now: Callable[[], float], decided: Decided | None = None) -> None:
        self._now = now
        self._decided = decided
        self._held_up: set[tuple[str, int]] = set()
        self._signs: dict[tuple[str, int], tuple[float, float]] = {}
        self._waiting: set[tuple[str, int]] = set()
        self._behind: dict[tuple[str, int], float] = {}

    def sign(self, stage: str, partition: int, *, opening: bool = False, waiting: bool = False) -> None:
        """Something was heard of a worker. `opening`: it has its seat still to take; `waiting`: for a rule set."""
        seat = (stage, partition)
        self._signs[seat] = (self._now(), OPENING_S if opening else STILL_S)
        (self._waiting.add if waiting else self._waiting.discard)(seat)

    def gone(self, stage: str, partition: int) -> None:
        """The seat is not held here any more."""
        seat = (stage, partition)
        self._signs.pop(seat, None)
        self._behind.pop(seat, None)
        self._tell(seat, 0)
        self._waiting.discard(seat)

    async def look(self, bus: Bus, workers: Iterable[Reads]) -> str:
        """Which worker is stuck; "" where none is. Raises what asking the engine raises, and begins anew then."""
        try:
            async with asyncio.TaskGroup() as group:
                looks = [group.create_task(self._still(bus, worker)) for worker in workers]
        except BaseExceptionGroup as e:
            self._behind.clear()
            raise e.exceptions[0] from None
        return next((found for look in looks if (found := look.result())), "")

    async def _still(self, bus: Bus, worker: Reads) -> str:
        seat = stage, partition = worker.stage_name, worker.partition
        await bus.end(STAGE_INPUT[stage], partition)  # whether it answers; its limits are its own
        if seat in self._waiting or seat not in self._signs or await _catches_up(worker):
            self._behind.pop(seat, None)
            self._tell(seat, 0)
            return ""
        heard, allowed = self._signs.get(seat, (self._now(), STILL_S))
        still_s = self._now() - max(self._behind.setdefault(seat, self._now()), heard)
        if still_s >= allowed and self._decided is not None:
            readable = await self._decided(STAGE_INPUT[stage], partition)
            if worker.taken[partition] >= readable:
                self._tell(seat, await bus.end(STAGE_INPUT[stage], partition) - readable)
                return ""
        return (
            f"{stage} {partition} has input and has done nothing for {still_s:.0f} s"
            if still_s >= allowed
            else ""
        )

    def _tell(self, seat: tuple[str, int], behind: int) -> None:
        """Once when it begins, again with each look while it lasts, and once when it is over."""
        if behind > 0 or seat in self._held_up:
            events.bus_input_held_up(*seat, behind)
        (self._held_up.add if behind > 0 else self._held_up.discard)(seat)


async def _catches_up(worker: Reads) -> bool:
    try:
        async with asyncio.timeout(CATCH_UP_S):
            await worker.caught_up()
    except TimeoutError:
        return False
    except RuntimeError:  # it has ended
        return True
    return True

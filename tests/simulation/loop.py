"""An event loop whose time jumps to the next thing to do: an hour of waiting costs nothing, and no machine is too slow.

It has no sockets, signals or threads, so what runs on it is a function of what was started, and of nothing else.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")
TURN_S: Final = 1e-6
"""What a turn of the loop takes: where time stood still, who waits for the rest of a nanosecond would wait for ever."""
MOST_TURNS: Final = 50_000
"""Turns of the loop in one moment: nobody has so much to do."""


class StuckError(RuntimeError):
    """Everybody waits for something that nobody is going to do."""


class _Selector:
    """In place of waiting for sockets it passes time."""

    def __init__(self) -> None:
        self.now = 0.0
        self._turns = 0

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise StuckError("everybody waits, and nothing is due")
        self._turns = 0 if timeout > 0 else self._turns + 1
        if self._turns > MOST_TURNS:
            self._turns = 0
            raise StuckError(f"somebody is busy for ever at {self.now:.3f} s")
        self.now += max(TURN_S, timeout)
        return []


class VirtualLoop(asyncio.BaseEventLoop):
    """Timers fire in order of their times, at those times."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = _Selector()

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self._selector.now

    def _process_events(self, event_list: list[Any]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """No other thread has to wake it."""


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to its end on a loop of its own, then end whatever it left behind."""
    loop = VirtualLoop()
    loop.set_exception_handler(_quiet)
    try:
        return loop.run_until_complete(work)
    finally:
        while left := asyncio.all_tasks(loop):
            for task in left:
                task.cancel()
            loop.run_until_complete(asyncio.sleep(1000))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def _quiet(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What a dead process's tasks had to say when they were swept up."""

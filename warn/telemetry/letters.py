"""Input that was put aside: all of it is counted, and a few lines a second tell where to look.

A call of five thousand elements that a sender has begun to write in another way would else be five thousand lines, and
nothing goes on while they are written.
"""

import time
from collections.abc import Callable
from typing import Final

from warn.telemetry import metrics
from warn.telemetry.logs import logger

_log = logger()

MOST_LINES: Final = 20
"""Of one second."""


class Few:
    """Lets so many through a second, and says with the next one how many it held back. `now`: seconds, never back."""

    def __init__(self, most: int, now: Callable[[], float] = time.monotonic) -> None:
        self._most, self._now = most, now
        self._second = self._told = self._held = 0

    def next(self) -> int | None:
        """None: hold this one back. A number: let it through; so many were held back before it."""
        second = int(self._now())
        if second != self._second:
            self._second, self._told = second, 0
        if self._told >= self._most:
            self._held += 1
            return None
        self._told += 1
        held, self._held = self._held, 0
        return held


_few: Final = Few(MOST_LINES)


def dead_letter(stage: str, reason: str, *, where: str) -> None:
    """A piece of input was put aside. `where`: its parcel and index, or its connector; `reason`: a word of a set."""
    metrics.DEAD_LETTERS.add(stage, reason)
    untold = _few.next()
    if untold is not None:
        more = {"untold": untold} if untold else {}
        _log.warning("dead_letter", stage=stage, reason=reason, where=where, **more)

"""The clock: who owns collect's first partition tells everybody the time, in the log itself.

No stage knows any other now. A clock goes into every partition of `[mentions]` and, as a tick, onto `[desk]` in one
step, so that no partition can be ahead of another by more than what it has read.
"""

from collections.abc import Callable
from typing import Final

from warn.ingest.parcels import clocks
from warn.model.alerts import Tick
from warn.model.flow import DESK, MENTIONS
from warn.model.records import Canary, Clock
from warn.model.wire import encode
from warn.stages.base import Out

JUMPED_S: Final = 5


class Wall:
    """The machine's time in whole seconds, which may stand still but never goes back."""

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall

    def __call__(self) -> float:
        return self._wall()

    def now(self) -> int:
        """This second."""
        return int(self._wall())

    def due(self, last: int) -> int | None:
        """The second to be written, or None where the last one written is not over (or the machine's time went back)."""
        now = self.now()
        return now if now > last else None

    def behind(self, last: int) -> int:
        """Seconds by which the machine's time has fallen behind what was written; 0 in ordinary life."""
        late = last - self.now()
        return late if late >= JUMPED_S else 0

    def to_next_s(self) -> float:
        """Until the next whole second."""
        now = self._wall()
        return max(0.001, int(now) + 1 - now)


def clock_records(clock: Clock, partitions: int) -> list[Out]:
    """The clock for every partition of `[mentions]`, and the tick for `[desk]`."""
    return [*clocks(clock, partitions), Out(DESK, 0, b"", encode(Tick(now=clock.now)))]


def canary_records(minute: int, partitions: int) -> list[Out]:
    """The canary of a minute (its second), for every partition of `[mentions]`; it goes behind the clock."""
    return [Out(MENTIONS, n, b"", encode(Canary(minute, n))) for n in range(partitions)]

"""Who held a seat from when to when, by what the processes told: nobody steps in a seat after the next one has opened it.

A *tenure* is what one process did in a seat between opening it and its end. The next tenure begins at the position
behind the last commit, so no step of an earlier one may lie beyond it, whenever it was told: a stopped process may say
late what it had committed in time.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

SeatName = tuple[str, int]


@dataclass
class Tenure:
    """From `began` (seconds since the epoch) at `position`; `reached`: the position after its last step."""

    child: str
    began: float
    position: int
    reached: int = -1
    stepped: float = 0.0
    """When it first stepped; 0: it never did."""


class Trespass(NamedTuple):
    """A step beyond where the next owner began."""

    seat: SeatName
    earlier: Tenure
    later: Tenure


class Tenures:
    """All tenures of all seats, as they are told."""

    def __init__(self) -> None:
        self._of: dict[SeatName, list[Tenure]] = {}
        self._open: dict[tuple[SeatName, str], Tenure] = {}

    def opened(self, seat: SeatName, child: str, at: float, position: int) -> None:
        """A process has the seat, and has restored it up to a position."""
        tenure = self._open[seat, child] = Tenure(child, at, position)
        self._of.setdefault(seat, []).append(tenure)

    def stepped(self, seat: SeatName, child: str, at: float, position: int) -> None:
        """It has committed up to a position."""
        tenure = self._open[seat, child]
        tenure.reached = max(tenure.reached, position)
        tenure.stepped = tenure.stepped or at

    def number(self) -> int:
        """How many there were."""
        return sum(map(len, self._of.values()))

    def of(self, seat: SeatName) -> list[Tenure]:
        """Those of one seat, as they began."""
        return sorted(self._of.get(seat, ()), key=lambda t: t.began)

    def since(self, seat: SeatName, at: float, but: str) -> Tenure | None:
        """The first tenure of somebody else that stepped and began after a moment."""
        return next((t for t in self.of(seat) if t.began > at and t.child != but and t.stepped), None)

    def trespasses(self) -> list[Trespass]:
        """Those who never stepped do no harm, and may tell of their opening late: they are left out."""
        found = []
        for seat in sorted(self._of):
            busy = [t for t in self.of(seat) if t.stepped]
            for earlier, later in pairwise(busy):
                if earlier.reached > later.position:
                    found.append(Trespass(seat, earlier, later))
        return found

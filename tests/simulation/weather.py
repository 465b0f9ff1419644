"""What goes wrong, and when: decided by the seed, drawn anew at every await of the port."""

import random
from dataclasses import dataclass
from typing import Final, Literal

from tests.simulation.world import LIVE_S

Mishap = Literal["fail", "delay", "slow", "lost", "late", "crash", "freeze"]
"""A call fails before it does anything · takes a moment · takes longer than its caller waits · took effect, and the
reply is lost · is given up by its caller and takes effect later (if nobody else has the seat by then) · the process dies
there · the process stands still there and goes on when somebody else has its work.
"""
MISHAPS: Final[tuple[Mishap, ...]] = ("fail", "delay", "slow", "lost", "late", "crash", "freeze")
RATES: Final[dict[Mishap, float]] = {
    "fail": 0.02,
    "delay": 0.15,
    "slow": 0.01,
    "lost": 0.03,
    "late": 0.03,
    "crash": 0.02,
    "freeze": 0.015,
}
MOST: Final[dict[Mishap, int]] = {
    "fail": 12,
    "delay": 60,
    "slow": 4,
    "lost": 8,
    "late": 6,
    "crash": 5,
    "freeze": 3,
}
"""So many of a kind in one seed, so that something gets done between them."""
AFTER: Final = frozenset({"committed", "written"})
"""Points at which a call has taken effect: what fails there is a lost reply."""


@dataclass(frozen=True)
class Move:
    """A seat goes to another process; the new one hears of it at `gained`, the old one at `lost`: either may be first."""

    nth: int
    to: int
    gained: float
    lost: float


class Weather:
    """One seed's mishaps. Half of the kinds are armed in any one seed, one seed in ten has none."""

    def __init__(self, seed: int, processes: int) -> None:
        self._rng = rng = random.Random(seed * 40_503 + 7)
        calm = rng.random() < 0.1
        armed = [kind for kind in MISHAPS if not calm and rng.random() < 0.5]
        strength = rng.choice((1.0, 2.0, 4.0))
        self._rates = [(kind, RATES[kind] * strength) for kind in armed]
        self._left = dict(MOST)
        self.outage = (0.0, 0.0)
        if not calm and rng.random() < 0.25:
            start = rng.uniform(0.0, LIVE_S)
            self.outage = (start, start + rng.uniform(1.0, 15.0))
        moves = rng.choice((0, 2, 5)) if processes > 1 and not calm else 0
        self.moves = sorted(
            (
                Move(
                    rng.randrange(1000),
                    rng.randrange(processes),
                    at + rng.uniform(0.0, 3.0),
                    at + rng.uniform(0.0, 3.0),
                )
                for at in (rng.uniform(0.0, LIVE_S) for _ in range(moves))
            ),
            key=lambda move: move.gained,
        )

    def draw(self, point: str, now: float) -> Mishap | None:
        """What happens at this await."""
        if self.outage[0] <= now < self.outage[1]:
            return "fail"
        drawn = self._rng.random()
        for kind, rate in self._rates:
            drawn -= rate
            if drawn < 0:
                return self._allow(kind, point)
        return None

    def _allow(self, kind: Mishap, point: str) -> Mishap | None:
        if kind == "fail" and point in AFTER:
            kind = "lost"
        if (kind == "lost" and point not in AFTER) or (kind == "late" and point != "commit"):
            return None
        if not self._left[kind]:
            return None
        self._left[kind] -= 1
        return kind

    def wait_s(self, kind: Mishap) -> float:
        """How long a mishap of this kind takes."""
        low, high = {"delay": (0.0, 0.4), "slow": (6.0, 14.0), "freeze": (3.0, 25.0), "late": (0.1, 8.0)}.get(
            kind, (0.0, 0.0)
        )
        return self._rng.uniform(low, high)

    def soon(self) -> float:
        """How long until somebody notices."""
        return self._rng.uniform(0.5, 5.0)

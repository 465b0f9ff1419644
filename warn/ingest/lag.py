"""How old what a connector brings usually is, so that one that lags is noticed.

Usual is the age that 95 in 100 batches stay under, found by small steps on a scale of logarithms, so that no single
batch moves it much. A connector lags when, for five minutes at least, not one batch was younger than ten minutes (what
is older counts for nothing) and than four times the usual. Nothing is said before three days and a hundred batches.
"""

import math
from collections import deque
from typing import Final

LATE_S: Final = 600
FACTOR: Final = 4
LEAST_BATCHES: Final = 100
LEAST_DAYS: Final = 3
_LOOK_S: Final = 900
_SPAN_S: Final = 300
_LEAST_RECENT: Final = 3
_STEP: Final = 0.04
_HIGH: Final = 0.95
_DAY_S: Final = 86_400


class Lag:
    """One connector's. `usual_s`, `batches`, `first` are what is kept of it."""

    def __init__(self) -> None:
        self.usual_s = 0.0
        self.batches = 0
        self.first = 0
        self._recent: deque[tuple[int, int]] = deque(maxlen=64)

    @property
    def newest_s(self) -> int | None:
        """The age of the newest item of the last batch; None where there was none lately."""
        return self._recent[-1][1] if self._recent else None

    def note(self, now: int, age_s: float) -> None:
        """The newest item of a batch that was read at `now` was so old. Of backfill nothing is to be noted."""
        age = max(0.0, age_s)
        self._recent.append((now, round(age)))
        if self.since(now) is not None:
            return  # learning from what is wrong would make it usual
        self.first = self.first or now
        self.batches += 1
        up = age > self.usual_s
        grown = math.log1p(self.usual_s) + _STEP * (_HIGH if up else _HIGH - 1)
        self.usual_s = math.expm1(max(0.0, grown)) if self.batches > 1 else age

    def since(self, now: int) -> int | None:
        """Since when it lags; None where it does not, or nobody can tell."""
        if self.batches < LEAST_BATCHES or now - self.first < LEAST_DAYS * _DAY_S:
            return None
        bound = max(LATE_S, FACTOR * self.usual_s)
        late: list[int] = []
        for at, age in reversed(self._recent):
            if age < bound or now - at > _LOOK_S:
                break
            late.append(at)
        if len(late) < _LEAST_RECENT or late[0] - late[-1] < _SPAN_S:
            return None
        return late[-1]

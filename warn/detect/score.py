"""`warn score` without the command: one series of counts in, a score and a yes or no for each row out.

Rows are judged as `spike` judges a series, causally: a row knows what came before it and itself. A row covers the
time from its stamp until `every` later, and is judged at the end of it; windows shorter than a row say nothing and
are left out, so that 5-minute rows are looked at over 5 and 15 minutes, 1 hour and 3 hours. Rows finer than a minute
are learnt by the minute. What is learnt is ten minutes old, as in the daemon.
"""

from bisect import bisect_right
from collections import deque
from math import isfinite
from typing import Final, NamedTuple

from warn.detect.base import Sample, Verdict
from warn.detect.baseline import LAG, MINUTE
from warn.detect.looks import Setting
from warn.detect.spike import Spike

PAUSE: Final = 8 * 3600
"""Seconds after a page in which only twice what has been seen since pages again."""
ESCALATION: Final = 2.0
HALF_WAY: Final = 20.0
"""The score (in decades) that is shown half way from 0.5 to 1 on a page row."""
LONGEST: Final = 86400
MOST: Final = 1e12
TRIM: Final = 4096


class Row(NamedTuple):
    """What is said of a row: 0..1, a page from 0.5 on; and the verdict behind it."""

    score: float
    page: bool
    verdict: Verdict


class Pager:
    """When an exceptional verdict is a page: the first, and then an escalation, or after a pause."""

    def __init__(self) -> None:
        self._at: int | None = None
        self._peak = 0.0

    def page(self, verdict: Verdict, at: int) -> bool:
        """Whether this one wakes somebody."""
        pages = verdict.exceptional and (
            self._at is None or at - self._at > PAUSE or verdict.score > ESCALATION * self._peak
        )
        if pages:
            self._at, self._peak = at, verdict.score
        self._peak = max(self._peak, verdict.score)
        return pages


class Counts:
    """Counts by the time they were complete, summed over any window by two binary searches."""

    def __init__(self) -> None:
        self._ends: list[int] = []
        self._sums: list[int] = [0]

    def add(self, end: int, count: int) -> None:
        """Count what was complete at `end`, which is never before the one added last."""
        self._ends.append(end)
        self._sums.append(self._sums[-1] + count)

    def windows(self, end: int, seconds: tuple[int, ...]) -> tuple[int, ...]:
        """Sums over the windows that end at `end`, which take in what was complete at `end`."""
        ends, sums = self._ends, self._sums
        total = sums[bisect_right(ends, end)]
        return tuple(total - sums[bisect_right(ends, end - s)] for s in seconds)

    def trim(self, before: int) -> None:
        """Forget what was complete before; in large pieces, so that it costs nothing."""
        i = bisect_right(self._ends, before)
        if i > TRIM:
            del self._ends[:i], self._sums[:i]


class Scorer:
    """Scores one series, row by row."""

    def __init__(self, every: int, budget: float, signal: str = "mentions") -> None:
        if not 1 <= every <= LONGEST:
            raise ValueError(f"rows must cover 1 second to a day, not {every} s")
        if not budget > 0:
            raise ValueError(f"a budget must be more than nothing, not {budget!r}")
        self._every = every
        self._cell = max(every, MINUTE)
        self._setting = Setting(signal=signal, budget=budget, step=self._cell)
        self._spike: Spike | None = None
        self._pager = Pager()
        self._counts = Counts()
        self._last = 0
        self._lessons: deque[int] = deque()

    def row(self, at: int, value: float) -> Row:
        """Judge the row stamped `at` (seconds), then keep it; ValueError for what is no count, or out of order."""
        if not isfinite(value) or not 0 <= value < MOST:
            raise ValueError(f"a count is a number from 0 up, not {value!r}")
        count, end = round(value), at + self._every
        if self._spike is None:
            self._spike = Spike(at // MINUTE * MINUTE, self._setting)
        elif end < self._last:
            raise ValueError("its time is before that of the row above")
        self._last = end
        if count:
            self._counts.add(end, count)
        self._learn(self._spike, end - LAG)
        verdict = self._spike.judge(Sample(end, count, self._counts.windows(end, self._spike.windows)))
        page = self._pager.page(verdict, end)
        # Rows of a second are learnt by the minute that they end in.
        lesson = end if self._every >= MINUTE else -(-end // MINUTE) * MINUTE
        if count and (not self._lessons or self._lessons[-1] != lesson):
            self._lessons.append(lesson)
        return Row(shown(verdict, page=page), page, verdict)

    def _learn(self, spike: Spike, final: int) -> None:
        lessons = self._lessons
        while lessons and lessons[0] <= final:
            end = lessons.popleft()
            self._counts.trim(end - spike.windows[-1] - self._cell)
            value = self._counts.windows(end, (self._cell,))[0]
            spike.learn(Sample(end, value, self._counts.windows(end, spike.windows)))


def shown(verdict: Verdict, *, page: bool) -> float:
    """A verdict on a scale from 0 to 1: from 0.5 on a page row, below it any other."""
    if page:
        return 0.5 + 0.5 * verdict.score / (verdict.score + HALF_WAY)
    return 0.5 * verdict.score / (verdict.score + HALF_WAY)

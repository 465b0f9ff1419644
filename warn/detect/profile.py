"""What is usual at this hour of this day: 48 half hours of the brand's local day, and seven days of its week.

Both are decayed sums of counts over closed-form exposures: how often a half hour has gone by since the start follows
from the calendar. Shares, not levels, are learnt, so that a brand that doubles keeps its shape.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from math import exp, expm1
from zoneinfo import ZoneInfo

from msgspec import Struct, field

HALF_HOUR = 1800
BINS = 48
DAYS = 7
DAY_TAU = 8.0
"""Days in which a day's shape is forgotten to 1/e."""
WEEK_TAU = 35.0
WEEK_AFTER = 21
"""Whole days before days of the week are told apart: three of each."""
PSEUDO = 15.0
"""Mentions' worth of belief that all hours are alike; times phi, because a cluster is one piece of evidence."""
HALF_HOURS = BINS * DAY_TAU


def wall(half_hour: int, zone: ZoneInfo) -> int:
    """The half hour by the brand's clock on the wall, counted like `half_hour`; zones at :15 and :45 are rounded."""
    offset = datetime.fromtimestamp(half_hour * HALF_HOUR + HALF_HOUR // 2, UTC).astimezone(zone).utcoffset()
    seconds = 0 if offset is None else int(offset.total_seconds())
    return half_hour + round(seconds / HALF_HOUR)


class Profile(Struct):
    """What was learnt of the day and the week. Indices are wall half hours and wall days; `day` decays as one."""

    day: list[float] = field(default_factory=lambda: [0.0] * BINS)
    day_step: int = 0
    week: list[float] = field(default_factory=lambda: [0.0] * DAYS)
    week_step: int = 0
    today: float = 0.0
    today_index: int = 0

    def add(self, count: float, at: int, start: int) -> None:
        """Take what a half hour had: `at` is its wall index, `start` the one the series began in."""
        fade = exp((self.day_step - at) / HALF_HOURS)
        if at > self.day_step:
            self.day = [s * fade for s in self.day]
            self.day_step = at
        self.day[at % BINS] += count
        if at // BINS != self.today_index:
            self._close_day(start // BINS)
            self.today_index = at // BINS
        self.today += count

    def _close_day(self, first: int) -> None:
        """Only whole days enter the week: the one in which the series began is none."""
        if self.today_index > first:
            fade = exp((self.week_step - self.today_index) / WEEK_TAU)
            self.week = [s * fade for s in self.week]
            self.week_step = self.today_index
            self.week[self.today_index % DAYS] += self.today
        self.today = 0.0

    def shape(self, known: int, start: int, phi: float, more: tuple[int, float] | None = None) -> list[float]:
        """Each half hour of the day as a multiple of the mean, from all wall half hours before `known`.

        `more`: a half hour before `known` that was not added yet, and what it had.
        """
        passed = [exposure_of(b, start, known, BINS, HALF_HOURS) for b in range(BINS)]
        fade = exp((self.day_step - known) / HALF_HOURS) if known > self.day_step else 1.0
        sums = [s * fade for s in self.day]
        if more is not None:
            sums[more[0] % BINS] += more[1] * exp((more[0] - known) / HALF_HOURS)
        return _shrunk(sums, passed, PSEUDO * phi, whole=known - start >= BINS)

    def days(self, now: int, start: int, phi: float) -> list[float] | None:
        """Each day of the week as a multiple of the mean; None until there are three weeks.

        The day that is still open in `today` is missing from both sides.
        """
        first, last = start // BINS + 1, now // BINS
        if last - first < WEEK_AFTER:
            return None
        if self.today_index < last and self.today_index >= first:
            closed = [s * exp((self.week_step - self.today_index) / WEEK_TAU) for s in self.week]
            closed[self.today_index % DAYS] += self.today
            step = self.today_index
        else:
            closed, step = self.week, self.week_step
        fade = exp((step - last) / WEEK_TAU)
        passed = [exposure_of(d, first, last, DAYS, WEEK_TAU) for d in range(DAYS)]
        return _shrunk([s * fade for s in closed], passed, PSEUDO * phi, whole=True)


def exposure_of(slot: int, start: int, now: int, slots: int, tau: float) -> float:
    """Decayed number of whole steps in [start, now) that fell in `slot`, of `slots` that come round in turn."""
    first = start + (slot - start) % slots
    last = now - 1 - (now - 1 - slot) % slots
    if last < first:
        return 0.0
    times = (last - first) // slots + 1
    return exp((last - now) / tau) * expm1(-times * slots / tau) / expm1(-slots / tau)


def _shrunk(sums: Sequence[float], passed: Sequence[float], pseudo: float, *, whole: bool) -> list[float]:
    """Gamma-Poisson ratios of counts to what an even spread would give, normalised to a mean of 1."""
    total, time = sum(sums), sum(passed)
    if total <= 0.0 or time <= 0.0:
        return [1.0] * len(sums)
    level = total / time
    ratios = [(s + pseudo) / (x * level + pseudo) for s, x in zip(sums, passed, strict=True)]
    mean = sum(ratios) / len(ratios) if whole else 1.0
    return [r / mean for r in ratios]

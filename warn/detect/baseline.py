"""What is usual: the slow level, the shape of day and week, and the fast level of the last hours.

slow(t)  = rate * shape(t),  rate = (C + a) / (T + b): a gamma-Poisson ratio of what was counted (decayed in 3 days) to
           the time that passed, shrunk towards what the rule's owner called usual
fast(t)  = slow(t) * (F + k) / (M + k): the same, lifted by how the last 1.5 h compare with what they should have had

All times are whole seconds; what was learnt is final up to 10 minutes before what is judged.
"""

from math import exp
from typing import NamedTuple

from msgspec import Struct, field

from warn.detect.decay import Decayed, exposure
from warn.detect.profile import BINS, HALF_HOUR, Profile

MINUTE = 60
SLOW_TAU = 3 * 1440.0
"""Minutes: three days."""
FAST_TAU = 90.0
FAST_PSEUDO = 10.0
LAG = 600
"""Seconds by which learning follows judging (DESIGN section 3, rule 5)."""
BACK = 12
"""Half hours that a shape looks back: the longest window, and what the fast level remembers of."""
LEAST_SHAPE = 0.05
DAY = 86400.0

UNKNOWN_COUNT, UNKNOWN_S = 0.1, 0.1
"""Without a word on what is usual, next to nothing is believed: a gamma prior of this shape and scale is nearly flat
over all sizes of brand up to ten mentions a second. So the first hours of a busy brand are no surprise, and each silent
hour makes the next mention one."""
USUAL_COUNT, USUAL_S = 20.0, 6 * 3600.0
"""What an owner calls usual is worth at most so many mentions, and at most so much listening."""
USUAL_TAU = 7 * DAY
UNKNOWN_CURVE = 1.5
"""Relative variance of counts by hour of the day, of which nothing is known on the first day: mornings are sudden."""


class Levels(Struct):
    """What was learnt of levels: counts divided by shape (slow), and plain (fast); both step in minutes."""

    slow: Decayed = field(default_factory=Decayed)
    fast: Decayed = field(default_factory=Decayed)
    profile: Profile = field(default_factory=Profile)


class Shape(NamedTuple):
    """Multiples of the mean in the half hours around one: `values[BACK]` is `half_hour` itself, one more follows.

    `recent` is the mean over what the fast level remembers.
    """

    half_hour: int
    values: tuple[float, ...]
    recent: float

    def at(self, second: float) -> float:
        """Interpolated between the middles of half hours."""
        x = second / HALF_HOUR - 0.5 - self.half_hour + BACK
        i, values = int(x), self.values
        return values[i] + (values[i + 1] - values[i]) * (x - i)


FLAT = (1.0,) * (BACK + 2)
RECENT_WEIGHTS = tuple(exp(-k * HALF_HOUR / MINUTE / FAST_TAU) for k in range(BACK))


class Times(NamedTuple):
    """Wall half hours: the one that is asked of, the first that is not known yet, the one the series began in.

    `more` is one that is known, but whose count the profile has not been given yet.
    """

    now: int
    known: int
    start: int
    more: tuple[int, float] | None


def shape_of(profile: Profile, half_hour: int, times: Times, phi: float) -> Shape:
    """The shape around `half_hour`, which on the wall is `times.now`."""
    if profile.day_step == 0 and times.more is None:
        return Shape(half_hour, FLAT, 1.0)
    day = profile.shape(times.known, times.start, phi, times.more)
    week = profile.days(times.known, times.start, phi)
    values = tuple(
        max(day[w % BINS] * (1.0 if week is None else week[w // BINS % 7]), LEAST_SHAPE)
        for w in range(times.now - BACK, times.now + 2)
    )
    recent = sum(v * w for v, w in zip(reversed(values[1 : BACK + 1]), RECENT_WEIGHTS, strict=True))
    return Shape(half_hour, values, recent / sum(RECENT_WEIGHTS))


class Usual(Struct, frozen=True):
    """A stated prior of the rate: `count` mentions in `seconds`."""

    count: float
    seconds: float


def stated(per_day: float | None) -> Usual:
    """The prior that a rule's `usual` is worth; nothing said is worth nothing."""
    if per_day is None or per_day <= 0.0:
        return Usual(0.0, 0.0)
    seconds = min(USUAL_S, USUAL_COUNT * DAY / per_day)
    return Usual(per_day / DAY * seconds, seconds)


class Rate(NamedTuple):
    """Mentions per second, how many mentions' worth of knowledge that rests on, and the fast level's ratio."""

    slow: float
    knowledge: float
    ratio: float


def rate_of(levels: Levels, usual: Usual, shape: Shape, phi: float, final: int, start: int) -> Rate:
    """The levels as learnt up to second `final`."""
    age = final - start if final > start else 0
    minute = final // MINUTE
    trust = exp(-age / USUAL_TAU)
    count = levels.slow.at(minute, SLOW_TAU) + UNKNOWN_COUNT + usual.count * trust
    time = exposure(age, SLOW_TAU * MINUTE) + UNKNOWN_S + usual.seconds * trust
    slow = count / time
    pseudo = FAST_PSEUDO * phi
    expected = slow * shape.recent * exposure(age, FAST_TAU * MINUTE)
    ratio = (levels.fast.at(minute, FAST_TAU) + pseudo) / (expected + pseudo)
    return Rate(slow, count, ratio)

"""How rare a surprise is for this very series: peaks over a threshold, one value per clock hour.

The deviance of a well-behaved series has an exponential tail of scale 1; real ones have their own. For each clock
hour only the greatest value counts (correlated ticks of one burst are one piece of evidence). How often that exceeds
`over`, and by how much, gives the chance per hour of any greater value:

    P(hour's maximum > x) = often * exp(-(x - over) / scale)

Both are ratios of decayed sums to what was expected of them, with a stated prior, so the answer exists from minute one
and hours with nothing in them cost nothing: they are in the closed-form number of hours. Source: Coles, An
Introduction to Statistical Modeling of Extreme Values (2001), chapter 4, with shape 0.
"""

from math import exp, log
from typing import Final

from msgspec import Struct, field

from warn.detect.decay import blocks

HOURS: Final = 672.0
"""28 days: the hours in which what was learnt of a tail is forgotten to 1/e."""
FARTHEST: Final = 5.0
"""An excess is learnt as at most so many scales: a crisis must not set the measure for the next."""
LOUD: Final = 0.3
"""What an hour in which the series was loud counts for."""
PAUSE: Final = 8
"""Hours within which exceptional hours are one episode, as pages are one incident."""
LN10: Final = log(10.0)


class Prior(Struct, frozen=True):
    """What is believed of a tail before anything was seen; `hours` and `excesses` say how firmly."""

    over: float
    often: float
    scale: float
    hours: float = 48.0
    excesses: float = 6.0


SCORES: Final = Prior(over=1.0, often=0.1, scale=1.0 / LN10)
"""Of scores themselves the prior is that they mean what they say."""


class Tail(Struct):
    """The tail of one quantity. `number` and `excess` are decayed sums, `hour` the last that was added to."""

    number: float = 0.0
    excess: float = 0.0
    hour: int = 0

    def fit(self, prior: Prior, hour: int, start: int) -> tuple[float, float]:
        """(often, scale) as they stand when `hour` begins, the series having begun in hour `start`."""
        fade = exp((self.hour - hour) / HOURS) if hour > self.hour else 1.0
        number, excess = self.number * fade, self.excess * fade
        often = (number + prior.often * prior.hours) / (blocks(hour - start, HOURS) + prior.hours)
        scale = (excess + prior.scale * prior.excesses) / (number + prior.excesses)
        return min(often, 1.0), scale

    def take(self, value: float, prior: Prior, hour: int, start: int, *, loud: bool = False) -> None:
        """Take the greatest value of `hour`; what does not exceed the threshold is no lesson but the hour itself.

        A loud hour says that such things happen, and nothing of how large they usually are.
        """
        if value <= prior.over:
            return
        scale = self.fit(prior, hour, start)[1]
        weight = LOUD if loud else 1.0
        excess = scale if loud else min(value - prior.over, FARTHEST * scale)
        fade = exp((self.hour - hour) / HOURS)
        self.number = self.number * fade + weight
        self.excess = self.excess * fade + weight * excess
        self.hour = hour


class Episodes(Struct):
    """The tail of the scores: one value per episode, the greatest of the 8 hours since it began.

    `bar` is the threshold that was in force at that value. What lies above the bar is learnt as the bar and one
    scale, its mean: so crises rarer than the budget hardly move the threshold, and a series that crosses it day after
    day raises it until the budget holds.
    """

    tail: Tail = field(default_factory=Tail)
    hour: int = 0
    peak: float = 0.0
    bar: float = 0.0

    def take(self, peak: float, bar: float, hour: int, start: int) -> None:
        """Take the greatest score of `hour`."""
        if peak <= SCORES.over:
            return
        if hour - self.hour < PAUSE:
            if peak > self.peak:
                self.peak, self.bar = peak, bar
            return
        if self.hour:
            most = self.bar + self.tail.fit(SCORES, self.hour, start)[1]
            self.tail.take(min(self.peak, most), SCORES, self.hour, start)
        self.hour, self.peak, self.bar = hour, peak, bar

    def bar_for(self, per_hour: float, hour: int, start: int) -> float:
        """The score that is exceeded so often."""
        often, scale = self.tail.fit(SCORES, hour, start)
        return SCORES.over + scale * log(often / per_hour)

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

from msgspec import Struct

from warn.detect.decay import blocks

HOURS = 672.0
"""28 days: the hours in which what was learnt of a tail is forgotten to 1/e."""
import os
FARTHEST = float(os.environ.get('FAR','8'))
"""An excess is learnt as at most so many scales: a crisis must not set the measure for the next."""
LN10 = log(10.0)


class Prior(Struct, frozen=True):
    """What is believed of a tail before anything was seen; `hours` and `excesses` say how firmly."""

    over: float
    often: float
    scale: float
    hours: float = 48.0
    excesses: float = 6.0


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

    def add(self, value: float, prior: Prior, hour: int, start: int, weight: float, plain=False) -> None:
        """Take the greatest value of `hour`; what does not exceed the threshold is no lesson but the hour itself."""
        if value <= prior.over or weight <= 0.0:
            return
        scale = self.fit(prior, hour, start)[1]
        fade = exp((self.hour - hour) / HOURS)
        self.number = self.number * fade + weight
        self.excess = self.excess * fade + weight * (scale if plain else min(value - prior.over, FARTHEST * scale))
        self.hour = hour

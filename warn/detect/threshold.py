"""`threshold`: a fixed limit, for whoever knows theirs. It learns nothing and needs no warm-up.

detector: {threshold: {above: 20, window: 1h}}
"""

from math import floor, inf
from typing import Final

import msgspec
from msgspec import Struct

from warn.detect.base import Sample, Verdict
from warn.detect.params import no_others, number, seconds

TICK: Final = 10
LONGEST: Final = 6 * 3600
NAMES: Final = ("above", "window")
STATE: Final = msgspec.msgpack.encode(["threshold", 1])


class Limit(Struct, frozen=True):
    """`above` so many within `window` seconds."""

    above: float
    window: int = 3600


def check(params: dict[str, object]) -> list[str]:
    """What is wrong with the parameters, in words for a rule file."""
    wrong = no_others(params, NAMES)
    if "above" not in params:
        wrong.append("threshold needs `above`: the limit, as in {above: 20, window: 1h}")
    else:
        wrong += number("above", params["above"], least=0.0, most=1e12)
    if "window" in params:
        wrong += seconds("window", params["window"], least=TICK, most=LONGEST, whole=TICK)[1]
    return wrong


def limit(params: dict[str, object]) -> Limit:
    """The parameters; ValueError where `check` has something to say."""
    wrong = check(params)
    if wrong:
        raise ValueError("; ".join(wrong))
    window = seconds("window", params.get("window", 3600), least=TICK, most=LONGEST, whole=TICK)[0]
    return Limit(float(str(params["above"])), window)


class Threshold:
    """Exceptional when more than the limit is counted in the window; the score is the count."""

    learns_zeros = False

    def __init__(self, limit: Limit) -> None:
        self.windows: tuple[int, ...] = (limit.window,)
        # Counts are whole numbers: the first one that is more than the limit.
        self._least = floor(limit.above) + 1.0 if limit.above < inf else inf

    def judge(self, sample: Sample) -> Verdict:
        """The limit rises with a planned lift: who expects five times the usual means it here too."""
        seen = sample.counts[0]
        least = self._least if sample.lift == 1.0 else floor((self._least - 1.0) * sample.lift) + 1.0
        return Verdict(float(seen), least, self.windows[0], seen, 0.0, 0.0, least - 1.0)

    def learn(self, sample: Sample) -> None:
        """There is nothing to learn."""

    def to_state(self) -> bytes:
        """A mark of the kind of detector, and nothing else."""
        return STATE

    def from_state(self, body: bytes) -> None:
        """ValueError for anything but that mark."""
        if body != STATE:
            raise ValueError("no state of a threshold detector")

"""How `spike` looks at a series: which windows, against which baseline, and what it believes before it has learnt."""

from typing import Final, NamedTuple

from msgspec import Struct

from warn.detect.baseline import MINUTE, Shape
from warn.detect.tail import Prior

HOUR: Final = 3600


class Look(NamedTuple):
    """A window in seconds, against the fast or the slow baseline, and the prior of its surprises' hourly maximum."""

    window: int
    fast: bool
    tail: Prior


def _tail(often: float) -> Prior:
    return Prior(over=3.0, often=often, scale=1.0)


LOOKS: Final = (
    Look(60, True, _tail(0.40)),
    Look(180, True, _tail(0.30)),
    Look(300, True, _tail(0.25)),
    Look(900, True, _tail(0.15)),
    Look(900, False, _tail(0.15)),
    Look(3600, False, _tail(0.08)),
    Look(10800, False, _tail(0.05)),
)
PHI: Final = {
    "mentions": 1.3,
    "authors": 1.3,
    "care": 1.3,
    "platforms": 1.1,
    "negativity": 1.5,
    "echo": 8.0,
    "reach": 5000.0,
}
"""Dispersion believed before anything was seen. Votes come in lumps of a poll; followers by the account, and accounts
have hundreds or hundreds of thousands."""


def looks_of(step: int) -> tuple[Look, ...]:
    """The looks for lessons of `step` seconds: windows shorter than a lesson say nothing; one at least is left."""
    return tuple(x for x in LOOKS if x.window >= step) or (Look(step, False, LOOKS[-1].tail),)


class Setting(Struct, frozen=True, kw_only=True):
    """What a series is judged by. `budget`: false pages per 30 days; `usual`: its owner's idea of a day.

    `step` is what one lesson covers, in seconds. `conservative`: believe in heavier tails, which means fewer false
    pages, and flashes found later.
    """

    signal: str = "mentions"
    zone: str = "UTC"
    budget: float = 2.0
    usual: float | None = None
    conservative: bool = False
    step: int = MINUTE


DEFAULT: Final = Setting()


def mean_shapes(shape: Shape, at: int, windows: tuple[int, ...]) -> list[float]:
    """The mean of a shape over each of the windows before `at`, by half hours: one middle does for minutes.

    Windows of an hour go by their middle, of more by three; over days a shape is 1.
    """
    now, hour = shape.at(at - 300), shape.at(at - HOUR // 2)
    means = []
    for seconds in windows:
        if seconds < HOUR // 2:
            means.append(now)
        elif seconds <= HOUR:
            means.append(hour)
        elif seconds <= 3 * HOUR:
            means.append((hour + shape.at(at - 3 * HOUR // 2) + shape.at(at - 5 * HOUR // 2)) / 3.0)
        else:
            means.append(1.0)
    return means

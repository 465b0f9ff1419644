"""`spike` on made-up series: what it pages for, what it gets used to, and what it does not."""

import random
from collections.abc import Callable
from math import cos, pi

import pytest

from warn.detect.base import Sample, Verdict
from warn.detect.looks import Setting
from warn.detect.spike import Spike

START = 1_700_006_400
"""A Wednesday, 00:00 UTC."""
DAY = 1440


class World:
    """A series by the minute, told to a detector as detect does it: judged now, learnt ten minutes later."""

    def __init__(self, setting: Setting) -> None:
        self.spike = Spike(START, setting)
        self.sums = [0]
        self.learnt = 0

    def minute(self, count: int, lift: float = 1.0) -> Verdict:
        self.sums.append(self.sums[-1] + count)
        now = len(self.sums) - 1
        while self.learnt < now - 10:
            self.learnt += 1
            if self.sums[self.learnt] != self.sums[self.learnt - 1]:
                self.spike.learn(self._sample(self.learnt, lift))
        return self.spike.judge(self._sample(now, lift))

    def _sample(self, minute: int, lift: float) -> Sample:
        sums = self.sums
        counts = tuple(sums[minute] - sums[max(0, minute - w // 60)] for w in self.spike.windows)
        return Sample(START + minute * 60, sums[minute] - sums[minute - 1], counts, lift)

    def run(self, minutes: int, count: Callable[[int], int]) -> list[Verdict]:
        begin = len(self.sums) - 1
        return [self.minute(count(begin + i)) for i in range(minutes)]


def _poisson(rng: random.Random, mean: float) -> int:
    n, left = 0, rng.expovariate(1.0)
    while left < mean:
        n, left = n + 1, left + rng.expovariate(1.0)
    return n


def test_a_quiet_brand_pages_for_eight_mentions_in_an_hour() -> None:
    """A mention a day for a month, and then eight in an hour: low volume is first-class."""
    world = World(Setting(budget=0.7))
    quiet = world.run(30 * DAY, lambda i: int(i % DAY == 700))
    assert not any(v.exceptional for v in quiet[2 * DAY :])
    crisis = world.run(60, lambda i: int(i % 7 == 0))
    assert any(v.exceptional for v in crisis)
    assert not crisis[-1].learning


@pytest.mark.parametrize("mean", [0.2, 2.0, 20.0, 200.0])
def test_a_busy_brand_does_not_page_for_being_busy(mean: float) -> None:
    """Where collection starts is no event, however large the brand."""
    rng = random.Random(4)
    busy = World(Setting()).run(DAY, lambda _: _poisson(rng, mean))
    assert not any(v.exceptional for v in busy[:180])
    assert sum(v.exceptional for v in busy) <= 2
    assert all(v.learning for v in busy)


def test_the_first_day_is_not_deaf() -> None:
    """Half a day of silence is enough to know that thirty mentions in half an hour are none."""
    silent = World(Setting())
    silent.run(12 * 60, lambda _: 0)
    assert any(v.exceptional for v in silent.run(30, lambda _: 1))


def test_usual_is_believed_from_minute_one() -> None:
    """What an owner calls usual tells forty mentions in an hour from an ordinary one, before anything was learnt."""
    told = World(Setting(usual=1000.0)).run(60, lambda i: int(i % 3 != 0))
    assert not any(v.exceptional for v in told)
    small = World(Setting(usual=10.0)).run(60, lambda i: int(i % 3 != 0))
    assert any(v.exceptional for v in small)


def test_day_and_night_are_told_apart() -> None:
    """After a fortnight the afternoon peak is expected, and half of it at night is not."""
    rng = random.Random(7)
    by_day = lambda i: _poisson(rng, 0.1 + 4.0 * (0.5 - 0.5 * cos(2 * pi * (i - 180) / DAY)) ** 2)  # noqa: E731
    world = World(Setting())
    world.run(14 * DAY, by_day)
    verdicts = world.run(DAY, by_day)
    assert sum(v.exceptional for v in verdicts) <= 3
    world.run(3 * 60, by_day)
    night = world.run(60, lambda _: 2)
    assert any(v.exceptional for v in night)


def test_local_time_is_the_brands() -> None:
    """The same lessons make another shape in another zone, and none of it moves when the clocks go back."""
    shapes = {}
    for zone in ("UTC", "Europe/Amsterdam"):
        world = World(Setting(zone=zone))
        world.run(5 * DAY, lambda i: 5 if i % DAY < 60 else 1)
        shapes[zone] = world.spike._learned.levels.profile.day
    assert shapes["UTC"].index(max(shapes["UTC"])) in (0, 1)
    amsterdam = shapes["Europe/Amsterdam"]
    assert amsterdam.index(max(amsterdam)) in (2, 3)


def test_a_crisis_does_not_become_the_usual_at_once_but_a_new_level_does() -> None:
    """Two hours of ten times the usual leave the bar where it was; three weeks of it are the usual."""
    rng = random.Random(3)
    world = World(Setting())
    world.run(10 * DAY, lambda _: _poisson(rng, 1.0))
    assert any(v.exceptional for v in world.run(120, lambda _: _poisson(rng, 10.0)))
    world.run(2 * DAY, lambda _: _poisson(rng, 1.0))
    assert any(v.exceptional for v in world.run(120, lambda _: _poisson(rng, 10.0)))
    world.run(21 * DAY, lambda _: _poisson(rng, 10.0))
    assert sum(v.exceptional for v in world.run(DAY, lambda _: _poisson(rng, 10.0))) <= 3


def test_ordinary_lumps_are_learnt_and_the_first_one_is_not_waited_for() -> None:
    """Votes of a poll: 150 at once page on a quiet brand, and do not on one that has them twice a day."""
    quiet = World(Setting(signal="echo"))
    quiet.run(20 * DAY, lambda i: 3 if i % (2 * DAY) == 0 else 0)
    assert any(v.exceptional for v in quiet.run(60, lambda i: 150 if i % 60 == 0 else 0))
    rng = random.Random(11)
    used = World(Setting(signal="echo"))
    lumpy = lambda _: int(rng.lognormvariate(4.0, 0.7)) if rng.random() < 1 / 45 else 0  # noqa: E731
    used.run(20 * DAY, lumpy)
    pages = used.run(10 * DAY, lumpy)
    assert sum(v.exceptional for v in pages) <= 60
    assert any(v.exceptional for v in used.run(60, lambda i: 3000 if i % 60 == 30 else 0))


def test_a_planned_lift_is_expected() -> None:
    world = World(Setting())
    world.run(5 * DAY, lambda _: 1)
    assert not any(world.minute(3, lift=4.0).exceptional for _ in range(60))
    assert any(world.minute(12).exceptional for _ in range(30))


@pytest.mark.parametrize("budget", [1.0, 4.0, 30.0])
def test_the_budget_is_a_ceiling(budget: float) -> None:
    """Nothing that is learnt brings the threshold under what the budget says."""
    rng = random.Random(1)
    world = World(Setting(budget=budget))
    verdicts = world.run(20 * DAY, lambda _: _poisson(rng, 0.05))
    nominal = World(Setting(budget=budget)).minute(0).threshold
    assert min(v.threshold for v in verdicts) >= nominal - 1e-9


def test_a_larger_count_never_scores_less() -> None:
    """So that `would not have paged under` can be found by bisection."""
    world = World(Setting())
    rng = random.Random(5)
    world.run(4 * DAY, lambda _: _poisson(rng, 0.5))
    at = START + (len(world.sums) + 1) * 60
    scores = [world.spike.judge(Sample(at, n, (n,) * 6)).score for n in range(0, 400, 7)]
    assert scores == sorted(scores)


def test_state_is_small_and_of_one_version() -> None:
    world = World(Setting())
    rng = random.Random(2)
    world.run(30 * DAY, lambda _: _poisson(rng, 3.0))
    body = world.spike.to_state()
    assert len(body) <= 4096
    with pytest.raises(ValueError, match="version 99"):
        Spike(START).from_state(body.replace(b"\xa7version\x01", b"\xa7version\x63"))
    with pytest.raises(ValueError, match="other windows"):
        Spike(START, Setting(step=300)).from_state(body)

"""Laws of `spike` over any series: what is not told, when it is judged, and where it is restarted change nothing."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from warn.detect.base import Sample
from warn.detect.decay import Decayed, blocks, exposure
from warn.detect.looks import Setting
from warn.detect.profile import exposure_of
from warn.detect.spike import Spike

START = 1_711_843_200
"""31 March 2024, 00:00 UTC: the day on which Europe changes its clocks."""

Counts = st.lists(st.tuples(st.integers(1, 2000), st.integers(1, 300)), min_size=1, max_size=60)
"""(minutes since the last that had something, what this one had)."""
ZONES = st.sampled_from(["UTC", "Europe/Amsterdam", "Asia/Kathmandu", "America/New_York"])


def _samples(counts: list[tuple[int, int]], windows: tuple[int, ...]) -> list[Sample]:
    at, seen, samples = START, [], []
    for gap, value in counts:
        at += gap * 60
        seen.append((at, value))
        sums = tuple(sum(v for t, v in seen if at - w < t <= at) for w in windows)
        samples.append(Sample(at, value, sums))
    return samples


def _learned(setting: Setting, samples: list[Sample]) -> Spike:
    spike = Spike(START, setting)
    for sample in samples:
        spike.learn(sample)
    return spike


@settings(max_examples=60, deadline=None)
@given(Counts, ZONES, st.integers(0, 10**9))
def test_when_it_is_judged_does_not_matter(counts: list[tuple[int, int]], zone: str, seed: int) -> None:
    """Judging often, seldom, late or early leaves the same bytes and the same verdicts."""
    setting, rng = Setting(zone=zone, signal="echo"), random.Random(seed)
    plain, asked = Spike(START, setting), Spike(START, setting)
    for sample in _samples(counts, plain.windows):
        at = sample.at + 600
        for _ in range(rng.randrange(4)):
            asked.judge(sample._replace(at=at + 10 * rng.randrange(700)))
        plain.learn(sample)
        asked.learn(sample)
        assert plain.judge(sample._replace(at=at)) == asked.judge(sample._replace(at=at))
    assert plain.to_state() == asked.to_state()


@settings(max_examples=60, deadline=None)
@given(Counts, ZONES, st.data())
def test_a_restart_anywhere_changes_nothing(
    counts: list[tuple[int, int]], zone: str, data: st.DataObject
) -> None:
    """Saved after any lesson and restored, it judges and learns on to the same bytes."""
    setting = Setting(zone=zone)
    samples = _samples(counts, Spike(START, setting).windows)
    cut = data.draw(st.integers(0, len(samples)))
    whole = _learned(setting, samples[:cut])
    whole.judge(samples[-1]._replace(at=START + 86400))
    restored = Spike(START, setting)
    restored.from_state(whole.to_state())
    for sample in samples[cut:]:
        later = sample._replace(at=sample.at + 1800)
        assert whole.judge(later) == restored.judge(later)
        whole.learn(sample)
        restored.learn(sample)
    assert whole.to_state() == restored.to_state()


@settings(max_examples=60, deadline=None)
@given(Counts, st.integers(0, 10**9))
def test_empty_minutes_change_no_byte(counts: list[tuple[int, int]], seed: int) -> None:
    """Told of any of the minutes that had nothing, it keeps the same bytes as if it had not been told."""
    rng, setting = random.Random(seed), Setting()
    samples = _samples(counts, Spike(START, setting).windows)
    told = Spike(START, setting)
    last = START
    for sample in samples:
        for at in sorted(rng.sample(range(last, sample.at, 60), k=min(5, (sample.at - last) // 60))):
            told.learn(Sample(at, 0, (0,) * 6))
        told.learn(sample)
        last = sample.at
    assert told.to_state() == _learned(setting, samples).to_state()


@settings(max_examples=40, deadline=None)
@given(Counts, st.lists(st.integers(0, 500), min_size=2, max_size=6, unique=True))
def test_more_never_scores_less(counts: list[tuple[int, int]], sizes: list[int]) -> None:
    spike = _learned(Setting(), _samples(counts, Spike(START).windows))
    at = START + sum(g for g, _ in counts) * 60 + 1200
    scores = [spike.judge(Sample(at, n, (n,) * 6)).score for n in sorted(sizes)]
    assert scores == sorted(scores)


@given(st.integers(0, 5000), st.integers(1, 5000), st.floats(1.0, 1e5))
def test_a_sum_over_a_jump_is_one_power(value: int, jump: int, tau: float) -> None:
    """Adding nothing on the way changes neither the bytes nor the sum."""
    one, two = Decayed(float(value), 0), Decayed(float(value), 0)
    for step in range(0, jump, max(1, jump // 7)):
        two.add(0.0, step, tau)
    assert one.at(jump, tau) == two.at(jump, tau)
    assert 0.0 <= one.at(jump, tau) <= value


@given(st.integers(0, 400), st.floats(2.0, 500.0))
def test_blocks_are_the_sum_they_stand_for(number: int, tau: float) -> None:
    from math import exp, isclose

    assert isclose(
        blocks(number, tau), sum(exp(-k / tau) for k in range(number)), rel_tol=1e-9, abs_tol=1e-12
    )
    assert exposure(number, tau) <= min(number, tau) + 1e-9


@given(st.integers(0, 2000), st.integers(0, 600), st.sampled_from([(48, 384.0), (7, 35.0)]))
def test_exposures_are_counted_like_a_calendar(start: int, passed: int, cycle: tuple[int, float]) -> None:
    """In closed form what going through every half hour, or every day, would give."""
    from math import exp, isclose

    slots, tau = cycle
    now = start + passed
    for slot in range(slots):
        stepped = sum(exp((step - now) / tau) for step in range(start, now) if step % slots == slot)
        assert isclose(exposure_of(slot, start, now, slots, tau), stepped, rel_tol=1e-9, abs_tol=1e-12)

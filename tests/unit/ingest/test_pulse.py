"""What is learned of how often a source is heard, and how its silence is told from a quiet night."""

import math
import random
from collections.abc import Callable

import pytest

from warn.ingest.pulse import Pulses

DAY = 86_400


def _by_day(now: int) -> float:
    """More by day than at night."""
    return 1 + math.sin((now // 3_600 % 24 - 9) / 24 * 2 * math.pi)


def _at_work(now: int) -> float:
    """From Monday to Friday, 8 to 17; hardly ever at night and in the weekend."""
    works = (now // DAY + 3) % 7 < 5 and 8 <= now // 3_600 % 24 < 17
    return 7 * 24 / (5 * 9) if works else 0.02


def _lived(
    pulses: Pulses,
    days: float,
    per_day: float,
    rng: random.Random,
    start: int,
    kept: dict[bytes, bytes] | None = None,
    shape: Callable[[int], float] = _by_day,
) -> tuple[int, int]:
    """So many days of somebody who speaks as `shape` has it, at each second of his; (alarms, seconds now)."""
    alarms, was = 0, False
    for minute in range(int(days * 1_440)):
        now = start + minute * 60
        rate = per_day / 1_440 * shape(now)
        if rng.random() < 1 - math.exp(-rate):
            pulses.look(now + 30, {"x": now + 20}, ())
        pulses.look(now + 59, {}, ())
        for key, body in pulses.changes(now).items():
            if kept is not None and body is not None:
                kept[key] = body
        is_silent = pulses.silent("x") is not None
        alarms, was = alarms + (is_silent and not was), is_silent
    return alarms, start + int(days * 1_440) * 60


@pytest.mark.parametrize(("per_day", "within_min"), [(5, 5_760), (100, 700), (600, 500)])
def test_a_pulse_is_learned_and_its_end_noticed(per_day: float, within_min: int) -> None:
    """Not before two weeks, hardly ever for nothing, and within hours when it stops, or of one that says five things a day
    within days; all of it survives a restart.
    """
    rng, pulses = random.Random(int(per_day)), Pulses()
    start = 1_700_000_000 // 3_600 * 3_600
    alarms, now = _lived(pulses, 13, per_day, rng, start)
    assert (alarms, pulses.usual_s("x")) == (0, 0)
    kept: dict[bytes, bytes] = {}
    alarms, now = _lived(pulses, 60, per_day, rng, now, kept)
    assert alarms <= 1
    assert sum(len(body) for body in kept.values()) < 500
    again = Pulses()
    again.restore(kept)
    _, now = _lived(again, 0.1, per_day, rng, now)
    assert again.usual_s("x") > 0
    for minute in range(within_min):
        again.look(now + minute * 60 + 59, {}, ())
    assert again.silent("x") is not None


def test_a_silence_outlasts_restarts() -> None:
    """Of a source that is missed only after two days, by a warn that is started anew every day, for some minutes."""
    rng, pulses = random.Random(8), Pulses()
    kept: dict[bytes, bytes] = {}
    _, now = _lived(pulses, 60, 6, rng, 1_700_000_000 // 3_600 * 3_600, kept)
    for day in range(5):
        pulses = Pulses()
        pulses.restore(kept)
        for minute in range(7, 1_440):
            second = now + day * DAY + minute * 60
            pulses.look(second + 59, {}, ())
            kept |= {key: body for key, body in pulses.changes(second).items() if body is not None}
        if pulses.silent("x") is not None:
            assert 1 <= day <= 3
            break
    else:
        raise AssertionError("it was never missed")
    again = Pulses()
    again.restore(kept)
    for minute in range(7 * 1_440, 7 * 1_440 + 60):
        again.look(now + minute * 60 + 59, {}, ())
    assert again.silent("x") is None, "after a pause of days nobody can tell"


def test_quiet_nights_and_weekends_are_no_silence() -> None:
    """Of a source that speaks at work. When it stops on a Friday evening, that shows on Monday, and not before."""
    rng, pulses = random.Random(4), Pulses()
    friday = 1_700_000_000 // DAY * DAY + 3 * DAY + 18 * 3_600
    assert (friday // DAY + 3) % 7 == 4
    alarms, now = _lived(pulses, 70, 100, rng, friday, shape=_at_work)
    assert alarms == 0
    silent = []
    for minute in range(4 * 1_440):
        pulses.look(now + minute * 60 + 59, {}, ())
        if pulses.silent("x") is not None:
            silent.append(minute)
    hours = silent[0] / 60
    assert 62 < hours < 62 + 8


def test_a_source_that_is_down_teaches_nothing_and_is_not_silent_besides() -> None:
    rng, pulses = random.Random(1), Pulses()
    _, now = _lived(pulses, 20, 300, rng, 1_700_000_000 // 3_600 * 3_600)
    usual = pulses.usual_s("x")
    for minute in range(7 * 1_440):
        pulses.look(now + minute * 60 + 59, {}, {"x"})
    assert pulses.silent("x") is None
    assert pulses.usual_s("x") == usual


def test_a_rare_source_is_never_silent_by_what_was_learned() -> None:
    pulses = Pulses()
    _, now = _lived(pulses, 40, 2, random.Random(2), 1_700_000_000 // 3_600 * 3_600)
    for minute in range(10 * 1_440):
        pulses.look(now + minute * 60 + 59, {}, ())
        assert pulses.silent("x") is None

"""What every detector must keep: run it in a test, with a function that makes a fresh one.

    def test_mine() -> None:
        check_detector(lambda: Mine(start=START))

`START` is when the fresh detector's series begins. The suite speaks to it as detect does: judgements at any tick,
lessons of final minutes in order of time, ten minutes behind; empty minutes only to those that ask for them.
"""

from collections.abc import Callable, Iterable, Iterator
from math import isfinite
from typing import Final

from warn.detect.base import Detector, Sample, Verdict

START: Final = 1_700_000_040
"""A whole minute: when the series of the suite begins."""
MINUTES: Final = 50 * 60
"""Long enough to be past any warm-up that a page can wait for."""
LARGEST: Final = 1_000_000
ORDINARY: Final = 3
SPIKE: Final = 400

Make = Callable[[], Detector]


def check_detector(make: Make) -> None:
    """Raises AssertionError that says which promise is broken."""
    check_unlearned(make)
    check_judging_changes_nothing(make)
    check_silence(make)
    check_spike(make)
    check_state(make)
    check_zero_lessons(make)
    check_garbage(make)


def check_unlearned(make: Make) -> None:
    """A detector judges before it has learnt anything, and nothing at all is never exceptional."""
    detector = make()
    assert detector.windows, "a detector has at least one window"
    assert all(w > 0 and w % 10 == 0 and w <= 6 * 3600 for w in detector.windows), (
        "windows are whole ticks up to 6 h"
    )
    _sane(detector.judge(_sample(detector, START + 60, {})))
    _sane(detector.judge(_sample(detector, START + 60, {START + 60: SPIKE})))
    assert not detector.judge(_sample(detector, START + 60, {})).exceptional, (
        "an unlearnt detector pages for nothing"
    )


def check_judging_changes_nothing(make: Make) -> None:
    """Judging twice is judging once: the same verdict, and not a byte of state moves."""
    detector, series = make(), _steady(MINUTES)
    _teach(detector, series)
    before = detector.to_state()
    for at in (START + MINUTES * 60 + 10, START + MINUTES * 60 + 620, START + MINUTES * 60 + 86400):
        loud = _sample(detector, at, {**series, at - at % 60: SPIKE})
        first, second = detector.judge(loud), detector.judge(loud)
        assert first == second, f"judging changes the next judgement: {first} and then {second}"
    assert detector.to_state() == before, "judging changes the state"


def check_silence(make: Make) -> None:
    """Constant zeros are ordinary, for as long as they last."""
    detector = make()
    _teach(detector, {}, MINUTES)
    for days in (0, 1, 30):
        at = START + MINUTES * 60 + days * 86400
        verdict = detector.judge(_sample(detector, at, {}))
        _sane(verdict)
        assert not verdict.exceptional, f"silence is exceptional: {verdict}"


def check_spike(make: Make) -> None:
    """A hundred times the constant is exceptional; the constant itself is not."""
    detector, series = make(), _steady(MINUTES)
    _teach(detector, series)
    at = START + (MINUTES + 10) * 60
    series |= {START + (MINUTES + i) * 60: ORDINARY for i in range(1, 11)}
    calm = detector.judge(_sample(detector, at, series))
    assert not calm.exceptional, f"the constant is exceptional: {calm}"
    series |= {at - 60 * i: SPIKE for i in range(5)}
    found = _first_exceptional(detector, series, at)
    assert found is not None, "a hundred times the usual is not exceptional within an hour and a half"
    assert found.seen > found.expected, "what is exceptional is not more than what is expected"


def check_state(make: Make) -> None:
    """The same lessons give the same bytes, and a restored detector goes on as if it had never stopped."""
    first, second, series = make(), make(), _steady(MINUTES) | _bursts()
    for detector in (first, second):
        _teach(detector, series, MINUTES // 2)
    body = first.to_state()
    assert body == second.to_state(), "the same lessons give other bytes"
    assert len(body) <= LARGEST, f"{len(body)} bytes of state"
    restored = make()
    restored.from_state(body)
    assert restored.to_state() == body, "a restored detector has other bytes"
    for minute in range(MINUTES // 2 + 1, MINUTES + 1):
        at = START + minute * 60
        samples = [_sample(d, at, series) for d in (first, restored)]
        verdicts = [d.judge(s._replace(at=at + 600)) for d, s in zip((first, restored), samples, strict=True)]
        assert verdicts[0] == verdicts[1], (
            f"a restored detector judges otherwise at minute {minute}: {verdicts}"
        )
        for detector, sample in zip((first, restored), samples, strict=True):
            if sample.value or detector.learns_zeros:
                detector.learn(sample)
    assert first.to_state() == restored.to_state(), "a restored detector learns otherwise"
    assert abs(len(first.to_state()) - len(body)) <= len(body), "state grows with time"


def check_zero_lessons(make: Make) -> None:
    """Who is not told of empty minutes is not changed by one either: closed form, not steps."""
    detector = make()
    if detector.learns_zeros:
        return
    _teach(detector, _steady(600))
    before = detector.to_state()
    detector.learn(_sample(detector, START + 700 * 60, {}))
    assert detector.to_state() == before, "an empty minute changed the state"


def check_garbage(make: Make) -> None:
    """What is no state is refused with a ValueError, and leaves the detector as it was."""
    detector = make()
    _teach(detector, _steady(100))
    before = detector.to_state()
    for body in (b"", b"\x00" * 64, b"\xc1", b"\x80", before[:-1], before + b"\x00", b"\xff" + before[1:]):
        try:
            detector.from_state(body)
        except ValueError:
            pass
        else:
            raise AssertionError(f"garbage is taken for state: {body[:20]!r}")
        assert detector.to_state() == before, "garbage changed the detector"


def _steady(minutes: int) -> dict[int, int]:
    """The same every minute: count by the end of its minute."""
    return {START + m * 60: ORDINARY for m in range(1, minutes + 1)}


def _bursts() -> dict[int, int]:
    """Some ordinary trouble, so that there is more than one number to keep."""
    return {START + m * 60: ORDINARY + m % 11 for m in range(7, MINUTES + 1, 13)}


def _sample(detector: Detector, at: int, series: dict[int, int]) -> Sample:
    counts = tuple(_sum(series, at, w) for w in detector.windows)
    return Sample(at, _sum(series, at, 60), counts)


def _sum(series: dict[int, int], at: int, seconds: int) -> int:
    """What ended within the seconds before `at`; the minute that `at` is in counts once it has ended."""
    last = at - (at - START) % 60
    return sum(series.get(end, 0) for end in range(last, at - seconds, -60))


def _minutes(series: dict[int, int], minutes: int | None, *, zeros: bool) -> Iterator[int]:
    last = max(series, default=START) if minutes is None else START + minutes * 60
    ends: Iterable[int] = range(START + 60, last + 60, 60) if zeros else sorted(series)
    return (end for end in ends if end <= last)


def _teach(detector: Detector, series: dict[int, int], minutes: int | None = None) -> None:
    for end in _minutes(series, minutes, zeros=detector.learns_zeros):
        detector.learn(_sample(detector, end, series))


def _first_exceptional(detector: Detector, series: dict[int, int], at: int) -> Verdict | None:
    """An hour and a half of a spike that lasts, judged each minute and learnt ten minutes later."""
    for end in range(at, at + 5400, 60):
        series[end] = SPIKE
        detector.learn(_sample(detector, end - 600, series))
        verdict = detector.judge(_sample(detector, end, series))
        if verdict.exceptional:
            return verdict
    return None


def _sane(verdict: Verdict) -> None:
    for number in (verdict.score, verdict.threshold, verdict.expected, verdict.low, verdict.high):
        assert isfinite(number), f"a verdict with no number in it: {verdict}"
    assert verdict.score >= 0 and verdict.expected >= 0, f"a negative score or expectation: {verdict}"

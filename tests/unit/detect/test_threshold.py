"""A fixed limit, and what a rule file may say of it."""

import pytest

from warn.detect.base import Sample
from warn.detect.registry import check_params
from warn.detect.threshold import Threshold, limit


def test_more_than_the_limit() -> None:
    """`above: 20` is exceptional from 21 on."""
    detector = Threshold(limit({"above": 20, "window": "1h"}))
    assert detector.windows == (3600,)
    assert not detector.judge(Sample(3600, 0, (20,))).exceptional
    assert detector.judge(Sample(3600, 0, (21,))).exceptional


def test_a_planned_lift_raises_the_limit() -> None:
    """Whoever expects five times the usual is not paged at twice."""
    detector = Threshold(limit({"above": 20}))
    assert not detector.judge(Sample(3600, 0, (100,), 5.0)).exceptional
    assert detector.judge(Sample(3600, 0, (101,), 5.0)).exceptional


@pytest.mark.parametrize(
    ("params", "complaint"),
    [
        ({}, "needs `above`"),
        ({"above": True}, "must be a number"),
        ({"above": -1}, "between 0"),
        ({"above": 5, "window": "7s"}, "multiple of 10"),
        ({"above": 5, "window": "7h"}, "21600"),
        ({"above": 5, "window": "soon"}, "duration"),
        ({"above": 5, "windows": "1h"}, "unknown parameter `windows`"),
    ],
)
def test_complaints(params: dict[str, object], complaint: str) -> None:
    """Each mistake is told with what is allowed, and nothing is built on it."""
    wrong = check_params("threshold", params)
    assert len(wrong) == 1 and complaint in wrong[0]
    with pytest.raises(ValueError, match=r"\w"):
        limit(params)

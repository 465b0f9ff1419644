"""Input that was put aside in masses is counted whole and told in few lines."""

import time

from structlog.testing import capture_logs

from warn.telemetry import events
from warn.telemetry.letters import MOST_LINES, Few
from warn.telemetry.series import REGISTRY


def test_a_few_a_second_and_how_many_were_not_told() -> None:
    now = 10.0
    few = Few(2, lambda: now)
    assert [few.next() for _ in range(5)] == [0, 0, None, None, None]
    now = 11.0
    assert [few.next() for _ in range(2)] == [3, 0]


def test_five_thousand_letters_are_few_lines() -> None:
    def counted() -> float:
        labels = {"stage": "masses", "reason": "malformed"}
        return REGISTRY.get_sample_value("warn_dead_letters_total", labels) or 0.0

    started = time.monotonic()
    with capture_logs() as lines:
        for number in range(5_000):
            events.dead_letter("masses", "malformed", where=f"many data {number}")
    assert 0 < len(lines) <= MOST_LINES * (2 + time.monotonic() - started)
    assert counted() == 5_000

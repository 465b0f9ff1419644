"""What detect writes down of a rule each minute: the rolling sum of ten minutes against what is usual for ten."""

import math
from collections.abc import Iterator

from warn.detect.base import Sample, Verdict
from warn.lifecycle.alert import INACTIVE
from warn.lifecycle.conditions import lift_of
from warn.model.alerts import HistoryPoint
from warn.stages.slice import Slice

SPAN_S = 600
CHARTED = ("mentions", "echo", "care")


def points(one: Slice, at: int) -> Iterator[HistoryPoint]:
    """One point per rule and charted signal at tick `at`; a signal with nothing to show is left out."""
    for rule in one.rules:
        alert = one.alerts.get(rule.id, INACTIVE)
        charted = [s for s in CHARTED if s in rule.watch] or list(rule.watch[:1])
        for signal in charted:
            series, detector = one.series[signal], one.detectors[rule.id, signal]
            if signal == "care" and not one.care_shown(at):
                continue
            counts = series.windows(at, detector.windows)
            if not any(counts) and signal != charted[0]:
                continue
            verdict = detector.judge(Sample(at, series.window(at, 60), counts, lift_of(rule, at)))
            expected, low, high = scaled(verdict)
            yield HistoryPoint(
                brand=rule.brand,
                rule=rule.id,
                topic=one.topic.name,
                signal=signal,
                minute=at // 60 * 60,
                count=series.window(at, SPAN_S),
                expected=round(expected, 3),
                low=round(low, 3),
                high=round(high, 3),
                score=round(verdict.score, 3),
                threshold=round(verdict.threshold, 3),
                state=alert.state,
            )


def scaled(verdict: Verdict) -> tuple[float, float, float]:
    """Expected, low and high of a verdict's window, for ten minutes: means scale with time, bands with its root."""
    if verdict.window_s <= 0:
        return 0.0, 0.0, 0.0
    by = SPAN_S / verdict.window_s
    mean, root = verdict.expected * by, math.sqrt(by)
    low = max(0.0, mean - (verdict.expected - verdict.low) * root)
    return mean, low, mean + (verdict.high - verdict.expected) * root

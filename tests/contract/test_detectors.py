"""Every detector that a rule can name keeps what `check_detector` asks of it."""

from typing import Any

import pytest

from warn.detect.registry import DETECTORS, build, check_params
from warn.model.rules import SIGNALS, DetectorSpec, Rule
from warn.testing.check_detector import START, check_detector

RIVER: list[dict[str, Any]] = [
    {"model": "anomaly.GaussianScorer", "threshold": 0.9999},
    {"model": "anomaly.GaussianScorer", "params": {"window_size": 300}, "threshold": 0.9999},
    {"model": "anomaly.StandardAbsoluteDeviation", "threshold": 6},
    {
        "model": "anomaly.StandardAbsoluteDeviation",
        "params": {"sub_stat": {"stats.EWMean": {"fading_factor": 0.05}}},
        "threshold": 6,
    },
    {"model": "anomaly.HalfSpaceTrees", "limits": [0, 500], "threshold": 0.95},
    {"model": "anomaly.LODA", "threshold": 8},
    {"model": "anomaly.LocalOutlierFactor", "threshold": 50},
    {"model": "anomaly.PredictiveAnomalyDetection", "threshold": 1},
    {
        "model": "anomaly.PredictiveAnomalyDetection",
        "params": {"predictive_model": {"time_series.HoltWinters": {"alpha": 0.1}}, "n_std": 6},
        "threshold": 1,
    },
    {"model": "drift.ADWIN"},
    {"model": "drift.KSWIN", "params": {"alpha": 0.00001}},
    {"model": "drift.PageHinkley"},
]


def rule(name: str, params: dict[str, Any] | None = None, **more: Any) -> Rule:
    return Rule(
        id="Acme/Spike",
        alert="Spike",
        brand="Acme",
        topic="Acme/acme",
        detector=DetectorSpec(name, params or {}),
        **more,
    )


@pytest.mark.parametrize("signal", SIGNALS)
def test_spike(signal: str) -> None:
    check_detector(lambda: build(rule("spike"), signal, START))


@pytest.mark.parametrize("zone", ["Europe/Amsterdam", "Asia/Kathmandu", "America/St_Johns"])
def test_spike_elsewhere_and_conservative(zone: str) -> None:
    made = rule("spike", {"conservative": True}, timezone=zone, usual_per_day={"mentions": 4000})
    check_detector(lambda: build(made, "mentions", START))


def test_threshold() -> None:
    check_detector(lambda: build(rule("threshold", {"above": 200, "window": "10m"}), "mentions", START))


@pytest.mark.parametrize("params", RIVER, ids=lambda p: p["model"])
def test_river(params: dict[str, Any]) -> None:
    assert check_params("river", params) == []
    check_detector(lambda: build(rule("river", params), "mentions", START))


def test_all_are_here() -> None:
    """A detector that is registered is in this file."""
    assert set(DETECTORS) == {"spike", "threshold", "river"}

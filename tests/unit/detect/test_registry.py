"""From a rule to a detector, and what comes along with it."""

import subprocess
import sys

import pytest

from warn.detect.registry import build, check_params
from warn.detect.spike import Spike
from warn.model.rules import DetectorSpec, Rule


def _rule(**more: object) -> Rule:
    return Rule(id="Acme/Spike", alert="Spike", brand="Acme", topic="Acme/acme", **more)


def test_the_budget_is_shared_out_among_signals() -> None:
    """Three signals are three chances to page falsely."""
    alone = build(_rule(watch=("mentions",), budget_per_30d=3.0), "mentions", 0)
    shared = build(_rule(watch=("mentions", "authors", "echo"), budget_per_30d=9.0), "mentions", 0)
    assert isinstance(alone, Spike) and isinstance(shared, Spike)
    assert alone._nominal == shared._nominal


def test_a_budget_of_nothing_is_a_high_bar_and_no_error() -> None:
    detector = build(_rule(budget_per_30d=0.0), "mentions", 0)
    assert isinstance(detector, Spike) and detector._nominal < 6.0


def test_unknown_detectors_are_told() -> None:
    assert "there are spike, threshold, river" in check_params("prophet", {})[0]
    with pytest.raises(ValueError, match="prophet"):
        build(_rule(detector=DetectorSpec("prophet")), "mentions", 0)
    assert "`colour`" in check_params("spike", {"colour": 1})[0]
    assert "true or false" in check_params("spike", {"conservative": "yes"})[0]


def test_river_comes_only_when_it_is_named() -> None:
    """Building and checking the rest imports neither river nor scipy, which cost a second and 80 MB."""
    code = """
import sys
from warn.detect.registry import build, check_params
from warn.model.rules import Rule
assert check_params("spike", {}) == [] and check_params("threshold", {"above": 1}) == []
build(Rule(id="a/b", alert="b", brand="a", topic="a/t"), "mentions", 0)
import warn.detect.score
heavy = [m for m in sys.modules if m.partition(".")[0] in ("river", "scipy", "numpy", "pandas")]
assert not heavy, heavy
assert check_params("river", {"model": "drift.ADWIN"}) == []
assert "river" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)

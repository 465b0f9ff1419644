"""The one place that knows every detector: from a rule to the detector of one of its series.

A new one is a file beside this, an entry in DETECTORS, a line in tests/contract/test_detectors.py and a heading in
docs/detection.md. River is imported only when a rule names it: scipy comes with it.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from warn.detect import threshold
from warn.detect.base import Detector
from warn.detect.looks import Setting
from warn.detect.params import no_others, truth
from warn.detect.spike import Spike
from warn.model.rules import Rule

LEAST_BUDGET: Final = 0.01
"""False pages per 30 days: less is once in a lifetime, which no data can show."""


class Kind(NamedTuple):
    """How one kind of detector is made, and how its parameters are checked."""

    build: Callable[[Rule, str, int], Detector]
    check: Callable[[dict[str, object]], list[str]]


def _spike(rule: Rule, signal: str, start: int) -> Detector:
    # Each watched signal is one more chance to page falsely: the rule's share is shared out among them.
    budget = max(rule.budget_per_30d / max(len(rule.watch), 1), LEAST_BUDGET)
    return Spike(
        start,
        Setting(
            signal=signal,
            zone=rule.timezone,
            budget=budget,
            usual=rule.usual_per_day.get(signal),
            conservative=bool(rule.detector.params.get("conservative", False)),
        ),
    )


def _check_spike(params: dict[str, object]) -> list[str]:
    wrong = no_others(params, ("conservative",))
    return wrong + truth("conservative", params["conservative"]) if "conservative" in params else wrong


def _threshold(rule: Rule, signal: str, start: int) -> Detector:
    del signal, start  # a limit is the same for all signals, at all times
    return threshold.Threshold(threshold.limit(rule.detector.params))


def _river(rule: Rule, signal: str, start: int) -> Detector:
    from warn.detect.river import River, model_of

    del signal  # a model learns what it is shown

    return River(model_of(rule.detector.params), start)


def _check_river(params: dict[str, object]) -> list[str]:
    from warn.detect.river import check

    return check(params)


DETECTORS: Final = {
    "spike": Kind(_spike, _check_spike),
    "threshold": Kind(_threshold, threshold.check),
    "river": Kind(_river, _check_river),
}


def build(rule: Rule, signal: str, start: int) -> Detector:
    """The detector of one series; `start` is the event second at which it began, a whole minute.

    ValueError for a detector or a parameter that `check_params` complains of.
    """
    return _kind(rule.detector.name).build(rule, signal, start)


def check_params(name: str, params: dict[str, object]) -> list[str]:
    """What is wrong with a detector of a rule file, one sentence a mistake; empty where nothing is."""
    if name not in DETECTORS:
        return [f"no detector is called `{name}`; there are {', '.join(DETECTORS)}"]
    return DETECTORS[name].check(params)


def _kind(name: str) -> Kind:
    if name not in DETECTORS:
        raise ValueError(check_params(name, {})[0])
    return DETECTORS[name]

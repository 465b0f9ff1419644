"""River's models behind the port: its traps, what a rule file may ask for, and state without pickle."""

import random
from typing import Any

import msgspec
import pytest

from warn.detect import models, walker
from warn.detect.base import Sample, Verdict
from warn.detect.registry import check_params
from warn.detect.river import River, model_of


def _run(river: River, values: list[int], start: int = 0) -> list[Verdict]:
    verdicts = []
    for i, value in enumerate(values, 1):
        sample = Sample(start + i * 60, value, (value,))
        verdicts.append(river.judge(sample))
        river.learn(sample)
    return verdicts


def _river(**params: Any) -> River:
    return River(model_of(params), 0)


def test_half_space_trees_needs_limits() -> None:
    """Its own default range, 0 to 1, is blind to counts."""
    assert "needs `limits`" in check_params("river", {"model": "anomaly.HalfSpaceTrees", "threshold": 0.9})[0]
    assert (
        check_params("river", {"model": "anomaly.HalfSpaceTrees", "threshold": 0.9, "limits": [0, 50]}) == []
    )


def test_warming_up_is_a_verdict() -> None:
    """Four hours of zeros that mean nothing would look like calm; they are said to be warm-up instead."""
    river = _river(model="anomaly.HalfSpaceTrees", threshold=0.9, limits=[0, 500])
    verdicts = _run(river, [3] * 251)
    assert all(v.learning and not v.exceptional for v in verdicts[:250])
    assert not verdicts[250].learning


def test_silence_is_no_anomaly() -> None:
    """GaussianScorer gives the greatest score there is to a zero after fifty zeros; only a rise counts here."""
    river = _river(model="anomaly.GaussianScorer", params={"grace_period": 40}, threshold=0.99)
    assert not any(v.exceptional for v in _run(river, [0] * 200))
    assert not any(v.exceptional for v in _run(river, [9] * 300 + [0] * 5)[-5:])
    assert any(v.exceptional for v in _run(river, [60], 600 * 60))


def test_judging_does_not_change_what_changes_when_it_scores() -> None:
    """PredictiveAnomalyDetection learns in `score_one`: it is asked on a copy, and taught once a lesson."""
    river = _river(model="anomaly.PredictiveAnomalyDetection", threshold=1)
    _run(river, [2, 3, 1, 4] * 40)
    before = river.to_state()
    scores = {river.judge(Sample(60 * 200, 5, (5,))).score for _ in range(5)}
    assert len(scores) == 1 and river.to_state() == before
    assert river._river.dynamic_mae.n > 100


def test_a_variance_below_zero_is_guarded() -> None:
    """The rolling variance of a large constant cancels to below 0 and scoring raises a TypeError for a complex."""
    river = _river(
        model="anomaly.GaussianScorer", params={"window_size": 20, "grace_period": 10}, threshold=0.99
    )
    rng = random.Random(3)
    verdicts = _run(
        river, [rng.choice([10**9, 10**9 + 1, 3]) for _ in range(50)] + [10**9 + 7] * 400 + [10**9 + 8]
    )
    assert all(isinstance(v.score, float) for v in verdicts)


def test_it_would_never_score() -> None:
    """A grace period that the window can never fill is told, not found out."""
    params = {"model": "anomaly.GaussianScorer", "params": {"window_size": 50}, "threshold": 0.9}
    assert "would never score" in check_params("river", params)[0]


def test_a_drift_upwards_is_news_for_a_while() -> None:
    """And a drift downwards is none."""
    river = _river(model="drift.ADWIN")
    _run(river, [2, 3] * 300)
    rise = _run(river, [40] * 120, 600 * 60)
    assert any(v.exceptional for v in rise)
    fall = _river(model="drift.ADWIN")
    _run(fall, [40] * 600)
    assert not any(v.exceptional for v in _run(fall, [1, 2] * 100, 600 * 60))


@pytest.mark.parametrize(
    ("params", "complaint"),
    [
        ({}, "needs `model`"),
        ({"model": "os.system", "threshold": 1}, "no model `os.system`"),
        ({"model": "anomaly.base.os", "threshold": 1}, "no model"),
        ({"model": "anomaly.ThresholdFilter", "threshold": 1}, "never learns"),
        ({"model": "anomaly.QuantileFilter", "threshold": 1}, "fixed share"),
        ({"model": "drift.binary.DDM"}, "errors of a classifier"),
        ({"model": "anomaly.GaussianScorer"}, "needs `threshold`"),
        ({"model": "drift.ADWIN", "threshold": 1}, "says yes or no"),
        ({"model": "anomaly.GaussianScorer", "threshold": 1, "params": {"grace": 1}}, "no parameter `grace`"),
        ({"model": "anomaly.GaussianScorer", "threshold": 1, "params": 7}, "must be a mapping"),
        ({"model": "drift.ADWIN", "params": {"delta": "x"}}, "does not accept"),
        ({"model": "drift.PageHinkley", "params": {"mode": "sideways"}}, "does not accept"),
        ({"model": "anomaly.LODA", "threshold": 1, "params": {"n_random_cuts": 10**9}}, "at most"),
        (
            {"model": "anomaly.HalfSpaceTrees", "threshold": 1, "limits": [0, 9], "params": {"height": 40}},
            "too large",
        ),
        ({"model": "anomaly.HalfSpaceTrees", "threshold": 1, "limits": [9, 0]}, "must rise"),
        ({"model": "drift.ADWIN", "window": "7s"}, "multiple of 10"),
        ({"model": "drift.ADWIN", "colour": "red"}, "unknown parameter `colour`"),
    ],
)
def test_complaints(params: dict[str, Any], complaint: str) -> None:
    wrong = check_params("river", params)
    assert wrong and complaint in wrong[0], wrong


def test_every_model_that_is_offered_can_be_made() -> None:
    """What `names` lists is what a rule may write."""
    for name in models.names():
        params: dict[str, Any] = {"model": name}
        if not name.startswith("drift."):
            params["threshold"] = 1
        if name.endswith("HalfSpaceTrees"):
            params["limits"] = [0, 10]
        assert check_params("river", params) == [], name


def _body(river: River) -> list[Any]:
    return msgspec.msgpack.decode(river.to_state())  # type: ignore[no-any-return]


def test_state_of_something_else_is_refused() -> None:
    """Of another model, of other parameters, of another river, and damaged."""
    river = _river(model="drift.ADWIN", params={"delta": 0.01})
    _run(river, [1, 2] * 50)
    with pytest.raises(ValueError, match="another river model"):
        _river(model="drift.ADWIN").from_state(river.to_state())
    for place, value, complaint in ((2, "0.1", "river 0.1"), (1, 9, "version 9"), (5, b"\x00", "checksum")):
        body = _body(river)
        body[place] = value
        with pytest.raises(ValueError, match=complaint):
            river.from_state(msgspec.msgpack.encode(body))


def test_a_compiled_class_that_panics_is_a_value_error() -> None:
    """Rust's panic is no Exception; it must not end the process that restores."""
    tree = walker.dump(_river(model="drift.ADWIN")._river)
    compiled = next(t for t in tree if isinstance(t, list) and t[0] == "compiled")
    compiled[3] = b"\xff" * 7
    with pytest.raises(ValueError, match="no state of a river model"):
        walker.load(tree)


@pytest.mark.parametrize(
    "tree",
    [
        ["object", ["os:system"], None],
        ["object", ["subprocess:Popen", "args"], None, "true"],
        ["function", "os:system"],
        ["function", "river.base.estimator:abc.ABC"],
        ["class", "river.anomaly.gaussian:proba"],
        ["method", ["list", 1], "clear"],
        ["compiled", "builtins:eval", ["tuple", "1"], None],
        ["what"],
        ["ref", 7],
        [],
    ],
)
def test_nothing_but_river_is_made(tree: list[Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        walker.load(tree)


def test_what_is_shared_stays_shared() -> None:
    """HalfSpaceTrees keeps each node twice, in its tree and in a flat list; a copy that parts them stops learning."""
    river = _river(model="anomaly.HalfSpaceTrees", threshold=0.9, limits=[0, 9])
    _run(river, [1, 2, 3])
    copy = walker.load(walker.dump(river._river))
    assert copy._tree_nodes[0][0] is copy.trees[0]


def test_what_is_not_known_is_not_written() -> None:
    with pytest.raises(walker.Unsaveable, match="an object of"):
        walker.dump(["a", random.SystemRandom()])

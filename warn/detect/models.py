"""Which models of the river library a rule may name, and how one is made from plain parameters.

Names are looked up in river's own modules `anomaly` and `drift` only, parameters are held against the signature, and a
model proves before it is accepted that it can learn, score and be saved. Faults of river 0.26 that this guards
against are listed in docs/detection.md.
"""

import inspect
from random import Random
from typing import Any, Final

from msgspec import Struct

from warn.detect.params import no_others, number, seconds

PARAMS: Final = ("model", "params", "threshold", "limits", "window", "warm_up")
LEAST_WARM_UP: Final = 60
"""Minutes: no model says anything of a series that it has known for less than an hour."""
MODULES: Final = ("anomaly", "drift")
LARGEST: Final = 100_000
"""No whole number among parameters is larger: a typing error must not fill the memory."""
PARTS: Final = ("stats", "time_series")
"""Where a parameter that is itself a model may come from, written {time_series.HoltWinters: {alpha: 0.3}}."""
REFUSED: Final = {
    "ThresholdFilter": "it never learns (river 0.26); say `threshold` instead",
    "QuantileFilter": "it fires on a fixed share of all minutes and sticks after a change of level; say `threshold` instead",
    "DriftRetrainingClassifier": "it is a classifier, no detector",
    "binary": "its models want errors of a classifier, not counts",
}
FEATURE: Final = "count"
SEED: Final = 42
"""Where a model draws at random and no seed is given: the same lessons have to give the same bytes."""


def names() -> list[str]:
    """Every model that may be named."""
    return [f"{module}.{name}" for module in MODULES for name in sorted(_all(module)) if name not in REFUSED]


def _module(name: str) -> Any:
    # Only when a rule names it: river brings scipy.
    from river import anomaly, drift, stats, time_series

    return {"anomaly": anomaly, "drift": drift, "stats": stats, "time_series": time_series}[name]


def _all(module: str) -> frozenset[str]:
    held = _module(module)
    return frozenset(n for n in held.__all__ if isinstance(getattr(held, n, None), type))


def find(name: object, modules: tuple[str, ...] = MODULES) -> tuple[type | None, list[str]]:
    """The class of that name, or what is wrong with the name."""
    module, _, of = str(name).partition(".")
    if module in modules and of.partition(".")[0] in REFUSED:
        return None, [f"`{name}` cannot be used: {REFUSED[of.partition('.')[0]]}"]
    if module not in modules or of not in _all(module):
        known = names() if modules is MODULES else [f"{m}.{n}" for m in modules for n in sorted(_all(m))]
        return None, [f"river has no model `{name}`; there are {', '.join(known)}"]
    return getattr(_module(module), of), []


def make(name: object, params: object, modules: tuple[str, ...] = MODULES) -> tuple[Any, list[str]]:
    """A fresh model, or what is wrong with its name and parameters."""
    kind, wrong = find(name, modules)
    if kind is None:
        return None, wrong
    if not isinstance(params, dict):
        return None, [f"the parameters of `{name}` must be a mapping, not {params!r}"]
    allowed = {p.name for p in inspect.signature(kind).parameters.values() if p.kind is not p.VAR_KEYWORD}
    given: dict[str, Any] = {}
    for key, value in params.items():
        if isinstance(value, int) and abs(value) > LARGEST:
            wrong.append(f"`{key}` of `{name}` may be {LARGEST} at most, not {value}")
        elif key not in allowed:
            wrong.append(f"`{name}` has no parameter `{key}`; it has {', '.join(sorted(allowed)) or 'none'}")
        elif isinstance(value, dict) and len(value) == 1 and "." in str(next(iter(value))):
            part, problems = make(next(iter(value)), next(iter(value.values())) or {}, PARTS)
            wrong += problems
            given[key] = part
        else:
            given[key] = value
    if given.get("n_trees", 10) * 2 ** min(given.get("height", 8), 32) > LARGEST:
        wrong.append(f"`{name}` with so many or so high trees is too large to be kept")
    if "seed" in allowed and given.get("seed") is None:
        given["seed"] = SEED
    if wrong:
        return None, wrong
    try:
        made = kind(**given)
        _seed(made, set())
        return made, []
    except (TypeError, ValueError, OverflowError, KeyError, AttributeError, ZeroDivisionError) as e:
        return None, [f"`{name}` does not accept these parameters: {e}"]


def _seed(thing: Any, seen: set[int]) -> None:
    """Give every generator in a model a seed that was left to chance: proba.Gaussian keeps one that it never uses."""
    if id(thing) in seen or not type(thing).__module__.startswith("river."):
        return
    seen.add(id(thing))
    for held in getattr(thing, "__dict__", {}).values():
        if isinstance(held, Random) and getattr(thing, "seed", None) is None:
            held.seed(SEED)
        _seed(held, seen)


def own_warm_up(model: Any) -> int:
    """Minutes that the model itself says it needs before its scores mean anything."""
    wants = [getattr(model, a, 0) for a in ("grace_period", "warmup_period", "min_instances", "n_neighbors")]
    if type(model).__name__ in ("HalfSpaceTrees", "KSWIN"):
        wants.append(model.window_size)
    return max([0, *(int(w) for w in wants if isinstance(w, (int, float)))])


class Model(Struct, frozen=True, kw_only=True):
    """Which model, and when what it says is exceptional."""

    name: str
    params: dict[str, Any]
    threshold: float
    window: int = 60
    warm_up: int = LEAST_WARM_UP


def read(params: dict[str, object]) -> tuple[Model | None, list[str]]:
    """Parameters of a rule file to a model, or what is wrong with them."""
    wrong = no_others(params, PARAMS)
    if "model" not in params:
        return None, [*wrong, f"river needs `model`, one of {', '.join(names())}"]
    name, given = str(params["model"]), params.get("params", {})
    kind, problems = find(name)
    if kind is None:
        return None, wrong + problems
    drift = name.startswith("drift.")
    wrong += _threshold(params, drift=drift)
    window, problems = seconds("window", params.get("window", 60), least=10, most=6 * 3600, whole=10)
    wrong += problems
    if "warm_up" in params:
        wrong += number("warm_up", params["warm_up"], least=1, most=100_000)
    if isinstance(given, dict):
        given = dict(given)
        limits, problems = _limits(params, name, given)
        wrong += problems
        if limits is not None:
            given["limits"] = {FEATURE: limits}
    if wrong:
        return None, wrong
    fresh, problems = make(name, given)
    if problems or not isinstance(given, dict):
        return None, problems
    if getattr(fresh, "window_size", None) and getattr(fresh, "grace_period", 0) >= fresh.window_size:
        return None, [f"`{name}` would never score: `grace_period` must be less than `window_size`"]
    stated = int(float(str(params.get("warm_up", 0))))
    model = Model(
        name=name,
        params=given,
        threshold=1.0 if drift else float(str(params["threshold"])),
        window=window,
        warm_up=max(LEAST_WARM_UP, own_warm_up(fresh), stated),
    )
    return model, []


def _threshold(params: dict[str, object], *, drift: bool) -> list[str]:
    if drift:
        return ["a drift model has no `threshold`: it says yes or no"] if "threshold" in params else []
    if "threshold" not in params:
        return ["an anomaly model needs `threshold`: from which score on it is exceptional"]
    return number("threshold", params["threshold"], least=1e-9, most=1e12)


def _limits(
    params: dict[str, object], name: str, given: dict[Any, Any]
) -> tuple[tuple[float, float] | None, list[str]]:
    """HalfSpaceTrees must be told the range of counts: its own default, 0 to 1, is blind to them."""
    if name != "anomaly.HalfSpaceTrees":
        return None, ["`limits` is for anomaly.HalfSpaceTrees only"] if "limits" in params else []
    if "limits" in given:
        return None, ["write `limits: [0, 200]` beside `params`, not in them"]
    limits = params.get("limits")
    if not isinstance(limits, (list, tuple)) or len(limits) != 2:
        return None, ["anomaly.HalfSpaceTrees needs `limits`: the range of counts, as in [0, 200]"]
    wrong = [w for x in limits for w in number("limits", x, least=0, most=1e12)]
    if not wrong and not limits[0] < limits[1]:
        wrong = [f"`limits` must rise, as in [0, 200], not {list(limits)!r}"]
    return (None, wrong) if wrong else ((float(limits[0]), float(limits[1])), [])

"""`river`: any anomaly or drift model of the river library judges a series, by name.

    detector: {river: {model: anomaly.GaussianScorer, params: {grace_period: 500}, threshold: 0.9999}}
    detector: {river: {model: anomaly.HalfSpaceTrees, limits: [0, 200], threshold: 0.98, window: 5m}}
    detector: {river: {model: drift.ADWIN, params: {delta: 0.001}}}

The model is shown each final minute, empty ones too, as the count of the last `window` seconds; an anomaly model then
scores the count at hand, a drift model is exceptional for a while after it found that the series had risen. Only a
rise is ever exceptional: models are two-sided, and to them silence about a quiet brand can be the rarest thing there
is. What a model cannot score yet is a verdict of its own (`learning`), not a zero that looks calm.

State is as large as the model, 1 MB at most: see `walker`.
"""

import copy
from contextlib import suppress
from hashlib import blake2b
from math import cos, isfinite, pi, sin
from typing import Any, Final

import msgspec
from msgspec import Struct

from warn.detect import models, walker
from warn.detect.base import Sample, Verdict
from warn.detect.models import Model

VERSION: Final = 1
CAP: Final = 1_000_000
MEMORY: Final = 1440
"""Minutes over which the mean of a series is taken, which says what a rise is."""
FRESH: Final = 25 * 60
"""Seconds for which a drift found is news; learning is ten minutes behind."""
DAY: Final = 86400
UNSCORABLE: Final = (
    TypeError,
    ValueError,
    IndexError,
    ZeroDivisionError,
    OverflowError,
    ArithmeticError,
    KeyError,
)
"""What models raise when they have seen too little, or when a variance has gone below 0 by cancellation."""


def check(params: dict[str, object]) -> list[str]:
    """What is wrong with the parameters, in words for a rule file."""
    model, wrong = models.read(params)
    return wrong if model is None else _trial(model)


def model_of(params: dict[str, object]) -> Model:
    """The parameters; ValueError where `check` has something to say."""
    model, wrong = models.read(params)
    if model is None:
        raise ValueError("; ".join(wrong))
    return model


def _trial(model: Model) -> list[str]:
    """Whether the model learns, scores and can be saved and read back."""
    try:
        first, second = River(model, 0), River(model, 0)
        for minute in range(1, 6):
            first.learn(Sample(minute * 60, minute % 3, (minute % 3,)))
        second.from_state(first.to_state())
        second.judge(Sample(360, 1, (1,)))
    except (*UNSCORABLE, AttributeError, NotImplementedError) as e:
        return [f"`{model.name}` cannot be used with these parameters: {e}"]
    return []


class Kept(Struct, array_like=True, forbid_unknown_fields=True):
    """The state: what of, by which library, and the model's own under a checksum."""

    kind: str
    version: int
    library: str
    model: str
    digest: bytes
    body: bytes
    learnt: int
    mean: float
    drift_at: int


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Kept).decode


class River:
    """Adapts one model of river's."""

    learns_zeros = True

    def __init__(self, model: Model, start: int) -> None:
        self.windows: tuple[int, ...] = (model.window,)
        self._model = model
        self._start = start
        self._river = _made(model)
        self._drift = model.name.startswith("drift.")
        self._learnt = 0
        self._mean = 0.0
        self._drift_at = 0

    def judge(self, sample: Sample) -> Verdict:
        """The model's score of the count at hand; 0 while it cannot tell, which `learning` says."""
        count = float(sample.counts[0])
        young = self._learnt < self._model.warm_up
        score = 0.0
        usual = self._mean * sample.lift
        if not young and count > usual:
            score = self._drifted(sample.at) if self._drift else self._score(sample.at, count / sample.lift)
        return Verdict(
            score, self._model.threshold, self._model.window, sample.counts[0], usual, learning=young
        )

    def learn(self, sample: Sample) -> None:
        """Show the model a final minute; the mean learns after it, so that a drift is held against what was."""
        count = float(sample.counts[0]) / sample.lift
        if self._drift:
            self._river.update(count)
            if self._river.drift_detected and count > self._mean:
                self._drift_at = sample.at
        else:
            self._teach(sample.at, count)
        self._learnt += 1
        self._mean += (count - self._mean) / min(self._learnt, MEMORY)

    def to_state(self) -> bytes:
        """All that was learned; ValueError where it is no longer small enough to be kept."""
        body = _encode(walker.dump(self._river))
        if len(body) > CAP:
            raise ValueError(
                f"the model {self._model.name} takes {len(body)} bytes, more than {CAP}; make it smaller"
            )
        return _encode(
            Kept(
                "river",
                VERSION,
                _library(),
                _mark(self._model),
                _digest(body),
                body,
                self._learnt,
                self._mean,
                self._drift_at,
            )
        )

    def from_state(self, body: bytes) -> None:
        """The inverse; ValueError for another model, another river, or what is damaged."""
        try:
            kept = _decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as e:
            raise ValueError(f"no state of a river detector: {e}") from None
        if kept.kind != "river" or kept.version != VERSION:
            raise ValueError(
                f"state of {kept.kind!r}, version {kept.version}; this release reads river, {VERSION}"
            )
        if kept.library != _library():
            raise ValueError(f"state of a model of river {kept.library}; this is river {_library()}")
        if kept.model != _mark(self._model):
            raise ValueError("state of another river model, or of one with other parameters")
        if kept.digest != _digest(kept.body):
            raise ValueError("damaged state of a river model: its checksum does not fit")
        self._river = walker.load(msgspec.msgpack.decode(kept.body))
        self._learnt, self._mean, self._drift_at = kept.learnt, kept.mean, kept.drift_at

    def _drifted(self, at: int) -> float:
        return 1.0 if self._drift_at and at - self._drift_at <= FRESH else 0.0

    def _score(self, at: int, count: float) -> float:
        """On a copy where scoring changes the model, as PredictiveAnomalyDetection's does."""
        model = copy.deepcopy(self._river) if _scoring_teaches(self._river) else self._river
        try:
            score = _scored(model, at, count)
        except UNSCORABLE:
            # Above the mean, and the model has no spread to measure it by: nothing to tell, and nothing to be sure of.
            return 0.0
        return score if isfinite(score) else 0.0

    def _teach(self, at: int, count: float) -> None:
        if _scoring_teaches(self._river) and self._learnt:
            # Forecasters cannot forecast until they have seen a season.
            with suppress(*UNSCORABLE):
                _scored(self._river, at, count)
        if _supervised(self._river):
            self._river.learn_one(_hour(at) if _wants_features(self._river) else None, count)
        else:
            self._river.learn_one({models.FEATURE: count})


def _made(model: Model) -> Any:
    made, wrong = models.make(model.name, model.params)
    if wrong:
        raise ValueError("; ".join(wrong))
    return made


def _scoring_teaches(model: Any) -> bool:
    return type(model).__name__ == "PredictiveAnomalyDetection"


def _supervised(model: Any) -> bool:
    from river.base import SupervisedAnomalyDetector

    return isinstance(model, SupervisedAnomalyDetector)


def _wants_features(model: Any) -> bool:
    """A regression inside PredictiveAnomalyDetection needs something to predict from; forecasters do not."""
    from river.time_series.base import Forecaster

    return _scoring_teaches(model) and not isinstance(model.predictive_model, Forecaster)


def _hour(at: int) -> dict[str, float]:
    """The time of day as two smooth features."""
    turn = 2.0 * pi * (at % DAY) / DAY
    return {"sin": sin(turn), "cos": cos(turn)}


def _scored(model: Any, at: int, count: float) -> float:
    if _supervised(model):
        return float(model.score_one(_hour(at) if _wants_features(model) else None, count))
    return float(model.score_one({models.FEATURE: count}))


def _library() -> str:
    from importlib.metadata import version

    return version("river")


def _mark(model: Model) -> str:
    """Which model with which parameters: state of another is refused."""
    return blake2b(
        repr((model.name, sorted(model.params.items()), model.window)).encode(), digest_size=8
    ).hexdigest()


def _digest(body: bytes) -> bytes:
    return blake2b(body, digest_size=16).digest()

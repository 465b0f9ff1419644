"""The detector port: one file per detector, judged before it learns, and judging changes nothing.

A series is one signal of one topic: whole numbers on a grid of minutes. The stage calls `learn` once for every minute
that has anything in it, when that minute is final (10 minutes later), in order of time; minutes with nothing are never
told, so a detector must account for them in closed form from the minutes' numbers (`learns_zeros` detectors are told
of each, just before the next judgement or lesson).
"""

from typing import NamedTuple, Protocol


class Sample(NamedTuple):
    """One look at a series at time `at` (whole seconds).

    `counts[i]` is the sum over the last `windows[i]` seconds before `at`, `windows` being the detector's own.
    `value` is the sum of the last minute (when learning: of the minute that ends at `at`).
    `lift` is the planned multiple of normal at `at` (1.0: nothing planned).
    """

    at: int
    value: int
    counts: tuple[int, ...]
    lift: float = 1.0


class Verdict(NamedTuple):
    """What a detector says of a sample.

    `score` and `threshold` are on one scale of the detector's own; it is exceptional when score >= threshold.
    `expected` is what is usual in the window that decided, `low` and `high` the band around it, `seen` what was there.
    `learning`: warm-up, judged by the prior as well as by what was learned so far.
    """

    score: float
    threshold: float
    window_s: int
    seen: int
    expected: float
    low: float = 0.0
    high: float = 0.0
    learning: bool = False

    @property
    def exceptional(self) -> bool:
        return self.score >= self.threshold


class Detector(Protocol):
    """Judges one series; owns its model and nothing else."""

    windows: tuple[int, ...]
    """Seconds, each a whole number of ticks (10 s), the longest at most 6 hours."""

    learns_zeros: bool

    def judge(self, sample: Sample) -> Verdict:
        """Never changes anything; two calls give the same answer; works before anything was learned."""

    def learn(self, sample: Sample) -> None:
        """`sample.at` is the end of a final minute; counts end there too."""

    def to_state(self) -> bytes:
        """All that was learned, as msgpack of plain numbers; the same bytes for the same lessons."""

    def from_state(self, body: bytes) -> None:
        """The inverse; raises ValueError for what it cannot read."""

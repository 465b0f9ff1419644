"""The chart of an incident as coordinates: counts in ten minutes against the usual; the template draws them as SVG.

Made on the server, so that it is there without JavaScript and its text alternative says the same.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from warn.model.alerts import HistoryPoint
from warn.web.words import Words

WIDTH: Final = 360
HEIGHT: Final = 190
_LEFT: Final = 34
_RIGHT: Final = 8
_TOP: Final = 18
_BOTTOM: Final = 24
_MOST_COLUMNS: Final = 240
_STEPS_S: Final = (600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800)


class Label(NamedTuple):
    """A word at a place; `line` says that a rule is drawn through it."""

    x: float
    y: float
    text: str


class Chart(NamedTuple):
    """Ready coordinates. `counts`, `expected` and `band` are SVG points; labels carry local time."""

    counts: str
    area: str
    expected: str
    band: str
    x_labels: tuple[Label, ...]
    y_labels: tuple[Label, ...]
    marks: tuple[Label, ...]
    title: str
    alt: str


class _Minute(NamedTuple):
    at: int
    seen: float
    expected: float
    low: float
    high: float


def draw(
    points: Sequence[HistoryPoint],
    wanted: str,
    start: int,
    end: int,
    marks: Sequence[tuple[int, str]],
    words: Words,
) -> Chart | None:
    """The chart of one signal between two seconds (`wanted`, if it was recorded), or None where there is nothing.

    Minutes without a point were at rest: nothing was said, and the usual is what it was.
    """
    signal = _signal(points, wanted)
    start -= start % 60
    mine = [p for p in points if p.signal == signal and start <= p.minute <= end]
    if not mine:
        return None
    minutes = _thin(_fill(mine, start, end))
    top = _nice(max(max(m.seen, m.high, m.expected) for m in minutes))
    span = max(end - start, 60)

    def x(at: float) -> float:
        return round(_LEFT + (at - start) / span * (WIDTH - _LEFT - _RIGHT), 1)

    def y(value: float) -> float:
        return round(HEIGHT - _BOTTOM - min(value, top) / top * (HEIGHT - _TOP - _BOTTOM), 1)

    def line(values: Sequence[tuple[int, float]]) -> str:
        return " ".join(f"{x(at)},{y(v)}" for at, v in values)

    name = words(f"chart.name.{signal}")
    peak = max(minutes, key=lambda m: m.seen)
    floor = f"{x(minutes[-1].at)},{y(0)} {x(minutes[0].at)},{y(0)}"
    counts = line([(m.at, m.seen) for m in minutes])
    return Chart(
        counts=counts,
        area=f"{counts} {floor}",
        expected=line([(m.at, m.expected) for m in minutes]),
        band=f"{line([(m.at, m.high) for m in minutes])} {line([(m.at, m.low) for m in reversed(minutes)])}",
        x_labels=tuple(Label(x(at), HEIGHT - 8, words.clock(at)) for at in _hours(start, end, words)),
        y_labels=tuple(Label(_LEFT - 5, y(v), words.number(v)) for v in (0, top / 2, top)),
        marks=_marks([(x(at), text) for at, text in marks if start <= at <= end]),
        title=words("chart.counts", signal=name),
        alt=words(
            "chart.alt", signal=name, start=words.clock(start), end=words.clock(end), peak=peak.seen,
            peak_at=words.clock(peak.at), expected=words.usual(sum(m.expected for m in minutes) / len(minutes)),
        ),
    )  # fmt: skip


def _signal(points: Sequence[HistoryPoint], wanted: str) -> str:
    """The signal that paged if it has a history, else posts, else whatever there is."""
    recorded = {p.signal for p in points}
    return next((s for s in (wanted, "mentions", *sorted(recorded)) if s in recorded), "mentions")


def _fill(points: Sequence[HistoryPoint], start: int, end: int) -> list[_Minute]:
    """One entry a minute, gaps filled with nothing said and the last known usual."""
    known = {p.minute - p.minute % 60: p for p in points}
    usual = min(known.items())[1]
    minutes = []
    for at in range(start, end + 1, 60):
        point = known.get(at)
        usual = point or usual
        count = point.count if point else 0
        minutes.append(_Minute(at, count, usual.expected, usual.low, usual.high))
    return minutes


def _thin(minutes: list[_Minute]) -> list[_Minute]:
    """At most as many entries as a phone has room for, each the mean of its minutes."""
    each = -(-len(minutes) // _MOST_COLUMNS)
    if each == 1:
        return minutes
    groups = [minutes[i : i + each] for i in range(0, len(minutes), each)]
    return [_Minute(g[0].at, *(sum(v) / len(g) for v in list(zip(*g, strict=True))[1:])) for g in groups]


def _nice(value: float) -> float:
    """The next number above that halves well: 2, 4, 10, 20, 40, 100, ..."""
    scale = 1.0
    while True:
        for step in (2, 4, 10):
            if value <= step * scale:
                return step * scale
        scale *= 10


def _hours(start: int, end: int, words: Words) -> list[int]:
    """Round times of the place, four or five of them."""
    step = next((s for s in _STEPS_S if (end - start) / s <= 5), _STEPS_S[-1])
    local = words.local(start)
    since_midnight = local.hour * 3600 + local.minute * 60 + local.second
    first = start + -since_midnight % step
    margin = (end - start) * 0.05
    return [at for at in range(first, end + 1, step) if start + margin <= at <= end - margin]


def _marks(marks: list[tuple[float, str]]) -> tuple[Label, ...]:
    """What happened, written above the chart; a mark too near to the one before keeps its line, not its word."""
    placed: list[Label] = []
    free_from = 0.0
    for x, text in sorted(marks):
        placed.append(Label(x, _TOP - 6, text if x >= free_from else ""))
        if x >= free_from:
            free_from = x + 6.5 * len(text) + 6
    return tuple(placed)

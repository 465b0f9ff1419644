"""The chart says what history says."""

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.unit.web.made_up import BEGAN, history
from warn.web.chart import HEIGHT, WIDTH, Chart, draw
from warn.web.words import Words

WORDS = Words("en", "Europe/Amsterdam")


def _draw(points: Any = None, **changed: Any) -> Chart | None:
    points = history() if points is None else points
    given = {"wanted": "authors", "start": BEGAN - 7200, "end": BEGAN + 3600, "marks": (), "words": WORDS}
    return draw(points, **(given | changed))


def test_the_text_says_what_the_picture_shows() -> None:
    """Who cannot see the chart reads its peak, when it was, and what is usual."""
    chart = _draw()
    assert chart is not None
    assert chart.title == "People in ten minutes"
    assert chart.alt == "People in ten minutes, from 01:02 to 04:02. Highest: 31 at 04:02. Usual: 0.3."
    assert [label.text for label in chart.x_labels] == ["02:00", "03:00"]
    assert [label.text for label in chart.y_labels] == ["0", "20", "40"]


def test_minutes_without_a_point_were_quiet() -> None:
    """At rest nothing is written down; the line lies on the ground there and the usual goes on."""
    points = [p for p in history() if not BEGAN - 3600 <= p.minute <= BEGAN]
    chart = _draw(points)
    assert chart is not None
    heights = [float(pair.split(",")[1]) for pair in chart.counts.split()]
    assert max(heights[61:119]) == min(heights[61:119]) == max(heights)


def test_nothing_to_draw_is_said_not_drawn() -> None:
    """Without points, or with none of that time, there is no chart."""
    assert _draw(()) is None
    assert _draw(start=0, end=6000) is None


def test_the_signal_that_paged_is_drawn_if_it_was_recorded() -> None:
    """A crisis of votes shows votes; people are shown as posts, for those are what is recorded."""
    both = [
        *(replace(p, signal="mentions") for p in history()),
        *(replace(p, signal="echo") for p in history()),
    ]
    titles = [getattr(_draw(both, wanted=signal), "title", "") for signal in ("echo", "authors")]
    assert titles == ["Reactions in ten minutes", "Posts in ten minutes"]


def test_marks_that_are_too_near_lose_their_word_not_their_line() -> None:
    """Two things in one minute cannot be read on top of each other."""
    chart = _draw(marks=((BEGAN, "page"), (BEGAN + 60, "press"), (BEGAN + 3000, "page"), (0, "long ago")))
    assert chart is not None
    assert [mark.text for mark in chart.marks] == ["page", "", "page"]


@given(
    st.lists(
        st.tuples(st.integers(0, 3000), st.integers(0, 10**9), st.floats(0, 1e9)), min_size=1, max_size=40
    ),
    st.integers(0, 180_000),
)
def test_every_point_lies_inside_the_picture(minutes: list[tuple[int, int, float]], length: int) -> None:
    """Whatever the counts and the length, nothing is drawn outside, and no number is odd."""
    points = [
        replace(
            history()[0], minute=BEGAN - BEGAN % 60 + 60 * m, count=count, expected=e, low=0.0, high=e * 2
        )
        for m, count, e in minutes
    ]
    chart = _draw(points, start=BEGAN, end=BEGAN + length)
    if chart is None:
        return
    for shape in (chart.counts, chart.area, chart.expected, chart.band):
        for x, y in re.findall(r"(\S+),(\S+)", shape):
            assert 0 <= float(x) <= WIDTH
            assert 0 <= float(y) <= HEIGHT
    assert len(chart.counts.split()) <= 240

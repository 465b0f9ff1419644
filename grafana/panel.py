"""What a panel and a row are, and how their expressions are written.

`@` in an expression stands for the selector that every one must have (job and instance).
"""

from typing import Literal, NamedTuple

GREEN, YELLOW, RED, BLUE = "green", "yellow", "red", "blue"


class Panel(NamedTuple):
    """One panel: what it asks, in which unit, and what a person does about it.

    `queries` are (expression, legend). `limits` are (from this value on, colour); `words` are (value, word, colour),
    so that a colour is never the only sign.
    """

    kind: Literal["number", "lines", "states"]
    title: str
    description: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    width: int = 8
    limits: tuple[tuple[float, str], ...] = ()
    words: tuple[tuple[float, str, str], ...] = ()
    nothing: str = "nothing"


class Row(NamedTuple):
    """A question, and the panels that answer it."""

    question: str
    height: int
    panels: tuple[Panel, ...]


def rate(metric: str, *by: str) -> str:
    """Per second, summed."""
    return f"{_sum(by)}(rate({metric}{{@}}[$__rate_interval]))"


def increase(metric: str, *by: str, only: str = "") -> str:
    """In the interval, summed."""
    more = f", {only}" if only else ""
    return f"{_sum(by)}(increase({metric}{{@{more}}}[$__rate_interval]))"


def slowest(metric: str, by: str) -> str:
    """The 99th percentile of a histogram."""
    return f"histogram_quantile(0.99, {rate(f'{metric}_bucket', 'le', by)})"


def _sum(by: tuple[str, ...]) -> str:
    return f"sum by ({', '.join(by)}) " if by else "sum"

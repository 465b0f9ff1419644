"""The three kinds of metric that warn uses, with a bound on their label sets and a catalogue of what was declared.

prometheus_client keeps every label set for ever. A replayed file may name any number of sources, so a metric that
meets more than `MOST_SERIES` sets counts the rest under "other".
"""

from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

# `_created` doubles the series and tells nothing that a dashboard asks.
disable_created_metrics()  # type: ignore[no-untyped-call]

MOST_SERIES = 500
"""Label sets per metric."""

OTHER = "other"

REGISTRY = CollectorRegistry()


class Declared(NamedTuple):
    """What a metric is called where it is exported, its type in Prometheus' words, its labels, and its meaning."""

    name: str
    kind: str
    labels: tuple[str, ...]
    text: str


CATALOGUE: dict[str, Declared] = {}
"""Every metric of ours by its exported name (counters with `_total`, histograms without `_bucket`)."""


def declare(name: str, kind: str, labels: tuple[str, ...], text: str) -> None:
    """Enter a metric in the catalogue."""
    CATALOGUE[name] = Declared(name, kind, labels, text)


class Count:
    """Something that only goes up; exported as `<name>_total`."""

    def __init__(self, name: str, text: str, *labels: str) -> None:
        declare(f"{name}_total", "counter", labels, text)
        self._labels = labels
        self._metric = Counter(name, text, labels, registry=REGISTRY)
        self._children: dict[tuple[str, ...], Counter] = {} if labels else {(): self._metric}

    def add(self, *labels: str, by: float = 1) -> None:
        """Move it; `by` 0 makes the series exist, so that a first event is a rise and not a birth."""
        child = self._children.get(labels)
        if child is None:
            shown = _bounded(labels, len(self._labels), len(self._children))
            child = self._metric.labels(*shown)
            if shown == labels:
                self._children[labels] = child
        child.inc(by)


class Level:
    """Something that goes up and down; exported under its own name."""

    def __init__(self, name: str, text: str, *labels: str) -> None:
        declare(name, "gauge", labels, text)
        self._labels = labels
        self._metric = Gauge(name, text, labels, registry=REGISTRY)
        self._children: dict[tuple[str, ...], Gauge] = {} if labels else {(): self._metric}

    def put(self, value: float, *labels: str) -> None:
        """Set it."""
        child = self._children.get(labels)
        if child is None:
            shown = _bounded(labels, len(self._labels), len(self._children))
            child = self._metric.labels(*shown)
            if shown == labels:
                self._children[labels] = child
        child.set(value)

    def drop(self, *labels: str) -> None:
        """It has no value any more: what the last one was would be read as what it is."""
        if self._children.pop(labels, None) is not None:
            self._metric.remove(*labels)


class Spread:
    """How long things took, in seconds, by classic buckets (the Python client has no native ones)."""

    def __init__(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> None:
        declare(name, "histogram", labels, text)
        self._labels = labels
        self._metric = Histogram(name, text, labels, registry=REGISTRY, buckets=buckets)
        self._children: dict[tuple[str, ...], Histogram] = {} if labels else {(): self._metric}

    def see(self, seconds: float, *labels: str) -> None:
        """Add an observation."""
        self._child(labels).observe(seconds)

    def touch(self, *labels: str) -> None:
        """Make the series exist, empty."""
        self._child(labels)

    def _child(self, labels: tuple[str, ...]) -> Histogram:
        child = self._children.get(labels)
        if child is None:
            shown = _bounded(labels, len(self._labels), len(self._children))
            child = self._metric.labels(*shown)
            if shown == labels:
                self._children[labels] = child
        return child


def _bounded(labels: tuple[str, ...], wanted: int, known: int) -> tuple[str, ...]:
    """The labels as they may be used: themselves, or "other" where there are too many by now."""
    if len(labels) != wanted:
        raise ValueError(f"{wanted} labels are declared, {len(labels)} were given: {labels}")
    return labels if known < MOST_SERIES else (OTHER,) * wanted

"""Metrics: counted as told, bounded, born at nought, exported in the form that is asked for."""

from collections import Counter
from uuid import uuid4

import pytest
from prometheus_client.parser import text_string_to_metric_families

from warn.telemetry import metrics, series


def value(name: str, **labels: str) -> float | None:
    return series.REGISTRY.get_sample_value(name, labels)


def test_effects_counts_move_their_counters() -> None:
    """`Effects.count("mentions", "x")` is `warn_mentions_total{source="x"}`."""
    source = uuid4().hex
    before = value("warn_matched_total") or 0
    metrics.counts(Counter({("mentions", source): 3, ("matched", ""): 2}))
    metrics.counts(Counter({("mentions", source): 4}))
    assert value("warn_mentions_total", source=source) == 7
    assert value("warn_matched_total") == before + 2


def test_unknown_name_is_a_programming_error() -> None:
    """A stage cannot count what nobody declared."""
    with pytest.raises(KeyError):
        metrics.counts(Counter({("mentoins", ""): 1}))


def test_label_where_none_is_declared_is_a_programming_error() -> None:
    """A label that would be lost is refused."""
    with pytest.raises(ValueError, match="0 labels are declared"):
        metrics.counts(Counter({("matched", "acme"): 1}))


def test_label_sets_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that names a million sources makes no million series, and loses no count."""
    monkeypatch.setattr(series, "MOST_SERIES", 3)
    metric = series.Count(f"warn_test_{uuid4().hex}", "For this test.", "source")
    name = next(n for n in series.CATALOGUE if n.startswith("warn_test_"))
    try:
        for i in range(10):
            metric.add(f"s{i}")
            metric.add("s0")
        assert value(name, source="s0") == 11
        assert value(name, source="s2") == 1
        assert value(name, source="s3") is None
        assert value(name, source="other") == 7
    finally:
        del series.CATALOGUE[name]
        series.REGISTRY.unregister(metric._metric)


def test_known_names_are_born_at_nought() -> None:
    """A counter that is born at 1 shows no rise."""
    metrics.touch(connectors=["born-c1"], notifiers=["n1"], stages=["s1"], sources=["x1"])
    assert value("warn_connector_items_total", connector="born-c1") == 0
    assert value("warn_deliveries_total", notifier="n1", outcome="refused") == 0
    assert value("warn_stage_step_seconds_count", stage="s1") == 0
    assert value("warn_mentions_total", source="x1") == 0
    assert value("warn_incidents_total", event="opened") is not None


def test_exposition_in_both_forms() -> None:
    """Plain text by default, OpenMetrics where it is asked for; no `_created` series in either."""
    kind, body = metrics.exposition("")
    assert kind.startswith("text/plain")
    names = {family.name for family in text_string_to_metric_families(body.decode())}
    assert {"warn_mentions", "warn_build_info", "process_resident_memory_bytes"} <= names
    assert b"_created" not in body
    kind, body = metrics.exposition("application/openmetrics-text;version=1.0.0;q=0.8,text/plain;q=0.5")
    assert kind.startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")
    assert b"_created" not in body


def test_every_metric_is_ours_by_name_and_says_what_it_is() -> None:
    """Names start with `warn_`, counters end in `_total`, help is a sentence."""
    for name, declared in series.CATALOGUE.items():
        assert name.startswith("warn_")
        assert name.endswith("_total") == (declared.kind == "counter")
        assert declared.text.endswith(".")
        assert not set(declared.labels) & {"id", "user", "author", "url", "text"}


def test_unknown_is_not_nought() -> None:
    """Free space that nobody has looked at is no alarm."""
    assert value("warn_disk_free_bytes") != 0

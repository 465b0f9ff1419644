"""The dashboard is fresh, asks for metrics that exist, and keeps the rules of Grafana's dashboard linter."""

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import promql_parser as promql
import pytest

from grafana.build import OUT, build
from warn.telemetry.metrics import CATALOGUE
from warn.telemetry.series import REGISTRY

# Metrics that no panel shows, and why that is right.
NOT_SHOWN = {
    "warn_accounts_departed_total": "housekeeping; the log says how many, and warns where one is ours",
    "warn_build_info": "gives the variables their values",
    "warn_bus_lag_untold_total": "nothing of warn's rests on what lag tools are told",
    "warn_connector_batches_total": "items tell more; for rates per batch in an ad-hoc query",
    "warn_connector_spent": "paid sources only; `warn connectors ls` says it",
    "warn_connector_starts_total": "the state of connectors over time shows starts",
    "warn_daemon_events_total": "restarts are Prometheus' process_start_time_seconds",
    "warn_deletions_blanked_total": "housekeeping; the log says how many",
    "warn_erasures_total": "a few a year; each has its receipt",
    "warn_heartbeat_failures_total": "the time since the last success shows them",
    "warn_heartbeats_total": "the age of the canary tells more",
    "warn_history_points_total": "follows from judgements",
    "warn_lead_seconds_total": "a few a month; `warn report` tells each",
    "warn_leads_total": "a few a month; `warn report` tells each",
    "warn_membership_failures_total": "only with several processes; the log says why",
    "warn_membership_rounds_total": "only with several processes; fences and failures show what it costs",
    "warn_part_failures_total": "the log says so; the web and /-/ready say what is missing",
    "warn_partials_total": "follows from records per stage",
    "warn_rules": "for an ad-hoc query",
    "warn_rules_last_reload_success_timestamp_seconds": "for alerts; the panel says whether it went well",
    "warn_rules_refused_total": "the panel says refused while it matters",
    "warn_seats": "only with several processes, and for an ad-hoc query: which of them has which seat",
    "warn_stage_position": "lag tells more",
    "warn_unknown_kind_total": "only after a downgrade; the log says so",
    "warn_worker_opens_total": "shown by the fences and failures that cause them",
    "warn_worker_stalls_total": "the stall itself is shown",
}
UNITS = {"short", "s", "cps", "bytes", "percentunit", "reqps", "dateTimeFromNow"}
EVERY_SELECTOR = {"job": "$job", "instance": "$instance"}


def dashboard() -> dict[str, Any]:
    board: dict[str, Any] = json.loads(OUT.read_text(encoding="utf-8"))
    return board


def panels() -> list[dict[str, Any]]:
    return [p for p in dashboard()["panels"] if p["type"] != "row"]


def queries() -> list[tuple[str, str]]:
    """(panel, expression) of every panel."""
    return [(panel["title"], target["expr"]) for panel in panels() for target in panel["targets"]]


def expressions() -> list[str]:
    """Of panels and marks."""
    return [e for _, e in queries()] + [mark["expr"] for mark in dashboard()["annotations"]["list"]]


def plain(expression: str) -> str:
    """Grafana's macros replaced by what they stand for."""
    return expression.replace("$__rate_interval", "5m").replace("$__interval", "1m")


def selectors(expression: str) -> Iterator[promql.VectorSelector]:
    found: list[promql.VectorSelector] = []

    def visit(node: promql.Expr) -> bool:
        if isinstance(node, promql.VectorSelector):
            found.append(node)
        return True

    promql.walk(promql.parse(plain(expression)), visit)
    yield from found


def declared(name: str) -> tuple[str, ...] | None:
    """The labels of an exported series, None if there is no such series."""
    base = re.sub(r"_(bucket|sum|count)$", "", name)
    if name in CATALOGUE and CATALOGUE[name].kind != "histogram":
        return CATALOGUE[name].labels
    if base in CATALOGUE and CATALOGUE[base].kind == "histogram":
        return (*CATALOGUE[base].labels, "le")
    ours_or_process = {s.name for m in REGISTRY.collect() for s in m.samples}
    return () if name in ours_or_process else None


def test_committed_dashboard_is_what_the_generator_writes() -> None:
    """A panel is changed in grafana/panels.py; after that, `make dashboards`."""
    assert OUT.read_text(encoding="utf-8") == build()


@pytest.mark.parametrize("expression", expressions())
def test_every_expression_asks_for_what_is_exported(expression: str) -> None:
    """A metric or label that is renamed in the code cannot stay behind in a panel."""
    found = list(selectors(expression))
    assert found
    for selector in found:
        assert selector.name is not None
        labels = declared(selector.name)
        assert labels is not None, f"{selector.name} is not exported"
        used = {m.name for m in selector.matchers.matchers} - set(EVERY_SELECTOR)
        assert used <= set(labels), f"{selector.name} has no label {used - set(labels)}"


@pytest.mark.parametrize(("panel", "expression"), queries())
def test_grouping_and_legend_use_labels_that_exist(panel: str, expression: str) -> None:
    """`sum by (x)` and `{{x}}` name labels of the metric."""
    known = {label for s in selectors(expression) if s.name for label in declared(s.name) or ()} | set(
        EVERY_SELECTOR
    )
    grouped = {g.strip() for by in re.findall(r"\bby \(([^)]*)\)", expression) for g in by.split(",")}
    legend = next(
        t["legendFormat"]
        for p in panels()
        if p["title"] == panel
        for t in p["targets"]
        if t["expr"] == expression
    )
    shown = set(re.findall(r"\{\{(\w+)\}\}", legend))
    assert grouped <= known
    assert shown <= grouped - {"le"}


def test_every_metric_is_shown_or_excused() -> None:
    """What is exported is looked at, or there is a reason why not."""
    used = {s.name for e in expressions() for s in selectors(e)}
    shown = {
        name
        for name in CATALOGUE
        if any(name in {u, re.sub(r"_(bucket|sum|count)$", "", u or "")} for u in used)
    }
    assert set(CATALOGUE) - shown == set(NOT_SHOWN)


@pytest.mark.parametrize(("panel", "expression"), queries())
def test_linter_rules_of_expressions(panel: str, expression: str) -> None:
    """Every selector follows the variables; counters are read as rates, over Grafana's own interval."""
    for selector in selectors(expression):
        matchers = {m.name: m.value for m in selector.matchers.matchers}
        assert {k: matchers.get(k) for k in EVERY_SELECTOR} == EVERY_SELECTOR, panel
    counters = re.findall(r"(\w*)\(\w+_(?:total|bucket)\{[^}]*\}(\[[^]]*\])?", expression)
    assert all(f in {"rate", "increase"} and over == "[$__rate_interval]" for f, over in counters), panel
    assert len(counters) == len(re.findall(r"_(?:total|bucket)\{", expression)), panel


def test_linter_rules_of_panels() -> None:
    """Every panel says what it shows, in which unit, and what to do; places do not overlap."""
    taken: dict[tuple[int, int], str] = {}
    for panel in dashboard()["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert taken.setdefault((x, y), panel["title"]) == panel["title"]
    for panel in panels():
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert panel["targets"]
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
        assert panel["fieldConfig"]["defaults"]["noValue"]
        assert panel["datasource"]["uid"] == "${datasource}"
        assert all(t["datasource"]["uid"] == "${datasource}" for t in panel["targets"])
        steps = [s["value"] for s in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]]
        assert steps[0] is None
        assert all(a < b for a, b in pairwise(steps[1:]))


def test_linter_rules_of_the_board() -> None:
    """It loads by file in every Grafana that people run, and nobody edits it in place."""
    board = dashboard()
    assert (board["schemaVersion"], board["uid"], board["title"]) == (42, "warn", "warn")
    assert board["editable"] is False
    assert board["timezone"] == "browser"
    assert board["refresh"]
    assert board["tags"] == ["warn"]
    ids = [p["id"] for p in board["panels"]]
    assert len(set(ids)) == len(ids)
    assert 0 not in ids
    titles = [p["title"] for p in board["panels"]]
    assert len(set(titles)) == len(titles)
    source, job, instance = board["templating"]["list"]
    assert (source["name"], source["type"], source["query"], source["label"]) == (
        "datasource",
        "datasource",
        "prometheus",
        "Data source",
    )
    for variable, label in ((job, "Job"), (instance, "Instance")):
        assert variable["label"] == label
        assert variable["multi"]
        assert variable["includeAll"]
        assert variable["refresh"] == 2
        inner = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"])
        assert inner is not None
        promql.parse(inner[1])
        assert inner[2] == variable["name"]

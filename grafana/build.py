"""Writes grafana/dashboards/warn.json: run `make dashboards` after a change to panels.py, and commit both.

The JSON is committed because people copy it into a Grafana of their own; a test rebuilds it and compares. It is
Grafana's classic form (schemaVersion 42), the only one that file provisioning takes in every Grafana from 11 to 13.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, statetimeline, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as common_model
from grafana_foundation_sdk.models import dashboard as model

from grafana.panel import BLUE, RED, Panel
from grafana.panels import ROWS

OUT = Path(__file__).resolve().parent / "dashboards" / "warn.json"

SOURCE = common_model.DataSourceRef(type_val="prometheus", uid="${datasource}")
SAME = 'job=~"$job", instance=~"$instance"'


def query(expression: str, legend: str, number: int) -> prometheus.Dataquery:
    """One expression; `@` becomes the selector."""
    return (
        prometheus.Dataquery()
        .expr(expression.replace("@", SAME))
        .legend_format(legend)
        .ref_id(chr(ord("A") + number))
        .datasource(SOURCE)
    )


def thresholds(limits: tuple[tuple[float, str], ...]) -> dashboard.ThresholdsConfig:
    """Colours by value; the first one holds below everything."""
    steps = [
        model.Threshold(value=None if i == 0 else v, color=c)
        for i, (v, c) in enumerate(limits or ((0, BLUE),))
    ]
    return dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps)


def mappings(words: tuple[tuple[float, str, str], ...]) -> list[model.ValueMap]:
    """A word for a value, so that a colour is never the only sign."""
    options = {
        f"{value:g}": model.ValueMappingResult(text=word, color=colour, index=i)
        for i, (value, word, colour) in enumerate(words)
    }
    return [model.ValueMap(options=options)] if options else []


def number_panel() -> Any:
    """One large number."""
    return (
        stat.Panel()
        .graph_mode(common_model.BigValueGraphMode.NONE)
        .color_mode(common_model.BigValueColorMode.BACKGROUND)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    )


def line_panel() -> Any:
    """Lines over time."""
    legend = common.VizLegendOptions().show_legend(True).placement(common_model.LegendPlacement.BOTTOM)
    return (
        timeseries.Panel()
        .min(0)
        .fill_opacity(10)
        .show_points(common_model.VisibilityMode.NEVER)
        .legend(legend.display_mode(common_model.LegendDisplayMode.LIST))
        .tooltip(
            common.VizTooltipOptions()
            .mode(common_model.TooltipDisplayMode.MULTI)
            .sort(common_model.SortOrder.DESCENDING)
        )
    )


def state_panel() -> Any:
    """What was the case when."""
    return statetimeline.Panel().show_value(common_model.VisibilityMode.NEVER).row_height(0.8)


KINDS: dict[str, Callable[[], Any]] = {"number": number_panel, "lines": line_panel, "states": state_panel}


def panel(what: Panel, number: int, place: model.GridPos) -> Any:
    """A panel's builder."""
    built = (
        KINDS[what.kind]()
        .id(number)
        .title(what.title)
        .description(what.description)
        .unit(what.unit)
        .datasource(SOURCE)
        .grid_pos(place)
        .thresholds(thresholds(what.limits))
        .no_value(what.nothing)
    )
    if what.words:
        built = built.mappings(mappings(what.words))
    for i, (expression, legend) in enumerate(what.queries):
        built = built.with_target(query(expression, legend, i))
    return built


def variable(name: str, label: str, label_values: str) -> dashboard.QueryVariable:
    """A choice of several values, all of them by default."""
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query(label_values)
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".+")
        .current(model.VariableOption(text="All", value="$__all"))
    )


def marks() -> dashboard.AnnotationQuery:
    """A mark wherever an incident was opened."""
    expression = 'sum(changes(warn_incidents_total{@, event="opened"}[$__interval])) > 0'
    return (
        dashboard.AnnotationQuery()
        .name("Incident opened")
        .datasource(SOURCE)
        .enable(True)
        .icon_color(RED)
        .expr(expression.replace("@", SAME))
        .title_format("Incident opened")
    )


def build() -> str:
    """The dashboard as the JSON that is committed."""
    board = (
        dashboard.Dashboard("warn")
        .uid("warn")
        .description("Whether warn hears, keeps up, and can page; and what it makes of what is said.")
        .tags(["warn"])
        .readonly()
        .timezone("browser")
        .refresh("30s")
        .time("now-6h", "now")
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .with_variable(dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"))
        .with_variable(variable("job", "Job", "label_values(warn_build_info, job)"))
        .with_variable(
            variable("instance", "Instance", 'label_values(warn_build_info{job=~"$job"}, instance)')
        )
        .annotation(marks())
    )
    number, top = 0, 0
    for row in ROWS:
        number += 1
        board = board.with_row(
            dashboard.Row(row.question).id(number).grid_pos(model.GridPos(h=1, w=24, x=0, y=top))
        )
        top, left = top + 1, 0
        for what in row.panels:
            number += 1
            place = model.GridPos(h=row.height, w=what.width, x=left, y=top)
            board = board.with_panel(panel(what, number, place))
            left += what.width
        top += row.height
    return (
        json.dumps(json.loads(JSONEncoder(sort_keys=True, indent=2).encode(board.build())), indent=2) + "\n"
    )


if __name__ == "__main__":
    OUT.write_text(build(), encoding="utf-8")

"""Events: each call moves its metrics and writes its line; each is exercised here, so none is dead."""

import inspect
import io
import json
import logging
from collections.abc import Callable, Iterator

import pytest

from tests.unit.telemetry.hearing_calls import HEARING_CALLS
from tests.unit.telemetry.kafka_calls import ERROR, KAFKA_CALLS
from tests.unit.telemetry.people_calls import PEOPLE_CALLS
from warn.telemetry import events, logs, series

CALLS: dict[Callable[..., None], tuple[Callable[[], None], str, dict[str, str], str]] = {
    # function: (call, exported metric, its labels, event name or "" where it is a gauge only)
    events.bus_set_aside: (
        lambda: events.bus_set_aside("bus.db.damaged"),
        "warn_daemon_events_total",
        {"event": "bus_set_aside"},
        "bus_set_aside",
    ),
    events.started: (
        lambda: events.started(bus="embedded", stages="all"),
        "warn_daemon_events_total",
        {"event": "started"},
        "daemon_started",
    ),
    events.listening: (
        lambda: events.listening("127.0.0.1", 8080),
        "warn_daemon_events_total",
        {"event": "listening"},
        "web_listening",
    ),
    events.stopping: (
        lambda: events.stopping("SIGTERM"),
        "warn_daemon_events_total",
        {"event": "stopping"},
        "daemon_stopping",
    ),
    events.stopped: (
        lambda: events.stopped(0.5),
        "warn_daemon_events_total",
        {"event": "stopped"},
        "daemon_stopped",
    ),
    events.disk_free: (lambda: events.disk_free(7), "warn_disk_free_bytes", {}, ""),
    events.connector_started: (
        lambda: events.connector_started("c", resumed=True),
        "warn_connector_starts_total",
        {"connector": "c"},
        "connector_started",
    ),
    events.connector_ended: (
        lambda: events.connector_ended("c"),
        "warn_connector_up",
        {"connector": "c"},
        "connector_ended",
    ),
    events.connector_failed: (
        lambda: events.connector_failed("c", ERROR, retry_in_s=2.0),
        "warn_connector_errors_total",
        {"connector": "c", "reason": "network"},
        "connector_failed",
    ),
    events.connector_recovered: (
        lambda: events.connector_recovered("c", failures=2),
        "warn_connector_up",
        {"connector": "c"},
        "connector_recovered",
    ),
    events.connector_gap: (
        lambda: events.connector_gap("c", 1, 4),
        "warn_connector_gap_seconds_total",
        {"connector": "c"},
        "connector_gap",
    ),
    events.connector_batch: (
        lambda: events.connector_batch("c", items=3, published=2, now=10.0),
        "warn_connector_items_total",
        {"connector": "c"},
        "connector_batch",
    ),
    events.door_dropped: (
        lambda: events.door_dropped("c", "unmatched", 3),
        "warn_door_dropped_total",
        {"connector": "c", "reason": "unmatched"},
        "door_dropped",
    ),
    events.collect_seat_fenced: (
        lambda: events.collect_seat_fenced(2, "abc"),
        "warn_daemon_events_total",
        {"event": "collect_seat_fenced"},
        "collect_seat_fenced",
    ),
    events.rules_differ: (
        lambda: events.rules_differ(ours="abc", in_force="def"),
        "warn_daemon_events_total",
        {"event": "rules_differ"},
        "rules_differ",
    ),
    events.worker_opened: (
        lambda: events.worker_opened("s", 0, position=4, records=2),
        "warn_worker_opens_total",
        {"stage": "s"},
        "worker_opened",
    ),
    events.worker_stepped: (
        lambda: events.worker_stepped("s", 0, seconds=0.1, records=2, position=6, lag=1),
        "warn_stage_step_seconds_count",
        {"stage": "s"},
        "worker_stepped",
    ),
    events.clock_passed: (
        lambda: events.clock_passed("s", 100),
        "warn_stage_last_clock_timestamp_seconds",
        {"stage": "s"},
        "",
    ),
    events.worker_stalled: (
        lambda: events.worker_stalled("s", 0, "abc"),
        "warn_worker_stalls_total",
        {"stage": "s"},
        "worker_stalled",
    ),
    events.worker_resumed: (
        lambda: events.worker_resumed("s", 0),
        "warn_stage_stalled",
        {"stage": "s", "partition": "0"},
        "worker_resumed",
    ),
    events.worker_fenced: (
        lambda: events.worker_fenced("s", 0, ERROR),
        "warn_worker_fences_total",
        {"stage": "s"},
        "worker_fenced",
    ),
    events.worker_failed: (
        lambda: events.worker_failed("s", 0, ERROR, retry_in_s=None),
        "warn_worker_failures_total",
        {"stage": "s", "reason": "network"},
        "worker_failed",
    ),
    events.dead_letter: (
        lambda: events.dead_letter("s", "malformed", where="12/3"),
        "warn_dead_letters_total",
        {"stage": "s", "reason": "malformed"},
        "dead_letter",
    ),
    events.incidents_open: (lambda: events.incidents_open(2), "warn_incidents_open", {}, ""),
    events.outbox_undelivered: (lambda: events.outbox_undelivered(1), "warn_outbox_undelivered", {}, ""),
    events.delivery: (
        lambda: events.delivery(
            "n", "retry", delivery_id="d", incident="i", attempt=1, seconds=0.2, error=ERROR
        ),
        "warn_deliveries_failed_total",
        {"notifier": "n", "reason": "network"},
        "delivery",
    ),
    events.rules_reloaded: (
        lambda: events.rules_reloaded("abc", files=1, rules=3, now=5.0),
        "warn_rules",
        {},
        "rules_reloaded",
    ),
    events.rules_refused: (
        lambda: events.rules_refused(2, first="a.yaml:3:1"),
        "warn_rules_refused_total",
        {},
        "rules_refused",
    ),
    **KAFKA_CALLS,
    **PEOPLE_CALLS,
    **HEARING_CALLS,
    events.seat_wanted: (
        lambda: events.seat_wanted("s", 3),
        "warn_seats",
        {"stage": "s", "partition": "3"},
        "seat_wanted",
    ),
    events.seat_released: (
        lambda: events.seat_released("s", 4),
        "warn_disk_free_bytes",  # it takes series away: see below
        {},
        "seat_released",
    ),
    events.membership_assigned: (
        lambda: events.membership_assigned({"match": 3}),
        "warn_membership_rounds_total",
        {},
        "membership_assigned",
    ),
    events.membership_failed: (
        lambda: events.membership_failed(ERROR, retry_in_s=1.0),
        "warn_membership_failures_total",
        {"reason": "network"},
        "membership_failed",
    ),
    events.bus_waited_for: (
        lambda: events.bus_waited_for(ERROR, retry_in_s=1.0),
        "warn_daemon_events_total",
        {"event": "bus_waited_for"},
        "bus_waited_for",
    ),
    events.part_failed: (
        lambda: events.part_failed("web", ERROR, retry_in_s=1.0),
        "warn_part_failures_total",
        {"part": "web", "reason": "network"},
        "part_failed",
    ),
    events.http_failed: (
        lambda: events.http_failed("/incidents/{id}", ERROR),
        "warn_http_errors_total",
        {"route": "/incidents/{id}", "reason": "network"},
        "http_failed",
    ),
}


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    logs.configure(form="json", level="debug", stream=stream)
    yield stream
    root.handlers[:], root.level = handlers, level


def test_every_event_is_exercised() -> None:
    """An event added without a line here is found."""
    public = {
        f
        for name, f in vars(events).items()
        if inspect.isfunction(f)
        and f.__module__.startswith("warn.telemetry.")
        and f.__module__ not in {"warn.telemetry.told", "warn.telemetry.logs"}
        and not name.startswith("_")
    }
    assert public == set(CALLS)


@pytest.mark.parametrize("event", list(CALLS), ids=lambda f: f.__name__)
def test_event_moves_its_metric_and_writes_its_line(event: Callable[..., None], out: io.StringIO) -> None:
    """One call: the metric is there and not behind, and the line has the event's name."""
    call, metric, labels, name = CALLS[event]
    before = series.REGISTRY.get_sample_value(metric, labels)
    call()
    after = series.REGISTRY.get_sample_value(metric, labels)
    assert after is not None
    if metric.endswith(("_total", "_count")):
        assert after > (before or 0)
    assert [json.loads(line)["event"] for line in out.getvalue().splitlines()] == ([name] if name else [])


def test_reload_pair_tells_refused_from_well() -> None:
    """Refused sets the flag to 0 and leaves the time of the last good reading alone."""
    events.rules_reloaded("abc", files=1, rules=3, now=50.0)
    assert series.REGISTRY.get_sample_value("warn_rules_last_reload_successful") == 1
    events.rules_refused(1, first="a.yaml:1:1")
    assert series.REGISTRY.get_sample_value("warn_rules_last_reload_successful") == 0
    assert series.REGISTRY.get_sample_value("warn_rules_last_reload_success_timestamp_seconds") == 50.0


def test_a_seat_that_is_released_leaves_no_number_behind() -> None:
    """What this process last knew of a seat would be read as what it is now."""
    events.seat_wanted("s", 9)
    events.worker_stepped("s", 9, seconds=0.1, records=2, position=6, lag=7)
    seat = {"stage": "s", "partition": "9"}
    assert series.REGISTRY.get_sample_value("warn_stage_lag_records", seat) == 7
    events.seat_released("s", 9)
    for name in ("warn_seats", "warn_stage_lag_records", "warn_stage_position"):
        assert series.REGISTRY.get_sample_value(name, seat) is None
    events.worker_stepped("s", 9, seconds=0.1, records=2, position=6, lag=1)
    assert series.REGISTRY.get_sample_value("warn_stage_lag_records", seat) == 1

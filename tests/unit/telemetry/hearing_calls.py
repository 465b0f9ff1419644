"""Calls of the events about what warn hears."""

from collections.abc import Callable

from warn.model.errors import Reason, TemporaryError
from warn.telemetry import events

HEARING_CALLS: dict[Callable[..., None], tuple[Callable[[], None], str, dict[str, str], str]] = {
    events.connector_spent: (
        lambda: events.connector_spent("x", 1.5), "warn_connector_spent", {"connector": "x"}, "",
    ),
    events.connector_type_eclipsed: (
        lambda: events.connector_type_eclipsed("rss", "warn-rss"),
        "warn_daemon_events_total", {"event": "connector_type_eclipsed"}, "connector_type_eclipsed",
    ),
    events.push_topic_unknown: (
        lambda: events.push_topic_unknown("calls", "Acme/typo"),
        "warn_daemon_events_total", {"event": "push_topic_unknown"}, "push_topic_unknown",
    ),
    events.source_silent: (
        lambda: events.source_silent("forum", "deaf", since=5, why="", critical=False),
        "warn_source_silent", {"source": "forum", "state": "deaf"}, "source_silent",
    ),
    events.source_heard: (
        lambda: events.source_heard("news", "cut"),
        "warn_source_silent", {"source": "news", "state": "cut"}, "source_heard",
    ),
    events.canary_came_through: (
        lambda: events.canary_came_through(60), "warn_canary_last_timestamp_seconds", {}, "",
    ),
    events.heartbeat_told: (
        lambda: events.heartbeat_told(1, 60.0),
        "warn_heartbeat_last_success_timestamp_seconds", {"monitor": "1"}, "heartbeat_told",
    ),
    events.heartbeat_failed: (
        lambda: events.heartbeat_failed(1, TemporaryError("x", reason=Reason.NETWORK)),
        "warn_heartbeat_failures_total", {"monitor": "1"}, "heartbeat_failed",
    ),
}  # fmt: skip

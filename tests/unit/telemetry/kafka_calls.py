"""The events of the bus on Kafka, each called once: a part of what test_events.py goes through."""

from collections.abc import Callable

from warn.model.errors import Reason, TemporaryError
from warn.telemetry import events

ERROR = TemporaryError("try later", reason=Reason.NETWORK)

KAFKA_CALLS: dict[Callable[..., None], tuple[Callable[[], None], str, dict[str, str], str]] = {
    events.bus_gap: (
        lambda: events.bus_gap("mentions", 1, writer="collect/0", amount=3),
        "warn_bus_gap_total",
        {"topic": "mentions"},
        "bus_gap",
    ),
    events.bus_overlap: (
        lambda: events.bus_overlap("mentions", 1, writer="collect/0", amount=3, dropped=True),
        "warn_bus_overlap_total",
        {"topic": "mentions"},
        "bus_overlap",
    ),
    events.bus_hanging: (
        lambda: events.bus_hanging("match", 1, 4),
        "warn_bus_hanging",
        {"stage": "match", "partition": "1"},
        "bus_hanging",
    ),
    events.bus_input_held_up: (
        lambda: events.bus_input_held_up("match", 2, 1),
        "warn_bus_input_held_up",
        {"stage": "match", "partition": "2"},
        "bus_input_held_up",
    ),
    events.bus_client_leaked: (
        lambda: events.bus_client_leaked(2),
        "warn_bus_leaks_total",
        {},
        "bus_client_leaked",
    ),
    events.bus_lag_untold: (
        lambda: events.bus_lag_untold(ERROR),
        "warn_bus_lag_untold_total",
        {},
        "bus_lag_untold",
    ),
}

"""Every Prometheus metric of warn, declared once; what is not here cannot be exported.

Dashboards and docs are checked against `CATALOGUE`, so that a renamed metric cannot rot in a panel. A label is a name
from configuration, a word from a closed set, or a partition number.
"""

import math
import platform
from collections import Counter
from collections.abc import Iterable, Mapping

from prometheus_client import GCCollector, ProcessCollector
from prometheus_client.exposition import choose_encoder

from warn import __version__
from warn.model.flow import DESK, MENTIONS, SIGNALS
from warn.telemetry.series import CATALOGUE, REGISTRY, Count, Declared, Level, Spread

__all__ = ["CATALOGUE", "COUNTS", "Declared", "counts", "exposition", "touch"]

ProcessCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)

# What stages count in their effects, by the name they use: `warn_<name>_total{<label>}`.
COUNTS: dict[str, Count] = {
    "mentions": Count("warn_mentions", "Mentions that match took in, before repeats are dropped.", "source"),
    "matched": Count("warn_matched", "Mentions and echoes that counted for at least one topic."),
    "repeats": Count("warn_repeats", "Mentions dropped because their content had counted before."),
    "late": Count("warn_late", "Mentions remembered for their thread but too old or too new to count."),
    "evicted": Count("warn_evicted", "Entries of match's memory given up because their bucket was full."),
    "unknown_kind": Count(
        "warn_unknown_kind", "Records of a kind that this release does not know, skipped.", "topic"
    ),
    "unreadable": Count(
        "warn_unreadable", "Records or mentions that did not decode, sent to dead letters.", "topic"
    ),
    "partials": Count("warn_partials", "Partial counts that match wrote for detect."),
    "evaluations": Count("warn_evaluations", "Judgements of a rule at a tick."),
    "alerts": Count("warn_alerts", "Events of the machine's alerts.", "kind"),
    "incidents": Count("warn_incidents", "Events of the people's incidents.", "event"),
    "notifications": Count("warn_notifications", "What respond decided about telling somebody.", "outcome"),
    "heartbeats": Count(
        "warn_heartbeats",
        "Canaries that came through everything, by whether the monitors may know.",
        "outcome",
    ),
    "leads": Count("warn_leads", "Incidents of which it is known who was first, warn or the press.", "first"),
    "lead_seconds": Count(
        "warn_lead_seconds", "Seconds between our page and the first article, by who was first.", "first"
    ),
    "history_points": Count("warn_history_points", "Points written to the history of rules."),
}

BUILD = Level("warn_build_info", "Which warn this is; always 1.", "version", "python")
BUILD.put(1, __version__, platform.python_version())
DAEMON_EVENTS = Count(
    "warn_daemon_events", "Starts and stops of this process, and what somebody should know of it.", "event"
)
LOG_EVENTS = Count("warn_log_events", "Log lines, by level.", "level")

# collect
CONNECTOR_UP = Level("warn_connector_up", "1 while a connector reads, 0 while it backs off.", "connector")
CONNECTOR_STARTS = Count("warn_connector_starts", "Times a connector was started.", "connector")
CONNECTOR_BATCHES = Count("warn_connector_batches", "Batches read and committed.", "connector")
CONNECTOR_ITEMS = Count("warn_connector_items", "Items read, let through or not.", "connector")
CONNECTOR_ERRORS = Count("warn_connector_errors", "Failures of a connector.", "connector", "reason")
CONNECTOR_GAP = Count(
    "warn_connector_gap_seconds", "Time that a source could not give any more.", "connector"
)
CONNECTOR_LAST_EVENT = Level(
    "warn_connector_last_event_timestamp_seconds", "When a connector last brought anything.", "connector"
)
CONNECTOR_SPENT = Level(
    "warn_connector_spent",
    "What reading has cost in the period of its ceiling, as the connector reckons.",
    "connector",
)
SOURCE_SILENT = Level(
    "warn_source_silent", "1 for each source that is not heard as it should be, by how.", "source", "state"
)
PUSHES = Count("warn_pushes", "Calls that others sent to us, by what became of them.", "connector", "outcome")
DOOR_PUBLISHED = Count("warn_door_published", "Mentions let through the door onto the bus.", "connector")
DOOR_DROPPED = Count("warn_door_dropped", "Items dropped at the door.", "connector", "reason")
DISK_FREE = Level("warn_disk_free_bytes", "Free space where the store lies.")
DISK_FREE.put(math.nan)  # unknown until somebody has looked: 0 would be an alarm

# stages and their workers
WORKER_OPENS = Count("warn_worker_opens", "Times a worker took its seat.", "stage")
WORKER_FENCES = Count("warn_worker_fences", "Times a worker lost its seat to another.", "stage")
WORKER_FAILURES = Count("warn_worker_failures", "Steps that failed and were begun again.", "stage", "reason")
WORKER_STALLS = Count("warn_worker_stalls", "Times a worker began to wait for a configuration.", "stage")
STAGE_STALLED = Level(
    "warn_stage_stalled", "1 while a stage waits for a configuration.", "stage", "partition"
)
STAGE_RECORDS = Count("warn_stage_records", "Records of input worked through.", "stage")
STAGE_POSITION = Level("warn_stage_position", "Position after the last committed step.", "stage", "partition")
STAGE_LAG = Level("warn_stage_lag_records", "Records of input not yet worked through.", "stage", "partition")
STAGE_CLOCK = Level(
    "warn_stage_last_clock_timestamp_seconds",
    "The last clock or tick that a stage has worked through.",
    "stage",
)
STEP_SECONDS = Spread(
    "warn_stage_step_seconds",
    "From having a batch to its commit.",
    (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 6.0),
    "stage",
)
SEATS = Level("warn_seats", "1 for each seat that this process is to hold.", "stage", "partition")
MEMBERSHIP_ROUNDS = Count(
    "warn_membership_rounds", "Times that Kafka shared the seats out anew among the processes."
)
MEMBERSHIP_FAILURES = Count(
    "warn_membership_failures", "Times that this process lost its membership and joined again.", "reason"
)
PART_FAILURES = Count(
    "warn_part_failures", "Failures of what works beside the stages: it is begun again.", "part", "reason"
)
DEAD_LETTERS = Count(
    "warn_dead_letters", "Pieces of input that could not be used, kept aside.", "stage", "reason"
)

# privacy
ERASURES = Count("warn_erasures", "Authors that were erased by somebody's wish.")
DELETIONS_BLANKED = Count(
    "warn_deletions_blanked", "Posts deleted at their source of which nothing is kept any more."
)
ACCOUNTS_DEPARTED = Count(
    "warn_accounts_departed",
    "Accounts that are gone from their source, of whom something was kept.",
    "connector",
)

# the bus on Kafka
BUS_GAP = Count("warn_bus_gap", "Records that were committed and could not be read.", "topic")
BUS_OVERLAP = Count("warn_bus_overlap", "Records that were committed twice.", "topic")
BUS_HANGING = Level(
    "warn_bus_hanging", "1 where a transaction on a seat's state is decided by nobody.", "stage", "partition"
)
BUS_INPUT_HELD_UP = Level(
    "warn_bus_input_held_up",
    "1 where a transaction in a seat's input is decided by nobody.",
    "stage",
    "partition",
)
BUS_LEAKS = Count("warn_bus_leaks", "Kafka clients that would not end.")
BUS_LAG_UNTOLD = Count("warn_bus_lag_untold", "Times that positions could not be written for lag tools.")

# the dead man's switch
CANARY_AT = Level(
    "warn_canary_last_timestamp_seconds", "The minute of the last canary that came through everything."
)
HEARTBEAT_OK = Level(
    "warn_heartbeat_last_success_timestamp_seconds",
    "When an outside monitor was last told that warn hears and can page.",
    "monitor",
)
HEARTBEAT_FAILURES = Count(
    "warn_heartbeat_failures",
    "Times that an outside monitor could not be told, after three tries.",
    "monitor",
)

# respond and delivery
INCIDENTS_OPEN = Level("warn_incidents_open", "Incidents that are not closed.")
OUTBOX = Level("warn_outbox_undelivered", "Notifications decided and not yet accepted by anybody.")
DELIVERIES = Count("warn_deliveries", "Attempts to deliver.", "notifier", "outcome")
DELIVERIES_FAILED = Count("warn_deliveries_failed", "Attempts that failed.", "notifier", "reason")
DELIVERY_SECONDS = Spread(
    "warn_delivery_seconds",
    "How long one attempt to deliver took.",
    (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
    "notifier",
)

# rules, web
RULES = Level("warn_rules", "Rules in force.")
RULES_RELOAD_OK = Level(
    "warn_rules_last_reload_successful", "1 if the rule files were well when last read, else 0."
)
RULES_RELOAD_AT = Level(
    "warn_rules_last_reload_success_timestamp_seconds", "When rule files were last read well."
)
RULES_REFUSED = Count("warn_rules_refused", "Times that rule files were refused, the last good ones staying.")
HTTP_ERRORS = Count("warn_http_errors", "Requests to warn's web that failed on our side.", "route", "reason")


def counts(moved: Counter[tuple[str, str]] | Mapping[tuple[str, str], int]) -> None:
    """Move the counters of a committed step's `Effects.counts`.

    Raises `KeyError` for a name that no metric is declared for, and `ValueError` for a label where none is declared.
    """
    for (name, label), by in moved.items():
        if label:
            COUNTS[name].add(label, by=by)
        else:
            COUNTS[name].add(by=by)


def touch(
    *,
    connectors: Iterable[str] = (),
    notifiers: Iterable[str] = (),
    stages: Iterable[str] = (),
    sources: Iterable[str] = (),
) -> None:
    """Make the series of all known names exist at 0: a counter that is born at 1 shows no rise to Prometheus."""
    for source in sources:
        COUNTS["mentions"].add(source, by=0)
    for name in connectors:
        for metric in (CONNECTOR_STARTS, CONNECTOR_BATCHES, CONNECTOR_ITEMS, CONNECTOR_GAP, DOOR_PUBLISHED):
            metric.add(name, by=0)
        CONNECTOR_UP.put(0, name)
    for name in notifiers:
        for outcome in ("delivered", "retry", "refused"):
            DELIVERIES.add(name, outcome, by=0)
        DELIVERY_SECONDS.touch(name)
    for name in stages:
        for metric in (WORKER_OPENS, WORKER_FENCES, WORKER_STALLS, STAGE_RECORDS):
            metric.add(name, by=0)
        STEP_SECONDS.touch(name)


for _kind in ("firing", "update", "resolved"):
    COUNTS["alerts"].add(_kind, by=0)
for _outcome in ("given", "withheld"):
    COUNTS["heartbeats"].add(_outcome, by=0)
for _first in ("warn", "press"):
    COUNTS["leads"].add(_first, by=0)
    COUNTS["lead_seconds"].add(_first, by=0)
for _event in ("opened", "updated", "wave", "resolved"):
    COUNTS["incidents"].add(_event, by=0)
for _topic in (MENTIONS, SIGNALS, DESK):
    BUS_GAP.add(_topic, by=0)
    BUS_OVERLAP.add(_topic, by=0)
    COUNTS["unknown_kind"].add(_topic, by=0)
    COUNTS["unreadable"].add(_topic, by=0)
for _level in ("debug", "info", "warning", "error", "critical"):
    LOG_EVENTS.add(_level, by=0)


def exposition(accept: str) -> tuple[str, bytes]:
    """(content type, body) of /metrics, in the form that the `Accept` header asks for."""
    encoder, content_type = choose_encoder(accept)
    return content_type, encoder(REGISTRY)

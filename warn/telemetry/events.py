"""What can happen, by name: one call is one log line and the metrics that go with it.

Arguments are hashes, numbers, and names from the configuration. An error that warn raised on purpose is logged with
its message, which must not quote input; of any other only its type and place are, because its message may.
"""

# ruff: noqa: PLC0414 - an alias of the same name hands a name on; with `__all__` all others would have to be in it too

from warn import __version__
from warn.model.errors import PermanentError
from warn.telemetry import metrics
from warn.telemetry.collecting import collect_seat_fenced as collect_seat_fenced
from warn.telemetry.collecting import rules_differ as rules_differ
from warn.telemetry.hearing import canary_came_through as canary_came_through
from warn.telemetry.hearing import connector_spent as connector_spent
from warn.telemetry.hearing import heartbeat_failed as heartbeat_failed
from warn.telemetry.hearing import heartbeat_told as heartbeat_told
from warn.telemetry.hearing import source_heard as source_heard
from warn.telemetry.hearing import source_silent as source_silent
from warn.telemetry.kafka import bus_client_leaked as bus_client_leaked
from warn.telemetry.kafka import bus_gap as bus_gap
from warn.telemetry.kafka import bus_hanging as bus_hanging
from warn.telemetry.kafka import bus_input_held_up as bus_input_held_up
from warn.telemetry.kafka import bus_lag_untold as bus_lag_untold
from warn.telemetry.kafka import bus_overlap as bus_overlap
from warn.telemetry.letters import dead_letter as dead_letter
from warn.telemetry.logs import logger
from warn.telemetry.privacy import accounts_departed as accounts_departed
from warn.telemetry.privacy import author_erased as author_erased
from warn.telemetry.privacy import deletions_blanked as deletions_blanked
from warn.telemetry.pushes import push_taken as push_taken
from warn.telemetry.pushes import push_topic_unknown as push_topic_unknown
from warn.telemetry.pushes import push_turned_away as push_turned_away
from warn.telemetry.together import bus_waited_for as bus_waited_for
from warn.telemetry.together import membership_assigned as membership_assigned
from warn.telemetry.together import membership_failed as membership_failed
from warn.telemetry.together import part_failed as part_failed
from warn.telemetry.together import seat_released as seat_released
from warn.telemetry.together import seat_wanted as seat_wanted
from warn.telemetry.told import reason_of, told

_log = logger()


# --- the process ---


def started(*, bus: str, stages: str) -> None:
    """The daemon is up."""
    metrics.DAEMON_EVENTS.add("started")
    _log.info("daemon_started", version=__version__, bus=bus, stages=stages)


def listening(host: str, port: int) -> None:
    """The web accepts connections."""
    metrics.DAEMON_EVENTS.add("listening")
    _log.info("web_listening", host=host, port=port)


def stopping(why: str) -> None:
    """A signal or a fault ends the daemon; `why` is a signal's name or an error's type."""
    metrics.DAEMON_EVENTS.add("stopping")
    _log.info("daemon_stopping", why=why)


def stopped(seconds: float) -> None:
    """Drained and closed, `seconds` after it began to stop."""
    metrics.DAEMON_EVENTS.add("stopped")
    _log.info("daemon_stopped", seconds=round(seconds, 3))


def disk_free(free_bytes: int) -> None:
    """A look at the disk: a gauge and no line (that intake stops is told by `worker_failed` of collect)."""
    metrics.DISK_FREE.put(free_bytes)


# --- collect ---


def connector_started(connector: str, *, resumed: bool) -> None:
    """A connector begins to read, from its cursor or from the start."""
    metrics.CONNECTOR_STARTS.add(connector)
    metrics.CONNECTOR_UP.put(1, connector)
    _log.info("connector_started", connector=connector, resumed=resumed)


def connector_ended(connector: str) -> None:
    """A source that has an end was read to it."""
    metrics.CONNECTOR_UP.put(0, connector)
    _log.info("connector_ended", connector=connector)


def connector_failed(connector: str, error: BaseException, *, retry_in_s: float | None) -> None:
    """A connector failed; None: it will not be tried again until somebody changes something."""
    metrics.CONNECTOR_ERRORS.add(connector, reason_of(error))
    metrics.CONNECTOR_UP.put(0, connector)
    wait = None if retry_in_s is None else round(retry_in_s, 3)
    say = _log.error if retry_in_s is None or isinstance(error, PermanentError) else _log.warning
    say("connector_failed", connector=connector, retry_in_s=wait, **told(error))


def connector_recovered(connector: str, *, failures: int) -> None:
    """A batch came through after `failures` in a row."""
    metrics.CONNECTOR_UP.put(1, connector)
    _log.info("connector_recovered", connector=connector, failures=failures)


def bus_set_aside(path: str) -> None:
    """The bus's file was damaged: it was moved to `path`, and an empty one begun."""
    metrics.DAEMON_EVENTS.add("bus_set_aside")
    _log.error("bus_set_aside", path=path)


def connector_type_eclipsed(connector_type: str, package: str) -> None:
    """A package brings a connector type that warn has itself, and warn's own is used."""
    metrics.DAEMON_EVENTS.add("connector_type_eclipsed")
    _log.warning("connector_type_eclipsed", type=connector_type, package=package)


def connector_gap(connector: str, start: int, end: int) -> None:
    """The source cannot give us this time any more (epoch seconds)."""
    metrics.CONNECTOR_GAP.add(connector, by=max(0, end - start))
    _log.warning("connector_gap", connector=connector, start=start, end=end)


def connector_batch(
    connector: str, *, items: int, published: int, now: float, last_event_s: float | None = None
) -> None:
    """A batch was committed: `items` read, `published` let through. `last_event_s`: creation of the newest item."""
    metrics.CONNECTOR_BATCHES.add(connector)
    metrics.CONNECTOR_ITEMS.add(connector, by=items)
    metrics.DOOR_PUBLISHED.add(connector, by=published)
    if items:
        metrics.CONNECTOR_LAST_EVENT.put(now if last_event_s is None else last_event_s, connector)
    _log.debug("connector_batch", connector=connector, items=items, published=published)


def door_dropped(connector: str, reason: str, number: int = 1) -> None:
    """Items that did not pass the door: `unmatched`, `own`, `refused`, ...: a closed set of words."""
    metrics.DOOR_DROPPED.add(connector, reason, by=number)
    _log.debug("door_dropped", connector=connector, reason=reason, number=number)


# --- stages and workers ---


def worker_opened(stage: str, partition: int, *, position: int, records: int) -> None:
    """A worker took its seat and restored `records` of state up to `position`."""
    metrics.WORKER_OPENS.add(stage)
    metrics.STAGE_POSITION.put(position, stage, str(partition))
    _log.info("worker_opened", stage=stage, partition=partition, position=position, records=records)


def worker_stepped(
    stage: str, partition: int, *, seconds: float, records: int, position: int, lag: int
) -> None:
    """A step was committed; `seconds` from having the batch to the commit, `lag` records still to read."""
    name = str(partition)
    metrics.STEP_SECONDS.see(seconds, stage)
    metrics.STAGE_RECORDS.add(stage, by=records)
    metrics.STAGE_POSITION.put(position, stage, name)
    metrics.STAGE_LAG.put(lag, stage, name)
    _log.debug(
        "worker_stepped", stage=stage, partition=partition, records=records, position=position, lag=lag
    )


def clock_passed(stage: str, now: int) -> None:
    """A stage has worked through the clock or tick `now`: a gauge and no line."""
    metrics.STAGE_CLOCK.put(now, stage)


def worker_stalled(stage: str, partition: int, missing: str) -> None:
    """A clock names a configuration (by hash) whose body is not here: the worker waits. Once per stall."""
    metrics.WORKER_STALLS.add(stage)
    metrics.STAGE_STALLED.put(1, stage, str(partition))
    _log.error("worker_stalled", stage=stage, partition=partition, missing=missing)


def worker_resumed(stage: str, partition: int) -> None:
    """The missing configuration arrived."""
    metrics.STAGE_STALLED.put(0, stage, str(partition))
    _log.info("worker_resumed", stage=stage, partition=partition)


def worker_fenced(stage: str, partition: int, error: BaseException) -> None:
    """Somebody else has this seat now."""
    metrics.WORKER_FENCES.add(stage)
    _log.warning("worker_fenced", stage=stage, partition=partition, **told(error))


def worker_failed(stage: str, partition: int, error: BaseException, *, retry_in_s: float | None) -> None:
    """A step failed; it is begun again from the last commit, or (None) the daemon ends."""
    metrics.WORKER_FAILURES.add(stage, reason_of(error))
    wait = None if retry_in_s is None else round(retry_in_s, 3)
    _log.error("worker_failed", stage=stage, partition=partition, retry_in_s=wait, **told(error))


# --- incidents and delivery ---


def incidents_open(number: int) -> None:
    """How many incidents are not closed: a gauge and no line."""
    metrics.INCIDENTS_OPEN.put(number)


def outbox_undelivered(number: int) -> None:
    """How many notifications nobody has accepted yet: a gauge and no line."""
    metrics.OUTBOX.put(number)


def delivery(
    notifier: str,
    outcome: str,
    *,
    delivery_id: str,
    incident: str,
    attempt: int,
    seconds: float,
    error: BaseException | None = None,
) -> None:
    """One attempt ended: `delivered`, `retry` or `refused`; the last two with their error."""
    metrics.DELIVERIES.add(notifier, outcome)
    metrics.DELIVERY_SECONDS.see(seconds, notifier)
    fields: dict[str, object] = {}
    if error is not None:
        metrics.DELIVERIES_FAILED.add(notifier, reason_of(error))
        fields = told(error)
    say = _log.info if outcome == "delivered" else _log.error if outcome == "refused" else _log.warning
    say(
        "delivery",
        notifier=notifier,
        outcome=outcome,
        delivery=delivery_id,
        incident=incident,
        attempt=attempt,
        seconds=round(seconds, 3),
        **fields,
    )


# --- rules, web ---


def rules_reloaded(content_hash: str, *, files: int, rules: int, now: float) -> None:
    """Rule files were read well and stored under their hash."""
    metrics.RULES.put(rules)
    metrics.RULES_RELOAD_OK.put(1)
    metrics.RULES_RELOAD_AT.put(now)
    _log.info("rules_reloaded", hash=content_hash, files=files, rules=rules)


def rules_refused(mistakes: int, *, first: str) -> None:
    """Rule files have mistakes; the last good set stays. `first`: `file:line:column` of the first one."""
    metrics.RULES_RELOAD_OK.put(0)
    metrics.RULES_REFUSED.add()
    _log.error("rules_refused", mistakes=mistakes, first=first)


def http_failed(route: str, error: BaseException) -> None:
    """A request to our web failed on our side; `route` is the template of the path, never the path."""
    metrics.HTTP_ERRORS.add(route, reason_of(error))
    _log.error("http_failed", route=route, **told(error))

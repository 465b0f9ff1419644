"""Events of what warn hears, and of the outside monitors that are told so."""

from warn.telemetry import metrics
from warn.telemetry.logs import logger
from warn.telemetry.told import told

_log = logger()


def connector_spent(connector: str, spent: float) -> None:
    """What reading has cost in this period: a gauge and no line."""
    metrics.CONNECTOR_SPENT.put(spent, connector)


def source_silent(source: str, state: str, *, since: int, why: str, critical: bool) -> None:
    """A source is not heard as it should be: `deaf`, `cut` or `lagging`."""
    metrics.SOURCE_SILENT.put(1, source, state)
    _log.warning("source_silent", source=source, state=state, since=since, why=why, critical=critical)


def source_heard(source: str, state: str) -> None:
    """It is not that any more."""
    metrics.SOURCE_SILENT.put(0, source, state)
    _log.info("source_heard", source=source, was=state)


def canary_came_through(minute: int) -> None:
    """From collect through every partition of match and detect, and out at respond: a gauge and no line."""
    metrics.CANARY_AT.put(minute)


def heartbeat_told(monitor: int, now: float) -> None:
    """An outside monitor has heard from us; `monitor`: its place in the settings, from 1."""
    metrics.HEARTBEAT_OK.put(now, str(monitor))
    _log.debug("heartbeat_told", monitor=monitor)


def heartbeat_failed(monitor: int, error: BaseException) -> None:
    """An outside monitor could not be told: unless the next minute is better it will ring."""
    metrics.HEARTBEAT_FAILURES.add(str(monitor))
    _log.warning("heartbeat_failed", monitor=monitor, **told(error))

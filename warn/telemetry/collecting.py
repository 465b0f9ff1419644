"""What can happen between the seats of collect, by name.

`telemetry.events` has these functions too: it is where they are called.
"""

from warn.telemetry import metrics
from warn.telemetry.logs import logger

_log = logger()


def collect_seat_fenced(partition: int, rules: str) -> None:
    """A seat did not say in time that it filters by new rules (their hash): whoever holds it has to take it anew."""
    metrics.DAEMON_EVENTS.add("collect_seat_fenced")
    _log.warning("collect_seat_fenced", partition=partition, rules=rules)


def rules_differ(*, ours: str, in_force: str) -> None:
    """The rule files of this process (by hash) are not those in force, which the first seat's process brought there."""
    metrics.DAEMON_EVENTS.add("rules_differ")
    _log.warning("rules_differ", ours=ours, in_force=in_force)

"""What others send us: one line for each call, with its outcome and never with its body."""

from warn.telemetry import metrics
from warn.telemetry.logs import logger

_log = logger()


def push_taken(connector: str, *, repeated: bool) -> None:
    """A call is on the bus, or was already."""
    metrics.PUSHES.add(connector, "repeated" if repeated else "taken")
    _log.debug("push_taken", connector=connector, repeated=repeated)


def push_topic_unknown(connector: str, topic: str) -> None:
    """The settings of a connector name a topic for its readings that no rule file in force has: they count for nothing."""
    metrics.DAEMON_EVENTS.add("push_topic_unknown")
    _log.warning("push_topic_unknown", connector=connector, topic=topic)


def push_turned_away(connector: str, outcome: str, *, status: int, why: str, told: bool) -> None:
    """A call was not taken: `forged`, `unreadable`, `busy`, `failed` or `other`. `why` quotes nothing of it; `told`: one of
    many may be told aloud.
    """
    metrics.PUSHES.add(connector, outcome)
    if not told:
        _log.debug("push_turned_away", connector=connector, outcome=outcome, status=status, why=why)
        return
    say = _log.warning if outcome in {"forged", "busy", "failed"} else _log.info
    say("push_turned_away", connector=connector, outcome=outcome, status=status, why=why)

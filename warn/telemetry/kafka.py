"""What the bus on Kafka has to tell, by name: records that are missing or come twice, and clients that will not end.

`telemetry.events` has these functions too: it is where they are called.
"""

from warn.model.flow import STAGE_INPUT
from warn.telemetry import metrics
from warn.telemetry.logs import logger
from warn.telemetry.told import told

_log = logger()


def bus_gap(topic: str, partition: int, *, writer: str, amount: int) -> None:
    """An alarm: `amount` records that a writer had committed were not there to be read."""
    metrics.BUS_GAP.add(topic, by=amount)
    _log.error("bus_gap", topic=topic, partition=partition, writer=writer, amount=amount)


def bus_overlap(topic: str, partition: int, *, writer: str, amount: int, dropped: bool) -> None:
    """An alarm: a writer has written `amount` records again; `dropped`: they were left out, else they count twice."""
    metrics.BUS_OVERLAP.add(topic, by=amount)
    _log.error("bus_overlap", topic=topic, partition=partition, writer=writer, amount=amount, dropped=dropped)


def bus_hanging(stage: str, partition: int, behind: int) -> None:
    """A seat was fenced; `behind` > 0 is an alarm: so many positions at the end of its state nobody has decided."""
    metrics.BUS_HANGING.put(int(behind > 0), stage, str(partition))
    say = _log.error if behind else _log.debug
    say("bus_hanging", stage=stage, partition=partition, behind=behind)


def bus_input_held_up(stage: str, partition: int, behind: int) -> None:
    """A seat has taken in all that can be read; `behind` > 0 is an alarm: so many positions after that nobody has decided."""
    metrics.BUS_INPUT_HELD_UP.put(int(behind > 0), stage, str(partition))
    say = _log.error if behind else _log.info
    say("bus_input_held_up", stage=stage, topic=STAGE_INPUT.get(stage), partition=partition, behind=behind)


def bus_client_leaked(leaked: int) -> None:
    """A client that was let go of would not end; there are `leaked` of them now."""
    metrics.BUS_LEAKS.add()
    _log.error("bus_client_leaked", leaked=leaked)


def bus_lag_untold(error: BaseException) -> None:
    """Positions could not be written for lag tools; nothing of warn's rests on them."""
    metrics.BUS_LAG_UNTOLD.add()
    _log.warning("bus_lag_untold", **told(error))

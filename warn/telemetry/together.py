"""What can happen among several processes, by name: seats that come and go, and an engine that is away.

`telemetry.events` has these functions too: it is where they are called.
"""

from collections.abc import Mapping

from warn.telemetry import metrics
from warn.telemetry.logs import logger
from warn.telemetry.told import reason_of, told

_log = logger()


def seat_wanted(stage: str, partition: int) -> None:
    """A seat is this process's to hold from now on."""
    metrics.SEATS.put(1, stage, str(partition))
    _log.debug("seat_wanted", stage=stage, partition=partition)


def seat_released(stage: str, partition: int) -> None:
    """A seat is another process's, or nobody's: what we last knew of it is not shown any more."""
    for level in (metrics.SEATS, metrics.STAGE_LAG, metrics.STAGE_POSITION, metrics.STAGE_STALLED):
        level.drop(stage, str(partition))
    _log.debug("seat_released", stage=stage, partition=partition)


def membership_assigned(seats: Mapping[str, int]) -> None:
    """Kafka has shared the seats out anew; how many of each stage are ours."""
    metrics.MEMBERSHIP_ROUNDS.add()
    _log.info("membership_assigned", **{stage: seats[stage] for stage in sorted(seats)})


def membership_failed(error: BaseException, *, retry_in_s: float) -> None:
    """This process is no member of its group; it goes on with the seats it has, and tries to join again."""
    metrics.MEMBERSHIP_FAILURES.add(reason_of(error))
    _log.warning("membership_failed", retry_in_s=round(retry_in_s, 3), **told(error))


def bus_waited_for(error: BaseException, *, retry_in_s: float) -> None:
    """The engine cannot be reached yet; nothing has been started, and it is tried again."""
    metrics.DAEMON_EVENTS.add("bus_waited_for")
    _log.warning("bus_waited_for", retry_in_s=round(retry_in_s, 3), **told(error))


def part_failed(part: str, error: BaseException, *, retry_in_s: float) -> None:
    """A part of the daemon beside the stages failed (it follows a topic, keeps house); it is begun again."""
    metrics.PART_FAILURES.add(part, reason_of(error))
    _log.error("part_failed", part=part, retry_in_s=round(retry_in_s, 3), **told(error))

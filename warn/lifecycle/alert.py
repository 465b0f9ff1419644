"""How a rule's alert moves between its states: (alert, was it exceptional, when) to (alert, what happened).

`for` and `keep_firing_for` mean what they mean in Prometheus: the condition must have held that long, and must have
been gone that long. Both are timers with a due time of their own, so that how densely time is written changes nothing:
a timer fires at its due time, not when somebody looks.
"""

from typing import Literal

from msgspec import Struct

Happened = Literal["", "pending", "firing", "update", "quieted", "resolved"]


class Alert(Struct, frozen=True, array_like=True):
    """One rule's alert. `since`: second of its state; `due`: second at which its timer fires (None: no timer).

    `episode` counts firings: rule and episode name one stretch of trouble to a pager. `quiet` is firing without cause.
    """

    state: Literal["inactive", "pending", "firing"] = "inactive"
    since: int = 0
    due: int | None = None
    episode: int = 0


INACTIVE = Alert()


def judged(
    alert: Alert, exceptional: bool, at: int, *, for_s: int, keep_firing_s: int
) -> tuple[Alert, Happened]:
    """What a judgement at second `at` makes of an alert."""
    if alert.state == "inactive":
        if not exceptional:
            return alert, ""
        if for_s > 0:
            return Alert("pending", at, at + for_s, alert.episode), "pending"
        return Alert("firing", at, None, alert.episode + 1), "firing"
    if alert.state == "pending":
        return (alert, "") if exceptional else (Alert("inactive", at, None, alert.episode), "quieted")
    if exceptional:
        return Alert("firing", alert.since, None, alert.episode), "update"
    if alert.due is None:
        if keep_firing_s <= 0:
            return Alert("inactive", at, None, alert.episode), "resolved"
        return Alert("firing", alert.since, at + keep_firing_s, alert.episode), "update"
    return alert, "update"


def timed(alert: Alert) -> tuple[Alert, Happened]:
    """What its timer makes of an alert, at its due time."""
    if alert.due is None:
        raise ValueError("an alert without a timer cannot be timed")
    if alert.state == "pending":
        return Alert("firing", alert.due, None, alert.episode + 1), "firing"
    return Alert("inactive", alert.due, None, alert.episode), "resolved"

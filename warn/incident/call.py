"""One ring at the pagers under one `dedup_key`, with everything that is said under it, and what became of
that.

An incident has one call per route for each time it rings: when it opens and for every wave. Waves have calls
of their own because a pager that keeps PagerDuty's rules rings once per key: under the first one's key a wave
would join an alert that somebody acknowledged hours ago, and wake nobody. Updates and the resolve travel
under the key of their call.
"""

from typing import Literal

from msgspec import Struct

from warn.model.alerts import IncidentEvent
from warn.model.hashing import keyed

ESCALATE_S = 60
"""A notifier that has not confirmed for so long has the next one told."""
FAILURES = 3
"""So many failed attempts have the next one told at once."""
UNKNOWN_S = 30
"""A claim without receipt for so long has an unknown outcome. A sender gives up well before (20 s)."""
PAGE_EXPIRES_S = 15 * 60
"""A page older than this would wake somebody for the past; so would an update."""
QUIET_EXPIRES_S = 24 * 3600
"""What wakes nobody, and the resolve that closes what was opened."""
OVERDUE_S = 120
"""A page that nobody has confirmed for so long: warn cannot be heard, and an outside monitor is to ring."""
SCHEDULE_S = (1, 2, 4, 8, 15, 30, 60)
"""Waits between attempts; the last one repeats."""
RETRY_AFTER_MOST_S = 180

Action = Literal["trigger", "update", "resolve"]
End = Literal["delivered", "refused", "expired", "superseded", "held"]
State = Literal["pending", "claimed"] | End
Told = Literal["claimed", "retry"] | End
"""What the web is told of a delivery."""


class Said(Struct, kw_only=True):
    """One thing to say to one notifier; all times are delivery time (see `Outbox`).

    `rung`: place in the route's order. `born`: when delivery time first saw it, `due`: when it may be
    claimed. `unsure`: an attempt may have arrived although nobody confirmed it.
    """

    id: str
    notifier: str
    rung: int
    action: Action
    event: IncidentEvent
    state: State = "pending"
    born: int | None = None
    due: int = 0
    attempt: int = 0
    claimed: int = 0
    failures: int = 0
    unsure: bool = False

    @property
    def open(self) -> bool:
        """Something may still come of it."""
        return self.state in {"pending", "claimed"}

    @property
    def untried(self) -> bool:
        """Waiting, and no attempt was made."""
        return self.state == "pending" and self.attempt == 0

    @property
    def may_have_arrived(self) -> bool:
        """Confirmed, or its outcome is unknown."""
        return self.state == "delivered" or self.unsure

    @property
    def lifetime(self) -> int:
        """Seconds after which it is not said any more."""
        pages = self.event.severity not in {"ticket", "digest"} and self.action != "resolve"
        return PAGE_EXPIRES_S if pages else QUIET_EXPIRES_S


class Call(Struct, kw_only=True):
    """One ring and what follows it. `incidents`: what it stands for, none left: it is `closing`.

    `numbered`: things said so far, for their ids. `lines`: the summaries that a gathering call stands for.
    """

    id: str
    key: str
    route: str
    at: int
    incidents: list[str]
    said: list[Said] = []
    admitted: bool = False
    numbered: int = 0
    lines: list[str] = []
    version: int = 1

    @property
    def closing(self) -> bool:
        """Everything it stands for is over."""
        return not self.incidents

    @property
    def heard(self) -> bool:
        """It stands for something, and somebody was told of it or still may be."""
        rings = (s for s in self.said if s.action == "trigger")
        return not self.closing and any(s.open or s.may_have_arrived for s in rings)

    def overdue(self, now: int) -> bool:
        """Whether this should have woken somebody `OVERDUE_S` ago (delivery time), and nobody has confirmed it."""
        rings = [
            s for s in self.said if s.action == "trigger" and s.event.severity not in {"ticket", "digest"}
        ]
        if self.closing or any(s.state == "delivered" for s in rings):
            return False
        wanted = [s for s in rings if s.state not in {"held", "superseded"}]
        return any(s.born is not None and now - s.born > OVERDUE_S for s in wanted)

    def add(self, action: Action, notifier: str, rung: int, event: IncidentEvent) -> None:
        """Something more to say. Ids hold no full stop: Standard Webhooks signs `id.timestamp.body`."""
        self.numbered += 1
        name = f"{self.id}-{self.numbered}-{notifier}"
        self.said.append(Said(id=name, notifier=notifier, rung=rung, action=action, event=event))

    def before(self, said: Said) -> bool:
        """Is something said earlier to the same notifier still open? One is told of an incident in order."""
        for other in self.said:
            if other is said:
                return False
            if other.notifier == said.notifier and other.open:
                return True
        return False

    def ring(self, notifier: str) -> Said | None:
        """What rang there."""
        return next((s for s in self.said if s.notifier == notifier and s.action == "trigger"), None)


def wait_s(said: Said, retry_after_s: float | None) -> int:
    """Seconds until the next attempt: the schedule, of which a hash takes off up to half so that failures do
    not march in step; or what the place itself asked for, up to 3 minutes.
    """
    step = SCHEDULE_S[min(max(said.failures, 1), len(SCHEDULE_S)) - 1]
    jitter = keyed(b"jitter", said.id, str(said.attempt)) % 1000 / 2000
    asked = min(retry_after_s or 0.0, RETRY_AFTER_MOST_S)
    return max(1, round(step * (1 - jitter)), round(asked))

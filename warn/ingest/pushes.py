"""All that others send to this process: who it is for, whether it is genuine, and onto the bus before it is answered.

Pushes are taken by every process that collects, and by whichever seat of collect it holds. A delivery that comes twice
counts once where it comes to one seat; between two seats it is match that drops the repeat, by source and id.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Batch, Call, Inbound, Reply
from warn.ingest.door import Terms
from warn.ingest.ledger import Intake, Taken
from warn.ingest.push.signatures import Seal, verify
from warn.ingest.status import ConnectorState, Status
from warn.ingest.taken import tell
from warn.ingest.topics import Rules, Topics
from warn.model.errors import Reason, TemporaryError
from warn.telemetry import events

RATE: Final = 100.0
"""Calls of one name a second, over time."""
BURST: Final = 200.0
LARGE: Final = 16_384
"""A body of more bytes is read beside the event loop, which would stand still for too long."""
QUIET_S: Final = 10.0
"""Of forged calls to one name one is told in so long; all are counted."""
UNKNOWN: Final = "unknown"
_NOTHING: Final = Batch()
_NOBODY: Final = Seal("meta", (b"a secret of nobody's",))
_OUTCOMES: Final = {
    401: "forged",
    403: "forged",
    400: "unreadable",
    413: "unreadable",
    429: "busy",
    503: "busy",
}

Take = Callable[[Intake], Awaitable[Taken]]
"""Returns once it is on the bus. Raises TemporaryError."""


class Answer(NamedTuple):
    """What the sender hears, and how many seconds it should wait before it tries again."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain"
    retry_after_s: float | None = None


class _Place:
    """One name to send to."""

    def __init__(self, config: ConnectorConfig, inbound: Inbound, now: float) -> None:
        self.config = config
        self.inbound = inbound
        self.status = Status(inbound.name, inbound.source, since=int(now), quiet=None, state="running")
        self.terms = Terms(
            role=config.role,
            keep=config.keep or "",
            governed=config.governance is not None,
            source=inbound.source,
        )
        self._left, self._at = BURST, now
        self.told = 0.0

    def allows(self, now: float) -> bool:
        """Whether one more call is within the rate."""
        self._left = min(BURST, self._left + max(0.0, now - self._at) * RATE)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Pushes:
    """`take` brings a batch onto the bus; `wall` is the time of day; `rules` tells which topics readings can be of."""

    def __init__(
        self,
        inbound: Sequence[tuple[ConnectorConfig, Inbound]],
        take: Take,
        *,
        wall: Callable[[], float] = time.time,
        rules: Rules = lambda: None,
    ) -> None:
        self._take = take
        self._topics = Topics(rules)
        self._wall = wall
        self._places = {one.name: _Place(config, one, wall()) for config, one in inbound}

    def begin(self) -> None:
        """Say that they can be sent to."""
        for name in self._places:
            events.connector_started(name, resumed=False)

    def states(self) -> tuple[ConnectorState, ...]:
        """Every place that can be sent to, now."""
        return tuple(place.status.snapshot() for place in self._places.values())

    async def deliver(self, name: str, call: Call) -> Answer:
        """Answer one call; what it says is on the bus when this returns 2xx. Raises nothing of its own."""
        place = self._places.get(name)
        if place is None:
            verify(_NOBODY, call)  # as much work as for a name that there is
            return self._away(None, Reply(status=404, body=b"not found\n", why="no connector has this name"))
        reply = await self._read(place, call)
        if not 200 <= reply.status < 300:
            return self._away(place, reply)
        if reply.batch == _NOTHING:
            return Answer(reply.status, reply.body, reply.content_type)
        if not place.allows(self._wall()):
            why = f"more than {RATE:.0f} calls a second"
            return self._away(place, Reply(status=429, body=b"too many\n", why=why), 1.0)
        intake = Intake(name, reply.batch, place.terms, reply.once)
        try:
            taken = await self._take(intake)
        except TemporaryError as e:
            busy = Reply(status=503, body=b"try again later\n", why=str(e))
            return self._away(place, busy, e.retry_after_s)
        repeated = bool(taken.counts["repeated"])
        if not repeated:
            tell(place.status, intake, taken, self._wall())
            self._topics.look(place.status, reply.batch.readings)
        events.push_taken(name, repeated=repeated)
        return Answer(reply.status, reply.body, reply.content_type)

    async def _read(self, place: _Place, call: Call) -> Reply:
        try:
            if len(call.body) > LARGE:
                return await asyncio.to_thread(place.inbound.receive, call)
            return place.inbound.receive(call)
        except Exception as e:  # noqa: BLE001 - of a connector that must not raise; its sender may try again
            place.status.failed(e)
            return Reply(status=500, body=b"failed\n", why=type(e).__name__)

    def _away(self, place: _Place | None, reply: Reply, retry_after_s: float | None = None) -> Answer:
        name = UNKNOWN if place is None else place.inbound.name
        outcome = "failed" if reply.status == 500 else _OUTCOMES.get(reply.status, "other")
        now = self._wall()
        if place is not None:
            place.status.last_error, place.status.reason = reply.why[:300], _REASONS.get(outcome, "")
        quiet = place is None or now - place.told < QUIET_S
        if place is not None and not quiet:
            place.told = now
        events.push_turned_away(name, outcome, status=reply.status, why=reply.why, told=not quiet)
        return Answer(reply.status, reply.body, reply.content_type, retry_after_s)


_REASONS: Final = {
    "forged": str(Reason.AUTH),
    "unreadable": str(Reason.MALFORMED),
    "busy": str(Reason.SERVER),
    "failed": "unexpected",
}

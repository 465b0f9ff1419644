"""One connector, listened to for ever: read, hand over, and when it fails, leave it alone for a while and read again."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Final

from warn.ingest.backoff import MOST_PATIENCE_S, Backoff
from warn.ingest.clock import Wall
from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Batch, Connector
from warn.ingest.door import Terms, stricter
from warn.ingest.ledger import Intake, Kept, Taken
from warn.ingest.status import Status
from warn.ingest.taken import tell
from warn.model.errors import PermanentError, Reason
from warn.telemetry import events

MOST_ITEMS: Final = 1_000
"""Items in one intake; of a larger batch only the last part carries the cursor."""
LATE_S: Final = 600
"""A source that dates by when we saw it and was not read for so long is filled in as backfill."""

NOTHING: Final = Batch()
HandOver = Callable[[Intake], Awaitable[Taken]]
"""Takes a batch and returns once it is on the bus."""


class Listener:
    """A connector, its settings, and how it is doing. What happens to it happens to no other."""

    def __init__(
        self, config: ConnectorConfig, connector: Connector, *, wall: Wall, chance: random.Random
    ) -> None:
        now = wall.now()
        self.config = config
        self.connector = connector
        self.status = Status(connector.name, connector.source, since=now, quiet=now, critical=config.critical)
        self._wall = wall
        self._backoff = Backoff(chance)
        self._failures = 0

    def refuse(self, roles: Mapping[str, str]) -> bool:
        """Whether this one must not start: staff are listened to only where that is governed, whoever says so."""
        role = stricter(self.config.role, roles.get(self.connector.source, ""))
        if role != "internal" or self.config.governance is not None:
            return False
        error = PermanentError(
            "an internal source starts only with governance: {purpose, owner, notice_url, dpia, works_council}",
            reason=Reason.REFUSED,
        )
        self.status.failed(error)
        self.status.turn("refused", self._wall.now())
        events.connector_failed(self.connector.name, error, retry_in_s=None)
        return True

    async def listen(self, kept: Callable[[], Kept], hand_over: HandOver) -> None:
        """Until its source ends, if it does. `kept` is what is remembered of it now. Raises nothing of its own."""
        if self.status.state == "ended":
            return
        loop = asyncio.get_running_loop()
        while True:
            self._backoff.started(loop.time())
            try:
                await self._read(kept, hand_over)
            except Exception as e:  # noqa: BLE001 - a connector's fault, whatever it is, is told and is its own
                self._failures += 1
                now = self._wall.now()
                until = self._overspent_until(kept())
                wait = self._backoff.wait(e, loop.time()) if until is None else until - now
                self.status.failed(e)
                self.status.turn(
                    "parked" if isinstance(e, PermanentError) else "waiting", now, now + round(wait)
                )
                events.connector_failed(self.connector.name, e, retry_in_s=wait)
                await asyncio.sleep(min(wait, MOST_PATIENCE_S))
            else:
                self.status.turn("ended", self._wall.now())
                events.connector_ended(self.connector.name)
                return

    def _overspent_until(self, kept: Kept) -> int | None:
        """When it may cost something again, where its ceiling is reached."""
        spend, now = self.config.spend, self._wall.now()
        self.status.spent, self.status.spent_since = kept.spent, kept.spent_since
        if spend is None or kept.spent < spend.ceiling:
            return None
        until = kept.spent_since + spend.days * 86_400
        return until if until > now else None

    def _count_costs(self, kept: Kept) -> None:
        """Raises PermanentError where the ceiling of its costs is reached."""
        until, spend = self._overspent_until(kept), self.config.spend
        if kept.spent_since:
            events.connector_spent(self.connector.name, kept.spent)
        if until is not None and spend is not None:
            day = datetime.fromtimestamp(until, UTC)
            raise PermanentError(
                f"its ceiling of {spend.ceiling:g} in {spend.days} days is reached ({kept.spent:g} spent): it reads "
                f"again on {day:%-d %B %Y at %H:%M} UTC, or once spend.ceiling is raised in the settings",
                reason=Reason.SPEND,
            )

    async def _read(self, remembered: Callable[[], Kept], hand_over: HandOver) -> None:
        name, config, now = self.connector.name, self.config, self._wall.now()
        kept = remembered()
        self._count_costs(kept)
        self.status.gaps = list(kept.gaps)
        # What a source that dates by sight says first, or after a long silence of ours, may be days old.
        fills = now - kept.at > LATE_S
        events.connector_started(name, resumed=kept.cursor is not None)
        self.status.turn("running", now)
        cursor = kept.cursor
        async with aclosing(self.connector.batches(cursor)) as batches:
            async for batch in batches:
                if batch.cursor in {None, cursor} and batch._replace(cursor=None) == NOTHING:
                    fills = False  # it has looked, and there was nothing
                    self.status.heard()
                    self._recovered()
                    continue
                terms = Terms(
                    role=config.role,
                    keep=config.keep or "",
                    backfill=batch.backfill,
                    fills=fills or bool(batch.gaps),
                    governed=config.governance is not None,
                    source=self.connector.source,
                )
                for part in _parts(batch):
                    intake = Intake(name, part, terms, days=config.spend.days if config.spend else 30)
                    self._tell(intake, await hand_over(intake))
                    if part.spent:
                        self._count_costs(remembered())
                fills, cursor = False, batch.cursor or cursor

    def _tell(self, intake: Intake, taken: Taken) -> None:
        tell(self.status, intake, taken, self._wall())
        self._recovered()

    def _recovered(self) -> None:
        if self._failures and self.status.quiet is None:
            events.connector_recovered(self.connector.name, failures=self._failures)
            self._failures = 0


def _parts(batch: Batch) -> Sequence[Batch]:
    """A batch in pieces that a step can take; what was read is remembered piece by piece, the cursor moves at the end."""
    if batch.exact or len(batch.items) <= MOST_ITEMS:
        return (
            batch,
        )  # of an exact one the cursor alone says what was read: it goes with the items, or not at all
    parts = [
        Batch(items=batch.items[i : i + MOST_ITEMS], backfill=batch.backfill)
        for i in range(0, len(batch.items), MOST_ITEMS)
    ]
    return (*parts, batch._replace(items=()))

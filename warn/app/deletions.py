"""What its writer deleted goes from everything that is kept, within hours: the embedded bus is blanked in place.

A deletion at a source is a record in `[audit]` (collect writes it), and so is what was blanked; after a restart the work
goes on where it was left. On Kafka there is nothing to do here: the web shows it no more from the moment that match
has heard of it, and brokers let records go with their age.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from warn.bus.base import Bus, Reader
from warn.ingest.blank import Blanker, Gone
from warn.model.audit import Blanked, Deleted
from warn.model.flow import AUDIT, EVIDENCE, MENTIONS
from warn.model.wire import UnknownKindError, UnreadableError, decode_audit, encode
from warn.stages.base import Out
from warn.telemetry import events

EVERY_S: Final = 3600.0
"""Going through all that is kept costs seconds, so deletions are gathered; they have 24 h."""
SETTLED_S: Final = 60
"""What was heard of so recently may still be on its way to `[evidence]`."""
_BATCH: Final = 500


class _Pending:
    """Deletions that are still to be seen to, by position in `[audit]`."""

    def __init__(self) -> None:
        self.keys: dict[int, Deleted] = {}

    async def read(self, reader: Reader) -> None:
        """Take in what is new."""
        while records := await reader.read(_BATCH, 0.0):
            for _, position, _, value in records:
                self._take(position, value)

    def _take(self, position: int, value: bytes) -> None:
        try:
            record = decode_audit(value)
        except (UnreadableError, UnknownKindError):
            return
        if isinstance(record, Deleted):
            self.keys[position] = record
        elif isinstance(record, Blanked):
            self.keys = {at: one for at, one in self.keys.items() if at > record.upto}

    def due(self, now: int) -> tuple[int, frozenset[int]]:
        """Up to which position, and which posts."""
        ready = {at: one.key for at, one in self.keys.items() if one.at <= now - SETTLED_S}
        return max(ready, default=-1), frozenset(ready.values())


async def blank_deleted(bus: Bus, now: Callable[[], float], *, every_s: float = EVERY_S) -> None:
    """Until cancelled. Raises what the bus raises."""
    pending = _Pending()
    reader = await bus.follow(AUDIT)
    try:
        while True:
            await pending.read(reader)
            upto, keys = pending.due(int(now()))
            if keys and not await blank(bus, upto, keys, int(now())):
                return  # this engine changes nothing in place
            await asyncio.sleep(every_s)
    finally:
        await reader.close()


async def blank(bus: Bus, upto: int, keys: frozenset[int], now: int) -> bool:
    """Blank these posts everywhere, and write down that it was done; False where the engine cannot."""
    blanker = Blanker(Gone(keys=keys))
    records = 0
    for topic in (MENTIONS, EVIDENCE):
        changed = await bus.rewrite(topic, blanker.of(topic))
        if changed is None:
            return False
        records += changed
    await bus.write([Out(AUDIT, 0, b"", encode(Blanked(now, upto, records)))])
    events.deletions_blanked(len(keys), records)
    return True

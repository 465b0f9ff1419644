"""What its writer deleted goes from everything that is kept, within hours: the embedded bus is blanked in place.

A deletion at a source is a record in `[audit]` (collect writes it), so is an account that is gone from it, and so is what
was blanked; after a restart the work goes on where it was left. Of a deleted post match tells the web at once, which shows
it no more; what an account wrote is looked up here, and tombstones tell the web. On Kafka that is all: brokers let records
go with their age.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from warn.app.tombstones import bury
from warn.bus.base import Bus, Reader
from warn.ingest.blank import Blanker, Gone
from warn.model.audit import Blanked, Deleted, Departed
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
    """Deletions and departures that are still to be seen to, by position in `[audit]`."""

    def __init__(self) -> None:
        self.records: dict[int, Deleted | Departed] = {}

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
        if isinstance(record, Deleted | Departed):
            self.records[position] = record
        elif isinstance(record, Blanked):
            self.records = {at: one for at, one in self.records.items() if at > record.upto}

    def due(self, now: int) -> tuple[int, Gone]:
        """Up to which position, -1 for none, and what has to go."""
        ready = {at: one for at, one in self.records.items() if one.at <= now - SETTLED_S}
        authors = frozenset(one.author for one in ready.values() if isinstance(one, Departed))
        keys = frozenset(one.key for one in ready.values() if isinstance(one, Deleted))
        return max(ready, default=-1), Gone(authors, keys)


async def blank_deleted(bus: Bus, now: Callable[[], float], *, every_s: float = EVERY_S) -> None:
    """Until cancelled. Raises what the bus raises."""
    pending = _Pending()
    reader = await bus.follow(AUDIT)
    try:
        while True:
            await pending.read(reader)
            upto, gone = pending.due(int(now()))
            if upto >= 0:
                await blank(bus, upto, gone, int(now()))
            await asyncio.sleep(every_s)
    finally:
        await reader.close()


async def blank(bus: Bus, upto: int, gone: Gone, now: int) -> None:
    """Show nothing of this any more, blank it wherever the engine can, and write down that it was done."""
    if gone.authors:
        # First: once an author is blanked, nobody can tell what pages still show of them.
        await bury(bus, Gone(gone.authors))
    blanker = Blanker(gone)
    records = 0
    for topic in (MENTIONS, EVIDENCE):
        records += await bus.rewrite(topic, blanker.of(topic)) or 0
    await bus.write([Out(AUDIT, 0, b"", encode(Blanked(now, upto, records)))])
    events.deletions_blanked(len(gone.keys), len(gone.authors), records)

"""Whom nobody listens to any more: authors that were erased, by keyed hash. The door asks; `[audit]` says."""

from typing import Final

from warn.bus.base import Bus
from warn.model.audit import Erasure
from warn.model.flow import AUDIT
from warn.model.wire import UnknownKindError, UnreadableError, decode_audit

_BATCH: Final = 500
_WAIT_S: Final = 1.0


class Erased:
    """The same for all doors of a process. `author in erased` is what a door asks."""

    def __init__(self) -> None:
        self._authors: set[int] = set()

    def __contains__(self, author: object) -> bool:
        return author in self._authors

    def __len__(self) -> int:
        return len(self._authors)

    async def load(self, bus: Bus) -> None:
        """Know all that was erased before now. Raises what the bus raises."""
        await self._read(bus, wait_s=0.0, until_read=True)

    async def follow(self, bus: Bus) -> None:
        """Until cancelled, hear of every erasure. Raises what the bus raises."""
        await self._read(bus, wait_s=_WAIT_S, until_read=False)

    async def _read(self, bus: Bus, *, wait_s: float, until_read: bool) -> None:
        reader = await bus.follow(AUDIT)
        try:
            while (records := await reader.read(_BATCH, wait_s)) or not until_read:
                for _, _, _, value in records:
                    self._take(value)
        finally:
            await reader.close()

    def _take(self, value: bytes) -> None:
        try:
            record = decode_audit(value)
        except (UnreadableError, UnknownKindError):
            return
        if isinstance(record, Erasure):
            self._authors.add(record.author)

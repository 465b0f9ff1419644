"""Posts that may still be shown: those of which `[evidence]` holds something, by key. The door asks it about deletes.

What the door remembers of posts ends after some days, and a post stands in `[evidence]` for thirty: who takes back what they
wrote three weeks ago is heard all the same.
"""

import asyncio
from typing import Final

from warn.bus.base import Bus
from warn.model.flow import EVIDENCE

MOST: Final = 500_000
"""Posts known at once, the newest; about 50 MB."""
_BATCH: Final = 500
_WAIT_S: Final = 1.0


class Shown:
    """The same for all doors of a process. `key in shown` is what a door asks."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._keys: dict[int, None] = {}

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def __len__(self) -> int:
        return len(self._keys)

    async def load(self, bus: Bus) -> None:
        """Know all that was there before now. Raises what the bus raises."""
        await self._read(bus, wait_s=0.0, until_read=True)

    async def follow(self, bus: Bus) -> None:
        """Until cancelled, hear of every post that comes to be shown. Raises what the bus raises."""
        await self._read(bus, wait_s=_WAIT_S, until_read=False)

    async def _read(self, bus: Bus, *, wait_s: float, until_read: bool) -> None:
        reader = await bus.follow(EVIDENCE)
        try:
            while (records := await reader.read(_BATCH, wait_s)) or not until_read:
                for _, _, key, _ in records:
                    self._take(key)
                await asyncio.sleep(0)
        finally:
            await reader.close()

    def _take(self, written: bytes) -> None:
        """`written`: the record's key, which is the post's in digits."""
        if not written.isdigit():
            return
        key = int(written)
        self._keys.pop(key, None)
        self._keys[key] = None
        if len(self._keys) > self._most:
            del self._keys[next(iter(self._keys))]

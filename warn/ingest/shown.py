"""Posts that may still be shown: those of which `[evidence]` holds something, by key, and who wrote them. The door asks it
about deletes, and about accounts that are gone.

What the door remembers of posts ends after some days, and a post stands in `[evidence]` for thirty: who takes back what they
wrote three weeks ago is heard all the same. `[mentions]` holds more, for seven days: of that we know whose it is for as long
as the process runs, up to a bound. What no page shows of an account that goes later expires with its days.
"""

import asyncio
from collections import Counter
from collections.abc import Container
from typing import Final

from warn.bus.base import Bus
from warn.model.flow import EVIDENCE
from warn.model.wire import UnknownKindError, UnreadableError, decode_evidence

MOST: Final = 500_000
"""Posts known at once, the newest; about 100 MB with who wrote them."""
MOST_LATELY: Final = 200_000
"""Authors of what was let in lately that are known at once, in two halves, of which the older one goes; about 15 MB."""
_BATCH: Final = 500
_WAIT_S: Final = 1.0


class Writers:
    """Of whom something may be kept, by keyed hash: those that `shown` holds, and those that were let in lately. The same
    for all doors of a process.
    """

    def __init__(self, shown: Container[int] = frozenset(), most: int = MOST_LATELY) -> None:
        self._shown, self._half = shown, most // 2
        self._new: set[int] = set()
        self._old: set[int] = set()

    def add(self, author: int) -> None:
        """Something of this author was let in."""
        if len(self._new) >= self._half:
            self._old, self._new = self._new, set()
        self._new.add(author)

    def __contains__(self, author: object) -> bool:
        return author in self._new or author in self._old or author in self._shown


class Shown:
    """The same for all doors of a process. `key in shown` is what a door asks; `writers` are who wrote it, and how many."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._keys: dict[int, int] = {}
        self.writers: Counter[int] = Counter()

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
                for _, _, key, value in records:
                    self._take(key, value)
                await asyncio.sleep(0)
        finally:
            await reader.close()

    def _take(self, written: bytes, value: bytes) -> None:
        """`written`: the record's key, which is the post's in digits."""
        if not written.isdigit():
            return
        key = int(written)
        self._forget(key)
        author = self._keys[key] = _author(value)
        if author:
            self.writers[author] += 1
        if len(self._keys) > self._most:
            self._forget(next(iter(self._keys)))

    def _forget(self, key: int) -> None:
        author = self._keys.pop(key, 0)
        if not author:
            return
        self.writers[author] -= 1
        if not self.writers[author]:
            del self.writers[author]


def _author(value: bytes) -> int:
    try:
        return decode_evidence(value).author
    except (UnreadableError, UnknownKindError):
        return 0

"""Different people in a sliding hour, from one set a minute.

A set holds the 256 lowest keyed hashes of its minute: exact below that, an estimate above. Somebody is *fresh* in a
minute when they were in none of the sixty minutes before it; fresh counts add up over windows, which distinct counts do
not, so they are what detectors see of the `authors` signal. What was added in which order never shows.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Sequence

HOUR = 60
KEPT = HOUR + 12
"""Minutes that are kept: an hour before the oldest minute that may still be counted in."""
LIMIT = 256
SPACE = 1 << 64


def distinct(sets: Iterable[Sequence[int]]) -> int:
    """Different hashes in sorted sets of the lowest `LIMIT` each.

    Exact while every set is below its limit; above, the k-minimum-values estimate over the hashes below the smallest
    of the full sets' largest (Bar-Yossef et al. 2002; the union rule of theta sketches).
    """
    held = [one for one in sets if one]
    full = [one[-1] for one in held if len(one) >= LIMIT]
    if not full:
        return len(set().union(*held)) if held else 0
    theta = min(full)
    return round(len({h for one in held for h in one if h < theta}) * SPACE / theta)


class People:
    """Sets of hashes by minute. `fresh` deltas are told to the caller, who keeps them as a series."""

    __slots__ = ("_minutes", "_seen")

    def __init__(self) -> None:
        self._minutes: dict[int, list[int]] = {}
        self._seen: dict[int, list[int]] = {}  # hash -> minutes, sorted

    def add(self, minute: int, hashes: Iterable[int]) -> Iterator[tuple[int, int]]:
        """Put people into a minute; yields (minute, change of its fresh count)."""
        held = self._minutes.setdefault(minute, [])
        for one in hashes:
            i = bisect_left(held, one)
            if i < len(held) and held[i] == one:
                continue
            if len(held) >= LIMIT:
                if one >= held[-1]:
                    continue
                yield from self._leave(minute, held.pop())
            held.insert(i, one)
            yield from self._enter(minute, one)

    def _enter(self, minute: int, one: int) -> Iterator[tuple[int, int]]:
        seen = self._seen.setdefault(one, [])
        i = bisect_left(seen, minute)
        if not (i and seen[i - 1] >= minute - HOUR):
            yield minute, 1
        if i < len(seen) and seen[i] <= minute + HOUR and not (i and seen[i - 1] >= seen[i] - HOUR):
            yield seen[i], -1
        insort(seen, minute)

    def _leave(self, minute: int, one: int) -> Iterator[tuple[int, int]]:
        seen = self._seen[one]
        i = bisect_left(seen, minute)
        del seen[i]
        if not (i and seen[i - 1] >= minute - HOUR):
            yield minute, -1
        if i < len(seen) and seen[i] <= minute + HOUR and not (i and seen[i - 1] >= seen[i] - HOUR):
            yield seen[i], 1
        if not seen:
            del self._seen[one]

    def distinct(self, first: int, last: int) -> int:
        """Different people in the minutes `first` to `last`, both included."""
        return distinct(held for minute, held in self._minutes.items() if first <= minute <= last)

    def trim(self, first: int) -> None:
        """Forget the minutes before `first`."""
        for minute in [m for m in self._minutes if m < first]:
            for one in self._minutes.pop(minute):
                seen = self._seen[one]
                seen.remove(minute)
                if not seen:
                    del self._seen[one]

    @classmethod
    def restored(cls, sets: Iterable[tuple[int, tuple[int, ...]]]) -> "People":
        """From (minute, hashes); the fresh counts are the caller's to restore."""
        people = cls()
        for minute, hashes in sets:
            for _ in people.add(minute, hashes):
                pass
        return people

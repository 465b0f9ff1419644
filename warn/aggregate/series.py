"""Counts over event time in bins of one tick, summed over any window in the time of two look-ups.

Sums run along the bins that hold something, so a window costs two binary searches however long it is, and a quiet
series costs nothing. Late counts go where they belong; what was added in which order never shows.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator

TICK_S = 10
"""Seconds of a bin: scores are given on whole ticks."""


class Series:
    """One signal of one topic: whole numbers by bin."""

    __slots__ = ("_base", "_bins", "_sums")

    def __init__(self, counts: Iterable[tuple[int, int]] = ()) -> None:
        self._bins: list[int] = []
        self._sums: list[int] = []  # running sums up to and with the bin
        self._base = 0  # what was trimmed
        for index, count in sorted(counts):
            self.add(index, count)

    def add(self, index: int, count: int) -> None:
        """Count in the bin `index` (second // TICK_S); a negative count takes back."""
        bins, sums = self._bins, self._sums
        if not bins or index > bins[-1]:
            bins.append(index)
            sums.append((sums[-1] if sums else self._base) + count)
            return
        i = bisect_left(bins, index)
        if bins[i] != index:
            bins.insert(i, index)
            sums.insert(i, sums[i - 1] if i else self._base)
        for j in range(i, len(sums)):
            sums[j] += count

    def upto(self, index: int) -> int:
        """The sum of all bins before `index`, counted from an origin of its own."""
        i = bisect_left(self._bins, index)
        return self._sums[i - 1] if i else self._base

    def window(self, end: int, seconds: int) -> int:
        """The sum over the `seconds` before second `end`; both whole ticks."""
        last = end // TICK_S
        return self.upto(last) - self.upto(last - seconds // TICK_S)

    def windows(self, end: int, seconds: Iterable[int]) -> tuple[int, ...]:
        """Sums over several windows that end at `end`."""
        last = end // TICK_S
        total = self.upto(last)
        return tuple(total - self.upto(last - s // TICK_S) for s in seconds)

    def counts(self, start: int = 0) -> Iterator[tuple[int, int]]:
        """(bin, count) of the bins from `start` on that hold something, in order of time."""
        i = bisect_left(self._bins, start)
        before = self._sums[i - 1] if i else self._base
        for index, total in zip(self._bins[i:], self._sums[i:], strict=True):
            if total != before:
                yield index, total - before
            before = total

    def first_from(self, index: int) -> int | None:
        """The first bin at or after `index` that was ever counted in."""
        i = bisect_left(self._bins, index)
        return self._bins[i] if i < len(self._bins) else None

    def latest(self) -> int | None:
        """The last bin that was ever counted in and not trimmed."""
        return self._bins[-1] if self._bins else None

    def trim(self, start: int) -> None:
        """Forget the bins before `start`; done in large pieces, since it changes no window that may still be asked."""
        i = bisect_left(self._bins, start)
        if i > 64 or i == len(self._bins):
            if i:
                self._base = self._sums[i - 1]
            del self._bins[:i], self._sums[:i]

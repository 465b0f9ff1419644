"""The town as one stream of items, in the order in which they are seen."""

from collections.abc import Iterator, Sequence
from heapq import merge
from typing import NamedTuple

from connectors.simulate.brands import BRANDS, Brand
from connectors.simulate.calm import LINGER_MIN, Calm
from connectors.simulate.crisis import crisis
from warn.ingest.order import order_key, seen_at
from warn.model.mention import Item


class Outbreak(NamedTuple):
    """When a crisis begins, how fast it doubles, and how long after its onset the first article comes."""

    onset_ms: int
    doubling_s: float = 8.0
    press_after_s: float = 90.0


class Town:
    """`rate`: posts a minute, on average, that name none of the brands. `peaks`: campaigns, match nights and rings.

    What comes before and after any moment does not depend on where one began to look.
    """

    def __init__(
        self, seed: int = 7, *, rate: float = 6.0, peaks: bool = True, brands: Sequence[Brand] = BRANDS
    ) -> None:
        self._seed = seed
        self._calm = Calm(seed, noise=rate, peaks=peaks, brands=brands)

    def history(self, start: int, end: int) -> Iterator[Item]:
        """Ordinary life as seen from `start` up to `end` (seconds)."""
        return self.stream(start * 1000, end * 1000)

    def live(
        self,
        start: int,
        onset_after_s: float | None = None,
        *,
        doubling_s: float = 8.0,
        press_after_s: float = 90.0,
    ) -> Iterator[Item]:
        """From `start` (seconds) without an end; with a crisis `onset_after_s` later."""
        outbreak = None
        if onset_after_s is not None:
            outbreak = Outbreak(start * 1000 + int(onset_after_s * 1000), doubling_s, press_after_s)
        return self.stream(start * 1000, None, outbreak)

    def stream(self, start_ms: int, end_ms: int | None, outbreak: Outbreak | None = None) -> Iterator[Item]:
        """Items seen from `start_ms` up to `end_ms` (None: no end), with a crisis if there is one."""
        if outbreak is None:
            return self._quiet(start_ms, end_ms)
        loud = (
            item
            for item in crisis(
                self._seed,
                outbreak.onset_ms,
                doubling_s=outbreak.doubling_s,
                press_after_s=outbreak.press_after_s,
            )
            if start_ms <= seen_at(item) and (end_ms is None or seen_at(item) < end_ms)
        )
        return merge(self._quiet(start_ms, end_ms), loud, key=order_key)

    def _quiet(self, start_ms: int, end_ms: int | None) -> Iterator[Item]:
        # What is answered now was said up to an hour and a half ago.
        minute = start_ms // 60_000 - LINGER_MIN - 1
        waiting: list[Item] = []
        while end_ms is None or minute * 60_000 < end_ms:
            waiting += self._calm.minute(minute)
            minute += 1
            due = sorted((item for item in waiting if seen_at(item) < minute * 60_000), key=order_key)
            waiting = [item for item in waiting if seen_at(item) >= minute * 60_000]
            for item in due:
                if start_ms <= seen_at(item) and (end_ms is None or seen_at(item) < end_ms):
                    yield item

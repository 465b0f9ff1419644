"""Counts in the canaries of a minute, of all partitions of the stage before."""

from warn.model.records import Canary


class Canaries:
    """Says once of each minute that its canary has come from every one of `partitions`.

    Nothing of it is saved: whoever takes a seat over misses a minute at most, which an outside monitor bears.
    """

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions
        self._waiting: dict[int, set[int]] = {}
        self._last = 0

    def hear(self, canary: Canary) -> bool:
        """Whether with this one all are there, for the first time, and none of a later minute were before."""
        if canary.minute <= self._last or not 0 <= canary.partition < self._partitions:
            return False
        come = self._waiting.setdefault(canary.minute, set())
        come.add(canary.partition)
        if len(come) < self._partitions:
            while len(self._waiting) > 10:
                del self._waiting[min(self._waiting)]
            return False
        self._last = canary.minute
        self._waiting = {minute: of for minute, of in self._waiting.items() if minute > canary.minute}
        return True

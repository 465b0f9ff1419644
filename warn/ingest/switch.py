"""When a rule set that was announced may be named by the clock: once no seat of collect can drop what only it wants.

A seat that filters by it says so in its notice. For one that has not said so within `PATIENCE_S` the owner of the first
seat opens that seat itself, and lets it go at once: whoever held it is fenced, what it dropped since is not committed
and is read again, and whoever takes it next reads the announcement before it starts. So the switch waits for nobody,
and no mention that the new rules want is lost to a process that was asleep.
"""

from collections.abc import Mapping
from typing import Final

from warn.ingest.notices import SeatNotice

PATIENCE_S: Final = 5.0
"""How long seats are waited for; a worker that lives says what it does within two seconds."""


class Switch:
    """One announcement, by the owner of the first of so many seats."""

    def __init__(self, seats: int) -> None:
        self._others = range(1, seats)
        self._since = 0.0
        self._fenced: set[int] = set()
        self.name = ""
        """The rule set that was announced and is not named yet; "" where there is none."""

    def announced(self, name: str, now: float) -> None:
        """An announcement is committed (or, with "", there is none any more)."""
        if name != self.name:
            self.name, self._since = name, now
            self._fenced.clear()

    def behind(self, notices: Mapping[int, SeatNotice]) -> list[int]:
        """Seats that may still drop what only the new rules want."""
        return [
            p
            for p in self._others
            if p not in self._fenced and self.name not in notices.get(p, SeatNotice()).rules
        ]

    def overdue(self, now: float) -> bool:
        """Whether they have been waited for long enough. A wall that went back has waited long enough."""
        return not 0 <= now - self._since < PATIENCE_S

    def fenced(self, partition: int) -> None:
        """Whoever held this seat holds it no more."""
        self._fenced.add(partition)

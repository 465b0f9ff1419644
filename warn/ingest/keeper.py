"""What shares a seat of collect's state with the ledger: it comes back with it, and is committed with the same steps."""

from collections.abc import Mapping
from typing import Protocol


class Keeper(Protocol):
    """Has records of its own in the seat's state; whatever it forgets is no reason to stop."""

    def restore(self, records: Mapping[bytes, bytes]) -> None:
        """Take what was committed, and nothing else."""

    def changes(self, now: int) -> Mapping[bytes, bytes | None]:
        """What to commit with the step at hand."""

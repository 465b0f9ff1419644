"""The connector port: one file per place in the world.

A connector reads and yields; retries, cursors, hashing, filtering and metrics belong to the supervisor around it.
"""

from collections.abc import AsyncGenerator
from typing import NamedTuple, NewType, Protocol

from warn.model.mention import Item, Reading

Cursor = NewType("Cursor", str)


class Refused(NamedTuple):
    """A piece of input that could not be read: where it stood, why, and its first 4 kB."""

    where: str
    message: str
    payload: bytes


class Gap(NamedTuple):
    """A time that the source cannot give us any more (seconds)."""

    start: int
    end: int


class Batch(NamedTuple):
    """What was read, and where to resume once all of it is on the bus."""

    items: tuple[Item, ...] = ()
    cursor: Cursor | None = None
    readings: tuple[Reading, ...] = ()
    refused: tuple[Refused, ...] = ()
    gaps: tuple[Gap, ...] = ()
    backfill: bool = False


class Connector(Protocol):
    """Reads one place in the world."""

    @property
    def name(self) -> str: ...

    @property
    def source(self) -> str:
        """What its mentions carry as `source`."""

    def batches(self, cursor: Cursor | None) -> AsyncGenerator[Batch, None]:
        """Yields from behind `cursor`, or a little before it, until closed, cancelled or at its end.

        What was read before is skipped by the supervisor, so a poller may yield its whole page each time. A cursor says
        that everything up to it was yielded. Raises TemporaryError or PermanentError, whose messages quote nothing
        that was read and no secret.
        """

"""The bus port: what a worker, the connectors' supervisor and the web need of an engine.

A *seat* is the right to run one partition of one stage: opening it fences whoever sat there before. A step commits its
outputs, its state and its input position in one go, or not at all. Positions live in the state records, never in a
place of their own that could be read stale.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from warn.model.errors import OwnWords, Reason
from warn.stages.base import In, Out


class FencedError(OwnWords, Exception):
    """Somebody else has opened this seat since: let go of it."""

    reason = Reason.FENCED


class TrimmedError(OwnWords, LookupError):
    """What a seat has to read is not kept any more: a gap that must be told, never stepped over in silence."""

    reason = Reason.GONE


class StateRecord(NamedTuple):
    """One keyed body of a seat's state, and the input position that it was taken at."""

    key: bytes
    position: int
    body: bytes


class Restored(NamedTuple):
    """All of a seat's state, read to its end after the fence; `committed` is the position after its last step."""

    records: Sequence[StateRecord]
    committed: int


class Seat(Protocol):
    """One partition of one stage, held."""

    async def restore(self) -> Restored:
        """Read the state. Raises `UnreadableStateError` of `bus.codec` where a record fails its checksum."""

    @property
    def position(self) -> int:
        """Where the next `read` goes on; after a read that found nothing it may lie past what holds no record (Kafka's
        commit markers), so that it reaches the input's `end`.
        """

    def seek(self, position: int) -> None:
        """Where `read` goes on in the input."""

    async def read(self, limit: int, wait_s: float) -> Sequence[In]:
        """Up to `limit` records after the last (fewer where they are large); waits at most `wait_s` for the first. A
        seat without input (collect's) always returns none. Raises `TrimmedError` where retention has passed it by.
        May be cancelled while it waits, and loses nothing then.
        """

    async def commit(
        self, outputs: Sequence[Out], state: Mapping[bytes, bytes | None], position: int
    ) -> None:
        """All or nothing: the records written, each state body under its key (None deletes it), and where the input
        goes on. Raises `FencedError`, `TemporaryError` (reason `disk`: intake is stopped; `timeout`: the outcome is
        unknown) and what the engine raises; after any error the seat is dead: open it anew and read again.
        """

    async def close(self) -> None:
        """Let go. Never raises, never waits long."""


class Reader(Protocol):
    """Follows one Kafka topic from a position of the reader's own, over all its partitions; sees committed records."""

    async def read(self, limit: int, wait_s: float) -> Sequence[tuple[int, int, bytes, bytes]]:
        """(partition, position, key, value), in order within a partition.

        None at all means that everything which was committed before `follow` was called has been given.
        """

    async def close(self) -> None: ...


class StateReader(Protocol):
    """Follows what all seats of one stage save; sees committed state."""

    async def read(self, limit: int, wait_s: float) -> Sequence[tuple[int, bytes, bytes | None]]:
        """(partition, key, body), None for what was deleted; the order of a key's own changes is kept.

        None at all means that everything which was committed before `follow_state` was called has been given.
        """

    async def close(self) -> None: ...


Seats = frozenset[tuple[str, int]]
"""Seats by stage and partition."""


class Ownership(Protocol):
    """Which seats this process is to hold. A hint and no more: what is right rests on fencing alone."""

    @property
    def wanted(self) -> Seats: ...

    async def changed(self, known: Seats, wait_s: float) -> Seats:
        """Until the wanted seats differ from `known`, for at most `wait_s`; those wanted then."""

    async def run(self) -> None:
        """Keep it up to date, until stopped."""

    def stop(self) -> None:
        """End `run`, and tell the others that these seats are free."""


class Bus(Protocol):
    """An engine."""

    def partitions(self, topic: str) -> int:
        """How many partitions a topic has; fixed when the store was made."""

    def seats(self, stage: str) -> int:
        """How many seats a stage has: the partitions of its input; of collect, those its connectors are spread over."""

    async def open(self, stage: str, partition: int) -> Seat:
        """Fence the predecessor and take the seat."""

    async def write(self, outputs: Sequence[Out]) -> None:
        """Append records without a seat: for `[desk]`, which has many writers and rests on none of their order.

        Raises `TemporaryError` (reason `timeout`) where the outcome is unknown: who writes again may write twice.
        """

    async def follow_state(self, stage: str) -> StateReader:
        """Read what the seats of a stage save, from the start: collect's processes know what the others have read."""

    async def follow(self, topic: str, start: Mapping[int, int] | None = None) -> Reader:
        """Read a topic from its first kept record, or from `start` (partition to position) where that is later."""

    async def end(self, topic: str, partition: int) -> int:
        """The position after the last committed record: for lag, and to know that a replay is through."""

    async def rewrite(self, topic: str, change: Callable[[bytes], bytes | None]) -> int | None:
        """Change records where they lie, so that nothing is left of what they were; how many, None where the engine
        cannot and they go with their age alone. `change` gives the new value, None for what stays.
        """

    async def expire(self, now: int) -> None:
        """Trim what is older than its retention (the engine does it by itself where it can)."""

    async def close(self) -> None: ...

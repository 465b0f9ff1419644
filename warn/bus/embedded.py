"""The embedded bus: one SQLite file, nothing to install. The default, and what replay, demo and tests run on.

A step's outputs, state and input position go into one SQL transaction, so exactly-once needs no protocol. Reading is
done in the loop's own turn: a record costs about a microsecond from the page cache, while a reading thread beside a
busy loop pays up to 5 ms a row to get the interpreter back (measured: 10,000 rows in 6 ms or in 4.2 s). Writing waits
for a sync and is done in the writer's thread.
"""

import asyncio
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from warn.bus import log
from warn.bus.base import FencedError, Restored, StateRecord, TrimmedError
from warn.bus.codec import UnreadableStateError, seal, unseal
from warn.bus.ends import Ends
from warn.bus.folder import open_folder, read_only
from warn.bus.following import Change, EmbeddedReader, EmbeddedStateReader, Followers
from warn.bus.log import Shelf, Shelves
from warn.bus.retention import Retention
from warn.bus.rewriting import rewrite
from warn.bus.writer import Transaction, Writer
from warn.model.errors import Reason, TemporaryError
from warn.model.flow import COLLECT, STAGE_INPUT
from warn.stages.base import In, Out

FREE_BYTES: Final = 512 * 1024 * 1024
"""Under so much free space intake stops, so that what was taken in can still be judged, paged and written down."""
COMMIT_S: Final = 30.0
"""How long a step waits for its commit: a disk that takes longer is not there."""
_RESTORE_STEP: Final = 256

_STATE_SET: Final = "ON CONFLICT (seat, key) DO UPDATE SET position = excluded.position, body = excluded.body"


class EmbeddedBus:
    """A bus in a folder of this machine. Make one with `EmbeddedBus.start`; it belongs to that event loop."""

    def __init__(self, folder: Path, *, durable: bool, partitions: Mapping[str, int], max_bytes: int) -> None:
        self.folder = folder
        opened = open_folder(folder, durable=durable, partitions=partitions)
        self.set_aside = opened.set_aside
        """Where a damaged file was moved to when this bus started with an empty one; None: all was well."""
        self._lock = opened.lock
        self._reading = read_only(opened.path)
        self.shelves = Shelves(opened.topics)
        self.firsts, ends = log.places(opened.db, self.shelves.all())
        epochs = dict(opened.db.execute("SELECT seat, epoch FROM seats"))
        self.ends = Ends(ends)
        self.writer = Writer(opened.db, ends, epochs, self.ends, threaded=durable)
        self.followers = Followers()
        self._retention = Retention(self.writer, self.shelves, self.firsts, max_bytes)
        self.clock: Callable[[], float] = time.time
        self.free_bytes: Callable[[], int] = lambda: shutil.disk_usage(folder).free
        self.free_needed = FREE_BYTES

    @classmethod
    async def start(
        cls,
        folder: Path,
        *,
        durable: bool = True,
        partitions: Mapping[str, int] | None = None,
        max_bytes: int = 16 << 30,
        clock: Callable[[], float] | None = None,
        free_bytes: Callable[[], int] | None = None,
        free_needed: int = FREE_BYTES,
    ) -> "EmbeddedBus":
        """Lock and open a folder, or make it.

        `durable`: a commit survives loss of power; replay, which can be run again, goes without. `partitions`: topic
        to count, one where it is not named; a folder keeps those it was made with. `max_bytes`: above this, retention
        is shortened. Raises `BusFolderError`, `PartitionsError`.
        """
        bus = cls(folder, durable=durable, partitions=partitions or {}, max_bytes=max_bytes)
        bus.clock = clock or bus.clock
        bus.free_bytes = free_bytes or bus.free_bytes
        bus.free_needed = free_needed
        return bus

    def partitions(self, topic: str) -> int:
        """How many partitions a topic has."""
        return len(self.shelves.of(topic))

    def seats(self, stage: str) -> int:
        """How many seats a stage has. Of collect always one: this bus belongs to one process, so there is nobody to
        spread the connectors over, and a second seat would only mean a second task to follow.
        """
        return 1 if stage == COLLECT else len(self.shelves.of(STAGE_INPUT[stage]))

    async def open(self, stage: str, partition: int) -> "EmbeddedSeat":
        """Fence the predecessor and take the seat. Raises `LookupError` for one that there is not."""
        if stage == COLLECT and partition:
            raise LookupError(f"{COLLECT} has no seat {partition} here: it has 1")
        shelf = self.shelves.input_of(stage, partition)

        def bump(txn: Transaction) -> tuple[int, int, int]:
            first = self.firsts[shelf.number] if shelf else 0
            row = txn.db.execute(
                "INSERT INTO seats (stage, partition, epoch, committed) VALUES (?, ?, 1, ?) "
                "ON CONFLICT (stage, partition) DO UPDATE SET epoch = epoch + 1 RETURNING seat, epoch, committed",
                (stage, partition, first),
            ).fetchone()
            seat, epoch, committed = row
            txn.epochs[seat] = epoch
            return seat, epoch, committed

        with _timely():
            async with asyncio.timeout(COMMIT_S):
                number, epoch, committed = await self.writer.do(bump)
        return EmbeddedSeat(self, stage, partition, shelf, number, epoch, committed)

    async def follow(self, topic: str, start: Mapping[int, int] | None = None) -> "EmbeddedReader":
        """Read a topic from its first kept record, or from `start` where that is later."""
        shelves, begin = self.shelves.of(topic), start or {}
        positions = {s.number: max(begin.get(s.partition, 0), self.firsts[s.number]) for s in shelves}
        return EmbeddedReader(self.fetch, self.ends, shelves, positions)

    async def write(self, outputs: Sequence[Out]) -> None:
        """Append records without a seat. Raises `LookupError`, `TemporaryError`."""
        for out in outputs:
            self.shelves.one(out.topic, out.partition)
        at = int(self.clock())
        with _timely():
            async with asyncio.timeout(COMMIT_S):
                await self.writer.do(lambda txn: self.shelves.append(txn, outputs, at))

    async def follow_state(self, stage: str) -> EmbeddedStateReader:
        """Read what the seats of a stage save, from the start."""
        with _timely():
            async with asyncio.timeout(COMMIT_S):
                return await self.followers.add(self.writer, stage)

    async def end(self, topic: str, partition: int) -> int:
        """The position after the last committed record."""
        return self.ends[self.shelves.one(topic, partition).number]

    async def rewrite(self, topic: str, change: Callable[[bytes], bytes | None]) -> int | None:
        """Change records where they lie. Raises `LookupError`, `TimeoutError`."""
        return await rewrite(self.writer, self.shelves, topic, change)

    async def expire(self, now: int) -> None:
        """Trim what is older than its retention, in small steps between which commits go on."""
        await self._retention.run(now)

    async def close(self) -> None:
        """Finish what waits to be written, then let the folder go."""
        self.ends.close()
        await self.writer.drain()
        self._reading.close()
        self.writer.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def fetch(self, shelf: int, start: int, limit: int) -> list[tuple[int, bytes, bytes]]:
        """Committed records of a shelf."""
        return log.read(self._reading, shelf, start, limit)

    def saved(self, seat: int) -> sqlite3.Cursor:
        """(key, position, envelope) of a seat's state, by key."""
        return self._reading.execute(
            "SELECT key, position, body FROM state WHERE seat = ? ORDER BY key", (seat,)
        )


class EmbeddedSeat:
    """One partition of one stage, held until somebody else opens it."""

    def __init__(
        self,
        bus: EmbeddedBus,
        stage: str,
        partition: int,
        shelf: Shelf | None,
        number: int,
        epoch: int,
        committed: int,
    ) -> None:
        self._bus = bus
        self._stage = stage
        self._partition = partition
        self._shelf = shelf
        self._number = number
        self._epoch = epoch
        self._committed = committed
        self._position = committed
        self._dead = False

    async def restore(self) -> Restored:
        """All state of the seat. Raises `UnreadableStateError`."""
        records = []
        rows = self._bus.saved(self._number)
        try:
            while some := rows.fetchmany(_RESTORE_STEP):
                for key, position, raw in some:
                    records.append(StateRecord(key, position, self._unsealed(key, raw)))
                await asyncio.sleep(0)
        finally:
            rows.close()
        return Restored(records, self._committed)

    @property
    def position(self) -> int:
        """Where the next read goes on."""
        return self._position

    def seek(self, position: int) -> None:
        """Where the next read goes on."""
        self._position = position

    async def read(self, limit: int, wait_s: float) -> Sequence[In]:
        """Up to `limit` records; waits at most `wait_s` for the first. Raises `TrimmedError`."""
        if self._shelf is None:
            return ()
        number = self._shelf.number
        if not await self._bus.ends.wait({number: self._position}, wait_s):
            return ()
        if self._position < self._bus.firsts[number]:
            raise TrimmedError(
                f"[{self._shelf.topic}] partition {self._shelf.partition} begins at {self._bus.firsts[number]}, and "
                f"{self._stage} has to read it from {self._position}: retention has passed it by; start over with another "
                "data folder"
            )
        records = self._bus.fetch(number, self._position, limit)
        self._position = records[-1][0] + 1 if records else self._bus.ends[number]
        return [In(position, value) for position, _, value in records]

    async def commit(
        self, outputs: Sequence[Out], state: Mapping[bytes, bytes | None], position: int
    ) -> None:
        """Outputs, state and position in one transaction. Raises `FencedError`, `TemporaryError`."""
        if self._dead:
            raise RuntimeError(f"a seat of {self._stage} was used after it had failed")
        self._dead = True
        self._may_take_in(state)
        for out in outputs:
            self._bus.shelves.one(out.topic, out.partition)
        changes = [
            Change(self._partition, key, None if body is None else seal(body)) for key, body in state.items()
        ]
        bodies: list[object] = []
        for _, key, sealed in changes:
            if sealed is not None:
                bodies += (self._number, key, position, sealed)
        gone = [change.key for change in changes if change.sealed is None]
        at = int(self._bus.clock())

        def step(txn: Transaction) -> None:
            if txn.epochs[self._number] != self._epoch:
                raise FencedError(f"another worker has opened this seat of {self._stage}")
            self._bus.shelves.append(txn, outputs, at)
            txn.rows("INSERT INTO state (seat, key, position, body)", 4, bodies, _STATE_SET)
            for key in gone:
                txn.db.execute("DELETE FROM state WHERE seat = ? AND key = ?", (self._number, key))
            txn.db.execute("UPDATE seats SET committed = ? WHERE seat = ?", (position, self._number))

        with _timely():
            async with asyncio.timeout(COMMIT_S):
                await self._bus.writer.do(step, then=lambda _: self._bus.followers.tell(self._stage, changes))
        self._dead = False

    async def close(self) -> None:
        """Let go."""
        self._dead = True

    def _may_take_in(self, state: Mapping[bytes, bytes | None]) -> None:
        """Intake is a step of collect's that moves a cursor; the clock, which has none, must go on whatever happens."""
        if self._stage == COLLECT and state and (free := self._bus.free_bytes()) < self._bus.free_needed:
            raise TemporaryError(
                f"intake has stopped: {free >> 20} MB are free where {self._bus.folder} lies, "
                f"and {self._bus.free_needed >> 20} MB are needed",
                reason=Reason.DISK,
                retry_after_s=10.0,
            )

    def _unsealed(self, key: bytes, raw: bytes) -> bytes:
        try:
            return unseal(raw)
        except UnreadableStateError as e:
            raise UnreadableStateError(f"{self._stage}, key {key.hex()[:32]}: {e}") from None


@contextmanager
def _timely() -> Iterator[None]:
    """Tell a disk that is full or gone in the words of the port."""
    try:
        yield
    except TimeoutError as e:
        raise TemporaryError(f"the disk did not answer for {COMMIT_S:.0f} s", reason=Reason.TIMEOUT) from e
    except sqlite3.OperationalError as e:
        if e.sqlite_errorcode & 0xFF == sqlite3.SQLITE_FULL:
            raise TemporaryError("the disk is full", reason=Reason.DISK, retry_after_s=10.0) from e
        raise

"""Who follows the embedded bus: readers of a topic, and readers of what the seats of a stage save.

A follower of state is given what lies in the file first. That is read by a job of the writer's, between two commits,
and what is saved from then on is handed over in the order of commits: so it never sees a key go back.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from warn.bus.codec import unseal
from warn.bus.ends import Ends
from warn.bus.log import Shelf
from warn.bus.writer import Transaction, Writer

Fetch = Callable[[int, int, int], list[tuple[int, bytes, bytes]]]
"""Committed records (position, key, value) of a shelf: its number, from which position, how many at most."""


class EmbeddedReader:
    """Follows one topic over all its partitions."""

    def __init__(
        self, fetch: Fetch, ends: Ends[int], shelves: Sequence[Shelf], positions: Mapping[int, int]
    ) -> None:
        self._fetch = fetch
        self._ends = ends
        self._partition = {shelf.number: shelf.partition for shelf in shelves}
        self._positions = dict(positions)

    async def read(self, limit: int, wait_s: float) -> Sequence[tuple[int, int, bytes, bytes]]:
        """(partition, position, key, value); waits at most `wait_s` for the first."""
        if not await self._ends.wait(self._positions, wait_s):
            return ()
        found: list[tuple[int, int, bytes, bytes]] = []
        # From the one read least recently, so that a busy partition cannot starve the others.
        for number, position in list(self._positions.items()):
            if len(found) >= limit:
                break
            del self._positions[number]
            records = self._fetch(number, position, limit - len(found))
            self._positions[number] = records[-1][0] + 1 if records else max(position, self._ends[number])
            partition = self._partition[number]
            found += [(partition, at, key, value) for at, key, value in records]
        return found

    async def close(self) -> None:
        """Let go."""


class Change(NamedTuple):
    """A key of a seat's state and its envelope; None: deleted."""

    partition: int
    key: bytes
    sealed: bytes | None


class EmbeddedStateReader:
    """Follows what the seats of one stage save. Of a key that changed several times since the last read it gives the
    newest, so it holds no more than the state itself.
    """

    def __init__(self, followers: "Followers", stage: str) -> None:
        self._followers = followers
        self._stage = stage
        self._waiting: dict[tuple[int, bytes], bytes | None] = {}
        self._arrived = asyncio.Event()

    def take(self, changes: Iterable[Change]) -> None:
        """These were saved."""
        for partition, key, sealed in changes:
            self._waiting[partition, key] = sealed
        if self._waiting:
            self._arrived.set()

    async def read(self, limit: int, wait_s: float) -> Sequence[tuple[int, bytes, bytes | None]]:
        """(partition, key, body); waits at most `wait_s` for the first. Raises `UnreadableStateError`."""
        if not self._waiting and wait_s > 0:
            try:
                async with asyncio.timeout(wait_s):
                    await self._arrived.wait()
            except TimeoutError:
                return ()
        found: list[tuple[int, bytes, bytes | None]] = []
        for partition, key in list(islice(self._waiting, limit)):
            sealed = self._waiting.pop((partition, key))
            found.append((partition, key, None if sealed is None else unseal(sealed)))
        if not self._waiting:
            self._arrived.clear()
        return found

    async def close(self) -> None:
        """Let go."""
        self._followers.remove(self._stage, self)


class Followers:
    """All that follow state, by stage."""

    def __init__(self) -> None:
        self._of: dict[str, set[EmbeddedStateReader]] = {}

    async def add(self, writer: Writer, stage: str) -> EmbeddedStateReader:
        """A new one, which begins with what is saved already."""
        reader = EmbeddedStateReader(self, stage)

        def saved(txn: Transaction) -> list[Change]:
            rows = txn.db.execute(
                "SELECT partition, key, body FROM seats NATURAL JOIN state WHERE stage = ? ORDER BY seat, key",
                (stage,),
            )
            return [Change(*row) for row in rows]

        def begin(changes: list[Change]) -> None:
            reader.take(changes)
            self._of.setdefault(stage, set()).add(reader)

        await writer.do(saved, then=begin)
        return reader

    def remove(self, stage: str, reader: EmbeddedStateReader) -> None:
        """It is told nothing any more."""
        self._of.get(stage, set()).discard(reader)

    def tell(self, stage: str, changes: Sequence[Change]) -> None:
        """A step has saved these."""
        for reader in self._of.get(stage, ()):
            reader.take(changes)

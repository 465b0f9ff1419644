"""The embedded bus's log in SQL: where a record lies, how records are added, read, compacted and trimmed.

A *shelf* is one partition of one topic; a *place* is shelf and position in one integer, the table's primary key, so
that the records of a shelf lie side by side and nothing but one B-tree has to be kept.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from warn.bus.topics import COMPACTED, KEPT_CONFIGS, REREAD_S
from warn.bus.writer import Transaction
from warn.model.flow import STAGE_INPUT
from warn.stages.base import Out

POSITION_BITS: Final = 40
"""A million million records of a shelf: 100,000 a second for four months. Partitions take 10 bits, topics 13."""
_LAST: Final = (1 << POSITION_BITS) - 1
_PARTITION_BITS: Final = 10
READ_BYTES: Final = 1 << 20
"""A read stops after this much: reading happens in the loop's own turn, and must not hold it up."""
TRIM_STEP: Final = 1000
"""Records deleted in one transaction at most, so that steps do not wait long for a trim."""

_READER_OF: Final = {topic: stage for stage, topic in STAGE_INPUT.items()}


class Shelf(NamedTuple):
    """One partition of one topic and its number in places."""

    topic: str
    partition: int
    number: int


class Shelves:
    """All shelves of a store."""

    def __init__(self, topics: Mapping[str, tuple[int, int]]) -> None:
        self._topics = {
            topic: tuple(Shelf(topic, p, (number << _PARTITION_BITS) + p) for p in range(partitions))
            for topic, (number, partitions) in topics.items()
        }
        self._compacted = {s.number for topic in COMPACTED for s in self._topics[topic]}

    def of(self, topic: str) -> Sequence[Shelf]:
        """The shelves of a topic, by partition. Raises `LookupError` for a topic that there is not."""
        try:
            return self._topics[topic]
        except KeyError:
            raise LookupError(f"there is no Kafka topic [{topic}]") from None

    def one(self, topic: str, partition: int) -> Shelf:
        """One shelf. Raises `LookupError`."""
        shelves = self.of(topic)
        if not 0 <= partition < len(shelves):
            raise LookupError(f"[{topic}] has no partition {partition}: it has {len(shelves)}")
        return shelves[partition]

    def all(self) -> Iterable[Shelf]:
        """Every shelf."""
        return (shelf for shelves in self._topics.values() for shelf in shelves)

    def input_of(self, stage: str, partition: int) -> Shelf | None:
        """What a seat reads; None for a stage without input. Raises `LookupError`."""
        return self.one(STAGE_INPUT[stage], partition) if stage in STAGE_INPUT else None

    def append(self, txn: Transaction, outputs: Sequence[Out], at: int) -> None:
        """Add records at the ends of their shelves."""
        values: list[object] = []
        ends = txn.ends
        older: list[tuple[int, bytes]] = []
        for topic, partition, key, value in outputs:
            shelf = self._topics[topic][partition].number
            position = ends[shelf]
            ends[shelf] = txn.grown[shelf] = position + 1
            place = (shelf << POSITION_BITS) | position
            values += (place, at, key, value)
            if shelf in self._compacted:
                older.append((place, key))
        txn.rows("INSERT INTO log (place, at, key, value)", 4, values)
        for place, key in older:
            start = place >> POSITION_BITS << POSITION_BITS
            txn.db.execute("DELETE FROM log WHERE place >= ? AND place < ? AND key = ?", (start, place, key))


def places(db: sqlite3.Connection, shelves: Iterable[Shelf]) -> tuple[dict[int, int], dict[int, int]]:
    """First and end position of each shelf, from the file. What was trimmed to nothing goes on where it ended."""
    firsts, ends = dict(db.execute("SELECT shelf, first FROM trimmed")), {}
    for shelf in shelves:
        start = shelf.number << POSITION_BITS
        last = db.execute("SELECT max(place) FROM log WHERE place BETWEEN ? AND ?", (start, start + _LAST))
        found = last.fetchone()[0]
        first = firsts.setdefault(shelf.number, 0)
        ends[shelf.number] = first if found is None else max(first, (found & _LAST) + 1)
    return firsts, ends


def read(db: sqlite3.Connection, shelf: int, start: int, limit: int) -> list[tuple[int, bytes, bytes]]:
    """(position, key, value) of the records from `start` on: `limit` at most, and fewer once they are `READ_BYTES`."""
    base = shelf << POSITION_BITS
    rows = db.execute(
        "SELECT place, key, value FROM log WHERE place BETWEEN ? AND ? ORDER BY place LIMIT ?",
        (base + start, base + _LAST, limit),
    )
    records, size = [], 0
    for place, key, value in rows:
        records.append((place & _LAST, key, value))
        size += len(value)
        if size > READ_BYTES:
            break
    rows.close()
    return records


def trim(txn: Transaction, shelf: Shelf, before: int) -> tuple[int | None, bool]:
    """Delete up to `TRIM_STEP` of the oldest records written before a second.

    Gives the new first position, if it moved, and whether there may be more to delete.
    """
    base = shelf.number << POSITION_BITS
    limit, before = _held(txn.db, shelf, base, before)
    rows = txn.db.execute(
        "SELECT place, at FROM log WHERE place BETWEEN ? AND ? ORDER BY place LIMIT ?",
        (base, base + limit - 1, TRIM_STEP),
    ).fetchall()
    old: list[int] = []
    for place, at in rows:
        if at >= before:
            break
        old.append(place)
    if not old:
        return None, False
    first = (old[-1] & _LAST) + 1
    txn.db.execute("DELETE FROM log WHERE place BETWEEN ? AND ?", (base, old[-1]))
    txn.rows("INSERT INTO trimmed (shelf, first)", 2, (shelf.number, first), _FIRST)
    return first, len(old) == TRIM_STEP


_FIRST: Final = "ON CONFLICT (shelf) DO UPDATE SET first = excluded.first"


def _held(db: sqlite3.Connection, shelf: Shelf, base: int, before: int) -> tuple[int, int]:
    """Position and second that a trim must stop at: what a seat has not taken in, or may have to read again, stays."""
    if shelf.topic in COMPACTED:
        newest = db.execute(
            "SELECT place FROM log WHERE place BETWEEN ? AND ? ORDER BY place DESC LIMIT 1 OFFSET ?",
            (base, base + _LAST, KEPT_CONFIGS - 1),
        ).fetchone()
        return (0 if newest is None else newest[0] & _LAST), before
    stage = _READER_OF.get(shelf.topic)
    seat = db.execute(
        "SELECT committed FROM seats WHERE stage = ? AND partition = ?", (stage, shelf.partition)
    ).fetchone()
    if seat is None:
        return _LAST, before
    taken = db.execute(
        "SELECT at FROM log WHERE place BETWEEN ? AND ? ORDER BY place DESC LIMIT 1",
        (base, base + seat[0] - 1),
    ).fetchone()
    return seat[0], before if taken is None else min(before, taken[0] - REREAD_S)

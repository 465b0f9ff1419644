"""Changing what lies in the embedded bus's log where it lies: to blank what somebody wants gone, and nothing else.

Positions stay. A stage that has not taken a record in yet takes in what it has become, as if it had never been anything
else. `secure_delete` overwrites what was there; afterwards the file is made anew where it is small, and the write-ahead
log, which still holds it, is emptied.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

from warn.bus.compacting import compact
from warn.bus.log import POSITION_BITS, Shelf, Shelves
from warn.bus.writer import Transaction, Writer

Change = Callable[[bytes], bytes | None]
"""What a record becomes; None: it stays as it is. Quick, since commits wait meanwhile."""
ROWS: Final = 200
"""Records looked at between two commits of others."""
BYTES: Final = 1 << 20
_TRIES: Final = 40
_PAUSE_S: Final = 0.25


class _Turn(NamedTuple):
    next: int | None
    changed: int


async def rewrite(writer: Writer, shelves: Shelves, topic: str, change: Change) -> int:
    """Go through a topic; how many records were changed. Raises `LookupError`, and `TimeoutError` where the write-ahead
    log cannot be emptied since somebody goes on reading.
    """
    changed = 0
    for shelf in shelves.of(topic):
        place: int | None = shelf.number << POSITION_BITS
        while place is not None:
            turn = await writer.do(partial(_some, shelf=shelf, start=place, change=change))
            place, changed = turn.next, changed + turn.changed
            await asyncio.sleep(0)
    if changed:
        await _emptied(writer)
    return changed


def _some(txn: Transaction, shelf: Shelf, start: int, change: Change) -> _Turn:
    """Change what there is to change among the next records."""
    end = (shelf.number + 1) << POSITION_BITS
    rows = txn.db.execute(
        "SELECT place, value FROM log WHERE place >= ? AND place < ? ORDER BY place LIMIT ?",
        (start, end, ROWS),
    )
    changed: list[tuple[bytes, int]] = []
    last, seen, size = start, 0, 0
    for place, value in rows:
        last, seen, size = place, seen + 1, size + len(value)
        new = change(value)
        if new is not None and new != value:
            changed.append((new, place))
        if size > BYTES:
            break
    rows.close()
    for one in changed:
        txn.db.execute("UPDATE log SET value = ? WHERE place = ?", one)
    done = seen < ROWS and size <= BYTES
    return _Turn(None if done else last + 1, len(changed))


async def _emptied(writer: Writer) -> None:
    await writer.do(compact, alone=True)
    for _ in range(_TRIES):
        if await writer.do(_empty, alone=True):
            return
        await asyncio.sleep(_PAUSE_S)
    raise TimeoutError("the write-ahead log could not be emptied: something goes on reading")


def _empty(txn: Transaction) -> bool:
    """Write everything to the file and cut the log to nothing; not now if somebody is reading."""
    db: sqlite3.Connection = txn.db
    db.execute("PRAGMA busy_timeout = 0")
    try:
        busy = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    finally:
        db.execute("PRAGMA busy_timeout = 5000")
    return not busy

"""How the embedded bus forgets: by age, and sooner where the file would grow beyond its limit.

A text that is kept longer than promised is a fault, and so is a record trimmed before its stage has taken it in. The
second weighs more: what a seat has not consumed, and the hour before that, stays whatever its age, until the seat has
gone on. Where the file is too large all ages are halved until it fits, an hour being the least; if that does not help,
the free space on the disk decides about intake.
"""

import sqlite3
from contextlib import suppress
from functools import partial
from typing import Final

from warn.bus import log
from warn.bus.compacting import OFTEN_BYTES, compact
from warn.bus.log import Shelf, Shelves
from warn.bus.topics import RETENTION_S
from warn.bus.writer import Transaction, Writer

LEAST_S: Final = 3600
"""No limit on size makes a record's life shorter than this."""
_VACUUM_PAGES: Final = 500


class Retention:
    """Trims one store; `firsts`, the first position kept of each shelf by number, is moved along."""

    def __init__(self, writer: Writer, shelves: Shelves, firsts: dict[int, int], max_bytes: int) -> None:
        self._writer = writer
        self._shelves = shelves
        self._firsts = firsts
        self._max_bytes = max_bytes
        self._trimmed = False

    async def run(self, now: int) -> None:
        """Trim everything that is due at a second."""
        divisor = 1
        await self._ages(now, divisor)
        longest = max(RETENTION_S.values())
        while await self._writer.do(_used) > self._max_bytes and longest // divisor > LEAST_S:
            divisor *= 2
            await self._ages(now, divisor)
        while await self._writer.do(_give_back, alone=True):
            pass
        if self._trimmed:
            # A full disk is seen to elsewhere; trimmed it is all the same, and the file is made anew next time.
            with suppress(sqlite3.OperationalError):
                await self._writer.do(partial(compact, most=OFTEN_BYTES), alone=True)
                self._trimmed = False
        await self._writer.do(_empty_log, alone=True)

    async def _ages(self, now: int, divisor: int) -> None:
        for shelf in self._shelves.all():
            age = RETENTION_S.get(shelf.topic)
            if age is not None:
                await self._trim(shelf, now - max(min(age, LEAST_S), age // divisor))

    async def _trim(self, shelf: Shelf, before: int) -> None:
        more = True
        while more:
            first, more = await self._writer.do(lambda txn: log.trim(txn, shelf, before))
            if first is not None:
                self._firsts[shelf.number] = first
                self._trimmed = True


def _used(txn: Transaction) -> int:
    """Bytes in use, without pages that wait to be used again."""
    pages, free, size = (
        txn.db.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def _give_back(txn: Transaction) -> bool:
    """Shrink the file a little; whether there is more to give back."""
    # As a script: `execute` would stop after the first page.
    txn.db.executescript(f"PRAGMA incremental_vacuum({_VACUUM_PAGES})")
    return int(txn.db.execute("PRAGMA freelist_count").fetchone()[0]) >= _VACUUM_PAGES


def _empty_log(txn: Transaction) -> None:
    """Empty the write-ahead log, which still holds what was deleted; not now if somebody is reading."""
    txn.db.executescript(
        "PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA busy_timeout = 5000"
    )

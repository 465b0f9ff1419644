"""Making the file of the embedded bus anew, so that it holds nothing but what is kept.

`secure_delete` overwrites a record that is changed or deleted, but not the copies of it that SQLite leaves in the free
space of pages whenever it moves records from one page to another. Only `VACUUM` makes pages without any. It costs the
writer about 8 ms per MB, in which commits wait, and as much memory as the file is large; so a large file is left as it is:
there such copies lie until their page is written full, or empties.
"""

import sqlite3
from typing import Final

from warn.bus.writer import Transaction

MOST_BYTES: Final = 64 << 20
"""A larger file is left as it is."""
OFTEN_BYTES: Final = 16 << 20
"""The same where it is done every few minutes."""


def compact(txn: Transaction, most: int = MOST_BYTES) -> bool:
    """Make the file anew; False for one of more than `most` bytes. The write-ahead log holds all of it then, and is to be emptied.

    Outside of any transaction. Raises `sqlite3.OperationalError`, for one where the disk is full.
    """
    db: sqlite3.Connection = txn.db
    pages, size = (int(db.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "page_size"))
    if pages * size > most:
        return False
    db.execute("PRAGMA temp_store = MEMORY")  # what is kept must not lie in another folder, not for a moment
    try:
        db.execute("VACUUM")
    finally:
        db.execute("PRAGMA temp_store = DEFAULT")
    return True

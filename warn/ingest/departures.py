"""Accounts that are gone from their source: under which hashes something of them may be kept, if anything is.

Sources tell of everybody who goes, and hardly anybody has written about us: a stranger costs a hash and a look.
"""

from typing import Final

from warn.ingest.connector import Departure
from warn.ingest.door import Door, Terms, bare, hashes_of, stricter
from warn.ingest.entry import check_author
from warn.model.hashing import author_hash
from warn.model.mention import COUNTS_ONLY

_DAY_S: Final = 86_400
DAYS: Final = 9
"""Where only counts pass, an author has another hash each day: so many may still stand in `[mentions]`."""


def kept_of(key: bytes, door: Door, one: Departure, terms: Terms, now: int) -> list[int]:
    """The author hashes to be blanked; none for a stranger. `key` is the installation's secret, `now` in seconds.

    Raises `RefusedError` where it names nobody.
    """
    check_author(one.source, one.author)
    writers = door.past.writers
    if writers is None:
        return []
    role = stricter(terms.role, door.policy.roles.get(one.source, ""))
    if role in COUNTS_ONLY:
        today = now // _DAY_S
        hashes = hashes_of(key, one.source, one.author, range(today - DAYS, today + 2))
        return [author for author in sorted(hashes) if author in writers]
    author = author_hash(key, one.source, bare(one.author))
    return [author] if author in writers else []


def is_ours(key: bytes, door: Door, one: Departure) -> bool:
    """Whether it is an account that a rule file lists as ours."""
    return author_hash(key, one.source, bare(one.author)) in door.policy.own

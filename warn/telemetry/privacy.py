"""What was done about people, in numbers."""

from warn.telemetry import metrics
from warn.telemetry.logs import logger

_log = logger()


def deletions_blanked(posts: int, authors: int, records: int) -> None:
    """What was kept of posts that were deleted at their source, and of accounts that are gone from it, is gone."""
    metrics.DELETIONS_BLANKED.add(by=posts)
    _log.info("deletions_blanked", posts=posts, authors=authors, records=records)


def accounts_departed(connector: str, number: int, *, ours: int) -> None:
    """Accounts are gone from their source, of whom something is kept; `ours`: so many that rule files list as our own."""
    metrics.ACCOUNTS_DEPARTED.add(connector, by=number)
    tell = _log.warning if ours else _log.info
    tell("accounts_departed", connector=connector, number=number, ours=ours)


def author_erased(author: str, posts: int, evidence: int, dead_letters: int) -> None:
    """An author was erased; `author` is the keyed hash."""
    metrics.ERASURES.add()
    _log.info("author_erased", author=author, posts=posts, evidence=evidence, dead_letters=dead_letters)

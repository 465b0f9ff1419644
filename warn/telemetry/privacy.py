"""What was done about people, in numbers."""

from warn.telemetry import metrics
from warn.telemetry.logs import logger

_log = logger()


def deletions_blanked(posts: int, records: int) -> None:
    """What was kept of posts that were deleted at their source is gone."""
    metrics.DELETIONS_BLANKED.add(by=posts)
    _log.info("deletions_blanked", posts=posts, records=records)


def author_erased(author: str, posts: int, evidence: int, dead_letters: int) -> None:
    """An author was erased; `author` is the keyed hash."""
    metrics.ERASURES.add()
    _log.info("author_erased", author=author, posts=posts, evidence=evidence, dead_letters=dead_letters)

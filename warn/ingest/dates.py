"""Dates as services write them (ISO 8601), in whole milliseconds since 1970."""

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
MOST: Final = 64
"""Characters of a date; what is longer is none."""


def milliseconds(said: object) -> int | None:
    """Of a date; without a zone it is one in UTC. None for what is no date."""
    if not isinstance(said, str) or len(said) > MOST:
        return None
    try:
        return since_epoch(datetime.fromisoformat(said))
    except (ValueError, OverflowError):
        return None


def since_epoch(when: datetime) -> int:
    """Whole milliseconds, without the rounding of seconds as a float. Raises OverflowError."""
    return ((when if when.tzinfo is not None else when.replace(tzinfo=UTC)) - _EPOCH) // _MS

"""When it happened, as services write it: seconds, milliseconds, ISO, RFC 2822, and what one of them hides in its ids."""

from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple

from warn.ingest.dates import since_epoch
from warn.ingest.entry import LAST_MS

_DIGITS: Final = frozenset("0123456789.")
_SNOWFLAKES_FROM_MS: Final = 1_288_834_974_657
"""When X began to number what is said there by its time."""
_IN_MS: Final = 10**11
"""Such a number of seconds is the year 5138; of milliseconds, 1973."""
_IN_US: Final = 10**14


class Moment(NamedTuple):
    """Milliseconds since 1970; `arrival`: nothing better was known than when it came in."""

    ms: int
    arrival: bool = False


def moment(value: Any, form: str = "auto") -> Moment | None:
    """When that is; None for what is no time from 1970 to 9999. `form`: one of `FORMS`."""
    if isinstance(value, Moment):
        return value
    try:
        ms = FORMS[form](value)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    return Moment(ms) if ms is not None and 0 <= ms <= LAST_MS else None


def _number(value: Any) -> float | int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, str) and 0 < len(value) <= 32 and _DIGITS.issuperset(value):
        return float(value) if "." in value else int(value)
    return None


def _scaled(value: Any, scale: float) -> int | None:
    number = _number(value)
    return None if number is None else round(number * scale)


def _snowflake(value: Any) -> int | None:
    number = _number(value)
    return (number >> 22) + _SNOWFLAKES_FROM_MS if isinstance(number, int) and number > 1 << 32 else None


def _iso(value: Any) -> int | None:
    if not isinstance(value, str) or not 8 <= len(value) <= 40:
        return None
    # Some write 2026/01/01 12:00:00 +0000.
    return since_epoch(
        datetime.fromisoformat(value.replace("/", "-", 2).replace(" +", "+").replace(" -", "-"))
    )


def _mail(value: Any) -> int | None:
    if not isinstance(value, str) or len(value) > 64:
        return None
    return since_epoch(parsedate_to_datetime(value))


def _ctime(value: Any) -> int | None:
    if not isinstance(value, str) or len(value) > 40:
        return None
    return since_epoch(datetime.strptime(value, "%a %b %d %H:%M:%S %z %Y"))


def _auto(value: Any) -> int | None:
    number = _number(value)
    if number is not None:
        return round(number * (1000 if number < _IN_MS else 1 if number < _IN_US else 0.001))
    for form in (_iso, _ctime, _mail):
        try:
            ms = form(value)
        except (ValueError, OverflowError, TypeError, IndexError):
            continue
        if ms is not None:
            return ms
    return None


FORMS: Final[Mapping[str, Callable[[Any], int | None]]] = {
    "auto": _auto,
    "unix": lambda value: _scaled(value, 1000),
    "unix_ms": lambda value: _scaled(value, 1),
    "iso": _iso,
    "rfc2822": _mail,
    "ctime": _ctime,
    "snowflake": _snowflake,
}
"""What settings call a way of writing a time."""

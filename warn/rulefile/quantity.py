"""Texts that are quantities: durations as Prometheus writes them, rates such as `2 per 30d`, instants."""

import re
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from warn.rulefile.nearest import nearest

DAY: Final = 86_400

_UNITS: Final = {"w": 7 * DAY, "d": DAY, "h": 3600, "m": 60, "s": 1}
_DURATION: Final = re.compile(r"(?:(\d{1,6})w)?(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?")
_NAMED: Final = {"minute": 60, "hour": 3600, "day": DAY, "week": 7 * DAY, "month": 30 * DAY}
_RATE: Final = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)\s+per\s+(\S{1,40})")
DURATION_PATTERN: Final = r"^(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?$"
RATE_PATTERN: Final = (
    r"^\d+(\.\d+)?\s+per\s+(minute|hour|day|week|month|(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?)$"
)


def duration(text: str) -> int:
    """Seconds of `90s`, `10m`, `1h30m`, `2d`, `1w`; raises ValueError that says what is allowed."""
    found = _DURATION.fullmatch(text)
    if not found or not text:
        more = f"; did you mean `{text}m`?" if text.isascii() and text.isdigit() else ""
        raise ValueError(f"`{text}` is no duration; write it as 90s, 10m, 1h30m, 2d or 1w{more}")
    return sum(int(n) * by for n, by in zip(found.groups(), _UNITS.values(), strict=True) if n)


def rate(text: str) -> tuple[float, int]:
    """(count, seconds) of `40 per day` or `2 per 30d`; raises ValueError that says what is allowed."""
    found = _RATE.fullmatch(text.strip())
    if not found:
        raise ValueError(f"`{text}` is no rate; write it as `40 per day`, `2 per 30d` or `1 per 10m`")
    per = found[2]
    seconds = _NAMED.get(per)
    if seconds is None:
        try:
            seconds = duration(per)
        except ValueError:
            names = ", ".join(_NAMED)
            raise ValueError(
                f"`{per}` in `{text}` is no length of time; write {names}, or a duration such as 30d or 10m"
            ) from None
    if seconds == 0:
        raise ValueError(f"`{text}` counts over no time at all; write it as `2 per 30d`")
    return float(found[1]), seconds


def instant(text: str, zone: ZoneInfo) -> int:
    """Seconds since the epoch of an ISO 8601 time; one without an offset is in the zone of the file."""
    if len(text) < 16 or text[10] not in "T ":
        raise ValueError(
            f"`{text}` is no point in time; write it as 2026-12-01T09:00 or 2026-12-01T09:00+01:00"
        )
    try:
        when = datetime.fromisoformat(text)
        if when.tzinfo is None:
            when = when.replace(tzinfo=zone)
        return int(when.timestamp())
    except (ValueError, OverflowError):
        raise ValueError(
            f"`{text}` is no point in time; write it as 2026-12-01T09:00 or 2026-12-01T09:00+01:00"
        ) from None


def zone(name: str) -> ZoneInfo:
    """The time zone of this name; raises ValueError with the nearest one that exists."""
    try:
        return ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        # OSError: `Europe` is a folder of the zone data. The list is read only to suggest: it takes a while.
        raise ValueError(
            f"`{name}` is no time zone; write a name such as Europe/Amsterdam, America/New_York or UTC"
            f"{nearest(name, sorted(available_timezones()))}"
        ) from None

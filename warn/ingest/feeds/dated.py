"""Dates as feeds write them: RFC 822 and its neighbours, ISO 8601, months in six languages; nothing is guessed.

The press clock tells who was first by these dates. A library that makes some date of every text (of the number 123, of
a month that it does not know) is worse than no date: then an article counts from when it was seen.
"""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

MOST: Final = 80
"""Characters of a date; what is longer is none."""
_ISO: Final = re.compile(r"\d{4}-\d\d-\d\d|\d{8}T\d{4}")
_ISO_ZONE: Final = re.compile(r" (Z$|[+-]\d\d:?\d\d$)")
_TIME: Final = (
    r"(?:,?\s*(?:at\s+|T)?(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,]\d{1,9})?)?\s*(?P<half>[ap]m)?)?"
    r"\s*(?P<zone>[a-z]{1,5}|(?:gmt|utc?)?\s*[+-]\d{1,2}:?(?:\d\d)?)?"
)
_DAY_FIRST: Final = re.compile(
    rf"(?:[^\W\d]{{2,12}}\.?(?:,\s?|\s))?(?P<day>\d{{1,2}})[\s.-]+(?P<month>[^\W\d]{{3,10}})[\s.,-]+(?P<year>\d{{4}}|\d\d){_TIME}",
    re.IGNORECASE,
)
_MONTH_FIRST: Final = re.compile(
    rf"(?:[^\W\d]{{2,12}}\.?(?:,\s?|\s))?(?P<month>[^\W\d]{{3,10}})\.?\s+(?P<day>\d{{1,2}}),?\s+(?P<year>\d{{4}}){_TIME}",
    re.IGNORECASE,
)
_MONTHS: Final = (
    ("jan", "ene", "gen"),
    ("feb", "fév", "fev"),
    ("mar", "mrt", "maa", "mär"),
    ("apr", "avr", "abr"),
    ("may", "mei", "mai", "mag"),
    ("jun", "juin", "giu"),
    ("jul", "juil", "lug"),
    ("aug", "aoû", "aou", "ago"),
    ("sep", "set"),
    ("oct", "okt", "ott", "out"),
    ("nov",),
    ("dec", "dez", "déc", "dic"),
)
_HOURS: Final = {
    **dict.fromkeys(("", "z", "ut", "utc", "gmt", "wet"), 0.0),
    **dict.fromkeys(("cet", "met", "mez", "bst", "west"), 1.0),
    **dict.fromkeys(("cest", "mest", "mesz", "eet"), 2.0),
    **dict.fromkeys(("eest", "msk"), 3.0),
    "est": -5.0, "edt": -4.0, "cst": -6.0, "cdt": -5.0, "mst": -7.0, "mdt": -6.0, "pst": -8.0, "pdt": -7.0,
    "ist": 5.5, "sgt": 8.0, "jst": 9.0, "kst": 9.0, "aest": 10.0, "aedt": 11.0, "nzst": 12.0, "nzdt": 13.0,
}  # fmt: skip
_OFFSET: Final = re.compile(r"(?:gmt|utc?)?\s*([+-])(\d{1,2}):?(\d\d)?")


def moment(said: str) -> datetime | None:
    """When that is; UTC where no zone is given. None for what is no date, or one that may be read in two ways."""
    said = " ".join(said[: 4 * MOST].split())
    if not said or len(said) > MOST:
        return None
    try:
        if _ISO.match(said):
            said = said.replace(" UTC", "Z").replace(" GMT", "Z")
            when = datetime.fromisoformat(_ISO_ZONE.sub(r"\1", said))
            return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC)
        found = _DAY_FIRST.fullmatch(said) or _MONTH_FIRST.fullmatch(said)
        return None if found is None else _made(found.groupdict())
    except (ValueError, OverflowError):
        return None


def _made(parts: dict[str, str | None]) -> datetime | None:
    month, zone = _month(parts["month"] or ""), _zone((parts["zone"] or "").lower())
    if not month or zone is None:
        return None
    said, hour = parts["year"] or "", int(parts["hour"] or 0)
    year = int(said) if len(said) == 4 else int(said) + (2000 if int(said) < 70 else 1900)
    if parts["half"]:
        hour = hour % 12 + (12 if parts["half"].lower() == "pm" else 0)
    day = datetime(year, month, int(parts["day"] or 0), tzinfo=zone)
    clock = timedelta(hours=hour, minutes=int(parts["minute"] or 0), seconds=int(parts["second"] or 0))
    # Midnight may be the 24th hour, and a leap second be the 60th.
    return (day + clock).astimezone(UTC) if clock <= timedelta(days=1) else None


def _month(name: str) -> int:
    """1 to 12; 0 for none. July and June begin alike in French: the longer beginnings are among those of their month."""
    name = name.lower()
    return next((n for n, begins in enumerate(_MONTHS, 1) if name.startswith(begins)), 0)


def _zone(name: str) -> timezone | None:
    """None for one that is not known: an hour off is worse than no date."""
    if name in _HOURS:
        return timezone(timedelta(hours=_HOURS[name]))
    found = _OFFSET.fullmatch(name)
    if found is None:
        return None
    sign, hours, minutes = found.groups()
    ahead = timedelta(hours=int(hours), minutes=int(minutes or 0))
    return timezone(-ahead if sign == "-" else ahead)

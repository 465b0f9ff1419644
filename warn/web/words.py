"""Every sentence of the pages, in English and Dutch.

A key with `.one` and `.many` is chosen by `count`. Sentences are short and plain: they are read at night, on a phone, by
somebody who was asleep a minute ago.
"""

from datetime import UTC, datetime, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from warn.web.sentences_en import ENGLISH
from warn.web.sentences_nl import DUTCH

LANGUAGES: Final = {"en": ENGLISH, "nl": DUTCH}

_DAYS: Final = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "nl": ("maandag", "dinsdag", "woensdag", "donderdag", "vrijdag", "zaterdag", "zondag"),
}
_MONTHS: Final = {
    "en": ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December"),
    "nl": ("januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september", "oktober",
           "november", "december"),
}  # fmt: skip


class Words:
    """The sentences of one language, and how it writes numbers and times of one place."""

    def __init__(self, language: str, timezone: str = "UTC") -> None:
        base = language.split("-", maxsplit=1)[0].lower()
        self.language = base if base in LANGUAGES else "en"
        self._sentences = LANGUAGES[self.language]
        self.zone_name, self._zone = _zone(timezone)

    def __call__(self, key: str, **values: object) -> str:
        """The sentence `key`; numbers among the values are written as this language writes them."""
        count = values.get("count")
        if count is not None and key not in self._sentences:
            key = f"{key}.one" if count == 1 else f"{key}.many"
        return self._sentences[key].format(**{k: self._value(v) for k, v in values.items()})

    def knows(self, key: str) -> bool:
        """Whether there is a sentence of this name."""
        return key in self._sentences

    def _value(self, value: object) -> str:
        return self.number(value) if isinstance(value, int | float) else str(value)

    def number(self, value: float) -> str:
        """1,234 or 1.234; whole from ten on, one decimal below, none where it is nought."""
        text = f"{value:,.0f}" if value >= 10 or float(value).is_integer() else f"{value:,.1f}"
        if self.language == "nl":
            return text.translate(str.maketrans(",.", ".,"))
        return text

    def times(self, value: float) -> str:
        """How many times the usual, without false precision: 1.4, 7, 20, 130."""
        if value >= 100:
            value = round(value, -1)
        return self.number(value if value < 3 else round(value))

    def usual(self, value: float) -> str:
        """How much is usual; next to nothing is said in words."""
        return self.number(value) if value >= 0.05 else self("normal.about_none")

    def local(self, at: int) -> datetime:
        """A second in this place's time."""
        return datetime.fromtimestamp(at, UTC).astimezone(self._zone)

    def clock(self, at: int) -> str:
        """14:02"""
        return f"{self.local(at):%H:%M}"

    def day(self, at: int) -> str:
        """Tuesday 3 November"""
        d = self.local(at)
        return f"{_DAYS[self.language][d.weekday()]} {d.day} {_MONTHS[self.language][d.month - 1]}"

    def span(self, seconds: int) -> str:
        """12 minutes, 3 hours: the largest unit that still says enough."""
        minutes = max(1, round(seconds / 60))
        if minutes < 120:
            return self("span.minutes", count=minutes)
        if minutes < 48 * 60:
            return self("span.hours", count=round(minutes / 60))
        return self("span.days", count=round(minutes / 1440))


def _zone(name: str) -> tuple[str, tzinfo]:
    """The zone, or UTC under its own name where the name is unknown."""
    try:
        return name, ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "UTC", UTC

"""One mistake in one place, and how it is shown: the place, what is wrong, the source line, a caret."""

import unicodedata
from typing import Literal

from msgspec import Struct

Severity = Literal["error", "warning"]

_SHOWN = 100
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")


class Problem(Struct, frozen=True, kw_only=True, order=True):
    """What is wrong at a place; `line` and `column` count from 1, 0 means the file as a whole.

    An error keeps the file out; a warning does not.
    """

    file: str
    line: int = 0
    column: int = 0
    severity: Severity = "error"
    message: str
    source: str = ""

    def headline(self) -> str:
        """`file:line:column: message` on one line."""
        where = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        mark = "warning: " if self.severity == "warning" else ""
        return f"{printable(where)}: {mark}{printable(self.message)}"

    def text(self) -> str:
        """The headline, the source line and a caret under the place."""
        if not self.line:
            return self.headline()
        start = max(0, self.column - 1 - _SHOWN // 2) if len(self.source) > _SHOWN else 0
        shown = printable(self.source[start : start + _SHOWN])
        before = printable(self.source[start : self.column - 1])
        return f"{self.headline()}\n    {shown}\n    {' ' * _cells(before)}^"

    def github(self) -> str:
        """A workflow command that GitHub shows beside the line of a pull request."""
        place = f"file={_property(self.file)}" + (f",line={self.line},col={self.column}" if self.line else "")
        return f"::{self.severity} {place}::{_escaped(self.message)}"


def printable(text: str) -> str:
    """Text that cannot move the cursor, hide itself or run backwards on a terminal."""
    return "".join(
        " "
        if c == "\t"
        else c
        if unicodedata.category(c) not in ("Cc", "Cs") and c not in _BIDI
        else _code(c)
        for c in text
    )


def _code(c: str) -> str:
    return f"\\u{ord(c):04x}"


def _cells(text: str) -> int:
    """Columns that a terminal gives to the text: wide characters take two, combining ones none."""
    return sum(
        0
        if unicodedata.combining(c) or c == "\u200d"
        else 2
        if unicodedata.east_asian_width(c) in "WF"
        else 1
        for c in text
    )


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")

"""Where a word begins and ends, in any script.

A word ends where the next character is neither letter, digit, underscore nor a mark on one. Scripts that write no
spaces have no such places (Chinese, Japanese, Korean with its particles, Thai, Lao, Khmer, Burmese, Tibetan), so terms
in them, and terms that begin or end with a sign, an emoji or a vowel sign, are found anywhere.
"""

from typing import Final
from unicodedata import category

NOT_WORD: Final = 0
WORD: Final = 1
AT: Final = 2

_NO_SPACES: Final = (
    (0x0E00, 0x0EFF), (0x0F00, 0x0FFF), (0x1000, 0x109F), (0x1100, 0x11FF), (0x1780, 0x17FF), (0x2E80, 0x31FF),
    (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xA960, 0xA97F), (0xAC00, 0xD7FF), (0xF900, 0xFAFF), (0x1B000, 0x1B16F),
    (0x20000, 0x3FFFF),
)  # fmt: skip


def spaceless(c: str) -> bool:
    """Whether `c` belongs to a script that writes no spaces between words."""
    point = ord(c)
    return point >= 0x0E00 and any(first <= point <= last for first, last in _NO_SPACES)


class _Kinds(dict[str, int]):
    """Character to NOT_WORD, WORD or AT, worked out once for each."""

    def __missing__(self, c: str) -> int:
        kind = NOT_WORD
        if c == "@":
            kind = AT
        elif c == "_" or c.isalnum() or (category(c) in ("Mn", "Mc") and not "\ufe00" <= c <= "\ufe0f"):
            kind = WORD
        self[c] = kind
        return kind


KINDS: Final = _Kinds()


def bounded(c: str) -> bool:
    """Whether a term that begins or ends with `c` must begin or end a word there."""
    return (c == "_" or c.isalnum()) and not spaceless(c)


def handle_ends(text: str, end: int) -> bool:
    """Whether a handle that was read up to `end` is whole there: `@acme` is not `@acme.example` nor `@acme_help`."""
    if end >= len(text):
        return True
    c = text[end]
    if KINDS[c] == WORD:
        return False
    return c not in ".-@" or end + 1 >= len(text) or KINDS[text[end + 1]] != WORD

"""One folding for rules and texts, so that whatever is spelled alike compares equal as plain code points.

Case, composed and decomposed accents, full width, mathematical letters, ligatures, curly apostrophes and the many
dashes fold together; invisible characters inside a word vanish. Turkish dotted and dotless i both become i: that
matches a little too much on purpose, because nobody types them right in anger.
"""

import re
from collections.abc import Iterable
from itertools import chain
from typing import Final
from unicodedata import category, is_normalized, normalize

MAX_TEXT: Final = 20_000
"""Characters of a text that are looked at. What a longer one says beyond is not scanned; it still counts as a post."""
_INVISIBLE = chain(
    (0xAD, 0x180E, 0x200B, 0x200E, 0x200F, 0xFEFF),
    range(0x202A, 0x202F), range(0x2060, 0x2065), range(0x2066, 0x206A),
)  # fmt: skip
_DASHES = (*range(0x2010, 0x2016), 0x2212)
_APOSTROPHES = (0x2018, 0x2019, 0x02BC)
_COMPATIBLE = chain(
    (0x0132, 0x0133, 0x013F, 0x0140), range(0x01C4, 0x01CD), range(0x01F1, 0x01F4),
    range(0xFF01, 0xFFEF), range(0x1D400, 0x1D800),
)  # fmt: skip
_DOT: Final = "\u0307"
_DOTLESS: Final = "\u0131"
_ASCII: Final = bytes(range(128))
_EMOJI: Final = "\u200d\ufe0f"
_SYLLABLES: Final = (("\u3041", "\u3096"), ("\u30a1", "\u30fa"), ("\u3400", "\u9fff"), ("\uac00", "\ud7a3"))
_MAX_INERT: Final = 16
"""Bytes beyond ASCII of a text that is worth looking up: of more there are too many."""
_CACHE: Final = 20_000


def _table() -> dict[str, str]:
    """Every special character and what it is compared as."""
    table = {chr(c): "" for c in _INVISIBLE}
    table |= {chr(c): "-" for c in _DASHES}
    table |= {chr(c): "'" for c in _APOSTROPHES}
    # A full-width or mathematical capital only now becomes a letter that has a case.
    table |= {chr(c): normalize("NFKC", chr(c)).casefold().replace(_DOTLESS, "i") for c in _COMPATIBLE}
    table |= {chr(c): "\ufffd" for c in range(0xD800, 0xE000)}
    table[_DOTLESS] = "i"
    return {c: plain for c, plain in table.items() if c != plain}


def _class(characters: Iterable[str]) -> str:
    """A character class of ranges: `re` tries single characters beyond the basic plane one by one."""
    body: list[list[int]] = []
    for c in sorted(map(ord, characters)):
        if body and body[-1][1] == c - 1:
            body[-1][1] = c
        else:
            body.append([c, c])
    return "[" + "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in body) + "]"


_PLAIN: Final = _table()
# Two classes, and one plain range: `re` is ten times as slow with a class that reaches beyond the basic plane.
_NEAR: Final = re.compile(_class(c for c in _PLAIN if c <= "\uffff"))
_FAR: Final = re.compile("[\U0001d400-\U0001d7ff]")
_DOTTED: Final = re.compile(f"i{_DOT}+")


def _plain(found: re.Match[str]) -> str:
    c = found.group()
    return _PLAIN.get(c, c)


class _Inert(dict[bytes, bool]):
    """Whether folding leaves these characters as they are, whatever stands beside them: worked out once for each set."""

    def __missing__(self, characters: bytes) -> bool:
        if len(characters) > _MAX_INERT:
            return False
        if len(self) >= _CACHE:
            self.clear()
        made = self[characters] = all(map(_is_inert, characters.decode()))
        return made


def _is_inert(c: str) -> bool:
    """Whether `c` has no case, is composed and nothing special, and never combines with what stands before it.

    What may combine is a mark, or a letter of a script beyond Cyrillic: of those only Chinese, Japanese and Korean
    syllables are taken, besides signs, and the two characters that emoji are made with.
    """
    kind = category(c)
    alone = (c < "\u0530" and kind[0] != "M") or kind[0] in "SP" or c in _EMOJI
    return (alone or any(first <= c <= last for first, last in _SYLLABLES)) and _fold_any(c) == c


_INERT: Final = _Inert()


def fold(text: str) -> str:
    """The text as it is compared. Never raises; folding twice is folding once; at most MAX_TEXT characters are read."""
    if len(text) > MAX_TEXT:
        text = text[:MAX_TEXT]
    if text.isascii():
        return text.lower()
    # Most other texts are ASCII but for an emoji or some accents, and bytes have no case beyond ASCII.
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        return _fold_any(text)
    return raw.lower().decode() if _INERT[raw.translate(None, _ASCII)] else _fold_any(text)


def _fold_any(text: str) -> str:
    # The one special character that is everywhere (telephones write it) is not worth a substitution.
    text = text.replace("\u2019", "'").casefold()
    if not is_normalized("NFC", text):
        text = normalize("NFC", text)
    if _DOT in text or _NEAR.search(text) or _FAR.search(text):
        return _fold_special(text)
    return text


def _fold_special(text: str) -> str:
    # What vanishes may bring a letter and its mark together (half-width kana, an i and its dot): until it is stable.
    before = ""
    while text != before:
        before = text
        text = _DOTTED.sub("i", _FAR.sub(_plain, _NEAR.sub(_plain, text)))
        text = normalize("NFC", text)
    return text

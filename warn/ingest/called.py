"""Whether a text says somebody's name, however it is written there: in an address, in HTML or JSON, cut off at its end.

Names are compared word by word, so that `some_body`, `Some Body` and `some-body` are one: who asks to be forgotten is
rather found once too often.
"""

import re
from base64 import b64decode
from binascii import Error
from collections.abc import Iterator
from functools import lru_cache
from html import unescape
from typing import Final
from urllib.parse import unquote

from warn.match.fold import fold

SHORTEST: Final = 3
"""Letters of a name that is looked for in texts: a shorter one would blank half of what there is."""
CUT_AT: Final = 2_000
"""Nothing that was read is cut shorter than this."""
_TAIL: Final = 400
_DEPTH: Final = 3
"""An address within an address within an address."""
_WORD: Final = re.compile(r"[^\W_]+")
_CODED: Final = re.compile(r"%[0-9a-f]{2}|&[#a-z]|\\[a-z]|xn--|</?[a-z]", re.IGNORECASE)
_TAG: Final = re.compile(r"</?[a-z][^<>]{0,200}>", re.IGNORECASE)
_LETTER: Final = re.compile(r"\\u([0-9a-fA-F]{4})")
_LABEL: Final = re.compile(r"xn--[a-z0-9-]+", re.IGNORECASE)
_PACKED: Final = re.compile(r"[A-Za-z0-9+/_-]{8,}")


def names_of(*names: str) -> tuple[str, ...]:
    """Handles and names as they are looked for. Raises ValueError for one that is too short."""
    found = [fold(name.strip().removeprefix("@")) for name in names if name.strip()]
    if any(sum(map(str.isalnum, name)) < SHORTEST for name in found):
        raise ValueError(f"a name of fewer than {SHORTEST} letters stands in everything")
    return tuple(dict.fromkeys(found))


def says(names: tuple[str, ...], *texts: str) -> bool:
    """Whether one of the texts says a name, as words of its own or as one, also in base64, or is so long that it was cut in
    the middle of one.

    `names`: as `names_of` has them.
    """
    return bool(names) and any(
        any(_in(names, one) for one in _readings(text))
        or (len(text) >= CUT_AT and cut_off(names, text))
        or any(_in(names, one) for packed in _unpacked(text) for one in _readings(packed))
        for text in texts
        if text
    )


def cut_off(names: tuple[str, ...], text: str) -> bool:
    """Whether a text that was cut ends in the beginning of a name."""
    if not names:
        return False
    tails = [f" {_words(one)}" for one in _readings(text[-_TAIL:])]
    return any(
        tail.endswith(f" {name[:n].rstrip()}")
        for tail in tails
        for _, name in _wanted(names)
        for n in range(SHORTEST, len(name))
    )


def _in(names: tuple[str, ...], folded: str) -> bool:
    found = [name for word, name in _wanted(names) if word in folded]
    if not found:
        return False
    words = f" {_words(folded)} "
    return any(f" {name} " in words for name in found)


@lru_cache(64)
def _wanted(names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Each name word by word, the other way round and in one word, and its longest word, which is looked for first: most texts hold none of them."""
    apart = list(filter(None, map(_words, names)))
    turned = [" ".join(name.split()[::-1]) for name in apart]  # "Surname, Name"
    said = dict.fromkeys([*apart, *turned, *(name.replace(" ", "") for name in apart)])
    return tuple((max(name.split(), key=len), name) for name in said)


def _words(folded: str) -> str:
    return " ".join(_WORD.findall(folded))


def _readings(text: str) -> Iterator[str]:
    """The text as it is, and with its escapes undone; folded."""
    yield fold(text)
    for _ in range(_DEPTH):
        if not _CODED.search(text):
            return
        plain = _plain(text)
        if plain == text:
            return
        text = plain
        yield fold(text)


def _plain(text: str) -> str:
    """Escapes of addresses, HTML, JSON and host names undone, once."""
    text = _LETTER.sub(lambda found: chr(int(found[1], 16)), text)
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    text = re.sub(r"\\[nrtbf/\"]", " ", text)
    return _LABEL.sub(_host, _TAG.sub(" ", unescape(unquote(text))))


def _host(found: re.Match[str]) -> str:
    try:
        return found[0].encode().decode("idna")
    except UnicodeError:
        return found[0]


def _unpacked(text: str) -> Iterator[str]:
    for found in _PACKED.finditer(text):
        body = found[0].replace("-", "+").replace("_", "/")
        try:
            yield b64decode(body[: len(body) - (len(body) % 4 == 1)] + "==").decode("utf-8", "replace")
        except (Error, ValueError):
            continue

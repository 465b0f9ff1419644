"""What may pass the door at all: types, dates and sizes of an item, each fault with words that say what is wrong.

A fault of something that warn decides by (id, date, text) refuses the item; a fault of something that it only shows
or adds up (a link, a language, a negative total) is mended and counted. Nothing here quotes a name or a text.
"""

from collections import Counter
from typing import Final

from warn.model.mention import KIND_ORDER, Engagement, Item

MAX_TEXT: Final = 20_000
"""Characters of a text that are kept; what stands further down no detector needs."""
MAX_WORD: Final = 1_000
"""Characters of one word that are kept: no name of ours is longer, and a megabyte without a space is an attack."""
MAX_ID: Final = 2_048
MAX_SOURCE: Final = 64
MAX_URL: Final = 2_048
MAX_LANG: Final = 35
MAX_COUNT: Final = 10**12
LAST_MS: Final = 253_402_300_799_999
"""The last millisecond of the year 9999."""


class RefusedError(ValueError):
    """An item that cannot pass; the message says which field and why, without quoting it."""


def check(item: Item) -> None:
    """Raises `RefusedError` where the item is not one."""
    _text_field("source", item.source, MAX_SOURCE)
    _text_field("id", item.id, MAX_ID)
    if item.kind not in KIND_ORDER:
        raise RefusedError(f"kind: none of {', '.join(KIND_ORDER)}")
    if item.dated_by not in {"created", "seen"}:
        raise RefusedError("dated_by: neither created nor seen")
    _date("created_at", item.created_ms)
    if item.seen_ms is not None:
        _date("seen_at", item.seen_ms)
    for name in ("thread", "reshare_of", "reply_to", "alias"):
        value = getattr(item, name)
        if value is not None:
            _text_field(name, value, MAX_ID)
    _text("author", item.author)
    _text("text", item.text)


def check_author(source: str, author: str) -> None:
    """Raises `RefusedError` where this names nobody."""
    _text_field("source", source, MAX_SOURCE)
    _text_field("author", author, MAX_ID)


def _date(name: str, value: object) -> None:
    # bool is an int to Python, and no date to anybody.
    if not isinstance(value, int) or isinstance(value, bool):
        raise RefusedError(f"{name}: {type(value).__name__}, where whole milliseconds belong")
    if not 0 <= value <= LAST_MS:
        raise RefusedError(f"{name}: {value} ms, outside the years 1970 to 9999")


def _text(name: str, value: object) -> None:
    if value is None:
        return
    if not isinstance(value, str):
        raise RefusedError(f"{name}: {type(value).__name__}, where text belongs")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as e:
            code = ord(value[e.start])
            raise RefusedError(
                f"{name}: a lone surrogate (\\u{code:04x}) at character {e.start}: not valid Unicode"
            ) from None


def _text_field(name: str, value: object, longest: int) -> None:
    _text(name, value)
    if not isinstance(value, str) or not value:
        raise RefusedError(f"{name}: empty")
    if len(value) > longest:
        raise RefusedError(f"{name}: {len(value):,} characters, {longest:,} allowed")
    if "\0" in value:
        raise RefusedError(f"{name}: holds a NUL character")


def tidy_text(text: str | None, mended: Counter[str]) -> str:
    """The text as it travels: NULs replaced, endless words and endless texts cut; counts what it did."""
    if not text:
        return ""
    if "\0" in text:
        mended["nul"] += 1
        text = text.replace("\0", "\ufffd")
    if len(text) <= MAX_WORD:
        return text
    if any(len(word) > MAX_WORD for word in text.split()):
        mended["word"] += 1
        text = " ".join(word[:MAX_WORD] for word in text.split())
    if len(text) > MAX_TEXT:
        mended["text"] += 1
        text = text[:MAX_TEXT]
    return text


def tidy_count(value: object, mended: Counter[str]) -> int:
    """A number of followers or likes: at least 0, at most a million million."""
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool):
        mended["number"] += 1
        return 0
    if 0 <= value <= MAX_COUNT:
        return value
    mended["number"] += 1
    return min(max(value, 0), MAX_COUNT)


def tidy_totals(value: Engagement | None, mended: Counter[str]) -> Engagement | None:
    """Totals so far, each as `tidy_count` has it; a downvoted post has no fewer than 0 likes."""
    if value is None:
        return None
    likes, replies, shares, views = (tidy_count(one, mended) for one in value)
    return (likes, replies, shares, views)


def tidy_label(value: object, longest: int, mended: Counter[str]) -> str:
    """A link or a language: left out where it is longer than any real one, or is no text."""
    if not value:
        return ""
    if isinstance(value, str) and len(value) <= longest and value.isprintable():
        return value
    mended["label"] += 1
    return ""

"""Text that came from strangers, made fit to stand in a sentence: one line, no controls, no tricks of
direction.

What a channel treats as mark-up is the channel's to escape; this takes away what no channel should ever be
given.
"""

import unicodedata

_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})


def clean(text: str, limit: int) -> str:
    """At most `limit` characters on one line, without controls, surrogates and direction marks."""
    # A page never needs more than this, and a hostile megabyte shall not be walked through for it.
    head = text[: 8 * limit]
    visible = "".join(
        " " if c.isspace() else c for c in head if c.isspace() or unicodedata.category(c) not in _INVISIBLE
    )
    return cut(" ".join(visible.split()), limit)


def cut(text: str, limit: int) -> str:
    """The first `limit` characters; an ellipsis says that something was left off, at a word's end if near."""
    if len(text) <= limit:
        return text
    if limit < 2:
        return text[:limit]
    kept = text[: limit - 1]
    space = max(kept.rfind(" "), kept.rfind("\n"))
    return (kept[:space] if space > limit * 2 // 3 else kept).rstrip() + "…"

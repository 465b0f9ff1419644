"""What strangers wrote, made safe to show.

Escaping is the templates' (autoescape, always). This module takes away what escaping cannot: characters that turn the
direction of text around, control characters, towers of combining marks, and links that lead anywhere but to a web page.
"""

import unicodedata
from typing import Final
from urllib.parse import urlsplit

LONGEST_TEXT: Final = 500
LONGEST_LINK: Final = 2_000
_MARKS_IN_A_ROW: Final = 3

_BIDI: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_KEPT_CONTROLS: Final = frozenset("\n\t")
_REPLACEMENT: Final = "\ufffd"


def clean(text: str, longest: int = LONGEST_TEXT) -> str:
    """The text without bidi controls, control characters and lone surrogates, cut to `longest` characters."""
    kept: list[str] = []
    marks = 0
    for c in text[: longest * 4]:
        if c in _BIDI:
            continue
        category = unicodedata.category(c)
        if category == "Cs":
            kept.append(_REPLACEMENT)
            continue
        if category == "Cc" and c not in _KEPT_CONTROLS:
            continue
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if marks <= _MARKS_IN_A_ROW:
            kept.append(c)
    shown = "".join(kept).strip()
    return shown if len(shown) <= longest else shown[: longest - 1].rstrip() + "…"


def safe_link(url: str) -> str | None:
    """The address if it is a plain http or https one, else None: no script, no data, no user names, no tricks."""
    if not url or len(url) > LONGEST_LINK or "\\" in url:
        return None
    if any(c.isspace() or unicodedata.category(c) in ("Cc", "Cf", "Cs") for c in url):
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        return None
    return url

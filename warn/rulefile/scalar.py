"""What a plain YAML scalar means: the core schema of YAML 1.2 and nothing else.

`no`, `on`, `12:30` and `2026-12-01` are texts here, as they look; 1.1 made a truth, a number and a date of
them.
"""

import re

Scalar = str | int | float | bool | None

_LARGEST = 2**53

_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_WHOLE = re.compile(r"[-+]?[0-9]+")
_OTHER_BASE = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FRACTION = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


def plain(text: str) -> Scalar:
    """The value of an unquoted scalar (YAML 1.2.2, section 10.3.2); ValueError for a number beyond use."""
    if text in _NULL:
        return None
    if text in _TRUTH:
        return _TRUTH[text]
    if _WHOLE.fullmatch(text) or _OTHER_BASE.fullmatch(text):
        number = _whole(text)
        if abs(number) > _LARGEST:
            raise ValueError("this number is too large; if it is a name, quote it")
        return number
    if _FRACTION.fullmatch(text):
        fraction = float(text)
        if abs(fraction) > _LARGEST:
            raise ValueError("this number is too large; if it is a name, quote it")
        return fraction
    return text


def _whole(text: str) -> int:
    if len(text) > 40:
        return 2**64
    if text.startswith(("0o", "0x")):
        return int(text, 0)
    return int(text)


def unfit(text: str) -> tuple[int, str] | None:
    """Where and what no text of a rule file may hold: control characters and lone surrogates."""
    for at, c in enumerate(text):
        code = ord(c)
        if (code < 0x20 and c not in "\t\n\r") or 0x7F <= code < 0xA0:
            return at, f"the control character \\x{code:02x} is not allowed"
        if 0xD800 <= code < 0xE000:
            return at, f"the lone surrogate \\u{code:04x} is no character"
        if code in (0x2028, 0x2029):
            return at, f"the invisible line separator U+{code:04X} is not allowed"
        if code & 0xFFFE == 0xFFFE or 0xFDD0 <= code < 0xFDF0:
            return at, f"U+{code:04X} is no character"
    return None

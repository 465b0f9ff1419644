"""JSON as services really send it: with characters in it that must not stand there, and stray backslashes."""

import json
import re
from contextlib import suppress
from typing import Any, Final

import msgspec

from warn.model.errors import Reason, TemporaryError

MOST_DIGITS: Final = 100
_ESCAPE: Final = re.compile(r"\\(?:[\"\\/bfnrt]|u[0-9a-fA-F]{4})|\\")


def loose_json(place: str, body: bytes) -> Any:
    """What `body` says. Bytes that are no UTF-8 become U+FFFD, a stray backslash is left out; half a surrogate pair stays,
    for the door to refuse the one entry that holds it; a number that is none of this world is null. Raises TemporaryError (malformed), which quotes nothing.
    """
    with suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return msgspec.json.decode(body)  # what is sound, which is nearly all, and much faster
    text = body.decode("utf-8-sig", "replace")
    for attempt in (text, _ESCAPE.sub(_kept, text) if "\\" in text else ""):
        try:
            return json.loads(attempt, strict=False, parse_int=_number)
        except (ValueError, RecursionError):
            continue
    raise TemporaryError(f"{place}: its answer cannot be read", reason=Reason.MALFORMED)


def _number(digits: str) -> int | None:
    """Python refuses to read some thousand digits, and with them everything beside."""
    return int(digits) if len(digits) <= MOST_DIGITS else None


def _kept(escape: re.Match[str]) -> str:
    return escape[0] if len(escape[0]) > 1 else ""

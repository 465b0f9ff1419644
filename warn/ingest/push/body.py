"""A body that somebody sent: how deep it goes is looked at before it is parsed."""

import json
from typing import Any, Final, NoReturn

import msgspec

DEEPEST: Final = 32
_BRACKETS: Final = b"[]{}"
_REST: Final = bytes(b for b in range(256) if b not in _BRACKETS)


class BodyError(ValueError):
    """A body that cannot be read; the message quotes nothing of it."""


def depth(body: bytes, most: int = DEEPEST) -> int:
    """How deep brackets go outside of texts; the counting ends beyond `most`.

    Escapes are taken out pair by pair from the front, as a parser reads them. Where there are any outside of a text, no
    parser gets further than to the first.
    """
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    outside = b"".join(body.split(b'"')[::2]).translate(None, _REST)
    level = deepest = 0
    for one in outside:
        level += 1 if one in b"[{" else -1
        if level > deepest:
            deepest = level
            if deepest > most:
                break
    return deepest


def parse(body: bytes) -> Any:
    """What the JSON says. Raises BodyError.

    A lone surrogate, which some senders cut an emoji into, is not the end of all the rest: what holds it is refused.
    """
    body = body.removeprefix(b"\xef\xbb\xbf")
    if not body.strip():
        raise BodyError("an empty body, where JSON belongs")
    if depth(body) > DEEPEST:
        raise BodyError(f"JSON of more than {DEEPEST} levels")
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError):
        pass
    try:
        # Decoded here: json would take UTF-16, too, in which brackets hide from `depth`.
        return json.loads(body.decode(), parse_constant=_no_number)
    except UnicodeDecodeError as e:
        raise BodyError(f"not UTF-8 at byte {e.start}") from None
    except json.JSONDecodeError as e:
        raise BodyError(f"no JSON: {e.msg.lower()} at character {e.pos}") from None
    except (ValueError, RecursionError):
        raise BodyError("no JSON: a number that is none") from None


def _no_number(_: str) -> NoReturn:
    raise ValueError

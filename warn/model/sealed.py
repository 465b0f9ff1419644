"""Words as `[signals]` and state hold them: sealed with the installation's key until five people have used them.

A word of a text may be somebody's name, and nobody is named outside of texts. So a word is carried sealed, the same word
always in the same way, and opened only where it is shown. As with hashes, whoever has the key can go the way back.
"""

from binascii import a2b_base64, b2a_base64
from hashlib import blake2b, shake_128
from typing import Final

MARK: Final = "~"
"""Begins what is sealed; no word does."""
_SIGN: Final = 6
"""Bytes that tell whether it was opened with the right key, and make each word's stream another."""


def sealed(key: bytes, word: str) -> str:
    """The word, to be read by nobody who has not the key. `key`: the installation's secret."""
    body = word.encode("utf-8", "surrogatepass")
    sign = _sign(key, body)
    return MARK + b2a_base64(sign + _mixed(key, sign, body), newline=False).rstrip(b"=").decode()


def opened(key: bytes, text: str) -> str:
    """The word again; what is not sealed, as earlier releases wrote it, is itself. "" for what is no word of this key."""
    if not text.startswith(MARK):
        return text
    try:
        raw = a2b_base64(text[1:] + "=" * (-(len(text) - 1) % 4))
    except ValueError:
        return ""
    sign, body = raw[:_SIGN], _mixed(key, raw[:_SIGN], raw[_SIGN:])
    return body.decode("utf-8", "replace") if _sign(key, body) == sign else ""


def _sign(key: bytes, body: bytes) -> bytes:
    return blake2b(body, digest_size=_SIGN, key=key[:64], person=b"word").digest()


def _mixed(key: bytes, sign: bytes, body: bytes) -> bytes:
    """To and fro: what is mixed twice is what it was."""
    stream = shake_128(b"a word, sealed\0" + sign + key).digest(len(body))
    return (int.from_bytes(body, "big") ^ int.from_bytes(stream, "big")).to_bytes(len(body), "big")

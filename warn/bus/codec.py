"""The envelope of a state record: what a restart can trust, or refuse by name.

Both engines keep state as bodies of plain bytes that a stage made (msgpack of numbers and strings, never pickle). The
envelope around a body says which release wrote it, how old a release may still read it, and whether it is whole. What
fails any of that is refused before a stage sees it, and is never overwritten: an older release must not eat what a
newer one wrote, and a flipped bit must not become a baseline.
"""

from hashlib import blake2b
from struct import Struct
from typing import Final

from warn.model.errors import OwnWords, Reason

VERSION: Final = 1
"""The format that this release writes. It may run ahead of `MIN_READER` for one release, so that one can go back."""
MIN_READER: Final = 1
"""The oldest release (by its VERSION) that understands what this one writes."""
MAX_BODY: Final = 4 * 1024 * 1024
"""Bytes. A body above this is a fault of the stage's: a slice is one topic, a bucket a sixtieth of a memory."""

_HEAD: Final = Struct(">2sBBI")
_MAGIC: Final = b"ws"
_DIGEST: Final = 16


class UnreadableStateError(OwnWords, Exception):
    """A state record that this release cannot trust: damaged, or written by a newer release.

    Nothing may be written over it. Its message names what is wrong, never what the body says.
    """

    reason = Reason.MALFORMED


class StateTooLargeError(OwnWords, ValueError):
    """A stage offered a body that is larger than `MAX_BODY`."""


def seal(body: bytes) -> bytes:
    """Wrap a body: head (magic, version, oldest reader, length), checksum of head and body, body.

    Raises `StateTooLargeError`.
    """
    if len(body) > MAX_BODY:
        raise StateTooLargeError(f"a state body of {len(body):,} bytes, above the limit of {MAX_BODY:,}")
    head = _HEAD.pack(_MAGIC, VERSION, MIN_READER, len(body))
    return b"".join((head, _checksum(head, body), body))


def unseal(raw: bytes) -> bytes:
    """The body of an envelope. Raises `UnreadableStateError`."""
    start = _HEAD.size + _DIGEST
    if len(raw) < start or not raw.startswith(_MAGIC):
        raise UnreadableStateError("a state record without an envelope of warn's: something else wrote it")
    _, version, min_reader, length = _HEAD.unpack_from(raw)
    if min_reader > VERSION:
        raise UnreadableStateError(
            f"a state record of format {version}, which needs a release that reads {min_reader} or later; "
            f"this one reads {VERSION}: run the newer release, or give this one another data folder"
        )
    body = raw[start:]
    if len(body) != length:
        raise UnreadableStateError(f"a state record of {len(body):,} bytes where {length:,} were written")
    if _checksum(raw[: _HEAD.size], body) != raw[_HEAD.size : start]:
        raise UnreadableStateError("a state record whose checksum is wrong: it was damaged")
    return body


def _checksum(head: bytes, body: bytes) -> bytes:
    digest = blake2b(head, digest_size=_DIGEST)
    digest.update(body)
    return digest.digest()

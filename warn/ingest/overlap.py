"""What a connector read lately, let through or not: what it reads again after a restart is skipped.

A source rarely lets one resume exactly where one left, so connectors read a little twice. Telling the repeats by what
was published is not enough: an item that was dropped, because no topic in force wanted it, would come in after a
change of rules, and two runs over the same source would differ. So everything that was read leaves a keyed hash of its
whole content here, the last 50,000 of each connector. A poller may therefore simply yield its whole page each time.

Where a source numbers what it sends, and gives on from a number exactly what follows, there are no repeats: the number is
committed with what was read up to it. Such batches are `exact`, and leave nothing here.
"""

from collections import deque
from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

import msgspec
from msgspec.structs import replace

from warn.ingest.memory import packed, unpacked
from warn.model.mention import Item, Reading

LIMIT: Final = 51_200
"""More than 5 s of the busiest stream there is, which is read again when its connection broke."""
SEGMENT: Final = 256
PREFIX: Final = b"overlap/"

_body = msgspec.msgpack.Decoder(tuple[int, bytes])
_encode = msgspec.msgpack.Encoder().encode


def item_hash(key: bytes, item: Item) -> int:
    """Names an item by everything it says but when we saw it."""
    told = item if item.seen_ms is None else replace(item, seen_ms=None)
    try:
        body = _encode(told)
    except (UnicodeEncodeError, OverflowError, TypeError):
        # The door will refuse it, once: it still needs a name.
        body = repr(told).encode("utf-8", "surrogatepass")
    return _hash(key, body)


def reading_hash(key: bytes, reading: Reading) -> int:
    """Names a reading by everything it says."""
    return _hash(key, _encode(reading))


def _hash(key: bytes, body: bytes) -> int:
    return int.from_bytes(blake2b(body, digest_size=8, key=key[:64]).digest(), "little")


class Overlap:
    """The last `limit` hashes of one connector, in segments; a segment is a state record."""

    def __init__(self, connector: str, *, limit: int = LIMIT, segment: int = SEGMENT) -> None:
        self._prefix = PREFIX + connector.encode() + b"/"
        self._limit = limit
        self._size = segment
        self._segments: deque[tuple[int, list[int]]] = deque()
        self._known: set[int] = set()
        self._changed: dict[bytes, list[int] | None] = {}

    def __contains__(self, one: int) -> bool:
        return one in self._known

    def __len__(self) -> int:
        return len(self._known)

    def add(self, one: int) -> None:
        """Remember that this was read."""
        if one in self._known:
            return
        if not self._segments or len(self._segments[-1][1]) >= self._size:
            self._segments.append((self._segments[-1][0] + 1 if self._segments else 0, []))
        number, hashes = self._segments[-1]
        hashes.append(one)
        self._known.add(one)
        self._changed[self._key(number)] = hashes
        if len(self._known) > self._limit:
            number, old = self._segments.popleft()
            self._known.difference_update(old)
            self._changed[self._key(number)] = None

    def _key(self, number: int) -> bytes:
        return b"%s%012d" % (self._prefix, number)

    def changes(self) -> dict[bytes, bytes | None]:
        """State records to write (None: to delete) since the last call."""
        changed = {
            key: None if one is None else _encode((1, packed(one))) for key, one in self._changed.items()
        }
        self._changed.clear()
        return changed

    def restore(self, records: Iterable[tuple[bytes, bytes]]) -> None:
        """Take this connector's records among those of the seat's state, in any order. Raises ValueError."""
        for key, body in sorted(one for one in records if one[0].startswith(self._prefix)):
            version, hashes = _body.decode(body)
            if version != 1:
                raise ValueError(f"{key.decode()}: version {version}, which this release does not know")
            row = unpacked(hashes)
            self._segments.append((int(key.removeprefix(self._prefix)), row))
            self._known.update(row)

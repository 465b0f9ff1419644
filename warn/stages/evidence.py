"""Which mentions are kept to be shown: the three lowest by hash of each topic and minute, and the far-reaching.

The three lowest by hash are a fair sample, and the same one that partials draw. A mention is written when it enters the
three; so a few more than three are written in a minute, and none has to be taken back.
"""

from typing import Final

import msgspec

from warn.model.mention import Mention
from warn.model.records import Evidence

LOWEST: Final = 3
REACH_FLOOR: Final = 10_000
MAX_TEXT: Final = 5_000
_OPEN_MINUTES: Final = 14
"""A minute is past when nothing can count in it any more: 10 minutes back, 2 ahead, and the broken ones at both ends."""

_PREFIX = b"e"
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[int, ...]).decode


def evidence_of(mention: Mention, topic: str, brand: str, *, echo: bool) -> Evidence:
    """The mention as the incident page shows it."""
    return Evidence(
        key=mention.key,
        topic=topic,
        brand=brand,
        source=mention.source,
        kind=mention.kind,
        text=mention.text[:MAX_TEXT],
        url=mention.url,
        created_ms=mention.created_ms,
        author=mention.author,
        followers=mention.followers,
        role=mention.role,
        echo=echo,
        id=mention.id,
    )


def tombstone(mention: Mention, topic: str, brand: str) -> Evidence:
    """What takes the place of a deleted mention: its key, and nothing that was said."""
    return Evidence(
        mention.key, topic, brand, mention.source, "delete", "", "", mention.created_ms, 0, 0, "", False, ""
    )


class Gate:
    """The lowest hashes so far of each topic and minute that is still open."""

    def __init__(self, reach_floor: int = REACH_FLOOR) -> None:
        self._reach_floor = reach_floor
        self._minutes: dict[int, dict[str, tuple[int, ...]]] = {}
        self._changed: dict[tuple[int, str], None] = {}

    def admits(self, topic: str, mention: Mention) -> bool:
        """Whether the mention is to be kept for this topic; whatever enters the lowest is remembered there."""
        minute = mention.created_ms // 60_000
        topics = self._minutes.get(minute)
        if topics is None:
            topics = self._minutes[minute] = {}
        lowest = topics.get(topic, ())
        if len(lowest) < LOWEST or mention.key < lowest[-1]:
            if mention.key not in lowest:
                topics[topic] = tuple(sorted((*lowest, mention.key))[:LOWEST])
                self._changed[minute, topic] = None
            return True
        return mention.followers >= self._reach_floor

    def forget(self, now: int) -> None:
        """Drop the minutes in which nothing can count any more."""
        for minute in [one for one in self._minutes if one < now // 60 - _OPEN_MINUTES]:
            for topic in self._minutes.pop(minute):
                self._changed[minute, topic] = None

    def restore(self, key: bytes, body: bytes) -> bool:
        """Take one record of state; False if it is none of these."""
        if key[:1] != _PREFIX or len(key) < 9:
            return False
        self._minutes.setdefault(int.from_bytes(key[1:9], "big", signed=True), {})[key[9:].decode()] = (
            _decode(body)
        )
        return True

    def offer(self, state: dict[bytes, bytes | None]) -> None:
        """Every change since the last offer."""
        for minute, topic in self._changed:
            lowest = self._minutes.get(minute, {}).get(topic)
            key = _PREFIX + minute.to_bytes(8, "big", signed=True) + topic.encode()
            state[key] = None if lowest is None else _encode(lowest)
        self._changed.clear()

"""What is left of a record when somebody is erased, or a post was deleted: its place, its time, and nothing said.

Plain functions from bytes to bytes, for `Bus.rewrite`. Numbers stay: who counted has counted, and nobody is in a count.
"""

from collections.abc import Callable
from typing import NamedTuple

from msgspec.structs import replace

from warn.ingest.called import SHORTEST, cut_off, names_of, says
from warn.model.flow import DEADLETTERS, EVIDENCE, MENTIONS
from warn.model.mention import Mention
from warn.model.records import Parcel
from warn.model.wire import (
    UnknownKindError,
    UnreadableError,
    decode_deadletter,
    decode_evidence,
    decode_mentions,
    encode,
)

__all__ = ["SHORTEST", "Blanker", "Gone", "names_of"]


class Gone(NamedTuple):
    """What has to go: everything of these authors (keyed hashes), these posts, and all that says one of these names.

    `names` are folded (`names_of`).
    """

    authors: frozenset[int] = frozenset()
    keys: frozenset[int] = frozenset()
    names: tuple[str, ...] = ()

    def said(self, *texts: str) -> bool:
        """Whether one of the texts says a name."""
        return says(self.names, *texts)


class Blanker:
    """Changes records of the topics that hold texts; `found`: keys of posts that were blanked, by topic `touched`."""

    def __init__(self, gone: Gone) -> None:
        self.gone = gone
        self.found: set[int] = set()
        self.touched: dict[str, int] = dict.fromkeys((MENTIONS, EVIDENCE, DEADLETTERS), 0)

    def of(self, topic: str) -> Callable[[bytes], bytes | None]:
        """The change for a topic."""
        return {MENTIONS: self._parcel, EVIDENCE: self._evidence, DEADLETTERS: self._letter}[topic]

    def _parcel(self, value: bytes) -> bytes | None:
        try:
            record = decode_mentions(value)
        except (UnreadableError, UnknownKindError):
            return None
        if not isinstance(record, Parcel):
            return None
        mentions = tuple(self._mention(one) for one in record.mentions)
        if all(new is old for new, old in zip(mentions, record.mentions, strict=True)):
            return None
        return encode(Parcel(mentions, record.readings))

    def _mention(self, one: Mention) -> Mention:
        gone = self.gone
        wanted = one.author in gone.authors or one.key in gone.keys or gone.said(one.text, one.url, one.id)
        if not wanted or not (one.text or one.url or one.id or one.author):
            return one
        self.found.add(one.key)
        self.touched[MENTIONS] += 1
        return replace(one, text="", url="", id="", author=0, followers=0)

    def _evidence(self, value: bytes) -> bytes | None:
        try:
            one = decode_evidence(value)
        except (UnreadableError, UnknownKindError):
            return None
        gone = self.gone
        wanted = one.author in gone.authors or one.key in gone.keys or one.key in self.found
        if one.kind == "delete" or not (wanted or gone.said(one.text, one.url, one.id)):
            return None
        self.found.add(one.key)
        self.touched[EVIDENCE] += 1
        return encode(replace(one, kind="delete", text="", url="", id="", author=0, followers=0))

    def _letter(self, value: bytes) -> bytes | None:
        try:
            one = decode_deadletter(value)
        except (UnreadableError, UnknownKindError):
            return None
        gone, text = self.gone, one.payload.decode("utf-8", "replace")
        # Half a name may stand at the cut of a payload.
        if not (gone.said(text, one.where, one.message) or cut_off(gone.names, text)):
            return None
        self.touched[DEADLETTERS] += 1
        where = "" if gone.said(one.where) else one.where
        return encode(replace(one, payload=b"", where=where, message=""))

"""What is left of a record when somebody is erased, or a post was deleted: its place, its time, and nothing said.

Plain functions from bytes to bytes, for `Bus.rewrite`. Numbers stay: who counted has counted, and nobody is in a count.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from msgspec.structs import replace

from warn.match.fold import fold
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

SHORTEST: Final = 3
"""Letters of a name that is looked for in texts: a shorter one would blank half of what there is."""


class Gone(NamedTuple):
    """What has to go: everything of these authors (keyed hashes), these posts, and all that says one of these names.

    `names` are folded (`names_of`).
    """

    authors: frozenset[int] = frozenset()
    keys: frozenset[int] = frozenset()
    names: tuple[str, ...] = ()

    def said(self, *texts: str) -> bool:
        """Whether one of the texts says a name, as words of its own."""
        if not self.names:
            return False
        folded = [fold(text) for text in texts if text]
        return any(_says(text, name) for text in folded for name in self.names)

    def cut_off(self, text: str) -> bool:
        """Whether a text that was cut ends in the beginning of a name."""
        folded = fold(text[-200:])
        return any(
            folded.endswith(name[:n]) and not folded[-n - 1 : -n].isalnum()
            for name in self.names
            for n in range(SHORTEST, len(name))
        )


def names_of(*names: str) -> tuple[str, ...]:
    """Handles and names as they are looked for. Raises ValueError for one that is too short."""
    found = [fold(name.strip().removeprefix("@")) for name in names if name.strip()]
    for name in found:
        if len(name) < SHORTEST:
            raise ValueError(f"a name of fewer than {SHORTEST} letters stands in everything")
    return tuple(dict.fromkeys(found))


def _says(text: str, name: str) -> bool:
    at = text.find(name)
    while at >= 0:
        before, after = text[at - 1 : at], text[at + len(name) : at + len(name) + 1]
        if not before.isalnum() and not after.isalnum():
            return True
        at = text.find(name, at + 1)
    return False


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
        text = one.payload.decode("utf-8", "replace")
        # Half a name may stand at the cut of a payload, and JSON may write letters as numbers.
        plain = text.encode("ascii", "replace").decode("unicode_escape", "replace") if "\\" in text else ""
        gone = self.gone
        if not (gone.said(text, plain, one.where, one.message) or gone.cut_off(text) or gone.cut_off(plain)):
            return None
        self.touched[DEADLETTERS] += 1
        where = "" if gone.said(one.where) else one.where
        return encode(replace(one, payload=b"", where=where, message=""))

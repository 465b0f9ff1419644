"""The chain: proof, while it runs, that between two stages nothing is lost and nothing comes twice.

Every record that a seat commits to another topic carries a *link* in its header: who wrote it (a seat), its running
number among that writer's records in that partition, and until where the writer had taken in its own input. The numbers
are saved with the writer's position, in the transaction that writes the records, so what is committed is numbered
1, 2, 3, ... without a hole; what is aborted is never seen, and its numbers are used again. A reader saves, with its own
position, the last number that it has seen of each writer.

What a reader makes of a link with number n, where m is the last one of that writer:

- n = m + 1: as it should be.
- n > m + 1: a *gap*. n - m - 1 records were committed and are not there. It is told; nothing else can be done here.
- n <= m: an *overlap*. The writer did a step again whose records were there already. If `until` says that all in it comes
  from input that the writer had taken in before, the record is dropped, and m stays; else it is handed on, for twice is
  better than never, and counts on from n (told at once: m - n + 1 numbers repeat). A writer without input (collect) has
  `until` 0: its steps are never the same ones, so nothing of it is dropped.
- First contact (no m): a reader that began with the first record ever written (position 0) has seen all there is, so n has
  to be 1, at any later time too. One that began on a log whose beginning retention had taken away cannot know: any n will
  do. Which of the two it was is saved (`whole`).

Below the committed position a worker reads again what it has seen, and nothing is checked. What was dropped there is
dropped again (`dropped`), or state that is rebuilt would differ from state that was not. A record without a link, or
with one that does not parse, is nobody's: handed on, unchecked.
"""

from collections import deque
from collections.abc import Iterable
from struct import Struct
from typing import Final, Literal, NamedTuple

import msgspec

from warn.bus.codec import UnreadableStateError

HEADER: Final = "warn"
MOST_DROPPED: Final = 1_000
"""Positions of dropped records that are remembered; they lie within what a stage may read again."""
MOST_WRITERS: Final = 1_000
"""Writers are seats; more can only be forged."""

_LINK: Final = Struct(">QQ")

Headers = Iterable[tuple[str, bytes | None]]


class Link(NamedTuple):
    """What a record says of itself."""

    writer: bytes
    number: int
    until: int


class Break(NamedTuple):
    """What is wrong with a record: how many are missing before it, or how many numbers repeat from it on."""

    kind: Literal["gap", "overlap"]
    writer: str
    amount: int
    dropped: bool


class Saved(msgspec.Struct, array_like=True):
    """The chain as it is saved with a seat's position. Fields are added at the end, with defaults."""

    written: list[tuple[str, int, int]] = []
    """(topic, partition, last number)."""
    seen: list[tuple[bytes, int, int]] = []
    """(writer, last number, until)."""
    whole: bool = False
    dropped: list[int] = []


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Saved).decode


def saved(body: bytes) -> Saved:
    """The chain of a position record. Raises `UnreadableStateError`."""
    try:
        return _decode(body)
    except msgspec.DecodeError as e:
        raise UnreadableStateError("a position record that does not decode") from e


def link_of(headers: Headers) -> Link | None:
    """The link among a record's headers; None where there is none that can be read."""
    for name, value in headers:
        if name == HEADER and value is not None and len(value) > _LINK.size:
            number, until = _LINK.unpack_from(value)
            return Link(value[_LINK.size :], number, until) if number else None
    return None


class Chain:
    """Both ends of a seat: numbers what it writes, checks what it reads."""

    def __init__(self, writer: str, before: Saved, committed: int) -> None:
        self._writer = writer.encode()
        self._written = {(topic, partition): number for topic, partition, number in before.written}
        self._kept = {w: (number, until) for w, number, until in before.seen}
        """As of the last commit."""
        self._seen = dict(self._kept)
        """As of the last record read."""
        self._whole = before.whole
        self._dropped: deque[int] = deque(before.dropped, MOST_DROPPED)
        self._noted: deque[tuple[int, bytes, int, int]] = deque()
        """(position, writer, number, until) of what was read since the last commit."""
        self._checked = committed

    def link(self, topic: str, partition: int, until: int) -> bytes:
        """The header of the next record for this partition."""
        place = (topic, partition)
        number = self._written.get(place, 0) + 1
        self._written[place] = number
        return _LINK.pack(number, until) + self._writer

    def takes(self, position: int, headers: Headers) -> tuple[bool, Break | None]:
        """Look at a record that was read: is it handed on, and is anything wrong with it?"""
        if position < self._checked:
            return position not in self._dropped, None
        self._checked = position + 1
        link = link_of(headers)
        if link is None:
            return True, None
        writer, number, until = link
        last = self._seen.get(writer)
        if last is None:
            if len(self._seen) >= MOST_WRITERS:
                return True, None
            found = self._gap(writer, number - 1) if self._whole else None
        elif number > last[0]:
            found = self._gap(writer, number - last[0] - 1)
        else:
            name = writer.decode("utf-8", "replace")
            if 0 < until <= last[1]:
                self._dropped.append(position)
                return False, Break("overlap", name, 1, True)
            found = Break("overlap", name, last[0] - number + 1, False)
        self._seen[writer] = (number, until)
        self._noted.append((position, writer, number, until))
        return True, found

    @staticmethod
    def _gap(writer: bytes, amount: int) -> Break | None:
        return Break("gap", writer.decode("utf-8", "replace"), amount, False) if amount > 0 else None

    def save(self, position: int) -> bytes:
        """The body of the position record for a commit that ends the input before `position`."""
        noted = self._noted
        while noted and noted[0][0] < position:
            _, writer, number, until = noted.popleft()
            self._kept[writer] = (number, until)
        return _encode(
            Saved(
                [(topic, partition, number) for (topic, partition), number in self._written.items()],
                [(writer, number, until) for writer, (number, until) in self._kept.items()],
                self._whole,
                list(self._dropped),
            )
        )

"""Recorded mentions: JSON Lines, plain or compressed, from files or standard input.

A recording may stand in any order and be broken in any place. It is read twice: once to sort it and to put aside every
line that is none, with its place and a reason; then line by line in order. Between the two only the lines themselves
are kept, each behind the bytes that sort it, which is about the size of the file.
"""

import gzip
import re
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from io import BufferedReader
from itertools import islice
from pathlib import Path
from struct import Struct as Layout
from typing import IO, Final, cast

import msgspec
from msgspec.structs import replace

from warn.ingest.connector import Refused
from warn.ingest.entry import RefusedError, check
from warn.model.mention import KIND_ORDER, Engagement, Item

MAX_LINE: Final = 8 * 1024 * 1024
"""Bytes; a line above this is put aside unread."""
MOST_NOTES: Final = 20
UNSET_CLOCK_MS: Final = 631_152_000_000
"""1990: what is dated earlier was dated by a clock that was never set."""
AHEAD_MS: Final = 120_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
_HEAD: Final = Layout(">QQB")
_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")

Placed = tuple[str, bytes]
"""Where it stands, and what it says."""

OnRefused = Callable[[Refused], None]


class Totals(msgspec.Struct, frozen=True):
    """Engagement as a line has it."""

    likes: int | None = None
    replies: int | None = None
    shares: int | None = None
    views: int | None = None


class Line(msgspec.Struct, frozen=True, gc=False):
    """One line; times without a zone are UTC, and keys that are not here are counted and left alone."""

    id: str
    source: str
    created_at: datetime
    kind: str | None = None
    seen_at: datetime | None = None
    dated_by: str | None = None
    author: str | None = None
    followers: int | None = None
    text: str | None = None
    url: str | None = None
    lang: str | None = None
    thread: str | None = None
    reshare_of: str | None = None
    reply_to: str | None = None
    engagement: Totals | None = None


class _StrictLine(Line, frozen=True, gc=False, forbid_unknown_fields=True):
    """The same, to notice keys that mean nothing to us."""


class _Anybodys(Line, frozen=True, gc=False, kw_only=True):
    """The same, from where the source need not be said."""

    source: str = ""


_strict = msgspec.json.Decoder(_StrictLine).decode
_lenient = msgspec.json.Decoder(Line).decode
_anybodys = msgspec.json.Decoder(_Anybodys).decode
_keys = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Recording:
    """Sorted lines by (seen_at, created_at, kind, source, id, whole line).

    `refused` were put aside; `unknown_keys` were ignored, by name; `notes` are things that were kept but look wrong.
    """

    def __init__(self) -> None:
        self._rows: list[bytes] = []
        self.refused = 0
        self.unknown_keys: Counter[str] = Counter()
        self.odd_dates = 0
        self.notes: list[str] = []

    def __len__(self) -> int:
        return len(self._rows)

    def items(self, start: int = 0) -> Iterator[Item]:
        """In order, from the item at index `start` on."""
        for row in islice(self._rows, start, None):
            # The head is of fixed length; source and id, which hold no NUL, end in one each.
            line = row.index(b"\0", row.index(b"\0", _HEAD.size) + 1) + 1
            yield item_of(_lenient(row[line:]))

    def fingerprint(self) -> str:
        """Names the recording by its sorted lines: equal for the same lines in any order and any files."""
        digest = blake2b(digest_size=16)
        for row in self._rows:
            digest.update(row)
            digest.update(b"\n")
        return digest.hexdigest()

    def add(self, where: str, line: bytes, latest_ms: int | None) -> None:
        """Take one line. Raises `RefusedError`."""
        try:
            parsed: Line = _strict(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            parsed = self._with_unknown_keys(line)
        item = item_of(parsed)
        check(item)
        self._look_at_dates(where, item, latest_ms)
        seen_ms = item.created_ms if item.seen_ms is None else item.seen_ms
        head = _HEAD.pack(seen_ms, item.created_ms, KIND_ORDER[item.kind])
        self._rows.append(b"%s%s\0%s\0%s" % (head, item.source.encode(), item.id.encode(), line))

    def _with_unknown_keys(self, line: bytes) -> Line:
        try:
            parsed = _lenient(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as e:
            raise RefusedError(_why(line, e)) from None
        known = Line.__struct_fields__
        unknown = [key for key in _keys(line) if key not in known]
        # Any number of names may come in; how many distinct ones are told is bounded.
        self.unknown_keys.update(
            k if k in self.unknown_keys or len(self.unknown_keys) < 50 else "..." for k in unknown
        )
        return parsed

    def _look_at_dates(self, where: str, item: Item, latest_ms: int | None) -> None:
        created = item.created_ms
        known = created if item.seen_ms is None else item.seen_ms
        if latest_ms is not None and known > latest_ms:
            raise RefusedError(
                f"{'created_at' if item.seen_ms is None else 'seen_at'}: {_date(known)} is yet to come"
            )
        if item.seen_ms is None:
            if created < UNSET_CLOCK_MS:
                raise RefusedError(
                    f"created_at: {_date(created)}, from a clock that was never set, and no seen_at"
                )
        elif created < UNSET_CLOCK_MS or created > item.seen_ms + AHEAD_MS:
            self.odd_dates += 1
            if len(self.notes) < MOST_NOTES:
                self.notes.append(
                    f"{where}: created_at {_date(created)} is far from its seen_at: kept, not counted"
                )

    def sort(self) -> None:
        """To be called once, after the last line."""
        self._rows.sort()


def read_items(
    paths: Sequence[Path | str],
    *,
    on_refused: OnRefused | None = None,
    latest_ms: int | None = None,
    shuffle: Callable[[list[Placed]], None] | None = None,
) -> Recording:
    """Read recordings whole; "-" is standard input. Broken lines go to `on_refused` and stop nothing.

    `latest_ms`: what was seen later than this is refused. `shuffle` changes the order in which lines are taken in,
    which must change nothing. Raises OSError where a file cannot be opened.
    """
    recording = Recording()

    def refuse(where: str, message: str, payload: bytes) -> None:
        recording.refused += 1
        if on_refused is not None:
            on_refused(Refused(where, message, payload[:4096]))

    found: Iterator[Placed] = (line for path in paths for line in _numbered(str(path), refuse))
    if shuffle is not None:
        held = list(found)
        shuffle(held)
        found = iter(held)
    for where, body in found:
        try:
            if len(body) > MAX_LINE:
                raise RefusedError(f"a line of more than {MAX_LINE:,} bytes")
            recording.add(where, body, latest_ms)
        except RefusedError as e:
            refuse(where, str(e), body)
    recording.sort()
    return recording


def read_line(line: bytes, *, source: str) -> Item:
    """The item that one line holds, of `source` where it names none. Raises `RefusedError`."""
    try:
        parsed: Line = _anybodys(line)
        if not parsed.source:
            parsed = replace(parsed, source=source)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as e:
        raise RefusedError(_why(line, e)) from None
    item = item_of(parsed)
    check(item)
    return item


def _numbered(name: str, refuse: Callable[[str, str, bytes], None]) -> Iterator[Placed]:
    """The lines of a file that hold something, each with its place; what follows damage is refused."""
    number = 0
    with _opened(name) as stream:
        try:
            for number, line in enumerate(_lines(stream), 1):
                body = line.removeprefix(b"\xef\xbb\xbf").strip() if number == 1 else line.strip()
                if body:
                    yield f"{name}:{number}", body
        except (EOFError, gzip.BadGzipFile, zlib.error) as e:
            refuse(f"{name}:{number + 1}", f"the compressed file is damaged from here on: {e}", b"")


@contextmanager
def _opened(name: str) -> Iterator[IO[bytes]]:
    """The stream of a file, unpacked where its first bytes say gzip, whatever it is called."""
    # Standard input is not ours to close.
    with nullcontext(sys.stdin.buffer) if name == "-" else Path(name).open("rb") as raw:
        if cast("BufferedReader", raw).peek(2)[:2] == b"\x1f\x8b":
            yield cast("IO[bytes]", gzip.GzipFile(fileobj=raw))
        else:
            yield raw


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    """Lines; of one that is too long only its beginning, so that no file can fill the memory with a single line."""
    while line := stream.readline(MAX_LINE + 2):
        yield line
        while not line.endswith(b"\n") and len(line) >= MAX_LINE + 2:
            line = stream.readline(MAX_LINE + 2)


def _why(line: bytes, error: Exception) -> str:
    """What is wrong with a line, in words that do not quote it."""
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8 at byte {error.start}"
    message = str(error)
    if "surrogate" in message or ("truncated" in message and line.endswith(b"}") and _SURROGATE.search(line)):
        return "a lone surrogate, which is not valid Unicode"
    if isinstance(error, msgspec.ValidationError):
        what, _, field = message.partition(" - at `$.")
        return f"{field.rstrip('`')}: {what}" if field else what
    return message


def _date(ms: int) -> str:
    return (_EPOCH + timedelta(milliseconds=ms)).isoformat().replace("+00:00", "Z")


def _ms(moment: datetime) -> int:
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // _MS


def _totals(totals: Totals | None) -> Engagement | None:
    if totals is None:
        return None
    return (totals.likes or 0, totals.replies or 0, totals.shares or 0, totals.views or 0)


def item_of(line: Line) -> Item:
    """The item that a line says."""
    return Item(
        source=line.source,
        id=line.id,
        created_ms=_ms(line.created_at),
        kind=line.kind or "post",
        seen_ms=None if line.seen_at is None else _ms(line.seen_at),
        dated_by=line.dated_by or "created",
        author=line.author,
        followers=line.followers,
        text=line.text,
        url=line.url,
        lang=line.lang,
        thread=line.thread,
        reshare_of=line.reshare_of,
        reply_to=line.reply_to,
        engagement=_totals(line.engagement),
    )

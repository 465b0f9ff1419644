"""What is remembered of each feed, and when it is asked again."""

import json
from base64 import b85decode, b85encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final
from urllib.parse import urlsplit

from warn.ingest.connector import Cursor
from warn.ingest.feeds.reader import Entry, Feed
from warn.model.errors import PermanentError, Reason, TemporaryError, WarnError

OUT: Final = "feed"
"""The word for all of them in errors; each has its own name beside."""
MOST_FLOOR_S: Final = 2 * 3_600
"""A feed that wishes to be asked less often than every two hours is asked every two hours."""
MOST_RETRY_AFTER_S: Final = 24 * 3_600
MOST_BACKOFF_S: Final = 3_600
FULL_S: Final = 6 * 3_600
"""So often a feed is asked without condition: some servers say for ever that nothing has changed."""
KNOWN: Final = (150, 1_150, 60_000)
"""Entries that are remembered of a feed: at least, at most, and of all feeds together, as far as the least allows."""
_NAME: Final = 5
_WORDS: Final = 2
"""Bytes that name an entry, and that tell its words: packed as text, the cursor is 9 a piece, 650 kB for all at the most."""
_OLD: Final = 1 << 16
"""Added to what a cursor of before says of the words, which was one byte, and another one."""
_UNTOLD: Final = 0
"""Of an entry whose words are not known any more: they are taken for unchanged."""
_LONGEST: Final = 300


def most_known(feeds: int) -> int:
    """How many entries are remembered of each of so many feeds: all that are in it, and some that have left it."""
    least, most, together = KNOWN
    return max(least, min(most, together // feeds))


def said_of(error: WarnError) -> str:
    """What is wrong, without the place, which is told beside it."""
    return str(error).removeprefix(f"{OUT}: ")


@dataclass
class State:
    """One feed. Of these the cursor holds those down to `known`; times are seconds since the epoch. Not `moved`: an address
    that no settings name may hold somebody's handle, and a restart is sent on once more.

    That a feed is gone is not held by the cursor: a server may say so by mistake, and a restart asks once more.
    """

    etag: str = ""
    modified: str = ""
    moved: str = ""
    ok: int = 0
    full: int = 0
    wait: int = 0
    known: dict[bytes, int] = field(default_factory=dict)
    gone: bool = False
    fails: int = 0
    due: float = 0.0
    error: Exception | None = None

    def why(self, name: str, now: float) -> WarnError:
        """What is wrong with this feed that is unwell, with its `name`, and of what it asked for the seconds left."""
        error = self.error
        if not isinstance(error, WarnError):
            return PermanentError(
                f"{name}: HTTP 410, gone for good: take it out of the settings", reason=Reason.GONE
            )
        said = f"{name}: {said_of(error)}"
        if not isinstance(error, TemporaryError):
            return PermanentError(said, reason=error.reason)
        asked = error.retry_after_s
        left = None if asked is None else min(asked, max(0.0, self.due - now))
        return TemporaryError(said, reason=error.reason, retry_after_s=left)

    def late(self, now: int) -> bool:
        """Whether it was not read for so long that what it says is no news by now, or never."""
        return not self.ok or now - self.ok > max(600, 2 * self.wait)

    def conditions(self, now: int) -> dict[str, str]:
        """Headers by which a server tells that nothing has changed; none now and then."""
        if now - self.full >= FULL_S:
            return {}
        asked = {"if-none-match": self.etag, "if-modified-since": self.modified}
        return {name: value for name, value in asked.items() if value}

    def answered(self, headers: Mapping[str, str], now: int, *, full: bool) -> None:
        """It answered well: what to say next time."""
        self.ok, self.fails, self.error = now, 0, None
        if full:
            self.full = now
            self.etag = _short(headers.get("etag", ""))
            self.modified = _short(headers.get("last-modified", ""))


def _short(value: str) -> str:
    return value if len(value) <= _LONGEST and value.isascii() and value.isprintable() else ""


def mark(entry_id: str) -> bytes:
    """Names an entry within its feed."""
    return blake2b(entry_id.encode("utf-8", "replace"), digest_size=_NAME).digest()


def glance(entry: Entry) -> int:
    """Tells whether its words have changed: of 65,535 changes one is missed."""
    return int.from_bytes(_glance(entry, _WORDS)) or 1


def unchanged(entry: Entry, words: int, before: int) -> bool:
    """Whether an entry, whose glance is `words`, says what it did when it was remembered as `before`."""
    if before > _OLD - 1:
        return _glance(entry, 1)[0] == before - _OLD
    return before in {words, _UNTOLD}


def _glance(entry: Entry, size: int) -> bytes:
    return blake2b(f"{entry.title}\n{entry.text}".encode("utf-8", "replace"), digest_size=size).digest()


def floor_s(headers: Mapping[str, str], feed: Feed | None) -> float:
    """How long this feed wishes not to be asked: the longest of its ttl and the server's max-age, within reason."""
    wishes = [0.0]
    for part in headers.get("cache-control", "").lower().split(","):
        name, _, value = part.strip().partition("=")
        if name == "max-age" and value.strip('"').isascii() and value.strip('"').isdigit():
            wishes.append(float(value.strip('"')[:9]))
    if feed is not None and feed.ttl_min:
        wishes.append(feed.ttl_min * 60.0)
    return min(max(wishes), MOST_FLOOR_S)


def hub_told(hubs: Sequence[str]) -> str:
    """What is told of a feed's hubs; "" where it has none. An address may hold a key, so only whose it is is said."""
    if not hubs:
        return ""
    try:
        host = urlsplit(hubs[0]).hostname or "of no address"
    except ValueError:
        host = "of no address"
    return f"its hub ({host}) could tell of news at once (WebSub); warn asks by the clock"


def past_skipped(at: float, skip_hours: Sequence[int]) -> float:
    """The same time, or the end of the hours (UTC) in which nothing is published; no more than two hours later."""
    for _ in range(2):
        if int(at // 3_600) % 24 in skip_hours:
            at = (at // 3_600 + 1) * 3_600
    return at


def backoff_s(every_s: float, fails: int, retry_after_s: float | None) -> float:
    """How long a feed that failed is left alone."""
    if retry_after_s is not None:
        return min(max(retry_after_s, every_s), MOST_RETRY_AFTER_S)
    return max(every_s, min(every_s * 2.0 ** min(fails - 1, 20), MOST_BACKOFF_S))


def cursor(states: Mapping[str, State]) -> Cursor:
    """All states, as text."""
    told = {
        url: [s.etag, s.modified, "", s.ok, s.full, s.wait, _packed(s.known.items()), _WORDS]
        for url, s in states.items()
        if s.ok
    }
    return Cursor(json.dumps(told, separators=(",", ":")))


def states(read: Cursor | None, urls: Iterable[str]) -> dict[str, State]:
    """A state for each feed; those of feeds that are no longer listed are forgotten. Raises PermanentError."""
    found = {url: State() for url in urls}
    if read is None:
        return found
    try:
        told = json.loads(read)
        for url in found.keys() & told.keys():
            found[url] = _state(*told[url])
    except (ValueError, TypeError, AttributeError):
        raise PermanentError("rss: a cursor that is none of its own", reason=Reason.MALFORMED) from None
    return found


def _state(*told: Any) -> State:
    etag, modified, _, ok, full, wait, known, *words = told
    found = _unpacked(known, int(words[0]) if words else 1)
    return State(str(etag), str(modified), "", int(ok), int(full), int(wait), found)


def _packed(known: Iterable[tuple[bytes, int]]) -> str:
    told = ((name, _UNTOLD if words >= _OLD else words) for name, words in known)
    return b85encode(b"".join(name + words.to_bytes(_WORDS) for name, words in told)).decode()


def _unpacked(text: str, size: int) -> dict[bytes, int]:
    """`size`: bytes that tell the words; cursors of before had one, and did not say so."""
    if size not in {1, _WORDS}:
        raise ValueError("a later release wrote it")
    data, step, old = b85decode(text), _NAME + size, _OLD if size == 1 else 0
    whole = range(0, len(data) - step + 1, step)
    return {data[i : i + _NAME]: old + int.from_bytes(data[i + _NAME : i + step]) for i in whole}

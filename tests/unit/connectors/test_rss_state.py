"""What is remembered of the entries of a feed: names, and whether their words are what they were."""

import json
from base64 import b85decode, b85encode
from hashlib import blake2b

from connectors.rss.articles import read
from connectors.rss.state import KNOWN, State, cursor, glance, mark, most_known, states
from warn.ingest.connector import Cursor
from warn.ingest.feeds.reader import Entry, Feed

URL = "https://news.example/feed"
NOW = 1_764_000_000


def entry(number: int, says: str) -> Entry:
    return Entry(f"{number}", f"https://news.example/{number}", "Acme", says, NOW * 1000, None)


def kinds(state: State, *entries: Entry) -> list[str]:
    feed = Feed(
        title="", language="", ttl_min=None, skip_hours=(), hubs=(), entries=entries, left_out=0, empty=0
    )
    counts, fills = read(feed, state, source="press", base=URL, lang="", now_s=NOW, most=1_000)
    return [item.kind for item in (*counts, *fills)]


def test_of_a_thousand_edits_none_is_missed() -> None:
    """By one byte four would be."""
    entries = [entry(n, "before") for n in range(1_000)]
    state = State(ok=NOW, known={mark(one.id): glance(one) for one in entries})
    assert kinds(state, *entries) == []
    assert kinds(state, *[one._replace(text="after") for one in entries]) == ["edit"] * 1_000


def test_a_cursor_of_before_is_read_and_its_one_byte_compared() -> None:
    entries = [entry(n, "before") for n in range(40)]
    packed = b"".join(mark(one.id) + blake2b(b"Acme\nbefore", digest_size=1).digest() for one in entries)
    old = [["", "", "", NOW, NOW, 300, b85encode(packed).decode()]]
    state = states(Cursor(json.dumps({URL: old[0]})), [URL])[URL]
    assert len(state.known) == 40
    assert kinds(state, *entries[:10]) == []
    assert kinds(state, *[one._replace(text="after") for one in entries[10:20]]) == ["edit"] * 10
    state = states(cursor({URL: state}), [URL])[URL]
    assert len(state.known) == 40
    assert kinds(state, *entries[20:30]) == [], "what left the feed before the upgrade is taken for unchanged"
    assert kinds(state, *[one._replace(text="after") for one in entries[:10]]) == ["edit"] * 10


def test_the_cursor_is_bounded() -> None:
    """Nine characters an entry."""
    feeds = 500
    known = {bytes([n >> 8, n & 255, 0, 0, 0]): 0xFFFF for n in range(most_known(feeds))}
    told = cursor({f"https://{n}.example/": State(ok=NOW, known=known) for n in range(feeds)})
    assert len(known) == KNOWN[0] and len(told) < 9 * KNOWN[0] * feeds + 100 * feeds < 1_000_000
    assert len(b85decode(json.loads(told)["https://0.example/"][6])) == 7 * KNOWN[0]

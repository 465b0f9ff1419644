"""An entry of a feed as an item, and what may be made of the date that it bears."""

from typing import Final
from urllib.parse import urlsplit

from connectors.rss.state import State, glance, mark, unchanged
from warn.ingest.feeds.reader import Entry, Feed
from warn.ingest.links import canonical, unmarked
from warn.model.mention import Item

RECENT_MS: Final = 8 * 60_000
"""An article this young counts from its own date. The door takes nothing that is more than ten minutes old for new, and an
article has to come through."""
AHEAD_MS: Final = 60_000
UNDATED_MS: Final = 946_684_800_000
"""Of an entry without a date; it counts from when it was seen, and is to be the same thing each time that it is read."""
LAST_MS: Final = 4_102_444_800_000
MOST_TEXT: Final = 5_000
_EVERYWHERE: Final = ("http://", "https://", "tag:", "urn:", "words:")
"""Ids that begin so mean the same thing in every feed."""


def read(
    feed: Feed, state: State, *, source: str, base: str, lang: str, now_s: int, most: int
) -> tuple[list[Item], list[Item]]:
    """What is new or has changed since this feed was last read: what counts, and what is only remembered (backfill).

    Marks it as known, and remembers no more than `most` entries. Where a date is missing, lies ahead, or is too old for something that was not there a moment ago,
    the article is dated by when it was seen.
    """
    late = state.late(now_s)
    counts: list[Item] = []
    fills: list[Item] = []
    known: dict[bytes, int] = {}
    for entry in feed.entries:
        item, name, words = article(entry, source, base, lang, now_s), mark(called(entry)), glance(entry)
        if name in known:
            continue
        known[name] = words
        before = state.known.get(name)
        if before is not None and unchanged(entry, words, before):
            continue
        if before is not None:
            item = edited(item)
        (fills if late and item.dated_by == "seen" else counts).append(item)
    # What has left the feed is kept for a while, because some feeds are served by machines that are not of one mind.
    for name, words in state.known.items():
        known.setdefault(name, words)
    state.known = dict(list(known.items())[:most])
    return counts, fills


def article(entry: Entry, source: str, base: str, lang: str, now_s: int) -> Item:
    """The item; its id is the entry's, else its link, else a mark of its words."""
    now_ms = now_s * 1_000
    dated = entry.published_ms if entry.published_ms is not None else entry.updated_ms
    own = dated if dated is not None and UNDATED_MS <= dated <= LAST_MS else UNDATED_MS
    recent = now_ms - RECENT_MS <= own <= now_ms + AHEAD_MS
    text = f"{entry.title}\n{entry.text}" if entry.title and entry.text else entry.title or entry.text
    return Item(
        source=source,
        id=identity(entry, base),
        kind="article",
        created_ms=own,
        dated_by="created" if recent else "seen",
        text=text[:MOST_TEXT],
        url=canonical(base, entry.link) or None,
        lang=lang or None,
    )


def edited(item: Item) -> Item:
    """The same article with other words, as of now."""
    return Item(
        source=item.source,
        id=item.id,
        kind="edit",
        created_ms=item.created_ms,
        dated_by="seen",
        text=item.text,
        url=item.url,
        lang=item.lang,
    )


def identity(entry: Entry, base: str) -> str:
    """What an entry is called by, whatever feed it stands in. Many desks number their articles: a number is theirs alone."""
    found = called(entry)
    if found.startswith(_EVERYWHERE):
        return found
    try:
        host = urlsplit(base).hostname or ""
    except ValueError:
        host = ""
    return f"{host.removeprefix('www.')}:{found}"


def called(entry: Entry) -> str:
    """What an entry is called by in its feed: its id, else its link, else a mark of its words."""
    if found := (entry.id or entry.link).replace("\0", ""):
        return unmarked(found)
    return f"words:{mark(entry.title + chr(10) + entry.text).hex()}"

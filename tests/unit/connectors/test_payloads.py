"""Every recorded answer of a service becomes mentions or readings, or a refusal with a reason: none is silently lost.

`READERS` says how each folder is read. A file of a folder that nobody reads fails; so does one that gives nothing at all.
"""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from connectors.bluesky.events import item_of as bluesky_item
from connectors.bluesky.events import read_first
from connectors.discourse.posts import read_posts
from connectors.gdelt.articles import read_articles
from connectors.hackernews.items import Entry, read_hit, read_item
from connectors.mastodon.statuses import Numbers
from connectors.mastodon.statuses import Reader as Statuses
from connectors.rss.articles import article
from connectors.slack.events import Left, read_event
from connectors.webhook import MAPPINGS
from connectors.wikimedia.changes import UnreadableError as UnreadableChangeError
from connectors.wikimedia.changes import Wanted, read_change, title_of
from connectors.wikimedia.changes import item_of as wikimedia_item
from connectors.zendesk import read_ticket
from tests.shared import SHARED, needs_shared
from warn.ingest.connector import Batch
from warn.ingest.entry import check
from warn.ingest.feeds.parse import HostileError, UnreadableError
from warn.ingest.feeds.parse import parse as parse_feed
from warn.ingest.feeds.reader import Entry as FeedEntry
from warn.ingest.push.body import BodyError, parse
from warn.ingest.push.mapped import Terms, apply
from warn.ingest.push.shipped import shipped
from warn.model.errors import WarnError
from warn.model.mention import Item

AT = 1_790_000_000.0
FOLDER = None if SHARED is None else SHARED / "data" / "payloads"


class Read(NamedTuple):
    """What a file gave."""

    items: tuple[Item, ...] = ()
    readings: int = 0
    whys: tuple[str, ...] = ()


Reader = Callable[[bytes], Iterator[Read]]


def _mapped(name: str) -> Reader:
    """What a webhook with this mapping makes of it, whole or line by line."""
    mapping, terms = (
        shipped(MAPPINGS, name),
        Terms(name, name, settings={"topic": "Acme/acme", "signal": "care"}),
    )

    def read(body: bytes) -> Iterator[Read]:
        try:
            found = [parse(body)]
        except BodyError as e:
            lines = [line for line in body.splitlines() if line.strip()]
            if not all(line.startswith(b"{") for line in lines):
                yield Read(whys=(str(e),))
                return
            found = [parse(line) for line in lines]
        for one in found:
            batch: Batch = apply(mapping, one, AT, terms).batch
            yield Read(batch.items, len(batch.readings), tuple(r.message for r in batch.refused))

    return read


def _bluesky(body: bytes) -> Iterator[Read]:
    for line in body.splitlines():
        item = bluesky_item("bluesky", read_first(line))
        yield Read(whys=("of another collection, or an identity",)) if item is None else Read((item,))


def _discourse(body: bytes) -> Iterator[Read]:
    page = read_posts(body, "forum", "https://forum.example")
    items = [one for post in page.posts for one in (post.item, post.edit) if one is not None]
    yield Read(tuple(items), 0, tuple(one.message for one in page.refused))
    yield Read(whys=tuple("gone, or not for everybody" for post in page.posts if post.item is None))


def _gdelt(body: bytes) -> Iterator[Read]:
    page = read_articles(body, "gdelt")
    yield Read(page.items, 0, tuple(one.message for one in page.refused))


def _hackernews(body: bytes) -> Iterator[Read]:
    """Answers of either interface, and the examples of the documentation."""
    found: list[Any]
    if body.lstrip().startswith((b"[", b"{")):
        said = json.loads(body)
        found = said if isinstance(said, list) else said.get("hits", [said])
    else:
        found = [
            json.loads(one)
            for one in re.findall(r"```javascript\n(\{.*?\n\})\n```", body.decode(), re.DOTALL)
        ]
    for one in found:
        for entry in (read_item(one, "hn"), read_hit(one, "hn")):
            if not isinstance(entry, Entry):
                yield Read(whys=(entry,))
            elif entry.item is None:
                yield Read(whys=("deleted, or dead",))
            else:
                yield Read((entry.item,))


def _mastodon(body: bytes) -> Iterator[Read]:
    """A page, a post, or what comes down a stream. The names in the stream's files are those of its events."""
    reader = Statuses("mastodon", "mastodon.example", Numbers())
    if body.startswith(b":)"):
        for event, data in re.findall(r"^event: (.*)\ndata: (.*)$", body.decode(), re.MULTILINE):
            yield from (
                _page(reader, data.encode())
                if event in {"update", "status.update"}
                else [Read(whys=(f"event {event}",))]
            )
        return
    yield from _page(reader, body)


def _page(reader: Statuses, body: bytes) -> Iterator[Read]:
    posts, refused, _ = reader.page("a page", body)
    yield Read(tuple(post.item for post in posts), 0, tuple(one.message for one in refused))


def _feed(body: bytes) -> Iterator[Read]:
    try:
        entries = parse_feed(body)["entries"]
    except (HostileError, UnreadableError) as e:
        yield Read(whys=(str(e),))
        return
    yield Read(
        tuple(article(FeedEntry(**one), "press", "https://press.example/", "", int(AT)) for one in entries)
    )
    if not entries:
        yield Read(whys=("no entry that says anything",))


def _slack(body: bytes) -> Iterator[Read]:
    """By the connector, and by the mapping of a webhook."""
    found = read_event(json.loads(body), source="slack", channels=None)
    yield Read(whys=(found.why,)) if isinstance(found, Left) else Read((found,))
    yield from _mapped("slack")(body)


def _wikimedia(body: bytes) -> Iterator[Read]:
    """An event by itself or in the stream, as if its article were ours, which makes it an item whoever made the edit."""
    lines = re.findall(rb"^data: (.*)$", body, re.MULTILINE) or [body]
    for line in lines:
        try:
            change = read_change(line)
            ours = frozenset({(str(change.wiki), title_of(str(change.title)))})
            item = wikimedia_item("wikimedia", change, Wanted(ours, (), bots=True))
        except UnreadableChangeError as e:
            yield Read(whys=(str(e),))
            continue
        yield Read(whys=("made up, or no edit",)) if item is None else Read((item,))


def _zendesk(body: bytes) -> Iterator[Read]:
    said = json.loads(body)
    for one in said.get("tickets", [said]):
        found = read_ticket(one, "zendesk")
        yield Read((found,)) if isinstance(found, Item) else Read(whys=(found or "nothing in it is public",))


READERS: dict[str, Reader] = {
    "alertmanager": _mapped("alertmanager"),
    "bluesky_jetstream": _bluesky,
    "discourse": _discourse,
    "gdelt": _gdelt,
    "hackernews": _hackernews,
    "mastodon": _mastodon,
    "pagerduty": _mapped("pagerduty"),
    "reddit": _mapped("reddit"),
    "rss_nasty": _feed,
    "rss_real": _feed,
    "slack_events": _slack,
    "wikimedia_recentchange": _wikimedia,
    "x_api_v2": _mapped("x"),
    "x_v1_stream": _mapped("x_v1"),
    "youtube_comments": _mapped("youtube"),
    "zendesk": _zendesk,
}
GIVES_MENTIONS = {
    "bluesky_jetstream", "discourse", "gdelt", "hackernews", "mastodon", "reddit", "rss_nasty", "rss_real",
    "wikimedia_recentchange", "x_api_v2", "x_v1_stream", "youtube_comments", "zendesk",
}  # fmt: skip
"""Folders of which some file must give mentions: a reader that refuses everything reads nothing."""


def files() -> list[Path]:
    return [] if FOLDER is None else sorted(path for path in FOLDER.rglob("*") if path.is_file())


def read(path: Path) -> Read:
    """All that a file gives. A source that says in words what is wrong with its whole answer has refused it."""
    assert FOLDER is not None
    folder = path.relative_to(FOLDER).parts[0]
    assert folder in READERS, f"nobody reads {folder}: say how in READERS"
    try:
        parts = list(READERS[folder](path.read_bytes()))
    except WarnError as e:
        return Read(whys=(str(e),))
    items = tuple(item for part in parts for item in part.items)
    return Read(
        items, sum(part.readings for part in parts), tuple(why for part in parts for why in part.whys)
    )


@needs_shared
@pytest.mark.parametrize("path", files(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_file_is_read_or_refused_with_a_reason(path: Path) -> None:
    found = read(path)
    assert found.items or found.readings or found.whys, "it gave nothing, and nobody said why"
    assert all(len(why) > 5 for why in found.whys)
    for item in found.items:
        check(item)
        assert item.created_ms >= 631_152_000_000, "seconds taken for milliseconds?"


@needs_shared
def test_what_holds_mentions_gives_some() -> None:
    given = {path.parent.name for path in files() if path.parent.name in READERS and read(path).items}
    assert given >= GIVES_MENTIONS


@needs_shared
def test_what_a_reader_refuses_is_counted_apart() -> None:
    """Figures of three files, so that what is read cannot quietly turn into refusals."""
    assert FOLDER is not None
    found = read(FOLDER / "x_v1_stream" / "get_search_raw.json")
    assert len(found.items) == 100
    assert {item.kind for item in found.items} == {"post", "repost", "quote", "reply"}
    assert len(read(FOLDER / "reddit" / "ListingGenerator.test_exhaust_items_2.json").items) == 100
    assert read(FOLDER / "x_api_v2" / "test_asyncclient_get_recent_tweets_count_0.json").readings == 169

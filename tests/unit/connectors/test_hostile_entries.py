"""Whatever stands in an answer of a polled service, it is read, refused with a reason, or told as unreadable."""

import json
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.discourse.posts import read_categories, read_posts
from connectors.gdelt.articles import read_articles
from connectors.hackernews.items import Entry, read_hit, read_item
from connectors.zendesk import read_page, read_ticket
from warn.ingest.entry import RefusedError, check
from warn.model.errors import WarnError
from warn.model.mention import Item
from warn.outbound import Answer

KEYS = (
    *("id", "type", "time", "by", "text", "title", "url", "parent", "score", "deleted", "dead", "objectID", "created_at_i"),
    *("_tags", "comment_text", "story_id", "parent_id", "points", "articles", "seendate", "domain", "language"),
    *("tickets", "after_cursor", "end_of_stream", "created_at", "updated_at", "requester_id", "submitter_id", "subject"),
    *("description", "status", "is_public", "latest_posts", "topic_id", "post_number", "raw", "cooked", "version"),
    *("actions_summary", "count", "category_id", "post_stream", "posts", "categories", "read_restricted", "ticket"),
)  # fmt: skip
VALUES = (
    *("2026-01-02T03:04:05Z", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "20260102T030405Z", "\ud800", "story"),
    *("comment", "https://x.example/", "[quote]", "<p>&#x27;", "\0", ""),
)  # fmt: skip

leaves = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=True) | st.sampled_from(VALUES)
)  # fmt: skip
entries = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=12),
    max_leaves=30,
)
posts = st.fixed_dictionaries(
    {"id": leaves, "topic_id": st.just(3), "post_number": st.sampled_from([1, 2, 2**60]), "created_at": st.sampled_from(VALUES)},
    optional={key: entries for key in KEYS if key not in {"id", "topic_id", "post_number", "created_at"}},
)  # fmt: skip
stories = st.fixed_dictionaries(
    {"id": st.just(5), "objectID": st.just("5"), "time": leaves, "created_at_i": leaves},
    optional={key: entries for key in KEYS if key not in {"id", "objectID", "time", "created_at_i"}},
)
tickets = st.fixed_dictionaries({"id": leaves}, optional={key: entries for key in KEYS if key != "id"})


def _posts(entry: object) -> list[Item]:
    page = read_posts(json.dumps({"latest_posts": [entry]}).encode(), "s", "https://f.example")
    assert len(page.posts) + len(page.refused) == 1
    return [one for post in page.posts for one in (post.item, post.edit, post.delete("s")) if one is not None]


def _hackernews(entry: object) -> list[Item]:
    found = [one for one in (read_item(entry, "s"), read_hit(entry, "s")) if isinstance(one, Entry)]
    return [
        item for one in found for item in (one.item, one.delete("s"), one.votes("s", 1), one.edit(1)) if item
    ]


def _ticket(entry: object) -> list[Item]:
    found = read_ticket(entry, "s")
    read_page(Answer(200, {}, json.dumps({"tickets": [entry], "after_cursor": "x"}).encode(), ""), "s")
    return [found] if isinstance(found, Item) else []


def _articles(entry: object) -> list[Item]:
    page = read_articles(json.dumps({"articles": [entry]}).encode(), "s")
    assert len(page.items) + len(page.refused) == page.entries == 1
    return list(page.items)


@settings(max_examples=60)
@given(entry=entries | posts | stories | tickets)
@pytest.mark.parametrize("read", [_posts, _hackernews, _ticket, _articles], ids=lambda read: read.__name__)
def test_every_entry_is_read_or_refused(read: Callable[[object], list[Item]], entry: object) -> None:
    for item in read(entry):
        with suppress(RefusedError):
            check(item)  # the door refuses what is no Unicode or no date of ours, and fails on nothing


@given(body=entries.map(lambda one: json.dumps(one).encode()) | st.binary(max_size=200))
def test_every_body_is_read_or_told_as_unreadable(body: bytes) -> None:
    for read in (
        lambda: read_posts(body, "s", "https://f.example"),
        lambda: read_categories(body),
        lambda: read_articles(body, "s"),
        lambda: read_page(Answer(200, {}, body, ""), "s"),
    ):
        with suppress(WarnError):
            read()

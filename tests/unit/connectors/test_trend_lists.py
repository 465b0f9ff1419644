"""Trend lists, whatever stands on them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.trends.lists import TrendList, bluesky, google, mastodon
from tests.shared import SHARED, needs_shared
from warn.model.errors import Reason, TemporaryError
from warn.outbound import Answer

NAMES = [
    "name",
    "url",
    "uri",
    "visibility",
    "content",
    "account",
    "acct",
    "title",
    "topic",
    "displayName",
    "link",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("public"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=10,
)
LISTS = [*mastodon("https://m.example", ("tags", "statuses", "links")), bluesky("https://b.example")]


def answer(body: bytes) -> Answer:
    return Answer(200, {}, body, "https://m.example")


def test_where_they_are() -> None:
    assert [one.url for one in LISTS] == [
        "https://m.example/api/v1/trends/tags", "https://m.example/api/v1/trends/statuses",
        "https://m.example/api/v1/trends/links", "https://b.example/xrpc/app.bsky.unspecced.getTrendingTopics",
    ]  # fmt: skip
    rss = google("https://g.example", "NL")
    assert (rss.url, rss.params) == ("https://g.example/trending/rss", {"geo": "NL"})


@given(st.lists(JSON, max_size=4), st.sampled_from(LISTS))
def test_each_entry_is_one_or_is_put_aside(said: list[Any], one: TrendList) -> None:
    body = json.dumps({"topics": said} if one.kind == "bluesky" else said).encode()
    page = one.page(answer(body))
    assert len(page.refused) <= len(said) and bool(page.entries or page.refused) == bool(said)
    assert all(entry.key and entry.text for entry in page.entries)
    assert len({entry.key for entry in page.entries}) == len(page.entries)


@pytest.mark.parametrize("one", [*LISTS, google("https://g.example", "NL")])
@pytest.mark.parametrize("body", [b"", b"5", b"{}", b'"x"', b"<p>no</p>", b"\xff\x00"])
def test_an_answer_that_is_none(one: TrendList, body: bytes) -> None:
    with pytest.raises(TemporaryError) as caught:
        one.page(answer(body))
    assert caught.value.reason is Reason.MALFORMED


def test_entities_of_a_feed_are_not_unfolded() -> None:
    bomb = "".join(f"<!ENTITY e{n} '{f'&e{n - 1};' * 10}'>" for n in range(1, 12))
    body = f"<!DOCTYPE rss [<!ENTITY e0 'x'>{bomb}]><rss><item><title>&e11;</title></item></rss>"
    with pytest.raises(TemporaryError) as caught:
        google("https://g.example", "NL").page(answer(body.encode()))
    assert caught.value.reason is Reason.MALFORMED
    one = b"<!DOCTYPE rss [<!ENTITY e SYSTEM 'file:///etc/hostname'>]><rss><item><title>a&e;</title></item></rss>"
    assert [entry.text for entry in google("https://g.example", "NL").page(answer(one)).entries] == ["a"]


@needs_shared
def test_recorded_posts_as_a_list_of_posts() -> None:
    """No trend list was recorded; its posts are those of any timeline."""
    assert SHARED is not None
    for path in sorted((SHARED / "data/payloads/mastodon").glob("*.json")):
        said = json.loads(path.read_bytes())
        posts = said if isinstance(said, list) else [said]
        page = LISTS[1].page(answer(json.dumps(posts).encode()))
        public = {one.get("uri") for one in posts if one.get("visibility") == "public"}
        assert {entry.key for entry in page.entries} <= public
        assert page.entries or page.refused
        assert all(one.payload == b"" for one in page.refused)

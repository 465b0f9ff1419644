"""What stands in answers of GDELT and Discourse, besides what they say every day."""

import json

import pytest

from connectors.discourse.posts import read_posts
from connectors.gdelt.articles import read_articles

POST = {
    "id": 3,
    "username": "marker",
    "created_at": "2025-11-24T16:00:00.000Z",
    "post_number": 3,
    "post_type": 1,
    "topic_id": 11,
}


@pytest.mark.parametrize(
    "seen", ["20251124T160000Z", "20251124160000", "2025-11-24T17:00:00+01:00", "2025-11-24 16:00:00"]
)
def test_dates_and_links(seen: str) -> None:
    told = {"url": "https://Paper.example/1?utm_source=x&id=2#top", "title": "Acme", "seendate": seen}
    (item,) = read_articles(json.dumps({"articles": [told]}).encode(), "gdelt").items
    assert (item.created_ms, item.id, item.url) == (1_764_000_000_000, *["https://paper.example/1?id=2"] * 2)


@pytest.mark.parametrize(
    "table", ["555924816\t20160701210000\t20170701234500\t1\tpaper.example", "URL,MobileURL,Date,Title"]
)
def test_a_table_is_refused_with_its_reason(table: str) -> None:
    (refused,) = read_articles(table.encode(), "gdelt").refused
    assert "table" in refused.message


def test_quotes_and_private_messages_are_not_read() -> None:
    quoted = "<aside class='quote' data-username='marker'><div> marker:</div><blockquote>theirs</blockquote></aside><p>mine</p>"
    rendered = {**POST, "cooked": quoted}
    for said in ({"latest_posts": [rendered]}, {"post": rendered}):
        (found,) = read_posts(json.dumps(said).encode(), "forum", "https://f.example").posts
        assert found.item is not None and found.item.text == "mine"
    private = {"post": {**rendered, "topic_archetype": "private_message"}}
    (found,) = read_posts(json.dumps(private).encode(), "forum", "https://f.example").posts
    assert found.item is None
    search = {"posts": [{"id": 5, "blurb": "Acme"}], "grouped_search_result": {}}
    (refused,) = read_posts(json.dumps(search).encode(), "forum", "https://f.example").refused
    assert refused.message.startswith("results of a search")

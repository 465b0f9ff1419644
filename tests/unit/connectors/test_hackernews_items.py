"""Items of Hacker News, one by one."""

import pytest

from connectors.hackernews.items import Entry, read_hit, read_item
from tests.contract.connectors.hackernews_site import filled


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (7, "no item"), ({"id": "jl", "karma": 5}, "a profile"), ({"id": "x"}, "id: no number"),
        ({"id": 5, "type": "story"}, "time: no date"), ({"id": 5, "time": 7, "type": "x"}, "type"),
        ({"id": 5, "time": 7, "type": "pollopt"}, "an option"), ({"id": 5, "time": 7, "type": "comment"}, "parent"),
    ],
)  # fmt: skip
def test_items_that_are_none(raw: object, why: str) -> None:
    found = read_item(raw, "hackernews")
    assert isinstance(found, str)
    assert found.startswith(why)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (None, "no hit"), ({"objectID": "x"}, "objectID"), ({"objectID": "5"}, "created_at_i"),
        ({"title": "x", "link": "y", "upvotes": 3}, "scraped"),
        ({"objectID": "5", "created_at_i": 7, "_tags": ["comment"]}, "parent"),
        ({"objectID": "5", "created_at_i": 7, "_tags": ["pollopt"]}, "an option"),
    ],
)  # fmt: skip
def test_hits_that_are_none(raw: object, why: str) -> None:
    found = read_hit(raw, "hackernews")
    assert isinstance(found, str)
    assert found.startswith(why)


def test_both_interfaces_say_the_same() -> None:
    site = filled()
    for item in list(site.items.values())[:8]:
        one, other = read_item(item, "h", site.root(item)), read_hit(site.hit(item), "h")
        assert isinstance(one, Entry)
        assert one == other


@pytest.mark.parametrize("kind", [[], {}, ["story"], 7, None, True])
def test_a_type_that_is_no_word_is_refused(kind: object) -> None:
    said = read_item({"id": 5, "time": 1_700_000_000, "title": "t", "type": kind}, "hackernews")
    assert isinstance(said, str) and said

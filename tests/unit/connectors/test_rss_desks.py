"""The list of news desks, what is remembered of a feed, and what is made of an entry."""

import pytest

from connectors.rss import RssConfig
from connectors.rss.articles import article, identity
from connectors.rss.state import State, backoff_s, cursor, floor_s, past_skipped, states
from warn.ingest.entry import check
from warn.ingest.feeds.reader import Entry
from warn.ingest.links import canonical

NOW_S = 1_764_000_000


def test_the_list_that_is_shipped() -> None:
    everything = RssConfig.model_validate({"name": "press", "list": "press"})
    assert everything.role == "press" and 40 <= len(everything.places()) <= 60
    assert all(place.url.startswith("https://") for place in everything.places())
    assert len({place.name for place in everything.places()}) == len(everything.places())
    dutch = RssConfig.model_validate({"name": "press", "list": "press", "languages": ["nl"]})
    assert 15 <= len(dutch.places()) < len(everything.places())


def entry(**of: object) -> Entry:
    values = {"id": "g", "link": "", "title": "Acme", "text": "", "published_ms": None, "updated_ms": None}
    return Entry(**{**values, **of})


@pytest.mark.parametrize(
    ("link", "found"),
    [
        ("/a?utm_source=x&b=1&fbclid=2#c", "https://desk.example/a?b=1"),
        ("//other.example", "https://other.example/"),
        ("HTTPS://Other.Example/A", "https://other.example/A"),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("https://name:word@other.example/", ""),
        ("http://[::1", ""),
        ("", ""),
    ],
)
def test_links(link: str, found: str) -> None:
    assert canonical("https://desk.example/feed", link) == found


@pytest.mark.parametrize(
    ("entry_", "id_"),
    [
        (entry(), "desk.example:g"),
        (entry(id="tag:desk.example,2025:1"), "tag:desk.example,2025:1"),
        (entry(id="https://x.example/1?utm_source=a#c2"), "https://x.example/1#c2"),
        (entry(id="", link="/a?x=1&utm_a=b"), "desk.example:/a?x=1"),
        (entry(id="", link="https://x.example/1"), "https://x.example/1"),
        (entry(id=""), "words:"),
        (entry(id="a\0b"), "desk.example:ab"),
    ],
)
def test_identity(entry_: Entry, id_: str) -> None:
    base = "https://www.desk.example/feed"
    assert identity(entry_, base).startswith(id_)
    assert identity(entry_, base) == identity(entry_._replace(published_ms=1), base)


def test_the_numbers_of_two_desks_are_not_taken_for_one() -> None:
    one, other = (identity(entry(id="123"), f"https://{host}/feed") for host in ("a.example", "b.example"))
    assert one != other == identity(entry(id="123"), "https://www.b.example/sport/feed")


@pytest.mark.parametrize(
    ("published", "updated", "dated_by"),
    [
        (NOW_S - 60, None, "created"),
        (None, NOW_S - 60, "created"),
        (NOW_S - 600, None, "seen"),
        (NOW_S + 600, None, "seen"),
        (0, None, "seen"),
        (10**12, None, "seen"),
        (None, None, "seen"),
    ],
)
def test_dates_lie(published: int | None, updated: int | None, dated_by: str) -> None:
    def ms(at: int | None) -> int | None:
        return None if at is None else at * 1_000

    made = article(entry(published_ms=ms(published), updated_ms=ms(updated)), "press", "", "", NOW_S)
    check(made)
    assert made.dated_by == dated_by
    again = article(entry(published_ms=ms(published), updated_ms=ms(updated)), "press", "", "", NOW_S + 30)
    assert again.created_ms == made.created_ms, "read twice, it is the same thing"


def test_hours_in_which_nothing_is_published() -> None:
    at = 1_700_000_000.0  # 22:13 UTC
    assert past_skipped(at, ()) == past_skipped(at, (3,)) == at
    assert past_skipped(at, (22,)) == past_skipped(at, (21, 22)) == 1_700_002_800.0  # 23:00
    assert past_skipped(at, range(24)) - at <= 7_200


def test_backoff() -> None:
    assert [backoff_s(300, fails, None) for fails in (1, 2, 3, 9)] == [300, 600, 1_200, 3_600]
    assert (
        backoff_s(300, 1, 5.0) == 300 and backoff_s(300, 1, 900.0) == 900 and backoff_s(300, 1, 1e9) == 86_400
    )
    assert backoff_s(7_200, 5, None) == 7_200


def test_wishes() -> None:
    for said in ("", "no-cache", "max-age", "max-age=x", "max-age=１２", "s-maxage=5000"):
        assert floor_s({"cache-control": said}, None) == 0.0
    assert floor_s({"cache-control": "private, max-age=60"}, None) == 60.0


def test_what_is_remembered_comes_back() -> None:
    one = State("e", "m", "https://moved.example/", 5, 4, 3, {bytes([i] * 5): i for i in range(150)})
    kept = cursor({"a": one, "b": State()})
    assert "moved.example" not in kept
    one.moved = ""
    assert states(kept, ["a", "b", "c"]) == {"a": one, "b": State(), "c": State()}
    assert len(cursor({"a": one})) < 1_400

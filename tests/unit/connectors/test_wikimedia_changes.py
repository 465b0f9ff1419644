"""Which changes are about us, and every recorded event of the real stream."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.wikimedia.changes import (
    Change,
    UnreadableError,
    Wanted,
    folded,
    item_of,
    read_change,
    terms_of,
    title_of,
)
from tests.shared import SHARED, needs_shared
from warn.ingest.entry import RefusedError, check

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["dt", "domain", "new"]), inner, max_size=3)
    ),
    max_leaves=6,
)
GOOD: dict[str, Any] = {
    "meta": {"dt": "2026-05-28T20:26:40Z"}, "type": "edit", "namespace": 0, "title": "Acme", "user": "u", "wiki": "nlwiki",
    "revision": {"new": 5}, "server_name": "nl.wikipedia.org", "server_url": "https://nl.wikipedia.org",
    "server_script_path": "/w", "comment": "c", "parsedcomment": "", "bot": False,
}  # fmt: skip


def wanted(*terms: str, articles: Any = (), **more: Any) -> Wanted:
    return Wanted(frozenset((wiki, title_of(title)) for wiki, title in articles), terms_of(terms), **more)


@pytest.mark.parametrize(
    ("term", "title", "found"),
    [
        ("Acme", "Acme Corporation", True),
        ("acme", "ACME", True),
        ("Acme", "Acmeism", False),
        ("Acme-Bank", "Acme Bank (Antwerpen)", True),
        ("Bank", "Acme Bankroof", False),
        ("Café Zürich", "Café Zürich", True),
        ("東芝", "株式会社東芝の歴史", True),
        ("AC/DC", "AC/DC discography", True),
        ("ＫＬＭ", "KLM Cityhopper", True),
    ],
)
def test_terms_in_titles(term: str, title: str, found: bool) -> None:
    assert any(one in folded(title) for one in terms_of([term])) == found


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({}, True),
        ({"server_name": "www.wikidata.org"}, False),
        ({"server_name": "commons.wikimedia.org"}, False),
        ({"namespace": 1, "title": "Overleg:Acme"}, True),
        ({"namespace": 2, "title": "Gebruiker:Acme"}, False),
        ({"type": "categorize"}, False),
        ({"type": "log"}, False),
        ({"bot": True}, False),
        ({"meta": {"domain": "canary", "dt": "2026-05-28T20:26:40Z"}}, False),
    ],
)
def test_which_are_about_us(change: dict[str, Any], found: bool) -> None:
    told = read_change(msgspec.json.encode({**GOOD, **change}))
    assert (item_of("wiki", told, wanted("Acme")) is not None) == found


def test_wikis_are_asked_for_by_name() -> None:
    told = read_change(msgspec.json.encode({**GOOD, "server_name": "nl.wikinews.org", "wiki": "nlwikinews"}))
    assert item_of("wiki", told, wanted("Acme")) is None
    assert item_of("wiki", told, wanted("Acme", wikis=frozenset(["nlwikinews"]))) is not None


def test_titles_are_compared_as_mediawiki_does() -> None:
    assert title_of(" acme_(brand) ") == "Acme (brand)" and title_of("") == ""
    assert title_of("éa") == "Éa"


@given(st.dictionaries(st.sampled_from(list(GOOD)), JSON))
def test_whatever_stands_in_a_change(change: dict[str, Any]) -> None:
    """It is ours, none of ours, or put aside; nothing else is raised."""
    both = wanted("Acme", articles=[("nlwiki", "Acme")])
    try:
        item = item_of("wiki", read_change(msgspec.json.encode({**GOOD, **change})), both)
    except UnreadableError:
        return
    if item is not None:
        try:
            check(item)
        except RefusedError:
            return


@needs_shared
def test_every_recorded_event_becomes_a_mention_or_is_put_aside_with_a_reason() -> None:
    assert SHARED is not None
    told = set()
    for path in sorted((SHARED / "data/payloads/wikimedia_recentchange").iterdir()):
        raw = path.read_bytes()
        if path.name.startswith("sse"):
            raw = next(
                line.removeprefix(b"data: ") for line in raw.splitlines() if line.startswith(b"data: ")
            )
        if path.name.startswith("schema"):
            with pytest.raises(UnreadableError, match="no change"):
                read_change(raw)
            continue
        change = read_change(raw)
        everything = wanted(articles=[(change.wiki, change.title)], bots=True)
        item = item_of("wiki", change, everything)
        assert item is not None, path.name
        check(item)
        assert item.author and item.created_ms > 1_500_000_000_000 and item.text and "/*" not in item.text
        assert item.url is not None and "diff=" in item.url
        assert (item_of("wiki", change, everything._replace(bots=False)) is None) == bool(change.bot)
        told.add(path.name)
    assert told == {"edit_2023.json", "new_2023.json", "recentchange_2019_edit.json", "sse_edit_2023.txt"}


def test_a_change_of_nothing() -> None:
    assert item_of("wiki", Change(), wanted("Acme")) is None


@pytest.mark.parametrize("meta", [{}, {"dt": None}, {"dt": "soon"}])
def test_a_change_without_a_date_is_dated_by_its_second(meta: dict[str, Any]) -> None:
    ours = wanted(articles=[("nlwiki", "Acme")])
    item = item_of(
        "w", read_change(msgspec.json.encode({**GOOD, "meta": meta, "timestamp": 1_780_000_000})), ours
    )
    assert item is not None and item.created_ms == 1_780_000_000_000
    for none in (None, "1780000000", 0, 2**40, 1.5):
        with pytest.raises(UnreadableError):
            item_of("w", read_change(msgspec.json.encode({**GOOD, "meta": meta, "timestamp": none})), ours)

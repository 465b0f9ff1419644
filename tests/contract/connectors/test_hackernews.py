"""The Hacker News connector against both interfaces of the site on a local port."""

import asyncio
from contextlib import aclosing

import pytest
from pydantic import HttpUrl, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.hackernews import (
    MOST_BEHIND,
    MOST_TRIES,
    OVERLAP_S,
    START_ITEMS,
    START_S,
    HackernewsConfig,
    HackernewsConnector,
)
from connectors.hackernews.place import MOST_FOLLOWED, Place
from connectors.hackernews.search import MOST_PAGES, PER_PAGE
from tests.contract.connectors.faults import check_faults, inside
from tests.contract.connectors.hackernews_site import BASE, NOW, Site, filled, items_of, some, story
from tests.contract.connectors.service import serve
from warn.ingest.connector import Batch, Connector, Cursor, Gap
from warn.model.errors import PermanentError, Reason, TemporaryError
from warn.model.mention import Item
from warn.testing.check_connector import Made, Until, check_connector


@pytest.mark.parametrize("terms", [("Acme",), ()], ids=["search", "all"])
async def test_contract(terms: tuple[str, ...]) -> None:
    site = filled()
    site.updates = [BASE, BASE + 12, BASE + 163]
    async with serve(site.app) as address:
        site.base = address.url

        def make() -> Made:
            begun = len(site.live)
            over = [0]

            def when(_: Batch) -> bool:
                over[0] += "updates.json" in site.live[begun:]
                return over[0] == 3

            return site.config(terms=terms), Until(site.connector(terms=terms), when)

        await check_connector(make, secrets=["marker1"])


async def test_by_search_what_names_us_and_what_is_said_under_it() -> None:
    site = filled()
    async with serve(site.app) as address:
        site.base = address.url
        found, votes = await some(site.connector(terms=("Acme",)), 2)
    ids = [int(item.id) - BASE for item in found.items]
    assert ids == sorted(
        {n for k in range(0, 40, 3) for n in range(4 * k, 4 * k + 4)} | {5, 6, 7, 160, 161, 162}
    )
    first, second = found.items[0], found.items[2]
    assert (first.kind, first.text, first.author) == (
        "post", "Acme kettles & fire 0\nhttps://acme.example/recall", "marker0",
    )  # fmt: skip
    assert first.url == f"https://news.ycombinator.com/item?id={BASE}"
    assert (second.kind, second.reply_to, second.thread) == ("comment", str(BASE + 1), str(BASE))
    assert second.text == "It's mine too.\nSo 2 there"
    assert {item.kind for item in votes.items} == {"update"}
    assert [(item.id, item.engagement) for item in votes.items][:2] == [
        (str(BASE), (1, 0, 0, 0)), (str(BASE + 12), (1 + 12 % 9, 0, 0, 0)),
    ]  # fmt: skip
    assert len(votes.items) == 14, "votes of stories that are not ours are not followed"
    assert site.searches[0]["query"] == '"Acme"'
    assert site.searches[0]["numericFilters"] == f"created_at_i>{NOW - START_S}"


async def test_by_search_later_looks_are_short_and_votes_come_when_they_move() -> None:
    site = filled()
    async with serve(site.app) as address:
        site.base = address.url
        async with asyncio.timeout(10), aclosing(site.connector(terms=("Acme",)).batches(None)) as read:
            await anext(read), await anext(read)
            site.items[BASE + 600] = story(600, -5)
            site.items[BASE + 36]["score"] = 77
            site.updates = [BASE + 36, 12, BASE + 161]
            site.searches = []
            later, votes = await anext(read), await anext(read)
            _, still = await anext(read), await anext(read)
    assert site.searches[0]["numericFilters"] == f"created_at_i>{NOW - OVERLAP_S}"
    assert str(BASE + 600) in {item.id for item in later.items}
    told = {item.id: item.engagement for item in votes.items}
    assert told == {str(BASE + 36): (77, 0, 0, 0), str(BASE + 600): (1 + 600 % 9, 0, 0, 0)}
    assert still.items == ()


async def test_what_is_taken_back_or_changed() -> None:
    for terms in (("Acme",), ()):
        site = filled()
        async with serve(site.app) as address:
            site.base = address.url
            async with asyncio.timeout(10), aclosing(site.connector(terms=terms).batches(None)) as read:
                while "updates.json" not in site.live:
                    await anext(read)
                site.items[BASE + 156] |= {"deleted": True}
                site.items[BASE + 160] |= {"dead": True}
                site.items[BASE + 161]["text"] = "Now it burns"
                site.updates, site.live = [BASE + n for n in (156, 160, 161, 162)], []
                found: list[Item] = []
                while "updates.json" not in site.live:
                    found += [item for item in (await anext(read)).items if item.kind in {"delete", "edit"}]
        told = {(item.kind, int(item.id) - BASE, item.text) for item in found}
        assert told == {
            ("delete", 156, None), ("delete", 160, None), ("edit", 161, "Now it burns"),
        }, terms  # fmt: skip
        assert len(found) == 3, terms


async def test_a_search_that_finds_more_than_it_gives_is_read_back_in_time() -> None:
    site = Site([story(n, n - 3_000) for n in range(3 * PER_PAGE)])
    async with serve(site.app) as address:
        site.base = address.url
        (found,) = await some(site.connector(terms=("Acme",)), 1)
    assert len(found.items) == len({item.id for item in found.items}) == 3 * PER_PAGE
    assert not found.gaps


async def test_what_a_search_cannot_reach_is_a_gap() -> None:
    site = Site([story(n, -100) for n in range(PER_PAGE + 5)] + [story(1_000, -200)])
    async with serve(site.app) as address:
        site.base = address.url
        (found,) = await some(site.connector(terms=("Acme",)), 1)
        assert found.gaps == (Gap(NOW - 100, NOW - 99),)
        assert len(found.items) == PER_PAGE + 1
        site.items = {BASE + n: story(n, -n) for n in range(PER_PAGE * MOST_PAGES + 90)}
        cursor = Place(since=NOW - 6_000).cursor()
        (found,) = await some(site.connector(terms=("Acme",)), 1, cursor)
    (gap,) = found.gaps
    assert gap.start == NOW - 6_000 - START_S
    assert abs(gap.end - min(item.created_ms for item in found.items) // 1000) <= 1


async def test_without_terms_everything_is_read_and_every_comment_knows_its_story() -> None:
    site = filled()
    async with serve(site.app) as address:
        site.base = address.url
        batches = await some(site.connector(), 4)
        asked = len([one for one in site.live if one.startswith("item/")])
    items = items_of(batches)
    first = max(site.items) - START_ITEMS
    written = [
        n for n, item in site.items.items() if n > first and "deleted" not in item and "dead" not in item
    ]
    assert sorted(int(item.id) for item in items if item.kind in {"post", "comment"}) == sorted(written)
    assert all(
        int(item.thread or 0) == site.root(site.items[int(item.id)])
        for item in items
        if item.kind == "comment"
    )
    assert asked < START_ITEMS + 90, "stories above are asked for once"


async def test_an_item_that_is_not_there_yet_is_asked_for_again_and_not_for_ever() -> None:
    site = Site([story(1, -100), story(3, -80)])
    async with serve(site.app) as address:
        site.base = address.url
        start = Place(last=BASE, at=NOW - 200).cursor()
        async with asyncio.timeout(20), aclosing(site.connector().batches(start)) as read:
            first = await anext(read)
            assert [item.id for item in first.items if item.kind == "post"] == [str(BASE + 1), str(BASE + 3)]
            resumed = first.cursor
            refused = [one for _ in range(2 * MOST_TRIES) for one in (await anext(read)).refused]
        assert [(one.where, one.message) for one in refused] == [
            (f"hackernews, item {BASE + 2}", "it never came to be there")
        ]
        site.items[BASE + 2] = story(2, -90)
        (late,) = await some(site.connector(), 1, resumed)
    assert str(BASE + 2) in {item.id for item in late.items}


async def test_after_too_long_a_pause_there_is_a_gap() -> None:
    site = Site([story(n, n - 6_000) for n in range(MOST_BEHIND + 100)])
    async with serve(site.app) as address:
        site.base = address.url
        (found,) = await some(site.connector(), 1, Place(last=BASE + 10, at=NOW - 5_990).cursor())
    assert int(found.items[0].id) == BASE + 100
    assert found.gaps == (Gap(NOW - 5_990, NOW - 6_000 + 149),)


async def test_votes_that_cannot_be_had_stop_nothing() -> None:
    site = filled()
    site.live_status = 500
    async with serve(site.app) as address:
        site.base = address.url
        async with asyncio.timeout(10), aclosing(site.connector(terms=("Acme",)).batches(None)) as read:
            found, ill = await anext(read), await anext(read)
            site.live_status = 200
            _, well = await anext(read), await anext(read)
    assert len(found.items) == 62
    assert [(one.where, one.message) for one in ill.troubles] == [
        ("hackernews: votes", "hackernews: HTTP 500")
    ]
    assert [(one.where, one.message) for one in well.troubles] == [("hackernews: votes", "")]
    assert len(well.items) == 14


async def test_answers_that_are_none() -> None:
    for terms in (("Acme",), ()):

        async def says(_: Request) -> Response:
            return Response('"planted"')

        site = Site([])
        async with serve(Starlette(routes=[Route("/{any:path}", says)])) as address:
            site.base = address.url
            with pytest.raises(TemporaryError) as caught:
                await some(site.connector(terms=terms), 1)
        assert caught.value.reason is Reason.MALFORMED
        assert "planted" not in str(caught.value)


def test_stories_that_move_are_followed_longest() -> None:
    place = Place()
    for n in range(MOST_FOLLOWED):
        place.follow(n, 0)
    place.follow(0, 9)
    place.follow(MOST_FOLLOWED, 0)
    assert len(place.stories) == MOST_FOLLOWED
    assert (1 in place.stories, place.stories[0]) == (False, 9)


@pytest.mark.parametrize("cursor", ["nonsense", "7", '{"since": "x"}', '{"other": 1}'])
async def test_a_foreign_cursor(cursor: str) -> None:
    site = Site([])
    site.base = "http://127.0.0.1:9"
    with pytest.raises(PermanentError) as caught:
        await some(site.connector(), 1, Cursor(cursor))
    assert caught.value.reason is Reason.MALFORMED


def test_settings() -> None:
    with pytest.raises(ValidationError, match="terms"):
        HackernewsConfig(name="hn", terms=('a"b',))


@pytest.mark.parametrize("terms", [("Acme",), ()], ids=["search", "all"])
async def test_faults(terms: tuple[str, ...]) -> None:
    def make(url: str) -> Connector:
        config = HackernewsConfig(
            name="hn", terms=terms, search_url=HttpUrl(f"{url}/api/v1"), live_url=HttpUrl(f"{url}/v0"),
            inside=(inside(url),),
        )  # fmt: skip
        return HackernewsConnector(config)

    await check_faults(make, place="hackernews", remedy="")

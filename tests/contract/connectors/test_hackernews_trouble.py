"""Hacker News when something is wrong with one item, one answer, or the number of the newest."""

import asyncio
from contextlib import aclosing
from typing import Final

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.hackernews import START_S
from connectors.hackernews.place import Place
from connectors.hackernews.search import PER_PAGE
from tests.contract.connectors.hackernews_site import BASE, NOW, Site, comment, items_of, some, story
from tests.contract.connectors.service import serve
from warn.ingest.connector import Gap
from warn.model.errors import Reason, TemporaryError

START: Final = Place(last=BASE, at=NOW - 200).cursor()


@pytest.mark.parametrize(
    "answer",
    [Response(b"{oops"), Response(b"[" * 100_000), Response(status_code=500), Response(status_code=401)],
    ids=["garbage", "deep", "500", "401"],
)
async def test_an_item_that_cannot_be_read_stops_no_other(answer: Response) -> None:
    """Neither what is written after it, nor the comment below it, nor the votes of others."""
    site = Site([story(1, -100), story(2, -90), comment(3, -80, 2), story(4, -70)])
    site.broken[BASE + 2] = answer
    site.updates = [BASE + 2, BASE + 4]
    async with serve(site.app) as address:
        site.base = address.url
        async with asyncio.timeout(20), aclosing(site.connector().batches(START)) as read:
            found = [await anext(read) for _ in range(2)]
            site.items[BASE + 4]["score"] = 99
            while not (found[-1].refused and any(item.id == str(BASE + 5) for item in items_of(found))):
                site.items[BASE + 5] = story(5, -10)
                found.append(await anext(read))
    told = {item.id for item in items_of(found) if item.kind in {"post", "comment"}}
    assert told == {str(BASE + n) for n in (1, 3, 4, 5)}
    assert (str(BASE + 4), (99, 0, 0, 0)) in {(item.id, item.engagement) for item in items_of(found)}
    (refused,) = found[-1].refused
    assert refused.where == f"hackernews, item {BASE + 2}"
    assert refused.message.startswith("it never could be read: ")
    assert not any(batch.troubles for batch in found)


async def test_a_service_that_gives_no_item_at_all_is_an_error_and_loses_none() -> None:
    site = Site([story(1, -100), story(2, -90)])
    site.broken = {BASE + n: Response(status_code=503) for n in (1, 2)}
    async with serve(site.app) as address:
        site.base = address.url
        with pytest.raises(TemporaryError) as caught:
            await some(site.connector(), 1, START)
        assert caught.value.reason is Reason.SERVER
        site.broken = {}
        (found,) = await some(site.connector(), 1, START)
    assert {item.id for item in found.items} == {str(BASE + 1), str(BASE + 2)}


async def test_a_newest_item_that_was_none_does_not_deafen_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.hackernews.MOST_BEHIND", 40)
    site = Site([story(1, -100), story(2, -90)])
    wrong = Place(last=2**39, at=NOW - 200).cursor()
    async with serve(site.app) as address:
        site.base = address.url
        (found,) = await some(site.connector(), 1, wrong)
    assert {item.id for item in found.items} == {str(BASE + 1), str(BASE + 2)}
    assert found.gaps == (Gap(NOW - 200, NOW - 90),)


async def test_a_page_of_which_nothing_can_be_read_is_a_gap() -> None:
    site = Site([])
    hits = [{"objectID": "x"}] * PER_PAGE

    async def search(_: Request) -> Response:
        return JSONResponse({"hits": hits})

    async with serve(Starlette(routes=[Route("/api/v1/search_by_date", search)])) as address:
        site.base = address.url
        (found,) = await some(site.connector(terms=("Acme",)), 1)
    assert found.gaps == (Gap(NOW - START_S, NOW),) and found.refused

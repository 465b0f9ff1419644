"""The GDELT connector against an index of news on a local port."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import HttpUrl, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from connectors.gdelt import (
    GRID_S,
    MOST_ARTICLES,
    MOST_PAGES,
    OVERLAP_S,
    REACH_S,
    GdeltConfig,
    GdeltConnector,
    Turns,
)
from tests.contract.connectors.faults import check_faults, inside
from tests.contract.connectors.service import serve
from warn.ingest.connector import Batch, Connector, Cursor, Gap
from warn.model.errors import PermanentError, Reason, TemporaryError, WarnError
from warn.testing.check_connector import Made, Until, check_connector

NOW = 1_764_000_000


def stamp(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y%m%dT%H%M%SZ")


def article(number: int, second: int) -> dict[str, Any]:
    return {
        "url": f"https://paper.example/{number}",
        "url_mobile": "",
        "title": f"Acme  kettle burns {number} &amp; more",
        "seendate": stamp(second),
        "domain": "paper.example",
        "language": "Dutch",
        "sourcecountry": "Netherlands",
    }


class Index:
    """GDELT: newest first, 250 at most, in a span of time. `refuses`: terms that it does not take."""

    def __init__(self, articles: Sequence[dict[str, Any]] = ()) -> None:
        self.articles = list(articles)
        self.refuses: set[str] = set()
        self.says: Response | None = None
        self.asked: list[dict[str, str]] = []
        self.at: list[float] = []
        self.base = ""
        self.app = Starlette(routes=[Route("/api/v2/doc/doc", self.doc)])

    async def doc(self, request: Request) -> Response:
        asked = dict(request.query_params)
        self.asked.append(asked)
        self.at.append(asyncio.get_running_loop().time())
        assert (asked["mode"], asked["format"], asked["sort"]) == ("artlist", "json", "datedesc")
        if self.says is not None:
            return self.says
        if any(f'"{term}"' in asked["query"] for term in self.refuses):
            return HTMLResponse("The specified phrase is too short. planted\n")

        def second(name: str, otherwise: int) -> int:
            said = asked.get(name)
            return int(datetime.strptime(f"{said}Z", "%Y%m%d%H%M%S%z").timestamp()) if said else otherwise

        low, high = second("startdatetime", 0), second("enddatetime", NOW + 1)
        found = [a for a in self.articles if stamp(low) <= a["seendate"] <= stamp(high)]
        found.sort(key=lambda a: a["seendate"], reverse=True)
        return JSONResponse({"articles": found[: int(asked["maxrecords"])]} if found else {})

    def config(self, **of: Any) -> GdeltConfig:
        settings = {
            "name": "gdelt",
            "terms": ("Acme", "Acme Bank"),
            "url": f"{self.base}/api/v2/doc/doc",
            "inside": (inside(self.base),),
        }
        return GdeltConfig(**{**settings, **of})

    def connector(self, *, now: int = NOW, **of: Any) -> GdeltConnector:
        return GdeltConnector(self.config(**of), every_s=0.01, turns=Turns(0.0), wall=lambda: now)


async def look(connector: Connector, cursor: Cursor | None = None) -> list[Batch]:
    """One look: up to the batch with the cursor."""
    found: list[Batch] = []
    async with asyncio.timeout(10), aclosing(connector.batches(cursor)) as read:
        async for batch in read:
            found.append(batch)
            if batch.cursor:
                break
    return found


async def test_contract() -> None:
    index = Index([article(n, NOW - 3_000 + n // 100 * GRID_S) for n in range(300)])
    async with serve(index.app) as address:
        index.base = address.url

        def make() -> Made:
            return index.config(), Until(index.connector(), lambda batch: batch.cursor is not None)

        await check_connector(make)


async def test_what_an_article_says() -> None:
    index = Index([article(1, NOW - 900)])
    async with serve(index.app) as address:
        index.base = address.url
        (found, end) = await look(index.connector())
    (item,) = found.items
    assert (item.kind, item.id, item.url) == ("article", "https://paper.example/1", item.id)
    assert (item.text, item.lang, item.author) == ("Acme kettle burns 1 & more", "nl", "paper.example")
    assert (item.dated_by, item.created_ms) == ("seen", (NOW - 900) * 1000)
    assert end.cursor == str(NOW)
    assert index.asked[0]["query"] == '("Acme" OR "Acme Bank")'


async def test_terms_go_into_few_queries() -> None:
    index = Index()
    terms = tuple(f"a long name of a company number {n}" for n in range(12))
    async with serve(index.app) as address:
        index.base = address.url
        await look(index.connector(terms=(*terms, terms[0])))
    queries = [asked["query"] for asked in index.asked]
    assert len(queries) == 2
    assert all(len(query) <= 240 for query in queries)
    assert [term for term in terms if not any(f'"{term}"' in query for query in queries)] == []
    assert sum(query.count('"') for query in queries) == 2 * len(terms)


async def test_more_than_a_page_is_read_back_in_time() -> None:
    index = Index([article(n, NOW - 3_000 + n) for n in range(3 * MOST_ARTICLES)])
    async with serve(index.app) as address:
        index.base = address.url
        found = await look(index.connector())
    items = [item.id for batch in found for item in batch.items]
    assert len(items) == len(set(items)) == 3 * MOST_ARTICLES
    assert not any(batch.gaps for batch in found)


async def test_a_quarter_of_an_hour_that_holds_too_much_is_a_gap() -> None:
    full = NOW - 1_800
    index = Index([article(n, full) for n in range(MOST_ARTICLES + 9)] + [article(1_000, full - GRID_S)])
    async with serve(index.app) as address:
        index.base = address.url
        found = await look(index.connector())
    assert [gap for batch in found for gap in batch.gaps] == [Gap(full, full + GRID_S)]
    items = [item.id for batch in found for item in batch.items]
    assert len(items) == MOST_ARTICLES + 1
    assert "https://paper.example/1000" in items


async def test_what_lies_behind_too_many_pages_is_a_gap() -> None:
    index = Index([article(n, NOW - n) for n in range((MOST_ARTICLES - 1) * MOST_PAGES + 90)])
    async with serve(index.app) as address:
        index.base = address.url
        found = await look(index.connector(), Cursor(str(NOW - 6_000)))
    (gap,) = [gap for batch in found for gap in batch.gaps]
    oldest = min(item.created_ms for batch in found for item in batch.items) // 1000
    assert gap == Gap(NOW - 6_000 - OVERLAP_S, oldest)


async def test_a_pause_is_read_on_from_an_hour_before_it_and_beyond_its_reach_is_a_gap() -> None:
    index = Index()
    async with serve(index.app) as address:
        index.base = address.url
        await look(index.connector(), Cursor(str(NOW - 86_400)))
        found = await look(index.connector(), Cursor(str(NOW - REACH_S - 500)))
    starts = [asked["startdatetime"] for asked in index.asked]
    assert starts == [
        stamp(NOW - 86_400 - OVERLAP_S).replace("T", "").rstrip("Z"),
        stamp(NOW - REACH_S).replace("T", "").rstrip("Z"),
    ]
    assert found[-1].gaps == (Gap(NOW - REACH_S - 500, NOW - REACH_S),)


async def test_a_term_that_is_refused_is_told_and_the_others_are_heard() -> None:
    index = Index([article(1, NOW - 900)])
    index.refuses = {"of"}
    async with serve(index.app) as address:
        index.base = address.url
        connector = index.connector(terms=("Acme", "of", "Acme Bank"))
        async with asyncio.timeout(10), aclosing(connector.batches(None)) as read:
            first = []
            while not first or first[-1].cursor is None:
                first.append(await anext(read))
            asked = len(index.asked)
            second = [await anext(read), await anext(read), await anext(read)]
    troubles = [trouble for batch in first for trouble in batch.troubles]
    assert [trouble.where for trouble in troubles] == ['gdelt: term "of"']
    assert "take it out of `terms`" in troubles[0].message
    assert {item.id for batch in first for item in batch.items} == {"https://paper.example/1"}
    assert [one["query"] for one in index.asked[asked:][:2]] == ['"Acme"', '"Acme Bank"']
    assert not any(batch.troubles for batch in second)


@pytest.mark.parametrize(
    ("says", "error", "reason", "words"),
    [
        (HTMLResponse("Your query was too short or too long. planted"), PermanentError, Reason.CONFIG, "take it out"),
        (HTMLResponse("<!doctype html><p>planted"), TemporaryError, Reason.MALFORMED, "page for people"),
        (HTMLResponse("Please limit requests to one every 5 seconds"), TemporaryError, Reason.RATE_LIMITED, "too many"),
        (Response("Your query was too short or too long. planted"), PermanentError, Reason.CONFIG, "take it out"),
        (Response("Please limit requests to one every 5 seconds"), TemporaryError, Reason.RATE_LIMITED, "too many"),
        (HTMLResponse("An internal error occurred. planted"), TemporaryError, Reason.SERVER, "not about the query"),
        (Response('{"timeline": [{"series": "planted"}]}'), TemporaryError, Reason.MALFORMED, "another kind"),
        (Response('{"articles": 3}'), TemporaryError, Reason.MALFORMED, "no articles"),
        (Response('["planted"]'), TemporaryError, Reason.MALFORMED, "no articles"),
        (Response(b"[" * 100_000), TemporaryError, Reason.MALFORMED, "cannot be read"),
    ],
)  # fmt: skip
async def test_answers_that_are_none(
    says: Response, error: type[WarnError], reason: Reason, words: str
) -> None:
    index = Index()
    index.says = says
    async with serve(index.app) as address:
        index.base = address.url
        with pytest.raises(error, match=words) as caught:
            await look(index.connector())
    assert caught.value.reason is reason
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize("body", [b"{}", b"", b'{"articles": []}', b'{"articles": null}'])
async def test_nothing_is_nothing(body: bytes) -> None:
    index = Index()
    index.says = Response(body, media_type="application/json")
    async with serve(index.app) as address:
        index.base = address.url
        assert [batch.items + batch.refused for batch in await look(index.connector())] == [(), ()]


async def test_illegal_characters_cost_nothing_but_themselves() -> None:
    index = Index()
    good = '{"url": "https://paper.example/1", "title": "Ac\x01me \\burns\\\' a\\u12 \\"kettle\\"", "seendate": "%s"}'
    bad = '{"url": "https://paper.example/2", "title": "\\ud800", "seendate": "20200101T000000Z"}'
    body = f'{{"articles": [{good % stamp(NOW - 900)}, {bad}, {{"url": "not-a-url"}}, 7]}}'
    index.says = Response(body.encode(), media_type="application/json")
    async with serve(index.app) as address:
        index.base = address.url
        connector = index.connector()
        first, _ = await look(connector)
        again, _ = await look(connector)
    assert [item.id for item in first.items] == ["https://paper.example/2", "https://paper.example/1"]
    assert first.items[1].text == 'Ac\x01me \burns\' au12 "kettle"'
    assert [one.message for one in first.refused] == ["url: none of the web", "no article"]
    assert again.refused == (), "told again at every look"


async def test_requests_keep_their_distance_whoever_makes_them() -> None:
    index, turns = Index(), Turns(0.4)
    async with serve(index.app) as address:
        index.base = address.url
        both = [GdeltConnector(index.config(), turns=turns, wall=lambda: NOW) for _ in range(2)]
        began = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as group:
            for connector in both:
                group.create_task(look(connector))
    # Between the two arrivals may be less: the first may have been long on its way.
    assert len(index.at) == 2 and max(index.at) - began > 0.39


@pytest.mark.parametrize("cursor", ["nonsense", "-5", "1" * 20, "1.5"])
async def test_a_foreign_cursor(cursor: str) -> None:
    index = Index()
    index.base = "http://127.0.0.1:9"
    with pytest.raises(PermanentError) as caught:
        await look(index.connector(), Cursor(cursor))
    assert caught.value.reason is Reason.MALFORMED


def test_settings() -> None:
    assert GdeltConfig(name="news", terms=("Acme",)).role == "press"
    for terms in ((), ("",), ('a"b',), ("x" * 101,)):
        with pytest.raises(ValidationError, match="terms"):
            GdeltConfig(name="news", terms=terms)


async def test_faults() -> None:
    def make(url: str) -> Connector:
        config = GdeltConfig(name="news", terms=("Acme",), url=HttpUrl(f"{url}/doc"), inside=(inside(url),))
        return GdeltConnector(config, turns=Turns(0.0))

    await check_faults(make, place="gdelt", remedy="")

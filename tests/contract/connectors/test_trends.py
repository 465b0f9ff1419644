"""Trend lists: over real sockets, against a stand-in for the servers that keep them."""

import json
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.trends import TrendsConfig, TrendsConnector
from tests.contract.connectors.faults import check_faults, inside
from tests.contract.connectors.service import Address, free_port, serve
from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Batch, Connector, Cursor, Trouble
from warn.model.errors import PermanentError, Reason, TemporaryError
from warn.model.mention import Item
from warn.testing.check_connector import Until, check_connector

NOW: Final = 1_780_000_000
DAY: Final = 86_400
RSS: Final = """<?xml version="1.0"?><rss xmlns:ht="https://trends.google.com/trending/rss" version="2.0"><channel>
<title>Daily Search Trends</title>
<item><title>acme kettle</title><ht:approx_traffic>2000+</ht:approx_traffic><link>https://trends.example</link>
<ht:news_item><ht:news_item_title>Kettles of Acme recalled</ht:news_item_title>
<ht:news_item_url>https://news.example/1</ht:news_item_url></ht:news_item></item>
<item><title>borealis</title></item><item/></channel></rss>"""


@dataclass
class Lists:
    """What stands on each list; `refuses`: by path, with which status."""

    tags: list[Any] = field(
        default_factory=lambda: [
            {"name": "Acme", "url": "https://m.example/tags/acme", "history": []},
            {"name": "caturday"},
        ]
    )
    statuses: list[Any] = field(
        default_factory=lambda: [
            {
                "uri": "https://m.example/users/marked1/statuses/1",
                "visibility": "public",
                "content": "<p>Acme burns</p>",
                "url": "https://m.example/@marked1/1",
                "account": {"acct": "marked1"},
                "spoiler_text": "hot",
            },
            {
                "uri": "https://m.example/users/marked2/statuses/2",
                "visibility": "private",
                "content": "between us",
            },
        ]
    )
    links: list[Any] = field(
        default_factory=lambda: [
            {"url": "https://news.example/1", "title": "Acme recalls", "description": "kettles"}
        ]
    )
    topics: list[Any] = field(
        default_factory=lambda: [
            {
                "topic": "acme-fire",
                "displayName": "Acme fire",
                "description": "a kettle",
                "link": "/profile/x/feed/1",
            },
            {"topic": "Borealis", "link": "/hashtag/b"},
            {"topic": 5},
        ]
    )
    rss: str = RSS
    refuses: dict[str, Response] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def app(self) -> Starlette:
        """To be served."""
        return Starlette(routes=[Route("/{path:path}", self._serve)])

    async def _serve(self, request: Request) -> Response:
        path = request.path_params["path"].rpartition("/")[2]
        self.asked.append(path)
        if path in self.refuses:
            return self.refuses[path]
        if path == "rss":
            return Response(self.rss, media_type="text/xml")
        if path.startswith("app.bsky"):
            return JSONResponse({"topics": self.topics, "suggested": [{"topic": "Acme", "link": "/x"}]})
        return JSONResponse(getattr(self, path))


def config_at(address: Address, **more: Any) -> TrendsConfig:
    settings = {
        "mastodon": [address.url], "bluesky": address.url, "google": ["NL"], "google_url": address.url, **more,
    }  # fmt: skip
    return TrendsConfig.model_validate({"name": "trends", "inside": [address.inside], **settings})


class Wall:
    """A time of the test's own."""

    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now


async def look(
    address: Address, wall: Wall, cursor: Cursor | None = None, most: int = 5, **more: Any
) -> tuple[list[Batch], Cursor | None]:
    """One look at all lists, as if begun anew from what was committed."""
    batches: list[Batch] = []
    one = TrendsConnector(config_at(address, **more), every_s=300.0, wall=wall)
    async with aclosing(Until(one, idle_s=0.5).batches(cursor)) as coming:
        async for batch in coming:
            batches.append(batch)
            if len(batches) == most:
                break
    return batches, next((batch.cursor for batch in reversed(batches) if batch.cursor), cursor)


def items_of(batches: Sequence[Batch]) -> list[Item]:
    return [item for batch in batches for item in batch.items]


async def test_the_contract() -> None:
    async with serve(Lists().app()) as address:

        def make() -> tuple[ConnectorConfig, Connector]:
            config = config_at(address)
            one = TrendsConnector(config, every_s=0.01, wall=Wall())
            return config, Until(one, lambda batch: len(json.loads(batch.cursor or "{}")) == 5)

        await check_connector(make, secrets=["marked"])


@pytest.mark.parametrize("which", ["mastodon", "bluesky", "google"])
async def test_faults(which: str) -> None:
    def make(url: str) -> Connector:
        lists: dict[str, Any] = {
            "mastodon": [],
            "bluesky": None,
            "google": [],
            "google_url": url,
            "lists": ["tags"],
        }
        lists[which] = {"mastodon": [url], "bluesky": url, "google": ["NL"]}[which]
        return TrendsConnector(
            TrendsConfig.model_validate({"name": "trends", "inside": [inside(url)], **lists})
        )

    await check_faults(make, place="trends", remedy="")


async def test_what_is_told() -> None:
    async with serve(Lists().app()) as address:
        batches, _ = await look(address, Wall())
    host, day = address.inside, "2026-05-28"
    told = {item.id: (item.text, item.url, item.author) for item in items_of(batches)}
    assert told == {
        f"{host} tags:acme:{day}": ("#Acme", "https://m.example/tags/acme", None),
        f"{host} tags:caturday:{day}": ("#caturday", None, None),
        f"{host} statuses:https://m.example/users/marked1/statuses/1:{day}": (
            "hot\nAcme burns", "https://m.example/@marked1/1", "marked1@127.0.0.1"),
        f"{host} links:https://news.example/1:{day}": ("Acme recalls\nkettles", "https://news.example/1", None),
        f"bluesky:acme-fire:{day}": ("Acme fire\nacme-fire\na kettle", "https://bsky.app/profile/x/feed/1", None),
        f"bluesky:borealis:{day}": ("Borealis", "https://bsky.app/hashtag/b", None),
        f"google NL:acme kettle:{day}": ("acme kettle\nKettles of Acme recalled", "https://news.example/1", None),
        f"google NL:borealis:{day}": ("borealis", None, None),
    }  # fmt: skip
    assert all(item.kind == "trend" and item.dated_by == "seen" for item in items_of(batches))
    assert all(item.source == "trends" and item.created_ms == NOW * 1000 for item in items_of(batches))
    refused = [one for batch in batches for one in batch.refused]
    assert sorted(one.where for one in refused) == [
        f"trends: {host} statuses, entry 2", "trends: bluesky, entry 3", "trends: google NL, entry 3",
    ]  # fmt: skip
    assert not any(b"between us" in one.payload for one in refused)


async def test_an_entry_counts_when_it_enters_and_not_while_it_stays() -> None:
    """And again when it has left for a day; what was there before anybody looked is backfill."""
    lists, wall, tags = (
        Lists(tags=[{"name": "old"}]),
        Wall(),
        {"lists": ["tags"], "bluesky": None, "google": []},
    )
    told: list[tuple[float, str | None, bool]] = []
    async with serve(lists.app()) as address:
        cursor: Cursor | None = None
        for hours in range(100):
            wall.now = NOW + hours * 600
            if 3 <= hours < 20 or hours >= 30:
                lists.tags = [{"name": "old"}, {"name": "Acme"}]
            else:
                lists.tags = [{"name": "old"}]
            batches, cursor = await look(address, wall, cursor, 1, **tags)
            told += [(hours, item.text, batches[0].backfill) for item in items_of(batches)]
        assert told == [(0, "#old", True), (3, "#Acme", False)]
        for days, names in ((3, ["old"]), (3.001, ["old", "Acme"])):
            wall.now, lists.tags = NOW + days * DAY, [{"name": name} for name in names]
            batches, cursor = await look(address, wall, cursor, 1, **tags)
            told += [(days, item.text, batches[0].backfill) for item in items_of(batches)]
    assert told[2:] == [(3, "#old", True), (3.001, "#Acme", False)]


async def test_a_list_that_is_not_there_stops_no_other() -> None:
    lists = Lists(refuses={"statuses": Response(status_code=404), "tags": Response(status_code=503)})
    async with serve(lists.app()) as address:
        batches, _ = await look(address, Wall())
        host = address.inside
    assert [trouble for batch in batches for trouble in batch.troubles] == [
        Trouble(f"trends: {host} tags", "trends: HTTP 503"),
        Trouble(f"trends: {host} statuses", "trends: HTTP 404, nothing is there: is the address right?"),
    ]
    assert len(items_of(batches)) == 5


async def test_it_is_well_again_and_left_alone_for_as_long_as_it_asked() -> None:
    lists, wall = Lists(refuses={"tags": Response(status_code=429, headers={"retry-after": "1000"})}), Wall()
    troubles: list[Trouble] = []
    async with serve(lists.app()) as address:
        config = config_at(address, lists=["tags"], google=[])
        one = TrendsConnector(config, every_s=0.01, wall=wall)
        async with aclosing(Until(one, idle_s=2.0).batches(None)) as batches:
            async for batch in batches:
                troubles += batch.troubles
                if len(troubles) == 2:
                    break
                if lists.asked.count("app.bsky.unspecced.getTrendingTopics") > 3:
                    assert lists.asked.count("tags") == 1
                    lists.refuses, wall.now = {}, NOW + 1_001
    assert [bool(trouble.message) for trouble in troubles] == [True, False]


async def test_all_of_them_failing_is_an_error() -> None:
    config = config_at(Address(free_port()), lists=["tags"])
    with pytest.raises(TemporaryError) as caught:
        await anext(TrendsConnector(config).batches(None))
    assert caught.value.reason is Reason.NETWORK


async def test_what_is_put_aside_is_put_aside_once() -> None:
    async with serve(Lists().app()) as address:
        one = TrendsConnector(config_at(address, lists=["tags"], google=[]), every_s=0.01, wall=Wall())
        refused = []
        async with aclosing(one.batches(None)) as batches:
            for _ in range(6):
                refused += (await anext(batches)).refused
    assert len(refused) == 1


@pytest.mark.parametrize("rss", ["", "<a>", "<html/>", '<!DOCTYPE r [<!ENTITY a "b">]><r>&a;</r>', "\x00"])
async def test_a_feed_that_is_none(rss: str) -> None:
    async with serve(Lists(rss=rss).app()) as address:
        config = config_at(address, mastodon=[], bluesky=None)
        with pytest.raises(TemporaryError) as caught:
            await anext(TrendsConnector(config).batches(None))
    assert caught.value.reason is Reason.MALFORMED


@pytest.mark.parametrize("cursor", ["nonsense", "[]", '{"a": 1}', '{"a": {"read": 1}}'])
async def test_a_foreign_cursor(cursor: str) -> None:
    with pytest.raises(PermanentError) as caught:
        await anext(TrendsConnector(TrendsConfig(name="t")).batches(Cursor(cursor)))
    assert caught.value.reason is Reason.MALFORMED


def test_settings() -> None:
    assert (
        TrendsConfig.model_validate({"name": "t", "mastodon": ["mastodon.nl"]}).mastodon[0].host
        == "mastodon.nl"
    )
    for more in (
        {"mastodon": [], "bluesky": None},
        {"google": ["nl"]},
        {"every": 5},
        {"mastodon": ["ftp://x"]},
    ):
        with pytest.raises(ValidationError):
            TrendsConfig.model_validate({"name": "t", **more})

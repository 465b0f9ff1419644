"""Hacker News on a local port: both its interfaces, over a few stories with comments down to the third level."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.hackernews import HackernewsConfig, HackernewsConnector
from tests.contract.connectors.faults import inside
from warn.ingest.connector import Batch, Connector, Cursor
from warn.model.mention import Item

NOW = 1_764_000_000
BASE = 45_000_000


def story(number: int, second: int, **of: Any) -> dict[str, Any]:
    return {
        "id": BASE + number, "type": "story", "by": f"marker{number % 5}", "time": NOW + second,
        "title": f"Acme kettles &amp; fire {number}", "url": "https://acme.example/recall", "score": 1 + number % 9, **of,
    }  # fmt: skip


def comment(number: int, second: int, parent: int, **of: Any) -> dict[str, Any]:
    return {
        "id": BASE + number, "type": "comment", "by": "marker9", "time": NOW + second, "parent": BASE + parent,
        "text": f"It&#x27;s mine too.<p>So {number} <a href=\"https:&#x2F;&#x2F;x.example\">there</a>", **of,
    }  # fmt: skip


class Site:
    """Items by number, and what is answered for those that are `broken`; its search gives at most `PER_PAGE` at once, newest
    first.
    """

    def __init__(self, items: Sequence[dict[str, Any]]) -> None:
        self.items = {item["id"]: item for item in items}
        self.updates: list[int] = []
        self.searches: list[dict[str, str]] = []
        self.live: list[str] = []
        self.live_status = 200
        self.newest: int | None = None
        self.broken: dict[int, Response] = {}
        self.base = ""
        routes = [Route("/api/v1/search_by_date", self.search), Route("/v0/{what:path}", self.firebase)]
        self.app = Starlette(routes=routes)

    def root(self, item: Mapping[str, Any]) -> int:
        while item["type"] == "comment":
            item = self.items[item["parent"]]
        return int(item["id"])

    def hit(self, item: Mapping[str, Any]) -> dict[str, Any]:
        hit = {
            "objectID": str(item["id"]), "author": item.get("by"), "created_at_i": item["time"],
            "_tags": [item["type"], f"story_{self.root(item)}"], "story_id": self.root(item),
            "_highlightResult": {"title": {"value": "<em>Acme</em>"}},
        }  # fmt: skip
        if item["type"] == "comment":
            return {**hit, "comment_text": item["text"], "parent_id": item["parent"]}
        return {**hit, "title": item["title"], "url": item["url"], "points": item["score"], "num_comments": 7}

    async def search(self, request: Request) -> Response:
        asked = dict(request.query_params)
        self.searches.append(asked)
        limits = re.findall(r"created_at_i([<>])(\d+)", asked["numericFilters"])
        phrase = asked.get("query", "").strip('"').casefold()
        under = {int(number) for number in re.findall(r"story_(\d+)", asked["tags"])}
        found = [
            item
            for item in self.items.values()
            if not item.get("dead") and not item.get("deleted") and item["type"] in asked["tags"].partition(",(")[0]
            and all(item["time"] > int(n) if sign == ">" else item["time"] < int(n) for sign, n in limits)
            and phrase in f"{item.get('title')} {item.get('text')}".casefold()
            and (not under or self.root(item) in under)
        ]  # fmt: skip
        found.sort(key=lambda item: (-item["time"], -item["id"]))
        hits = [self.hit(item) for item in found[: int(asked["hitsPerPage"])]]
        return JSONResponse({"hits": hits, "nbHits": len(found), "page": 0})

    async def firebase(self, request: Request) -> Response:
        what = request.path_params["what"]
        self.live.append(what)
        if self.live_status != 200:
            return Response(status_code=self.live_status)
        if what == "maxitem.json":
            return JSONResponse(self.newest or max(self.items))
        if what == "updates.json":
            return JSONResponse({"items": self.updates, "profiles": ["marker1"]})
        number = int(what.removeprefix("item/").removesuffix(".json"))
        return self.broken.get(number) or JSONResponse(self.items.get(number))

    def config(self, **of: Any) -> HackernewsConfig:
        settings = {
            "name": "hackernews", "search_url": f"{self.base}/api/v1", "live_url": f"{self.base}/v0",
            "inside": (inside(self.base),),
        }  # fmt: skip
        return HackernewsConfig(**{**settings, **of})

    def connector(self, **of: Any) -> HackernewsConnector:
        return HackernewsConnector(self.config(**of), every_s=0.01, wall=lambda: NOW)


def filled() -> Site:
    """Some stories that name Acme and some that do not, with comments down to the third level."""
    items: list[dict[str, Any]] = []
    for n in range(40):
        of = {} if n % 3 == 0 else {"title": "kettles of others", "url": "https://other.example"}
        items += [story(4 * n, n - 4_000, **of), comment(4 * n + 1, n - 3_000, 4 * n)]
        items += [comment(4 * n + 2, n - 2_000, 4 * n + 1), comment(4 * n + 3, n - 1_000, 4 * n + 2)]
    items += [
        comment(160, -50, 5, text="I have an Acme one"),
        comment(161, -40, 160),
        comment(162, -30, 161),
    ]
    items += [story(163, -20, deleted=True), comment(164, -10, 0, dead=True)]
    return Site(items)


async def some(connector: Connector, batches: int, cursor: Cursor | None = None) -> list[Batch]:
    async with asyncio.timeout(20), aclosing(connector.batches(cursor)) as read:
        return [await anext(read) for _ in range(batches)]


def items_of(batches: Sequence[Batch]) -> list[Item]:
    return [item for batch in batches for item in batch.items]

"""The Discourse connector against a forum on a local port."""

import asyncio
import json
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import HttpUrl, SecretStr, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.discourse import MOST_PAGES, DiscourseConfig, DiscourseConnector
from connectors.discourse.posts import read_posts
from tests.contract.connectors.faults import check_faults, inside
from tests.contract.connectors.service import serve
from warn.ingest.connector import Batch, Connector, Cursor
from warn.model.errors import PermanentError, Reason
from warn.testing.check_connector import Made, Until, check_connector

T0 = 1_764_000_000
KEY = "k3y-s3same"
GOVERNANCE = {
    "purpose": "hear early when a product hurts somebody",
    "owner": "head of communications",
    "notice_url": "https://intranet.example/we-listen",
    "dpia": "register of processing",
    "works_council": "agreed on 3 March",
}


def date(number: int) -> str:
    return datetime.fromtimestamp(T0 + number, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def post(number: int, topic: int = 11, place: int | None = None, **of: Any) -> dict[str, Any]:
    return {
        "id": number,
        "username": f"marker{number % 5}",
        "created_at": date(number),
        "updated_at": date(number),
        "cooked": f"<p>The <b>Acme</b> kettle {number}</p>",
        "raw": f"The **Acme** kettle {number}",
        "post_number": number if place is None else place,
        "post_type": 1,
        "reply_to_post_number": None,
        "topic_id": topic,
        "topic_title": "Kettles",
        "category_id": 4,
        "version": 1,
        "actions_summary": [{"id": 2, "count": number % 3}],
        "deleted_at": None,
        "user_deleted": False,
        "hidden": False,
        **of,
    }


class Forum:
    """A forum. `closed`: categories that a key shows and others do not. `spans`: pages go by number, as in old releases."""

    def __init__(self, posts: list[dict[str, Any]]) -> None:
        self.posts = posts
        self.closed: set[int] = set()
        self.spans = False
        self.inclusive = True
        self.asked: list[str] = []
        self.base = ""
        routes = [Route("/forum/posts.json", self.latest), Route("/forum/site.json", self.site)]
        self.app = Starlette(routes=routes)

    async def latest(self, request: Request) -> Response:
        before = int(request.query_params.get("before", "0")) or 10**9
        self.asked.append(request.url.path)
        found = [p for p in self.posts if p["id"] < before + self.inclusive]
        found.sort(key=lambda p: -p["id"])
        if self.spans and before < 10**9:
            found = [p for p in found if p["id"] > before - 50]
        found = found[:50]
        if request.headers.get("api-key") != KEY:
            found = [p for p in found if p["category_id"] not in self.closed]
        return JSONResponse({"latest_posts": found})

    async def site(self, request: Request) -> Response:
        self.asked.append(request.url.path)
        known = {p["category_id"] for p in self.posts if p.get("category_id")} | self.closed
        return JSONResponse(
            {"categories": [{"id": n, "read_restricted": n in self.closed} for n in sorted(known)]}
        )

    def config(self, **of: Any) -> DiscourseConfig:
        settings = {"name": "forum", "url": f"{self.base}/forum", "inside": (inside(self.base),)}
        return DiscourseConfig(**{**settings, **of})

    def connector(self, **of: Any) -> DiscourseConnector:
        return DiscourseConnector(self.config(**of), every_s=0.01, between_s=0.0)


async def some(connector: Connector, batches: int, cursor: Cursor | None = None) -> list[Batch]:
    async with asyncio.timeout(20), aclosing(connector.batches(cursor)) as read:
        return [await anext(read) for _ in range(batches)]


def place(last: int, likes: dict[str, int] | None = None) -> Cursor:
    return Cursor(json.dumps({"last": last, "at": T0 + last, "likes": likes or {}}))


async def test_contract() -> None:
    forum = Forum([post(n) for n in range(1, 400)])
    forum.posts[390] |= {"version": 2, "updated_at": date(395)}
    forum.posts[391] |= {"user_deleted": True}
    async with serve(forum.app) as address:
        forum.base = address.url

        def make() -> Made:
            looks = [0]

            def over(_: Batch) -> bool:
                looks[0] += 1
                return looks[0] == 3

            return forum.config(), Until(forum.connector(), over)

        await check_connector(make, secrets=["marker1"])


async def test_a_crash_in_the_middle_of_catching_up_loses_and_doubles_nothing() -> None:
    forum = Forum([post(n) for n in range(1, 1_000)])
    async with serve(forum.app) as address:
        forum.base = address.url
        first = await some(forum.connector(), 2, place(100))
        second = await some(forum.connector(), 3, first[-1].cursor)
    ids = [item.id for batch in first + second for item in batch.items if item.kind != "update"]
    assert {f"11/{n}" for n in range(101, 1_000)} <= set(ids)
    updates = [item for batch in first + second for item in batch.items if item.kind == "update"]
    assert len(updates) == len({item.id for item in updates}) == 50


async def test_what_a_post_says() -> None:
    quoted = 'I agree\n[quote="marker2, post:1"]Acme [quote]is[/quote] bad[/quote]\nwith all of it'
    forum = Forum([
        post(1, place=1), post(2, place=2), post(3, place=3, reply_to_post_number=2, raw=quoted), post(4, raw=None),
    ])  # fmt: skip
    async with serve(forum.app) as address:
        forum.base = address.url
        (found,) = await some(forum.connector(), 1)
    root, direct, reply, cooked = (item for item in found.items if item.kind != "update")
    assert (root.kind, root.id, root.thread, root.reply_to) == ("post", "11/1", "11/1", None)
    assert (root.text, root.author) == ("Kettles\nThe **Acme** kettle 1", "marker1")
    assert root.url == f"{forum.base}/forum/t/11/1"
    assert (direct.kind, direct.thread, direct.reply_to) == ("reply", "11/1", "11/1")
    assert (reply.reply_to, reply.text) == ("11/2", "I agree\n\nwith all of it")
    assert cooked.text == "The Acme kettle 4"
    assert [(item.id, item.engagement) for item in found.items if item.kind == "update"] == [
        ("11/1", (1, 0, 0, 0)), ("11/2", (2, 0, 0, 0)), ("11/3", (0, 0, 0, 0)), ("11/4", (1, 0, 0, 0)),
    ]  # fmt: skip


@pytest.mark.parametrize("raw", ["[quote]Acme", "Acme[/quote]", "[quote Acme", "[/quote]Acme[quote]"])
def test_quotes_that_do_not_match_are_text(raw: str) -> None:
    body = json.dumps({"latest_posts": [post(2, raw=raw)]}).encode()
    (one,) = read_posts(body, "forum", "https://forum.example").posts
    assert one.item is not None
    assert one.item.text == raw


@pytest.mark.parametrize("spans", [False, True])
@pytest.mark.parametrize("inclusive", [False, True])
async def test_pages_are_read_down_to_where_we_were(spans: bool, inclusive: bool) -> None:
    """Whichever way a release gives its pages, and with pages of which nothing is for us."""
    forum = Forum([post(n, category_id=9 if 300 < n < 420 or n % 7 == 0 else 4) for n in range(1, 500)])
    forum.closed, forum.spans, forum.inclusive = {9}, spans, inclusive
    async with serve(forum.app) as address:
        forum.base = address.url
        found = await some(forum.connector(), 2, place(120))
    ids = {item.id for batch in found for item in batch.items if item.kind != "update"}
    assert {f"11/{n}" for n in range(121, 500) if not 300 < n < 420 and n % 7} <= ids
    assert not found[0].gaps


async def test_what_lies_too_far_behind_is_a_gap() -> None:
    forum = Forum([post(n) for n in range(1, 3_000)])
    async with serve(forum.app) as address:
        forum.base = address.url
        (found,) = await some(forum.connector(), 1, place(100))
    (gap,) = found.gaps
    assert gap.start == T0 + 100
    assert 2_999 - 50 * MOST_PAGES <= gap.end - T0 <= 2_999 - 48 * MOST_PAGES
    assert min(item.created_ms for item in found.items) == gap.end * 1000


async def test_likes_edits_and_deletes() -> None:
    forum = Forum([post(n) for n in range(1, 9)])
    async with serve(forum.app) as address:
        forum.base = address.url
        async with asyncio.timeout(10), aclosing(forum.connector().batches(None)) as read:
            await anext(read)
            same = await anext(read)
            forum.posts[2]["actions_summary"][0]["count"] = 40
            forum.posts[3] |= {"version": 2, "updated_at": date(90), "raw": "The Acme kettle burns"}
            forum.posts[4] |= {"deleted_at": date(91)}
            forum.posts[7] |= {"hidden": True, "raw": "hidden by the community"}
            del forum.posts[5]
            changed = await anext(read)
            later = await anext(read)
    assert {item.kind for item in same.items} == {"post", "reply"}
    told = [(item.kind, item.id) for item in changed.items if item not in same.items]
    assert told == [
        ("delete", "11/5"), ("delete", "11/6"), ("delete", "11/8"), ("update", "11/3"), ("reply", "11/4"), ("edit", "11/4"),
        ("delete", "11/5"),
    ]  # fmt: skip
    (edit,) = [item for item in changed.items if item.kind == "edit"]
    assert (edit.text, edit.created_ms) == ("The Acme kettle burns", (T0 + 90) * 1000)
    assert not any(item.text == "hidden by the community" for item in changed.items)
    assert ("delete", "11/6") not in [(item.kind, item.id) for item in later.items]


async def test_an_empty_listing_deletes_nothing() -> None:
    forum = Forum([post(n) for n in range(1, 9)])
    async with serve(forum.app) as address:
        forum.base = address.url
        async with asyncio.timeout(10), aclosing(forum.connector().batches(None)) as read:
            await anext(read)
            forum.posts = []
            assert (await anext(read)).items == ()


async def test_a_key_opens_nothing_that_is_not_for_everybody() -> None:
    forum = Forum([post(n, category_id=9 if n % 2 else 4) for n in range(1, 20)])
    forum.posts += [post(20, category_id=None), post(21, post_type=4, raw="whispered")]
    forum.closed = {9}
    async with serve(forum.app) as address:
        forum.base = address.url
        async with asyncio.timeout(10):
            read = forum.connector(api_key=KEY).batches(None)
            async with aclosing(read):
                found = await anext(read)
                forum.posts += [post(30, category_id=77), post(31, category_id=78)]
                forum.closed.add(78)
                later = await anext(read)
    assert {int(item.id.partition("/")[2]) for item in found.items} == set(range(2, 20, 2))
    assert {item.id for item in later.items} - {item.id for item in found.items} == {"11/30"}
    assert forum.asked.count("/forum/site.json") == 2


async def test_a_forum_of_staff_is_read_where_it_is_governed_and_in_the_categories_named() -> None:
    forum = Forum([post(n, category_id=9 if n % 2 else 4) for n in range(1, 20)])
    forum.posts.append({"id": 3, "raw": "a broken one by marker3"})
    forum.closed = {9, 4}
    async with serve(forum.app) as address:
        forum.base = address.url
        internal = {"role": "internal", "governance": GOVERNANCE, "api_key": KEY}
        (found,) = await some(forum.connector(**internal, categories=(9,)), 1)
        with pytest.raises(ValidationError, match="name the `categories`"):
            forum.config(**internal)
        with pytest.raises(ValidationError, match="governance"):
            forum.config(role="internal", api_key=KEY, categories=(9,))
    assert {int(item.id.partition("/")[2]) for item in found.items} == set(range(1, 20, 2))
    assert [(one.message, one.payload) for one in found.refused] == [("topic_id: no number", b"")]


async def test_a_broken_post_stops_nothing_and_is_told_once() -> None:
    forum = Forum([post(n) for n in range(1, 5)])
    forum.posts[0] = {**post(1), "created_at": "yesterday"}
    forum.posts[1] = {**post(2), "post_number": "two"}
    async with serve(forum.app) as address:
        forum.base = address.url
        first, second = await some(forum.connector(), 2)
    assert [one.message for one in first.refused] == ["post_number: no number", "created_at: no date"]
    assert {item.id for item in first.items} == {"11/3", "11/4"}
    assert second.refused == ()


@pytest.mark.parametrize(
    "cursor", ["nonsense", "{}", '{"last": "x", "at": 1}', '{"last": 1, "at": 1, "likes": []}']
)
async def test_a_foreign_cursor(cursor: str) -> None:
    forum = Forum([])
    forum.base = "http://127.0.0.1:9"
    with pytest.raises(PermanentError) as caught:
        await some(forum.connector(), 1, Cursor(cursor))
    assert caught.value.reason is Reason.MALFORMED


async def test_faults() -> None:
    def make(url: str, **of: Any) -> Connector:
        config = DiscourseConfig(name="forum", url=HttpUrl(url), inside=(inside(url),), **of)
        return DiscourseConnector(config, between_s=0.0)

    await check_faults(make, place="discourse", remedy="make a key in Admin")
    await check_faults(
        lambda url: make(url, api_key=SecretStr(KEY)),
        place="discourse",
        remedy="make a key in Admin",
        secrets=[KEY],
    )

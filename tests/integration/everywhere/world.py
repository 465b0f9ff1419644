"""Every source that warn listens to, on local ports, full of marked people."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from email.utils import formatdate
from pathlib import Path
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.bluesky.events import LIKE, POST
from tests.contract.connectors import test_discourse, test_trends, test_zendesk, workspace
from tests.contract.connectors.fediverse import Fediverse, number, status
from tests.contract.connectors.hackernews_site import Site, comment, story
from tests.contract.connectors.jetstream import Jetstream, commit
from tests.contract.connectors.recentchange import EventStreams, change
from tests.contract.connectors.service import Address, serve
from tests.integration.everywhere.people import PEOPLE, Person

HOMES: Final = (
    "bluesky", "mastodon", "hackernews", "press", "gdelt", "wiki", "trends", "forum", "care", "staff", "drop", "pipe",
    "hook", "listening", "mail",
)  # fmt: skip
"""Sources in which somebody writes."""


def of(source: str) -> tuple[Person, ...]:
    """Who writes there: everybody has one home."""
    return PEOPLE[HOMES.index(source) :: len(HOMES)]


def iso(second: float) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def author(source: str, one: Person) -> str:
    """What `warn erase` calls this person at home."""
    return {
        "bluesky": one.did, "mastodon": f"{one.handle}@home.example", "care": str(one.number), "staff": one.uid,
        "mail": one.mail, "listening": str(one.number),
    }.get(source, one.handle)  # fmt: skip


class World:
    """All servers. `now`: when it was made, in seconds; what is there was said a moment before."""

    def __init__(self) -> None:
        self.now = int(time.time())
        self.jetstream = Jetstream([])
        self.fediverse = Fediverse()
        self.site = Site([])
        self.streams = EventStreams([])
        self.lists = test_trends.Lists()
        self.forum = test_discourse.Forum([])
        self.desk = test_zendesk.Desk([])
        self.slack = workspace.Workspace()
        self.at: dict[str, Address] = {}
        self.told: list[bytes] = []
        self._fill()

    @asynccontextmanager
    async def open(self) -> AsyncIterator["World"]:
        """While they can be asked."""
        apps = {
            "bluesky": self.jetstream.app(), "mastodon": self.fediverse.app(), "hackernews": self.site.app,
            "wiki": self.streams.app(), "trends": self.lists.app(), "forum": self.forum.app, "care": self.desk.app,
            "staff": self.slack.app, "web": self._web(),
        }  # fmt: skip
        async with AsyncExitStack() as stack:
            for name, app in apps.items():
                self.at[name] = await stack.enter_async_context(serve(app))
            self.slack.base = self.at["staff"].url
            yield self

    def _fill(self) -> None:
        self._fill_bluesky()
        self.fediverse.coming = [("update", self.toot(one)) for one in of("mastodon")]
        self.fediverse.coming += [
            ("update", {"id": "1", "visibility": "public", "account": {"acct": of("mastodon")[0].handle}})
        ]
        self._fill_hackernews()
        self.streams.events = [
            change(0, user=one.handle, comment=one.says(), meta={"dt": iso(self.now), "domain": "nl.wikipedia.org"},
                   parsedcomment=f'<a href="/wiki/User:{one.other.handle}">{one.says()}</a>',
                   revision={"old": 1, "new": 7_000 + one.n})
            for one in of("wiki")
        ]  # fmt: skip
        broken = change(0, user=of("wiki")[0].handle, meta={"dt": "never", "domain": "nl.wikipedia.org"})
        self.streams.events = [*self.streams.events, broken]
        self.lists.statuses = [
            {**self.toot(one), "uri": f"https://m.example/users/{one.handle}/1"} for one in of("trends")
        ] + [{"account": {"acct": of("trends")[0].handle}, "visibility": "direct"}]
        self.lists.tags = [{"name": f"Acme{one.handle}"} for one in of("trends")]
        self.lists.topics = [
            {"topic": one.name, "displayName": f"Acme and {one.name}"} for one in of("trends")
        ]
        self.forum.posts = [self.post(one) for one in of("forum")]
        self.forum.posts += [
            {"id": 900, "username": of("forum")[0].handle, "cooked": "no date", "category_id": 4}
        ]
        self.desk.tickets = [self.ticket(one) for one in of("care")]
        self.desk.tickets += [
            {"id": "no number", "requester_id": of("care")[0].number, "subject": of("care")[0].name}
        ]
        for one in of("staff"):
            self.slack.channels["C0NEWS"].append(self.message(one))
        self.slack.channels["C0NEWS"].append({"user": of("staff")[0].uid, "text": of("staff")[0].says()})

    def _fill_bluesky(self) -> None:
        events = []
        for one in of("bluesky"):
            mention = {"features": [{"$type": "app.bsky.richtext.facet#mention", "did": one.other.did},
                                    {"$type": "app.bsky.richtext.facet#link", "uri": f"https://bsky.app/profile/{one.other.handle}"}],
                       "index": {"byteStart": 0, "byteEnd": 4}}  # fmt: skip
            card = {
                "external": {
                    "uri": f"https://x.example/@{one.handle}",
                    "title": one.name,
                    "description": one.mail,
                }
            }
            events.append(
                self._event(
                    len(events), one, POST, "p", {"text": one.says(), "facets": [mention], "embed": card}
                )
            )
            root = {"uri": f"at://{one.did}/{POST}/p"}
            replied = {"text": f"shame @{one.handle}", "reply": {"root": root, "parent": root}}
            events.append(self._event(len(events), one.other, POST, f"r{one.n}", replied))
            events.append(self._event(len(events), one.other, LIKE, f"l{one.n}", {"subject": root}))
        first = of("bluesky")[0]
        self.jetstream.events = events
        self.jetstream.extra = {
            1: [json.dumps({"did": first.did, "kind": "commit", "handle": first.handle, "name": first.name})]
        }

    def _event(
        self, n: int, one: Person, collection: str, rkey: str, record: Any, what: str = "create"
    ) -> Any:
        return commit(n, one.did, collection, rkey, record, what, us=self.now * 1_000_000 + n)

    def _fill_hackernews(self) -> None:
        items = []
        for i, one in enumerate(of("hackernews")):
            of_it = {
                "by": one.handle,
                "title": f"Acme kettle {one.n:02}: {one.name}",
                "url": f"https://x.example/@{one.other.handle}",
            }
            told = story(2 * i, 0, **of_it) | {"time": self.now - 30}
            reply = comment(
                2 * i + 1, 0, 2 * i, by=one.other.handle, text=f"<p>Acme again, {one.name} (@{one.handle})"
            ) | {"time": self.now - 20}
            items += [told, reply]
        self.site.items = {item["id"]: item for item in items}

    def toot(self, one: Person) -> dict[str, Any]:
        """A status that mentions somebody, with an avatar and a card."""
        html = (
            f'<span class="h-card"><a href="https://home.example/@{one.other.handle}" class="u-url mention" '
            f'title="{one.other.name}">@<span>{one.other.handle}</span></a></span> {one.says()}'
        )
        return status(
            one.n, html, one.handle, id=number(one.n, self.now * 1000), created_at=iso(self.now),
            card={"url": f"https://x.example/@{one.handle}", "title": one.name}, media_attachments=[{"description": one.mail}],
            account={"acct": one.handle, "followers_count": 30_000, "display_name": one.name,
                     "avatar": f"https://home.example/avatars/{one.handle}.png"},
        )  # fmt: skip

    def post(self, one: Person, **more: Any) -> dict[str, Any]:
        """A post of the forum."""
        words = f'<aside class="quote" data-username="{one.other.handle}"><img alt="{one.name}"></aside><p>{one.says()}'
        return test_discourse.post(
            one.n + 1, topic=one.n + 1, place=1, username=one.handle, name=one.name, created_at=iso(self.now),
            updated_at=iso(self.now), cooked=words, raw=one.says(), topic_slug=one.name.lower(),
            avatar_template=f"/user_avatar/{one.handle}/1.png", topic_title=f"Acme {one.name}", **more,
        )  # fmt: skip

    def ticket(self, one: Person, **more: Any) -> dict[str, Any]:
        """What a customer wrote."""
        return test_zendesk.ticket(
            one.n + 1, 0, created_at=iso(self.now), updated_at=iso(self.now), requester_id=one.number,
            submitter_id=one.number, description=one.says(), via={"source": {"from": {"address": one.mail}}}, **more,
        )  # fmt: skip

    def message(self, one: Person) -> dict[str, Any]:
        """What a colleague wrote."""
        return {"type": "message", "user": one.uid, "ts": f"{self.now}.{one.n + 1:06}", "text": f"<@{one.other.uid}> {one.says()}",
                "user_profile": {"real_name": one.name}}  # fmt: skip

    def take_back(self) -> set[int]:
        """At every source that tells of deletes somebody takes back what they said, while warn is down; who that is."""
        took = {name: of(name)[1] for name in ("bluesky", "hackernews", "forum", "care", "staff", "drop")}
        one = took["bluesky"]
        self.jetstream.events = [
            *self.jetstream.events,
            self._event(len(self.jetstream.events), one, POST, "p", None, "delete"),
        ]
        for item in self.site.items.values():
            if item.get("by") == took["hackernews"].handle and item["type"] == "story":
                item["deleted"] = True
        for post in self.forum.posts:
            if post["username"] == took["forum"].handle:
                post["user_deleted"] = True
        self.desk.tickets.append(self.ticket(took["care"]) | {"status": "deleted", "description": "SCRUBBED"})
        gone = self.message(took["staff"])
        self.slack.channels["C0NEWS"] = [
            m for m in self.slack.channels["C0NEWS"] if m.get("ts") != gone["ts"]
        ]
        self.slack.tell(1, {"type": "message", "subtype": "message_deleted", "channel": "C0NEWS", "channel_type": "channel",
                            "deleted_ts": gone["ts"], "ts": f"{self.now + 9}.000001", "previous_message": gone})  # fmt: skip
        return {one.n for one in took.values()}

    def _web(self) -> Starlette:
        return Starlette(routes=[
            Route("/feed", self._feed), Route("/moved", self._moved), Route("/gone", self._gone),
            Route("/@{who}/feed", self._feed), Route("/doc", self._doc), Route("/page", self._page, methods=["POST"]),
            Route("/api/v2/instance", self._gone), Route("/api/{rest:path}", self._gone),
        ])  # fmt: skip

    async def _feed(self, request: Request) -> Response:
        items = "".join(
            f"<item><guid>https://x.example/@{one.handle}/{one.n}</guid><author>{one.mail} ({one.name})</author>"
            f"<link>https://x.example/%40{one.handle}/{one.n}</link><title>Acme {one.name}</title>"
            f"<description>&lt;img src='/{one.handle}.png'&gt;{one.says().replace('<', '').replace('&', '')}</description>"
            f"<pubDate>{formatdate(self.now, usegmt=True)}</pubDate></item>"
            for one in of("press")
        )
        return Response(f"<rss version='2.0'><channel><title>{of('press')[0].name}</title>{items}</channel></rss>",
                        media_type="application/rss+xml")  # fmt: skip

    async def _moved(self, _: Request) -> Response:
        return Response(status_code=301, headers={"location": f"/@{of('press')[0].handle}/feed"})

    async def _gone(self, _: Request) -> Response:
        one = of("press")[1]
        return JSONResponse({"error": f"no page of {one.name} (@{one.handle}, {one.mail})"}, 404)

    async def _doc(self, _: Request) -> Response:
        return JSONResponse({"articles": [
            {"url": f"https://paper.example/@{one.handle}", "title": f"Acme, {one.name} says",
             "seendate": datetime.fromtimestamp(self.now, UTC).strftime("%Y%m%dT%H%M%SZ"), "domain": "paper.example",
             "language": "English"} for one in of("gdelt")
        ] + [{"url": f"https://paper.example/@{of('gdelt')[0].handle}", "seendate": "never"}]})  # fmt: skip

    async def _page(self, request: Request) -> Response:
        self.told.append(await request.body())
        return Response(status_code=204)

    def line_back(self, source: str) -> str:
        """The line by which somebody takes back what they said."""
        one = of(source)[1]
        gone = {
            "id": f"{source}/{one.handle}/{one.n}",
            "source": source,
            "created_at": iso(time.time()),
            "kind": "delete",
        }
        return json.dumps(gone) + "\n"

    def lines(self, source: str) -> str:
        """A recording, with a line that is none."""
        made = [
            {"id": f"{source}/{one.handle}/{one.n}", "source": source, "created_at": iso(time.time()), "author": one.handle,
             "text": one.says(), "url": f"https://x.example/@{one.handle}", "followers": 20_000, "thread": f"t/{one.handle}"}
            for one in of(source)
        ]  # fmt: skip
        rows = [json.dumps(one) for one in made]
        return "\n".join([*rows, f'{{"id": "{of(source)[0].handle}", "text": "{of(source)[0].name}']) + "\n"


def write_lines(folder: Path, world: World) -> Path:
    """A folder of recordings, of which one is called as somebody is."""
    folder.mkdir()
    (folder / f"{of('drop')[0].handle}-{of('drop')[1].name.replace(' ', '_')}.jsonl").write_text(
        world.lines("drop")
    )
    return folder

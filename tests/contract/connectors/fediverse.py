"""A stand-in for a Mastodon server: timelines and a stream over posts that the test makes up; and how it is read."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from connectors.mastodon import MastodonConfig, MastodonConnector
from tests.contract.connectors.service import Address
from warn.ingest.connector import Batch, Connector, Cursor, Trouble
from warn.model.errors import WarnError
from warn.model.mention import Item
from warn.testing.check_connector import Until

START_MS: Final = 1_780_000_000_000
Status = dict[str, Any]


def number(n: int, ms: int = START_MS) -> str:
    """As Mastodon makes them: the time, and some bits."""
    return str(((ms + n * 1_000) << 16) + n % 7)


def status(n: int, content: str, author: str = "marked1", home: str = "home.example", **more: Any) -> Status:
    """The nth post, written at that second, as its own server shows it."""
    return {
        "id": number(n),
        "uri": f"https://{home}/users/{author}/statuses/{n}",
        "url": f"https://{home}/@{author}/{n}",
        "created_at": datetime.fromtimestamp(START_MS / 1000 + n, UTC).isoformat().replace("+00:00", "Z"),
        "edited_at": None, "in_reply_to_id": None, "visibility": "public", "language": "en", "spoiler_text": "",
        "content": f"<p>{content}</p>", "favourites_count": 0, "reblog": None, "quote": None, "poll": None, "card": None,
        "media_attachments": [],
        "account": {"acct": author if home == "home.example" else f"{author}@{home}", "followers_count": 12},
        "tags": [{"name": word[1:].lower()} for word in content.split() if word.startswith("#")],
        **more,
    }  # fmt: skip


@dataclass
class Fediverse:
    """`posts`: what its timelines hold. `coming`: events of the stream in order, (name, data); what is an update joins
    the timelines when it is sent. `cuts`: after so many events a stream ends. `apart`: what comes while none is open.
    """

    posts: list[Status] = field(default_factory=list)
    coming: list[tuple[str, Any]] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)
    apart: int = 0
    token: str = "t0k3n"
    domain: str = "home.example"
    access: dict[str, dict[str, str]] = field(default_factory=dict)
    instance: int = 200
    streams: str | None = None
    refuses: int = 0
    most: int = 40
    sent: int = 0
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    def app(self) -> Starlette:
        """To be served."""
        return Starlette(
            routes=[
                Route("/api/v2/instance", self._instance),
                Route("/api/v1/timelines/public", self._timeline),
                Route("/api/v1/timelines/tag/{tag}", self._timeline),
                Route("/api/v1/streaming/public", self._stream),
                Route("/api/v1/streaming/public/local", self._stream),
            ]
        )

    def _refuse(self, request: Request, needs_token: bool) -> Response | None:
        self.asked.append((request.url.path, dict(request.query_params)))
        given = request.headers.get("authorization")
        if self.refuses:
            return JSONResponse({"error": "no"}, self.refuses, self.headers)
        if given not in {None, f"Bearer {self.token}"} or (needs_token and given is None):
            return JSONResponse({"error": "The access token is invalid"}, 401)
        return None

    async def _instance(self, request: Request) -> Response:
        if (no := self._refuse(request, False)) is not None:
            return no
        urls = {} if self.streams is None else {"streaming": self.streams}
        said = {"domain": self.domain, "configuration": {"urls": urls, "timelines_access": self.access}}
        return JSONResponse(said, self.instance)

    async def _timeline(self, request: Request) -> Response:
        kind = "hashtag_feeds" if "tag" in request.path_params else "live_feeds"
        says = self.access.get(kind, {}).get("local", "public")
        if (no := self._refuse(request, says != "public")) is not None:
            return no
        tag = request.path_params.get("tag")
        posts = [one for one in self.posts if tag is None or tag in [t["name"] for t in one["tags"]]]
        posts.sort(key=lambda one: int(one["id"]))
        limit = min(int(request.query_params.get("limit", 20)), self.most)
        if "min_id" in request.query_params:
            posts = [one for one in posts if int(one["id"]) > int(request.query_params["min_id"])][:limit]
        elif "max_id" in request.query_params:
            posts = [one for one in posts if int(one["id"]) < int(request.query_params["max_id"])][-limit:]
        else:
            posts = posts[-limit:]
        return JSONResponse(posts[::-1], headers=self.headers)

    async def _stream(self, request: Request) -> Response:
        if (no := self._refuse(request, True)) is not None:
            return no
        return StreamingResponse(self._events(), media_type="text/event-stream")

    async def _events(self) -> AsyncIterator[str]:
        yield ":)\n"
        left = self.cuts.pop(0) if self.cuts else -1
        while True:
            if left == 0:
                for _ in range(self.apart):
                    self.happens()
                return
            event = self.happens()
            if event is None:
                yield ":thump\n"
                await asyncio.sleep(0.05)
                continue
            name, data = event
            said = data if isinstance(data, str) else json.dumps(data)
            yield f"event: {name}\ndata: {said}\n\n"
            left -= 1
            await asyncio.sleep(0.03 if left % 5 == 0 else 0)

    def happens(self) -> tuple[str, Any] | None:
        """The next thing, whether anybody hears of it or not."""
        if self.sent >= len(self.coming):
            return None
        name, data = self.coming[self.sent]
        self.sent += 1
        if name == "update" and isinstance(data, dict) and "id" in data:
            self.posts.append(data)
        elif name == "status.update":
            self.posts = [data if one["id"] == data["id"] else one for one in self.posts]
        elif name == "delete":
            self.posts = [one for one in self.posts if one["id"] != data]
        return name, data


TOKEN: Final = "t0k3n"


def posts(first: int, last: int, said: str = "Acme kettle number {}", **more: Any) -> list[dict[str, Any]]:
    return [status(n, said.format(n), f"marked{n % 9}", **more) for n in range(first, last)]


def config_at(*addresses: Address, hashtags: Sequence[str] = (), **server: Any) -> MastodonConfig:
    return MastodonConfig.model_validate({
        "name": "mastodon", "inside": [one.inside for one in addresses], "hashtags": hashtags,
        "servers": [{"host": one.url, **server} for one in addresses],
    })  # fmt: skip


def connector(config: MastodonConfig) -> MastodonConnector:
    return MastodonConnector(config, every_s=0.02, between_s=0.0, silence_s=0.5, chance=random.Random(1))


async def read(
    one: Connector, until: Callable[[list[Batch]], bool], cursor: Cursor | None = None, idle_s: float = 1.0
) -> tuple[list[Batch], WarnError | None]:
    """Until enough has come, nothing comes, or it fails."""
    found: list[Batch] = []
    try:
        async with aclosing(Until(one, idle_s=idle_s).batches(cursor)) as batches:
            async for batch in batches:
                found.append(batch)
                if until(found):
                    break
    except WarnError as e:
        return found, e
    return found, None


def items_of(batches: Sequence[Batch]) -> list[Item]:
    return [item for batch in batches for item in batch.items]


def troubles_of(batches: Sequence[Batch]) -> list[Trouble]:
    return [trouble for batch in batches for trouble in batch.troubles]


def last_cursor(batches: Sequence[Batch]) -> Cursor:
    return next(batch.cursor for batch in reversed(batches) if batch.cursor)


def ids(items: Sequence[Item]) -> list[tuple[str, str]]:
    return [(item.kind, item.id.rpartition("/")[2]) for item in items]

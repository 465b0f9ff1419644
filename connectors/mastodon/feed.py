"""One timeline of one server, followed for ever: what it holds is told to a queue, and so is whatever goes wrong."""

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, NamedTuple, NoReturn
from urllib.parse import quote

from msgspec import Struct

from connectors.mastodon.server import Scope, Server, allowed
from connectors.mastodon.statuses import NotReadError, Post, refusal
from warn.ingest.backoff import Backoff
from warn.ingest.burst import burst
from warn.ingest.connector import Gap, Refused
from warn.model.errors import Reason, TemporaryError, WarnError
from warn.model.mention import Item

PAGES: Final = (40, 5, 1)
"""Posts that are asked for at once; fewer where so many cannot be read."""
FULL: Final = 20
"""A page of so many is followed by another. Servers may give fewer than they are asked for, so one of fewer is the last
only where it held nothing new, or what was written after we began to look.
"""
MOST_PAGES: Final = 60
"""Pages that are made up for; what lies between them and the newest is a gap."""
WARM_PAGES: Final = 5
"""Pages from before a restart that are read again, only to know the numbers of their posts."""
LATE_MS: Final = 20_000
"""Posts of other servers come in late, and take their place by when they were written."""
_TOO_MUCH: Final = frozenset({Reason.MALFORMED, Reason.HOSTILE})
SILENCE_S: Final = 45.0
"""Mastodon says something every 15 s."""
_CLOCK_MS: Final = 86_400_000


class Position(Struct, frozen=True, forbid_unknown_fields=True):
    """How far a timeline was read: the newest post's number, and when it was written (seconds)."""

    id: str
    s: int

    @property
    def order(self) -> tuple[int, str]:
        """Numbers of one server, in the order of their posts."""
        return len(self.id), self.id

    @property
    def rewound(self) -> str:
        """A number from a little before, where numbers tell the time, as those of Mastodon itself do."""
        if not self.id.isdecimal() or abs((int(self.id) >> 16) - self.s * 1000) > _CLOCK_MS:
            return self.id
        return str(max(0, int(self.id) - (LATE_MS << 16)))


class Told(NamedTuple):
    """What a feed has to say. `posts`: each as it stands now, among them deletes of others."""

    feed: str
    posts: tuple[Post | Item, ...] = ()
    refused: tuple[Refused, ...] = ()
    gaps: tuple[Gap, ...] = ()
    at: Position | None = None
    error: WarnError | None = None
    less: str = ""
    """Of what it cannot have, why."""


Tell = Callable[[Told], Awaitable[None]]


class Feed:
    """`tag`: a hashtag's timeline, else the public one, which is streamed where there is a token."""

    def __init__(
        self,
        server: Server,
        tag: str,
        scope: Scope,
        at: Position | None,
        *,
        every_s: float,
        silence_s: float = SILENCE_S,
        chance: random.Random,
    ) -> None:
        self.name = f"{server.label} #{tag}" if tag else server.label
        self.server, self._tag, self._scope, self._at = server, tag, scope, at
        self._path = f"/api/v1/timelines/{'tag/' + quote(tag, safe='') if tag else 'public'}"
        self._every_s, self._silence_s = every_s, silence_s
        self._backoff = Backoff(chance)
        self._params: dict[str, str] = {}

    async def run(self, tell: Tell) -> None:
        """For ever. Raises nothing of its own."""
        loop = asyncio.get_running_loop()
        while True:
            self._backoff.started(loop.time())
            wrong: WarnError
            try:
                await self._read(tell)
            except WarnError as e:
                wrong = e
            except Exception as e:  # noqa: BLE001 - a fault in one feed is told, and stops no other
                wrong = TemporaryError(f"{self.server.place}: {type(e).__name__}", reason=Reason.UNEXPECTED)
            self.server.failed(wrong)
            await tell(Told(self.name, error=wrong))
            await asyncio.sleep(self._backoff.wait(wrong, loop.time()))

    async def _read(self, tell: Tell) -> NoReturn:
        server = self.server
        access = await server.access()
        which = allowed(server, access, "hashtag_feeds" if self._tag else "live_feeds", self._scope)
        self._params = {} if which == "all" else {which: "true"}
        if which != "all" and self._scope in {"all", "hashtags"}:
            whose = "its own people" if which == "local" else "other servers' people"
            await tell(Told(self.name, less=f"only posts of {whose} can be read here; {server.remedy}"))
        if not self._tag and server.has_token:
            await self._follow(access.streams, "" if which == "all" else f"/{which}", tell)
        while True:
            await self._catch_up(tell)
            await asyncio.sleep(self._every_s)

    async def _follow(self, streams: str, which: str, tell: Tell) -> NoReturn:
        """What comes, once what came before is made up for. Raises what ends the stream."""
        url = f"{streams}/api/v1/streaming/public{which}"
        # First of all: of what is deleted once the stream is open nobody tells the number any more.
        await self._warm()
        async with (
            self.server.open_stream(streams) as streaming,
            streaming.events(url, silence_s=self._silence_s) as events,
        ):
            await self._catch_up(tell)
            while True:
                await tell(self._events(await burst(events.receive)))

    async def _warm(self) -> None:
        """Learn the numbers of the last posts from before a restart, which may be deleted or answered now."""
        at = self._at.id if self._at and not len(self.server.reader.numbers) else ""
        for _ in range(WARM_PAGES if at else 0):
            posts, _, _ = await self._page({"max_id": at})
            if not posts or posts[0].number == at:
                return
            at = posts[0].number

    async def _catch_up(self, tell: Tell) -> None:
        """All that is new since the last time, page by page; told even where there is nothing."""
        start = self._at
        if start is None or self._tag:
            # Of a hashtag the newest page is always read: it shows new totals.
            posts, refused, _ = await self._page({})
            if start is None or not posts or Position(posts[0].number, 0).order <= start.order:
                await tell(self._page_told(posts, refused))
                return
        since, began_s = start.rewound, int(time.time())
        for _ in range(MOST_PAGES):
            before = self._at
            try:
                posts, refused, entries = await self._page({"min_id": since})
            except WarnError as e:
                if e.reason not in _TOO_MUCH:
                    raise
                break  # not even the next post alone: it must not keep us here for ever
            await tell(self._page_told(posts, refused))
            if entries < FULL and (self._at is None or self._at == before or self._at.s >= began_s):
                return
            newest = posts[-1].number if posts else since
            if Position(newest, 0).order <= Position(since, 0).order:
                break
            since = newest
        await self._jump(tell)

    async def _jump(self, tell: Tell) -> None:
        """On to the newest page; what lies before it is a gap."""
        at = self._at
        posts, refused, _ = await self._page({})
        gaps: tuple[Gap, ...] = ()
        if at and posts and Position(posts[0].number, 0).order > at.order:
            first = posts[0].item.created_ms // 1000
            gaps = (Gap(at.s, max(at.s, first)),)
        await tell(self._page_told(posts, refused)._replace(gaps=gaps))

    async def _page(self, params: dict[str, str]) -> tuple[list[Post], list[Refused], int]:
        """Posts in order of their numbers, what is none, and how many entries there were."""
        wrong: WarnError | None = None
        for limit in PAGES:
            try:
                answer = await self.server.get(self._path, {"limit": str(limit), **self._params, **params})
                posts, refused, entries = self.server.reader.page(self.name, answer.body)
            except WarnError as e:
                if e.reason not in _TOO_MUCH:
                    raise
                wrong = e
                continue
            posts.sort(key=lambda post: Position(post.number, 0).order)
            return posts, refused, entries
        assert wrong is not None
        raise wrong

    def _page_told(self, posts: Sequence[Post], refused: Sequence[Refused]) -> Told:
        self._move(posts)
        return Told(self.name, tuple(posts), tuple(refused), at=self._at)

    def _move(self, posts: Sequence[Post]) -> None:
        for post in posts:
            at = Position(post.number, post.item.created_ms // 1000)
            if self._at is None or at.order > self._at.order:
                self._at = at

    def _events(self, events: Sequence[Any]) -> Told:
        found: list[Post | Item] = []
        refused: list[Refused] = []
        for event in events:
            try:
                found.append(self._event(event.event, event.data))
            except NotReadError as e:
                refused.append(refusal(f"{self.name}, stream", e, event.data.encode(errors="replace")))
        self._move([one for one in found if isinstance(one, Post)])
        return Told(self.name, tuple(found), tuple(refused), at=self._at)

    def _event(self, kind: str, data: str) -> Post | Item:
        """What an event of the stream says. Raises NotReadError."""
        reader = self.server.reader
        if kind == "delete":
            return reader.delete(data.strip(), int(time.time() * 1000))
        if kind not in {"update", "status.update"}:
            raise NotReadError("an event that is no public post", quiet=True)
        try:
            status = json.loads(data, strict=False)
        except (ValueError, RecursionError):
            raise NotReadError("no JSON") from None
        return reader.post(status)

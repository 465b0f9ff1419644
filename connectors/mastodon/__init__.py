"""Mastodon and what speaks as it does: public posts of several servers, each post once.

With a token a server streams; without one its public timeline is polled, where it allows that. Timelines of hashtags are
polled either way. Every timeline is followed by a task of its own, so that what happens to one happens to no other.
"""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from typing import Annotated, Final, Literal

import msgspec
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from connectors.mastodon.feed import SILENCE_S, Feed, Position, Told
from connectors.mastodon.server import BETWEEN_S, Scope, Server
from connectors.mastodon.statuses import MOST_NUMBERS, MOST_OF_ALL, PLACE, Numbers, Post, as_edit, as_update
from warn.ingest.aside import Aside
from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Batch, Cursor, Gap, Refused, Trouble
from warn.ingest.hosts import host_address
from warn.ingest.kind import Kind
from warn.ingest.rest import Rest, soonest
from warn.model.errors import PermanentError, Reason, WarnError
from warn.model.mention import Item

MOST_KNOWN: Final = 50_000
"""Posts that are remembered while it runs, so that each comes once, whichever servers show it."""
MOST_TOGETHER: Final = 16


def _address(host: str) -> str:
    return host_address(
        host,
        {"": "https", "https": "https", "http": "http"},
        "a name such as mastodon.social, or https:// and a name",
    )


class ServerConfig(BaseModel):
    """`host`: its name. `token`: of an account there, with the scope read:statuses. `read`: `all` that it knows, what
    its own people write (`local`), what other servers' people write (`remote`), or no more than `hashtags`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: Annotated[str, AfterValidator(_address)]
    token: SecretStr | None = None
    read: Scope = "all"


Hashtag = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^#?\w{1,100}$")]


class MastodonConfig(ConnectorConfig):
    """`servers`: at least one. `hashtags`: read on every one of them, with the totals of their newest posts. `every`:
    seconds between two looks at a timeline that is polled; a busy one takes a request a second while it is read.
    """

    type: Literal["mastodon"] = "mastodon"
    servers: tuple[ServerConfig, ...] = Field(min_length=1, max_length=20)
    hashtags: tuple[Hashtag, ...] = Field(default=(), max_length=20)
    every: Annotated[float, Field(ge=10, le=3_600)] = 30.0


class Known:
    """Which posts were told, and how they stood then; the oldest are forgotten."""

    def __init__(self, most: int = MOST_KNOWN) -> None:
        self._most = most
        self._posts: dict[str, tuple[int, int]] = {}

    def news(self, post: Post, now_ms: int) -> Iterable[Item]:
        """What was not told before: the post, that it was changed, a greater total."""
        uri = post.item.id
        before = self._posts.pop(uri, None)
        edited, likes = before or (0, post.likes)
        self._posts[uri] = max(edited, post.edited_ms), max(likes, post.likes)
        if len(self._posts) > self._most:
            del self._posts[next(iter(self._posts))]
        if before is None:
            yield post.item
        if post.edited_ms > edited:
            # Of a post that we meet only now too: it may have been told before we were started.
            yield as_edit(post)
        if post.likes > likes:
            yield as_update(post, now_ms)


class MastodonConnector:
    """The cursor is JSON: for each timeline the newest post that was read. `every_s`, `between_s`, `silence_s`: seconds
    between looks, between requests, and without a sign of life.
    """

    def __init__(
        self,
        config: MastodonConfig,
        *,
        every_s: float | None = None,
        between_s: float = BETWEEN_S,
        silence_s: float = SILENCE_S,
        chance: random.Random | None = None,
    ) -> None:
        self._config = config
        self._every_s = config.every if every_s is None else every_s
        self._between_s, self._silence_s = between_s, silence_s
        self._chance = chance or random.Random()
        self._ill: dict[str, str] = {}
        self._feeds: list[Feed] = []
        self._numbers: dict[str, Numbers] = {}
        self._rests: dict[str, Rest] = {}
        self._aside = Aside()

    @property
    def name(self) -> str:
        return self._config.name

    @property
    def source(self) -> str:
        return self._config.origin

    async def batches(self, cursor: Cursor | None) -> AsyncGenerator[Batch, None]:
        """Raises only where no timeline can be read; until then one that fails is a trouble, and tried again by itself."""
        places = _read_cursor(cursor)
        self._feeds = feeds = self._make(places)
        places = {feed.name: places[feed.name] for feed in feeds if feed.name in places}
        waiting: asyncio.Queue[Told] = asyncio.Queue(MOST_TOGETHER)
        async with AsyncExitStack() as stack:
            for server in {feed.server.url: feed.server for feed in feeds}.values():
                await server.open(stack)
            group = asyncio.TaskGroup()
            await group.__aenter__()
            tasks = [group.create_task(feed.run(waiting.put)) for feed in feeds]
            try:
                async with aclosing(self._gather(waiting, places)) as batches:
                    async for batch in batches:
                        yield batch
            finally:
                for task in tasks:
                    task.cancel()
                # The tasks raise nothing; an error of ours goes on as it is, not in a group of one.
                await group.__aexit__(None, None, None)

    async def _gather(
        self, waiting: asyncio.Queue[Told], places: dict[str, Position]
    ) -> AsyncGenerator[Batch, None]:
        """What the feeds have told, until the last of them fails."""
        known = Known()
        failing: dict[str, WarnError] = {}
        answered = False
        at: Cursor | None = None
        while len(failing) < len(self._feeds):
            told = [await waiting.get()]
            while not waiting.empty() and len(told) < MOST_TOGETHER:
                told.append(waiting.get_nowait())
            for one in told:
                if one.error is not None:
                    failing[one.feed] = one.error
                elif not one.less:
                    failing.pop(one.feed, None)
                if one.at is not None:
                    places[one.feed] = one.at
            if len(failing) == len(self._feeds):
                told = [one for one in told if one.error is None]  # what is raised says it
            if not told:
                break
            batch = self._batch(told, known, places)
            if not answered or batch != Batch(cursor=at):
                yield batch  # the first in any case: it says that somebody answers
            answered, at = True, batch.cursor
        raise soonest(failing.values())

    def _make(self, places: Mapping[str, Position]) -> list[Feed]:
        feeds: list[Feed] = []
        most = min(MOST_NUMBERS, MOST_OF_ALL // len(self._config.servers))
        tags = dict.fromkeys(tag.removeprefix("#").casefold() for tag in self._config.hashtags)
        for one in {one.host: one for one in self._config.servers}.values():
            token = "" if one.token is None else one.token.get_secret_value()
            server = Server(
                one.host, token, self.source, self._config.inside,
                # Numbers stay true: what they were learnt from need not have been committed.
                numbers=self._numbers.setdefault(one.host, Numbers(most)),
                rest=self._rests.setdefault(one.host, Rest()), between_s=self._between_s,
            )  # fmt: skip
            for tag in (*(() if one.read == "hashtags" else ("",)), *tags):
                name = f"{server.label} #{tag}" if tag else server.label
                feed = Feed(
                    server, tag, one.read, places.get(name),
                    every_s=self._every_s, silence_s=self._silence_s, chance=self._chance,
                )  # fmt: skip
                feeds.append(feed)
        if not feeds:
            raise PermanentError(f"{PLACE}: `read: hashtags` and no `hashtags`", reason=Reason.CONFIG)
        return feeds

    def _batch(self, told: Sequence[Told], known: Known, places: Mapping[str, Position]) -> Batch:
        now_ms = int(time.time() * 1000)
        items: list[Item] = []
        refused: list[Refused] = []
        gaps: list[Gap] = []
        troubles: list[Trouble] = []
        for one in told:
            for post in one.posts:
                items += known.news(post, now_ms) if isinstance(post, Post) else (post,)
            refused += self._aside.new(one.refused)
            gaps += one.gaps
            troubles += self._troubles(one)
        moved = Cursor(msgspec.json.encode(dict(sorted(places.items()))).decode()) if places else None
        return Batch(tuple(items), moved, refused=tuple(refused), gaps=tuple(gaps), troubles=tuple(troubles))

    def _troubles(self, told: Told) -> Iterable[Trouble]:
        """What is new about how a feed is doing."""
        where = f"{PLACE}: {told.feed}"
        if told.less:
            where, said = f"{where}, the rest", told.less
        else:
            said = "" if told.error is None else str(told.error)
        if self._ill.get(where, "") != said:
            self._ill[where] = said
            yield Trouble(where, said)


def _read_cursor(cursor: Cursor | None) -> dict[str, Position]:
    if cursor is None:
        return {}
    try:
        return msgspec.json.decode(cursor, type=dict[str, Position])
    except msgspec.MsgspecError:
        raise PermanentError(f"{PLACE}: a cursor that is none of its own", reason=Reason.MALFORMED) from None


KIND = Kind(MastodonConfig, MastodonConnector)

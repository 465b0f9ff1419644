"""A Discourse forum: posts and replies, newest first, page by page down to where we were.

Categories that are not for everybody are read only where a forum of staff is governed, and names them.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from typing import Annotated, Final, Literal, NamedTuple, Self

import msgspec
from pydantic import Field, HttpUrl, SecretStr, model_validator

from connectors.discourse.posts import PLACE, Page, Post, read_categories, read_posts
from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Batch, Cursor, Gap, Refused
from warn.ingest.kind import Kind
from warn.ingest.outbound import Outbound
from warn.model.errors import PermanentError, Reason
from warn.model.mention import COUNTS_ONLY, Item

PER_PAGE: Final = 50
MOST_PAGES: Final = 40
"""Pages in one look (2,000 posts); what lies behind them is a gap."""
CHUNK: Final = 200
BETWEEN_S: Final = 0.5
CATEGORIES_S: Final = 3_600.0
"""Seconds after which it is asked again which categories are for everybody."""
MOST_BODY: Final = 4 * 1024 * 1024
_REMEDIES: Final = {
    403: "make a key in Admin, API keys (read only, for one user) and set it as `api_key`, and the user as `api_user`"
}


class DiscourseConfig(ConnectorConfig):
    """A forum. Public ones need no key."""

    type: Literal["discourse"] = "discourse"
    url: HttpUrl
    """Where it is, with its folder if it has one."""
    categories: tuple[int, ...] = ()
    """Only these, by number, each subcategory by itself; none: all that are for everybody."""
    api_key: SecretStr | None = None
    api_user: str = "system"
    """Whom the key is for."""
    every: Annotated[float, Field(ge=10, le=3_600)] = 60.0
    """Seconds between looks; a forum allows 200 requests a minute unless it is set up otherwise."""

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.role == "internal" and self.api_key is not None and not self.categories:
            raise ValueError("of a forum of staff that is read with a key, name the `categories`")
        return self


class Place(msgspec.Struct, forbid_unknown_fields=True):
    """Where we are: the newest post's number, its date (seconds), and the likes last told of the newest page."""

    last: int
    at: int
    likes: dict[int, int] = {}


class Look(NamedTuple):
    """What one look has found, in order of time. `newest`: the newest page, on which likes and deletes are told by."""

    posts: Sequence[Post]
    newest: Page
    refused: tuple[Refused, ...]
    gaps: tuple[Gap, ...]


class DiscourseConnector:
    """The cursor is JSON: the newest post, and the likes of those that were on the newest page."""

    def __init__(
        self, config: DiscourseConfig, *, every_s: float | None = None, between_s: float = BETWEEN_S
    ) -> None:
        self._config = config
        self._every_s = config.every if every_s is None else every_s
        self._between_s = between_s
        self._base = str(config.url).rstrip("/")
        self._open: Mapping[int, bool] = {}
        self._asked: float | None = None
        self._known: dict[int, Post] = {}
        self._told: set[bytes] = set()

    @property
    def name(self) -> str:
        return self._config.name

    @property
    def source(self) -> str:
        return self._config.origin

    async def batches(self, cursor: Cursor | None) -> AsyncGenerator[Batch, None]:
        """What could not be reached within `MOST_PAGES` pages is a gap."""
        at = _place(cursor)
        self._known, self._asked = {}, None
        async with Outbound(
            PLACE, inside=self._config.inside, headers=self._keys(), remedies=_REMEDIES
        ) as out:
            while True:
                look = await self._look(out, at)
                for batch, place in self._batches(look, at):
                    yield batch
                    at = place
                await asyncio.sleep(self._every_s)

    def _keys(self) -> dict[str, str]:
        key = self._config.api_key
        if key is None:
            return {}
        return {"api-key": key.get_secret_value(), "api-username": self._config.api_user}

    async def _look(self, out: Outbound, at: Place) -> Look:
        posts: dict[int, Post] = {}
        newest = Page((), (), 0)
        refused: list[Refused] = []
        before = 0
        for number in range(MOST_PAGES):
            page = await self._page(out, before)
            newest = newest if number else page
            posts.update((post.number, post) for post in page.posts)
            refused += self._new(page.refused)
            if not number and not page.least:
                break
            # Some releases give the posts with numbers from `before` - 50 on, of which we may see none.
            below = page.least or before - PER_PAGE + 1
            before = before - 1 if before and below >= before else below
            if before <= max(at.last, 0) or not at.last:
                break
            await asyncio.sleep(self._between_s)
        else:
            reached = min((post.created_ms for post in posts.values()), default=0) // 1000
            gap = (Gap(at.at, max(at.at, reached)),)
            return Look(self._sorted(posts), newest, tuple(refused), gap)
        return Look(self._sorted(posts), newest, tuple(refused), ())

    def _sorted(self, posts: Mapping[int, Post]) -> list[Post]:
        return [posts[number] for number in sorted(posts) if self._wanted(posts[number])]

    async def _page(self, out: Outbound, before: int) -> Page:
        params = {"before": str(before)} if before else {}
        answer = await out.get(f"{self._base}/posts.json", params=params, most=MOST_BODY)
        page = await asyncio.to_thread(read_posts, answer.body, self.source, self._base)
        if self._by_key() and self._stale(page):
            answer = await out.get(f"{self._base}/site.json", most=MOST_BODY)
            self._open, self._asked = read_categories(answer.body), time.monotonic()
        return page

    def _by_key(self) -> bool:
        """Whether we may be shown what is not for everybody, and must not read it."""
        return self._config.api_key is not None and self._config.role != "internal"

    def _stale(self, page: Page) -> bool:
        if self._asked is None or time.monotonic() - self._asked > CATEGORIES_S:
            return True
        return any(post.category is not None and post.category not in self._open for post in page.posts)

    def _wanted(self, post: Post) -> bool:
        if self._config.categories and post.category not in self._config.categories:
            return False
        return self._for_all(post)

    def _for_all(self, post: Post) -> bool:
        """Whether everybody may read it, as far as we were asked to mind."""
        return not self._by_key() or (post.category is not None and self._open.get(post.category, False))

    def _new(self, refused: Sequence[Refused]) -> Iterator[Refused]:
        """What was not told yet; of staff and customers without their words."""
        quiet = self._config.role in COUNTS_ONLY
        for one in refused:
            if one.payload not in self._told and len(self._told) < PER_PAGE * MOST_PAGES:
                self._told.add(one.payload)
                yield one._replace(payload=b"") if quiet else one

    def _batches(self, look: Look, at: Place) -> Iterator[tuple[Batch, Place]]:
        """All that a look tells, and where we are after each batch. The last one may be empty."""
        least = look.newest.least
        gone = self._gone(look)
        refused, gaps = look.refused, look.gaps
        likes = {number: n for number, n in at.likes.items() if number >= least}
        last, second = at.last, at.at
        for start in range(0, max(1, len(look.posts)), CHUNK):
            items: list[Item] = [] if start else gone
            for post in look.posts[start : start + CHUNK]:
                items += self._items(post, likes if post.number >= least else None)
                if post.number > last:
                    last, second = post.number, post.created_ms // 1000
            place = Place(last, second, dict(likes))
            yield Batch(items=tuple(items), cursor=_cursor(place), refused=refused, gaps=gaps), place
            refused, gaps = (), ()

    def _items(self, post: Post, likes: dict[int, int] | None) -> Iterator[Item]:
        """What a post says; its likes where they are followed and have changed. `likes`: those told, brought up to date."""
        if post.item is None:
            if post.gone:
                yield post.delete(self.source)
            return
        yield post.item
        if post.edit is not None:
            yield post.edit
        if likes is not None and likes.get(post.number) != post.likes:
            likes[post.number] = post.likes
            yield Item(
                source=self.source,
                id=post.id,
                created_ms=int(time.time() * 1000),
                kind="update",
                thread=post.item.thread,
                engagement=(post.likes, 0, 0, 0),
            )

    def _gone(self, look: Look) -> list[Item]:
        """Deletes of what we read on the newest page when we last looked, and nobody is to read any more: it is not there
        between the others, it is hidden, or it went where not everybody may follow.
        """
        page = {post.number: post for post in look.newest.posts}
        there = {
            number: post for number, post in page.items() if post.item is not None and self._for_all(post)
        }
        gone = [
            post.delete(self.source)
            for number, post in self._known.items()
            if number not in there and (number in page or look.newest.least < number < max(page, default=0))
        ]
        self._known = {number: post for number, post in there.items() if self._wanted(post)}
        return gone


def _cursor(at: Place) -> Cursor:
    return Cursor(msgspec.json.encode(at).decode())


def _place(cursor: Cursor | None) -> Place:
    if cursor is None:
        return Place(0, 0)
    try:
        return msgspec.json.decode(cursor, type=Place)
    except msgspec.MsgspecError:
        raise PermanentError(f"{PLACE}: a cursor that is none of its own", reason=Reason.MALFORMED) from None


KIND = Kind(DiscourseConfig, DiscourseConnector)

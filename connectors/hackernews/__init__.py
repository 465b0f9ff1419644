"""Hacker News: with `terms` what its search finds, and the votes of what was found; without, everything that is written.

Comments are mentions of their own; votes are totals.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from typing import Annotated, Final, Literal

from pydantic import Field, HttpUrl, StringConstraints

from connectors.hackernews.items import PLACE, Entry
from connectors.hackernews.live import Live
from connectors.hackernews.place import NO_VOTES, UNKNOWN, Place, place
from connectors.hackernews.search import Search
from warn.ingest.aside import Aside
from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Batch, Cursor, Gap, Refused, Trouble
from warn.ingest.kind import Kind
from warn.ingest.outbound import Outbound
from warn.model.errors import WarnError
from warn.model.mention import Item

OVERLAP_S: Final = 600
"""The search learns of things late."""
START_S: Final = 7_200
"""How far back the first look after a start goes: so long what was written can be changed or taken back."""
START_ITEMS: Final = 200
MOST_BEHIND: Final = 3_000
"""Items that are made up for, about six hours; what lies before them is a gap."""
CHUNK: Final = 50
MOST_TRIES: Final = 10
MOST_WAITING: Final = 500

Term = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=2, max_length=100, pattern=r'^[^"]+$')
]


class HackernewsConfig(ConnectorConfig):
    """Hacker News; nothing has to be set."""

    type: Literal["hackernews"] = "hackernews"
    terms: tuple[Term, ...] = Field(default=(), max_length=50)
    """Phrases to search for, which is less to read; without any, everything is read and the topics decide."""
    every: Annotated[float, Field(ge=20, le=3_600)] = 30.0
    """Seconds between looks. The search takes 10,000 requests an hour: one for each term, and a few."""
    search_url: HttpUrl = HttpUrl("https://hn.algolia.com/api/v1")
    live_url: HttpUrl = HttpUrl("https://hacker-news.firebaseio.com/v0")


class HackernewsConnector:
    """The cursor is JSON: how far it has read, and the votes last told of the stories that it follows."""

    def __init__(
        self,
        config: HackernewsConfig,
        *,
        every_s: float | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._config = config
        self._every_s = config.every if every_s is None else every_s
        self._wall = wall
        self._aside = Aside()
        self._unwell = False

    @property
    def name(self) -> str:
        return self._config.name

    @property
    def source(self) -> str:
        return self._config.origin

    async def batches(self, cursor: Cursor | None) -> AsyncGenerator[Batch, None]:
        """By search or by number, as it is set up; a cursor of one way begins the other anew."""
        at = place(cursor)
        async with Outbound(PLACE, inside=self._config.inside) as out:
            live = Live(out, str(self._config.live_url).rstrip("/"), self.source)
            search = Search(out, str(self._config.search_url).rstrip("/"), self.source)
            first = True
            while True:
                if self._config.terms:
                    yield await self._searched(search, live, at, START_S if first else OVERLAP_S)
                    yield await self._changed(live, at, None)
                else:
                    newest = await live.newest()
                    async with aclosing(self._numbered(live, at, newest)) as read:
                        async for batch in read:
                            yield batch
                    yield await self._changed(live, at, newest - MOST_BEHIND)
                first = False
                await asyncio.sleep(self._every_s)

    async def _searched(self, search: Search, live: Live, at: Place, overlap_s: int) -> Batch:
        """What names us, and what is said under the stories that do."""
        now = int(self._wall())
        since = (min(at.since, now) if at.since else now) - overlap_s
        named = await search.terms(self._config.terms, since, now)
        for entry in sorted(named.entries.values(), key=lambda one: one.number):
            if entry.story == entry.number:
                if at.stories.get(entry.number, NO_VOTES) == NO_VOTES:
                    at.follow(entry.number, UNKNOWN)
            elif entry.story and entry.story not in at.stories:
                at.follow(entry.story, NO_VOTES)
        under = await search.comments(list(at.stories), since, now)
        found = {**under.entries, **named.entries}
        at.since = now
        items = list(self._yielded(live, found.values()))
        refused = tuple(self._aside.new([*named.refused, *under.refused]))
        return Batch(tuple(items), at.cursor(), refused=refused, gaps=(*named.gaps, *under.gaps))

    def _yielded(self, live: Live, entries: Iterable[Entry]) -> Iterator[Item]:
        """Stories before what is said under them."""
        for entry in sorted(entries, key=lambda one: one.number):
            told = live.told(entry, int(self._wall() * 1000))
            if told is not None:
                yield told

    async def _changed(self, live: Live, at: Place, recent: int | None) -> Batch:
        """Votes, edits and deletes. That these cannot be had does not stop the rest."""
        where = f"{PLACE}: votes"
        try:
            items = await live.changes(at, int(self._wall() * 1000), recent=recent)
        except WarnError as e:
            self._unwell = True
            return Batch(troubles=(Trouble(where, str(e)),))
        well = (Trouble(where, ""),) if self._unwell else ()
        self._unwell = False
        return Batch(tuple(items), at.cursor(), troubles=well)

    async def _numbered(self, live: Live, at: Place, newest: int) -> AsyncGenerator[Batch, None]:
        """All that came since, once again what was not there yet, and a gap where it is too much."""
        # It never counts down: where it does, what it said before was wrong, and nobody knows from when on.
        was, gone = at.at, at.last and abs(newest - at.last) > MOST_BEHIND
        if gone or not at.last:
            at.last, at.waiting = max(0, newest - (MOST_BEHIND if gone else START_ITEMS)), {}
        numbers = [*at.waiting, *range(at.last + 1, newest + 1)]
        for i in range(0, len(numbers), CHUNK):
            batch = await self._items(live, at, numbers[i : i + CHUNK])
            yield batch._replace(gaps=(Gap(was, max(was, at.at)),)) if gone else batch
            gone = False

    async def _items(self, live: Live, at: Place, numbers: Sequence[int]) -> Batch:
        """These items; of stories also their votes, to count from."""
        entries: list[Entry] = []
        refused: list[Refused] = []
        for number, one in (await live.items(numbers, at.waiting)).items():
            tries = at.waiting.pop(number, 0) + 1
            if isinstance(one, Entry):
                entries.append(one)
            elif isinstance(one, str):
                refused.append(Refused(f"{PLACE}, item {number}", one, b""))
            elif tries < MOST_TRIES and len(at.waiting) < MOST_WAITING:
                at.waiting[number] = tries
            else:
                why = "it never came to be there" if one is None else f"it never could be read: {one.reason}"
                refused.append(Refused(f"{PLACE}, item {number}", why, b""))
        items = list(self._yielded(live, entries))
        for entry in entries:
            if entry.item is not None and entry.score is not None:
                at.follow(entry.number, max(0, entry.score))
                items.append(entry.votes(self.source, entry.created_ms))
        at.last = max(at.last, *numbers)
        at.at = max(at.at, *(entry.created_ms // 1000 for entry in entries), 0)
        return Batch(tuple(items), at.cursor(), refused=tuple(refused))


KIND = Kind(HackernewsConfig, HackernewsConnector)

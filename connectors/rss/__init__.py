"""RSS, RDF and Atom feeds: any number in one connector, or a list of news desks for the press clock."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import ConfigDict, Field, HttpUrl, StringConstraints, model_validator

from connectors.rss.articles import read
from connectors.rss.desks import desks
from connectors.rss.state import (
    OUT,
    State,
    backoff_s,
    cursor,
    floor_s,
    hub_told,
    most_known,
    past_skipped,
    said_of,
    states,
)
from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Batch, Cursor, Hint, Refused, Trouble
from warn.ingest.feeds.reader import Reader, reader
from warn.ingest.kind import Kind
from warn.ingest.outbound import Answer, Outbound
from warn.ingest.rest import soonest
from warn.model.errors import PermanentError, Reason, TemporaryError, WarnError
from warn.model.mention import Item

TOGETHER: Final = 4
"""Feeds that are asked at once."""
SPREAD_S: Final = 6.0
"""The first look at all feeds is spread over so long: who asks how they are has an answer in ten seconds."""
MOST_FEEDS: Final = 500
ACCEPT: Final = "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.1"

Code = Annotated[str, StringConstraints(to_lower=True, pattern=r"^[a-zA-Z]{2}$")]


class RssConfig(ConnectorConfig):
    """Feeds by their addresses, a list of desks, or both."""

    model_config = ConfigDict(populate_by_name=True)

    type: Literal["rss"] = "rss"
    feeds: Annotated[tuple[HttpUrl, ...], Field(max_length=MOST_FEEDS)] = ()
    listed: str = Field(default="", alias="list")
    """`press`: the desks that come with warn, or a YAML file like it. With a list the role is `press`, unless it is set."""
    countries: tuple[Code, ...] = ()
    """Of the list: desks of these countries only (`nl`, `be`; `xx`: of the whole world)."""
    languages: tuple[Code, ...] = ()
    """Of the list: desks that write in these languages only."""
    every: Annotated[float, Field(ge=60, le=86_400)] = 300.0
    """Seconds between two looks at a feed. What a feed or its server wishes is kept where it is longer, up to two hours."""

    @model_validator(mode="before")
    @classmethod
    def _press(cls, data: Any) -> Any:
        if isinstance(data, dict) and (data.get("list") or data.get("listed")) and "role" not in data:
            return {**data, "role": "press"}
        return data

    @model_validator(mode="after")
    def _some(self) -> "RssConfig":
        if (self.countries or self.languages) and not self.listed:
            raise ValueError(
                "countries, languages: they choose from a list, and none is named (`list: press`)"
            )
        if not self.places():
            raise ValueError("no feed: name some as `feeds: [url, ...]`, or `list: press`")
        return self

    def places(self) -> tuple["Place", ...]:
        """All feeds, each once. Raises ValueError where the list cannot be read."""
        listed = [
            Place(str(one.feed), one.name, one.language)
            for one in (desks(self.listed) if self.listed else ())
            if (not self.countries or one.country in self.countries)
            and (not self.languages or one.language in self.languages)
        ]
        named = [Place(str(url), f"{url.host} (feed {i})") for i, url in enumerate(self.feeds, 1)]
        return tuple({one.url: one for one in (*listed, *named)}.values())


class Place(NamedTuple):
    """A feed, and what it is called where something is said of it. An address may hold a key, so it is never said."""

    url: str
    name: str
    language: str = ""


class _Read(NamedTuple):
    """What one look at one feed came to."""

    counts: Sequence[Item] = ()
    fills: Sequence[Item] = ()
    refused: tuple[Refused, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    hints: tuple[Hint, ...] = ()


class RssConnector:
    """The cursor is JSON, by address: what to ask with, when it was read, and marks of the entries that were there."""

    def __init__(
        self,
        config: RssConfig,
        *,
        every_s: float | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._config = config
        self._every_s = config.every if every_s is None else every_s
        self._wall = wall
        self._places = config.places()
        self._states: dict[str, State] = {}
        self._hubs: dict[str, str] = {}
        self._told: dict[str, str] = {}
        """What is unwell, as it was told; a failure of all, after which reading begins anew, takes none of it back."""

    @property
    def name(self) -> str:
        return self._config.name

    @property
    def source(self) -> str:
        return self._config.origin

    async def batches(self, cursor: Cursor | None) -> AsyncGenerator[Batch, None]:
        """For ever. Raises when every feed is unwell."""
        gone = {url for url, state in self._states.items() if state.gone}
        before, self._states = self._states, states(cursor, (place.url for place in self._places))
        for url in gone:
            self._states[url].gone = True
        self._spread()
        for url, state in before.items():
            if isinstance(state.error, TemporaryError) and (state.error.retry_after_s or 0) >= self._every_s:
                # Started anew because all failed: what this one asked for holds.
                self._states[url].error, self._states[url].due = state.error, state.due
        async with reader() as child, Outbound(OUT, inside=self._config.inside) as out:
            while True:
                for batch in await self._round(out, child):
                    yield batch
                self._check_all()
                await asyncio.sleep(self._pause_s())

    def _spread(self) -> None:
        """Not all feeds at the same moment, and none before it wishes to be asked."""
        now = self._wall()
        step = min(SPREAD_S, self._every_s) / len(self._places)
        for i, place in enumerate(self._places):
            state = self._states[place.url]
            state.due = max(now + i * step, state.ok + min(state.wait, self._every_s) if state.ok else 0.0)

    def _pause_s(self) -> float:
        due = min(state.due for state in self._states.values() if not state.gone)
        return max(0.0, due - self._wall())

    def _due(self) -> list[Place]:
        now = self._wall()
        due = [
            one for one in self._places if not self._states[one.url].gone and self._states[one.url].due <= now
        ]
        return sorted(due, key=lambda one: self._states[one.url].due)[:TOGETHER]

    async def _round(self, out: Outbound, child: Reader) -> list[Batch]:
        """Ask a few feeds, and what came of it: what counts first, then what is only remembered, with the cursor."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._look(out, child, place)) for place in self._due()]
        found = [one for task in tasks if (one := task.result()) is not None]
        if not found:
            return []
        counts = [item for one in found for item in one.counts]
        fills = [item for one in found for item in one.fills]
        last = Batch(
            items=tuple(fills),
            cursor=cursor(self._states),
            backfill=bool(fills),
            refused=tuple(refused for one in found for refused in one.refused),
            troubles=tuple(trouble for one in found for trouble in one.troubles),
            hints=tuple(hint for one in found for hint in one.hints),
        )
        if counts and fills:
            return [Batch(items=tuple(counts)), last]
        return [last._replace(items=(*counts, *fills))]

    async def _look(self, out: Outbound, child: Reader, place: Place) -> _Read | None:
        """One look at one feed. What is wrong with it is told, and is its own; None where there is nothing to tell."""
        state = self._states[place.url]
        try:
            found = await self._ask(out, child, place, state)
        except WarnError as e:
            troubles = self._failed(place, state, e)
            return _Read(troubles=troubles) if troubles else None
        return (
            found._replace(troubles=(Trouble(place.name, ""),)) if self._told.pop(place.name, "") else found
        )

    async def _ask(self, out: Outbound, child: Reader, place: Place, state: State) -> _Read:
        now = int(self._wall())
        conditions = state.conditions(now)
        answer = await out.get(
            state.moved or place.url, headers={"accept": ACCEPT, **conditions}, accept=(304,)
        )
        if answer.status == 304:
            state.answered(answer.headers, now, full=False)
            self._next(state, answer, None)
            return _Read()
        feed = await child.read(answer.body, _charset(answer))
        # Beside the loop: a thousand entries may be made to be much work.
        counts, fills = await asyncio.to_thread(
            read,
            feed,
            state,
            source=self.source,
            base=answer.url,
            lang=place.language or feed.language.partition("-")[0].lower()[:2],
            now_s=now,
            most=most_known(len(self._places)),
        )
        if answer.moved and len(answer.url) <= 2_048:
            state.moved = answer.url
        state.answered(answer.headers, now, full=True)
        hints = self._hinted(place, feed.hubs)
        self._next(state, answer, feed.skip_hours, floor_s(answer.headers, feed))
        refused = _left(place, feed.left_out, feed.empty)
        return _Read(counts, fills, refused, hints=hints)

    def _hinted(self, place: Place, hubs: Sequence[str]) -> tuple[Hint, ...]:
        """That a feed has a hub (WebSub), once; and once that it has none any more."""
        told = hub_told(hubs)
        if told == self._hubs.get(place.name, ""):
            return ()
        self._hubs[place.name] = told
        return (Hint(place.name, told),)

    def _next(
        self, state: State, answer: Answer, skip_hours: Sequence[int] | None, floor: float | None = None
    ) -> None:
        """When it is asked again."""
        if floor is None:  # nothing has changed, so neither has what it wishes
            floor = max(floor_s(answer.headers, None), state.wait if skip_hours is None else 0.0)
        wait = max(self._every_s, floor)
        state.wait = int(wait)
        state.due = past_skipped(self._wall() + wait, skip_hours or ())

    def _failed(self, place: Place, state: State, error: WarnError) -> tuple[Trouble, ...]:
        """Leave it alone for a while; of a feed that is gone for good, for ever."""
        state.fails += 1
        state.error = error
        if state.moved and isinstance(error, PermanentError):
            state.moved = ""  # where it was sent to is no place to stay
        elif error.reason is Reason.GONE:
            state.gone = True
        after = error.retry_after_s if isinstance(error, TemporaryError) else None
        state.due = self._wall() + backoff_s(self._every_s, state.fails, after)
        said = said_of(error)
        if len(self._places) == 1 or self._told.get(place.name) == said:
            return ()  # of a single feed it is raised; of many it is told once
        self._told[place.name] = said
        return (Trouble(place.name, said),)

    def _check_all(self) -> None:
        """Raises the error that may end first by itself, where all feeds are unwell."""
        if any(state.error is None and not state.gone for state in self._states.values()):
            return
        now = self._wall()
        raise soonest(self._states[place.url].why(place.name, now) for place in self._places)


def _left(place: Place, left_out: int, empty: int) -> tuple[Refused, ...]:
    said = []
    if left_out:
        said.append(
            Refused(place.name, f"{left_out:,} entries above the thousand that are read of a feed", b"")
        )
    if empty:
        said.append(Refused(place.name, f"{empty:,} entries without a word in them", b""))
    return tuple(said)


def _charset(answer: Answer) -> str:
    """What HTTP calls the encoding."""
    for part in answer.headers.get("content-type", "").split(";")[1:]:
        name, _, value = part.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip("\"'")
    return ""


KIND = Kind(RssConfig, RssConnector)

"""GDELT's index of the world's news (DOC 2.0): articles that hold one of our terms, for the press clock.

There is no cursor to ask with: each look asks for what was listed since the last one and an hour before it, newest first.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from pydantic import Field, HttpUrl, StringConstraints

from connectors.gdelt.articles import PLACE, InvalidQueryError, Page, read_answer
from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Batch, Cursor, Gap, Refused, Trouble
from warn.ingest.kind import Kind
from warn.ingest.outbound import Outbound
from warn.model.errors import PermanentError, Reason
from warn.model.mention import Item

BETWEEN_S: Final = 5.5
"""Between two requests of one address; GDELT asks for 5 s, and shuts out who does not keep to it."""
MOST_ARTICLES: Final = 250
MOST_QUERY: Final = 240
"""Characters of one query; longer ones are refused as too long."""
MOST_PAGES: Final = 20
"""Requests for one query in one look; what lies behind them is a gap."""
OVERLAP_S: Final = 3_600
GRID_S: Final = 900
"""Articles are dated by the quarter of an hour in which GDELT saw them."""
REACH_S: Final = 85 * 86_400
"""How far back it can be asked: three months at most."""
MOST_TOLD: Final = 1_000

_NO_QUERY: Final = (
    "GDELT refuses it: too short, too long or too common; write it out, or take it out of `terms`"
)
Term = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=2, max_length=100, pattern=r'^[^"]+$')
]


class GdeltConfig(ConnectorConfig):
    """News of the world; `role` is `press` unless told otherwise."""

    type: Literal["gdelt"] = "gdelt"
    role: Literal["", "press", "internal", "care", "own"] = "press"
    terms: tuple[Term, ...] = Field(min_length=1, max_length=50)
    """What to look for, each as a phrase; as many in one query as its length allows."""
    every: Annotated[float, Field(ge=60, le=3_600)] = 300.0
    """Seconds between looks. GDELT lists anew every quarter of an hour; a query takes 5 s of the time."""
    url: HttpUrl = HttpUrl("https://api.gdeltproject.org/api/v2/doc/doc")


class Turns:
    """Requests one after the other, `between_s` apart, whoever makes them: GDELT counts by address."""

    def __init__(self, between_s: float) -> None:
        self._between_s = between_s
        self._next = 0.0

    async def wait(self) -> None:
        """Until it is this one's turn."""
        now = asyncio.get_running_loop().time()
        mine = max(now, min(self._next, now + 100 * self._between_s))
        self._next = mine + self._between_s
        await asyncio.sleep(mine - now)


_TURNS: Final = Turns(BETWEEN_S)


class GdeltConnector:
    """The cursor is the second up to which everything that was listed then has been yielded."""

    def __init__(
        self,
        config: GdeltConfig,
        *,
        every_s: float | None = None,
        turns: Turns = _TURNS,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._config = config
        self._every_s = config.every if every_s is None else every_s
        self._turns, self._wall = turns, wall
        self._groups: list[tuple[str, ...]] = []
        self._told: set[bytes] = set()

    @property
    def name(self) -> str:
        return self._config.name

    @property
    def source(self) -> str:
        return self._config.origin

    async def batches(self, cursor: Cursor | None) -> AsyncGenerator[Batch, None]:
        """Raises PermanentError (config) where it takes none of the terms."""
        read_to = _read_to(cursor)
        self._groups = groups(self._config.terms)
        async with Outbound(PLACE, inside=self._config.inside) as out:
            while True:
                now = int(self._wall())
                start = max(min(now if read_to is None else read_to, now) - OVERLAP_S, now - REACH_S)
                async with aclosing(self._look(out, start, now)) as look:
                    async for batch in look:
                        yield batch
                gaps = () if read_to is None or read_to >= start else (Gap(read_to, start),)
                read_to = now
                yield Batch(cursor=Cursor(str(now)), gaps=gaps)
                await asyncio.sleep(self._every_s)

    async def _look(self, out: Outbound, start: int, now: int) -> AsyncGenerator[Batch, None]:
        """What all queries find from `start` on. A query that is refused is taken apart until it is known which term."""
        seen: set[str] = set()
        waiting = list(self._groups)
        while waiting:
            group = waiting.pop(0)
            try:
                yield await self._ask(out, group, start, now, seen)
            except InvalidQueryError:
                at = self._groups.index(group)
                half = len(group) // 2
                halves = [group[:half], group[half:]] if half else []
                self._groups[at : at + 1] = halves
                waiting[:0] = halves
                if not half:
                    yield Batch(troubles=(Trouble(f'{PLACE}: term "{group[0]}"', _NO_QUERY),))
        if not self._groups:
            raise PermanentError(f"{PLACE}: it takes none of `terms`: {_NO_QUERY}", reason=Reason.CONFIG)

    async def _ask(self, out: Outbound, terms: Sequence[str], start: int, now: int, seen: set[str]) -> Batch:
        """One query, page by page back in time."""
        items: list[Item] = []
        refused: list[Refused] = []
        gaps: list[Gap] = []
        end: int | None = None
        for _ in range(MOST_PAGES):
            page = await self._page(out, query(terms), start, end)
            items += [item for item in page.items if item.id not in seen]
            seen.update(item.id for item in page.items)
            refused += page.refused
            if page.entries < MOST_ARTICLES or not page.oldest or page.oldest <= start:
                break
            if end is None or page.oldest < end:
                end = page.oldest
            else:  # more than a page of one quarter of an hour: the rest of that one cannot be had
                gaps.append(Gap(end, end + GRID_S))
                end -= 1
        else:
            gaps.append(Gap(start, now if end is None else end))
        return self._batch(items, refused, gaps)

    async def _page(self, out: Outbound, said: str, start: int, end: int | None) -> Page:
        params = {
            "query": said,
            "mode": "artlist",
            "format": "json",
            "maxrecords": str(MOST_ARTICLES),
            "sort": "datedesc",
            "startdatetime": _stamp(start),
        }
        if end is not None:
            params["enddatetime"] = _stamp(end)
        await self._turns.wait()
        answer = await out.get(str(self._config.url), params=params)
        return await asyncio.to_thread(read_answer, answer, self.source)

    def _batch(self, items: list[Item], refused: list[Refused], gaps: list[Gap]) -> Batch:
        new = [one for one in refused if one.payload not in self._told]
        if len(self._told) < MOST_TOLD:
            self._told.update(one.payload for one in new)
        items.sort(key=lambda item: (item.created_ms, item.id))
        return Batch(items=tuple(items), refused=tuple(new), gaps=tuple(gaps))


def groups(terms: Sequence[str]) -> list[tuple[str, ...]]:
    """Terms in as few queries as their length allows, in order, each term once."""
    found: list[tuple[str, ...]] = []
    for term in dict.fromkeys(" ".join(term.split()) for term in terms):
        if found and len(query((*found[-1], term))) <= MOST_QUERY:
            found[-1] = (*found[-1], term)
        else:
            found.append((term,))
    return found


def query(terms: Sequence[str]) -> str:
    """As GDELT wants it: phrases in quotation marks, several with OR and in brackets, one without."""
    said = " OR ".join(f'"{term}"' for term in terms)
    return f"({said})" if len(terms) > 1 else said


def _stamp(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y%m%d%H%M%S")


def _read_to(cursor: Cursor | None) -> int | None:
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= 11):
        raise PermanentError(f"{PLACE}: a cursor that is none of its own", reason=Reason.MALFORMED)
    return int(cursor)


KIND = Kind(GdeltConfig, GdeltConnector)

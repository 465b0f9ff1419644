"""The search interface (Algolia): what holds a phrase, and the comments under a story."""

import asyncio
import json
from collections.abc import Sequence
from typing import Final, NamedTuple

from connectors.hackernews.items import PLACE, Entry, read_hit
from warn.ingest.connector import Gap, Refused
from warn.ingest.loose import loose_json
from warn.ingest.outbound import Outbound
from warn.model.errors import Reason, TemporaryError

PER_PAGE: Final = 200
"""Of the 1,000 hits that it gives of one search at most."""
MOST_PAGES: Final = 20
"""Requests for one search; what lies behind them is a gap."""
MOST_BODY: Final = 4 * 1024 * 1024
MOST_STORIES: Final = 50
"""Stories whose comments are asked for at once."""
PAYLOAD: Final = 4_096


class Found(NamedTuple):
    """What searches found, each entry once."""

    entries: dict[int, Entry]
    refused: list[Refused]
    gaps: list[Gap]


class Search:
    """Searches from a second on (`since`) until now, newest first, page by page back in time."""

    def __init__(self, out: Outbound, url: str, source: str) -> None:
        self._out, self._url, self._source = out, url, source

    async def terms(self, terms: Sequence[str], since: int, now: int) -> Found:
        """Stories and comments that hold one of these phrases."""
        found = Found({}, [], [])
        for term in terms:
            await self._read(
                found, {"query": f'"{term}"', "tags": "(story,comment,poll,job)", "typoTolerance": "false"}, since, now
            )  # fmt: skip
        return found

    async def comments(self, stories: Sequence[int], since: int, now: int) -> Found:
        """Comments under these stories."""
        found = Found({}, [], [])
        for i in range(0, len(stories), MOST_STORIES):
            under = ",".join(f"story_{number}" for number in stories[i : i + MOST_STORIES])
            await self._read(found, {"tags": f"comment,({under})"}, since, now)
        return found

    async def _read(self, found: Found, asked: dict[str, str], since: int, now: int) -> None:
        until: int | None = None
        for _ in range(MOST_PAGES):
            entries, refused, count = await self._page(asked, since, until)
            found.entries.update((entry.number, entry) for entry in entries)
            found.refused.extend(refused)
            if count < PER_PAGE:
                return
            if not entries:
                break  # nothing tells how far back this page reaches
            oldest = min(entry.created_ms // 1000 for entry in entries)
            if until is None or oldest + 1 < until:
                until = oldest + 1
            else:  # more in one second than it gives
                found.gaps.append(Gap(oldest, until))
                until = oldest
            if until <= since + 1:
                return
        found.gaps.append(Gap(since, max(since, now) if until is None else until))

    async def _page(
        self, asked: dict[str, str], since: int, until: int | None
    ) -> tuple[list[Entry], list[Refused], int]:
        """Readable entries, the rest, and how many there were in all."""
        window = f"created_at_i>{since}" + ("" if until is None else f",created_at_i<{until}")
        params = {**asked, "numericFilters": window, "hitsPerPage": str(PER_PAGE)}
        answer = await self._out.get(f"{self._url}/search_by_date", params=params, most=MOST_BODY)
        return await asyncio.to_thread(read_hits, answer.body, self._source)


def read_hits(body: bytes, source: str) -> tuple[list[Entry], list[Refused], int]:
    """Readable entries, the rest, and how many there were in all. Raises TemporaryError where it is no answer."""
    said = loose_json(PLACE, body)
    hits = said.get("hits") if isinstance(said, dict) else None
    if not isinstance(hits, list):
        raise TemporaryError(f"{PLACE}: its search finds no list of hits", reason=Reason.MALFORMED)
    entries: list[Entry] = []
    refused: list[Refused] = []
    for number, hit in enumerate(hits, 1):
        one = read_hit(hit, source)
        if isinstance(one, Entry):
            entries.append(one)
        else:
            raw = json.dumps(hit).encode()[:PAYLOAD]
            refused.append(Refused(f"{PLACE}, hit {number} of a search", one, raw))
    return entries, refused, len(hits)

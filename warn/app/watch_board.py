"""What `warn watch` shows: how much, against what is usual, how each source is, and the latest posts."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from warn.app.board import HOUR_S, Board, Row
from warn.bus.base import Bus
from warn.incident.printable import clean
from warn.ingest.status import ConnectorState
from warn.model.records import Evidence
from warn.model.rules import RuleSet
from warn.web.store import Store

LAST_POSTS: Final = 5
WIDTH: Final = 100
NARROW: Final = 76
"""Columns below which tables are told in lines."""


class WatchBoard:
    """`look` takes in what is new; the rest says it. `states` is asked how the connectors are."""

    def __init__(
        self, ruleset: RuleSet, store: Store, bus: Bus, states: Callable[[], Iterable[ConnectorState]]
    ) -> None:
        self._board = Board(ruleset, store)
        self._brand = ruleset.rules[0].brand
        self._store = store
        self._of_now = states
        self._bus = bus
        self._rows: Sequence[Row] = ()
        self._states: dict[str, ConnectorState] = {}
        self._posts: Sequence[Evidence] = ()
        self._told: dict[str, str] = {}
        self._now = self._began = int(time.time())
        self._most = 0

    async def look(self, now: int) -> list[str]:
        """Take in what came; gives a line for each source that is heard now and was not, or the other way."""
        self._now = now
        self._rows = await self._board.look(self._bus, now)
        self._most = max([self._most, *(row.mentions for row in self._rows)])
        # While the daemon ends it has none any more; what they read until then was read.
        self._states.update({one.name: one for one in self._of_now()})
        found = self._store.evidence_between(self._brand, now - HOUR_S, now + 120, 200)
        posts = [one for one in found if clean(one.text, WIDTH)]
        self._posts = sorted(posts, key=lambda one: -one.created_ms)[:LAST_POSTS]
        return list(self._news())

    def _news(self) -> Iterator[str]:
        for name, state in self._states.items():
            said = heard(state)
            kind = said.partition(":")[0].partition(",")[
                0
            ]  # that it is not heard is said once, however the reasons change
            if said and kind != self._told.get(name):
                self._told[name] = kind
                yield f"{time.strftime('%H:%M:%S', time.localtime(self._now))}  {name}: {said}"

    def table(self, columns: int) -> RenderableType:
        """For who watches, on a terminal of this width."""
        if columns < NARROW:
            return Group(*self._lines(), *self._latest())
        return Group(self._numbers(), self._sources(), *self._latest())

    def plain(self) -> dict[str, Any]:
        """What the table shows, as plain data: numbers of the last hour, times in seconds since the epoch (null: never)."""
        counts = self._counts()
        rows = [
            {
                "brand": row.brand, "mentions": row.mentions, "echo": row.echo, "people": row.people,
                "usual": round(row.usual, 2), "stories": row.stories[0], "story_copies": row.stories[1], "state": row.state,
            }
            for row in self._rows
        ]  # fmt: skip
        sources = [
            {
                "name": name, "source": state.source, "about_us": counts.get(state.source, 0), "read": state.read,
                "heard_at": state.last_event, "state": state.state, "how": heard(state) or "begins",
            }
            for name, state in self._states.items()
        ]  # fmt: skip
        posts = [
            {"at": one.created_ms // 1000, "source": one.source, "text": clean(one.text, WIDTH)}
            for one in self._posts
        ]
        return {"at": self._now, **(rows[0] if rows else {}), "sources": sources, "last_posts": posts}

    def _lines(self) -> Iterator[Text]:
        """The tables in lines, where they would be squeezed to nothing."""
        yield Text(f"warn watch {time.strftime('%H:%M:%S')}", style="bold")
        for row in self._rows:
            stories = f" Stories: {self._stories(row)}."
            yield Text(row.sentence() + stories, style="bold red" if row.state == "paged" else "")
        counts = self._counts()
        for name, state in self._states.items():
            about = counts.get(state.source, 0)
            yield Text(f"{name} {about}: {heard(state) or 'begins'}", overflow="ellipsis", no_wrap=True)

    def _numbers(self) -> Table:
        shown = Table(
            title=f"warn watch {time.strftime('%H:%M:%S')}", title_justify="left", title_style="bold"
        )
        shown.add_column("brand")
        for name in ("posts, last hour", "reactions", "people", "usual", "stories"):
            shown.add_column(name, justify="right")
        shown.add_column("state")
        for row in self._rows:
            usual = f"{row.usual:.0f}" if row.usual >= 1 else "< 1"
            shown.add_row(
                row.brand, str(row.mentions), str(row.echo), str(row.people), usual, self._stories(row), row.state,
                style="bold red" if row.state == "paged" else "",
            )  # fmt: skip
        return shown

    @staticmethod
    def _stories(row: Row) -> str:
        stories, copies = row.stories
        return f"{stories} (one said {copies} x)" if copies > 1 else str(stories)

    def _counts(self) -> dict[str, int]:
        """Posts and reactions about us in the last hour, by source."""
        return {source: n for row in self._rows for source, n in row.sources}

    def _sources(self) -> Table:
        shown = Table(box=None, pad_edge=False)
        for name in ("source", "about us, last hour", "read", "last heard", "how it is"):
            shown.add_column(name, justify="right" if name in {"about us, last hour", "read"} else "left")
        counts = self._counts()
        for name, state in self._states.items():
            last = (
                ""
                if state.last_event is None
                else time.strftime("%H:%M:%S", time.localtime(state.last_event))
            )
            how = heard(state) or "begins"
            shown.add_row(name, str(counts.get(state.source, 0)), f"{state.read:,}", last, Text(how))
        return shown

    def _latest(self) -> Iterator[Text]:
        for post in self._posts:
            at = time.strftime("%H:%M", time.localtime(post.created_ms // 1000))
            yield Text(
                f"{at} {post.source}: {clean(' '.join(post.text.split()), WIDTH)}",
                overflow="ellipsis",
                no_wrap=True,
            )

    def sentences(self) -> list[str]:
        """The same for who reads lines."""
        well = [name for name, state in self._states.items() if state.state == "running"]
        listened = f"Listening to {', '.join(well)}." if well else "Nothing is heard at the moment."
        return [*(row.sentence() for row in self._rows), listened]

    def last_words(self) -> str:
        """What was heard in all."""
        seconds = max(1, self._now - self._began)
        lasted = f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"
        read = sum(state.read for state in self._states.values())
        return f"In {lasted} warn read {read:,} posts; at most {self._most:,} in an hour were about {self._brand}."


def heard(state: ConnectorState) -> str:
    """How a source is, in a few words; "" while it begins."""
    said = state.last_error if state.state != "running" or not state.troubles else state.troubles[-1][1]
    why = clean(said, 160).removeprefix(f"{state.name}: ")
    if state.state == "running":
        if state.read:
            return "heard" + (f", {len(state.troubles)} of its places are not" if state.troubles else "")
        return f"not heard: {why}; tried again" if state.troubles else ""
    if state.state in {"waiting", "paused"}:
        return f"not heard: {why}; tried again"
    if state.state in {"parked", "refused"}:
        return f"not heard: {why}"
    return "has come to its end" if state.state == "ended" else ""

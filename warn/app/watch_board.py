"""What `warn watch` shows: how much, against what is usual, how each source is, and the latest posts."""

import time
from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from warn.app.board import HOUR_S, Board, Row
from warn.app.daemon import Daemon
from warn.bus.base import Bus
from warn.incident.printable import clean
from warn.ingest.status import ConnectorState
from warn.model.records import Evidence
from warn.model.rules import RuleSet

LAST_POSTS: Final = 5
WIDTH: Final = 100


class WatchBoard:
    """`look` takes in what is new; the rest says it."""

    def __init__(self, ruleset: RuleSet, daemon: Daemon, bus: Bus) -> None:
        self._board = Board(ruleset, daemon.store)
        self._brand = ruleset.rules[0].brand
        self._daemon = daemon
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
        self._states = {one.name: one for one in self._daemon.connector_states()}
        found = self._daemon.store.evidence_between(self._brand, now - HOUR_S, now + 120, 200)
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

    def table(self) -> RenderableType:
        """For who watches."""
        return Group(self._numbers(), self._sources(), *self._latest())

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
            stories, copies = row.stories
            told = f"{stories} (one said {copies} x)" if copies > 1 else str(stories)
            shown.add_row(
                row.brand, str(row.mentions), str(row.echo), str(row.people), usual, told, row.state,
                style="bold red" if row.state == "paged" else "",
            )  # fmt: skip
        return shown

    def _sources(self) -> Table:
        shown = Table(box=None, pad_edge=False)
        for name in ("source", "about us, last hour", "read", "last heard", "how it is"):
            shown.add_column(name, justify="right" if name in {"about us, last hour", "read"} else "left")
        counts = {source: n for row in self._rows for source, n in row.sources}
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
        minutes = max(1, (self._now - self._began) // 60)
        read = sum(state.read for state in self._states.values())
        return f"In {minutes} min warn read {read:,} posts; at most {self._most:,} in an hour were about {self._brand}."


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

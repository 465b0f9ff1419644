"""What `warn demo` and `warn watch` show while they run: a line for each brand, from what flows through `[signals]` and the web's store."""

from collections import Counter
from collections.abc import Iterable
from typing import Final, NamedTuple

from rich.table import Table

from warn.aggregate.people import distinct
from warn.bus.base import Bus, Reader
from warn.model.flow import SIGNALS
from warn.model.records import Partial, Signals
from warn.model.rules import RuleSet
from warn.model.wire import decode_signals
from warn.web.store import Store

HOUR_S: Final = 3600
_READ: Final = 1_000
_TEN_MINUTES: Final = 6
"""Of them in an hour: history tells what is usual in ten minutes."""


class Row(NamedTuple):
    """One brand now: posts and reactions of the last hour, by how many people, how many posts are usual.

    `sources`: posts and reactions by source, the most first; `stories`: different ones among the posts drawn, and how
    many of those say the one most repeated.
    """

    brand: str
    mentions: int
    echo: int
    people: int
    usual: float
    state: str
    sources: tuple[tuple[str, int], ...] = ()
    stories: tuple[int, int] = (0, 0)

    def sentence(self) -> str:
        """For who reads lines instead of watching a table."""
        usual = f"{self.usual:.0f}" if self.usual >= 1 else "hardly any"
        return (
            f"{self.brand}: {_some(self.mentions, 'post')} and {_some(self.echo, 'reaction')} in the last hour, "
            f"by {_some(self.people, 'account')}; {usual} is usual. {self.state.capitalize()}."
        )


def _some(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


class Board:
    """Adds up the last hour of each brand's widest topic that has a rule."""

    def __init__(self, ruleset: RuleSet, store: Store) -> None:
        narrow = {t.name for t in ruleset.topics if t.within}
        self._rules = {r.brand: r for r in ruleset.rules if r.topic not in narrow}
        self._store = store
        self._hour: dict[str, list[Partial]] = {r.topic: [] for r in self._rules.values()}
        self._reader: Reader | None = None

    async def look(self, bus: Bus, now: int) -> list[Row]:
        """Take in what came since the last look; every brand as it stands, by name."""
        if self._reader is None:
            self._reader = await bus.follow(SIGNALS)
        while records := await self._reader.read(_READ, 0.0):
            for _, _, _, value in records:
                if isinstance(told := decode_signals(value), Signals):
                    self._take(told.partials)
        for topic, partials in self._hour.items():
            self._hour[topic] = [p for p in partials if p.second > now - HOUR_S]
        paged = {e.event.brand for e in self._store.incidents(50, open_only=True)}
        return [self._row(brand, now, paged=brand in paged) for brand in sorted(self._rules)]

    def _take(self, partials: Iterable[Partial]) -> None:
        for partial in partials:
            if partial.topic in self._hour:
                self._hour[partial.topic].append(partial)

    def _row(self, brand: str, now: int, *, paged: bool) -> Row:
        rule = self._rules[brand]
        hour = self._hour[rule.topic]
        points = [p for p in self._store.history(rule.id, now - HOUR_S, now) if p.signal == "mentions"]
        return Row(
            brand,
            sum(p.mentions for p in hour),
            sum(p.echo for p in hour),
            distinct(p.authors for p in hour),
            points[-1].expected * _TEN_MINUTES if points else 0.0,
            "paged" if paged else "quiet",
            _sources(hour),
            _stories(hour),
        )


def _sources(hour: Iterable[Partial]) -> tuple[tuple[str, int], ...]:
    found: Counter[str] = Counter()
    for partial in hour:
        for source, mentions, echo in partial.by_source:
            found[source] += mentions + echo
    return tuple(found.most_common())


def _stories(hour: Iterable[Partial]) -> tuple[int, int]:
    drawn = {sample.key: sample.story for partial in hour for sample in partial.samples if sample.story}
    copies = Counter(drawn.values())
    return len(copies), max(copies.values(), default=0)


def table(rows: Iterable[Row], title: str) -> Table:
    """The rows for a terminal that somebody watches."""
    shown = Table(title=title, title_justify="left", title_style="bold", expand=False)
    shown.add_column("brand")
    for name in ("posts, last hour", "reactions", "people", "usual"):
        shown.add_column(name, justify="right")
    shown.add_column("state")
    for row in rows:
        style = "bold red" if row.state == "paged" else ""
        usual = f"{row.usual:.0f}" if row.usual >= 1 else "< 1"
        shown.add_row(
            row.brand, str(row.mentions), str(row.echo), str(row.people), usual, row.state, style=style
        )
    return shown

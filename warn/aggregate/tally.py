"""One worker's open seconds: what was counted since the last commit, by topic and second.

What a mention adds to a partial is worked out while it is at hand, and kept as small as it is in the partial: many a
topic's second holds one mention only, and is done with that. The rest is worked out once for each topic and second, when
the second is closed: at the next clock, or before a commit. Nothing here is capped by order of arrival, since what a
partial says must not depend on how the records were spread over partitions and clocks.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Final, NamedTuple, Protocol

from warn.aggregate.partial import AUTHORS, LINKS, SAMPLES, TERMS, greatest
from warn.model.hashing import keyed
from warn.model.mention import Mention
from warn.model.records import Counted, Partial, Sample

MAX_FOLLOWERS: Final = 1_000_000_000
"""More is a mistake or a lie; it also keeps sums of thousandths within 64 bits."""


class Told(Protocol):
    """What a mention's text says. A link's address may hold a handle, so it goes no further than its keyed hash."""

    @property
    def negative(self) -> bool: ...

    @property
    def story(self) -> int: ...

    @property
    def link(self) -> str: ...

    def terms(self, own: frozenset[str]) -> tuple[Counted, ...]: ...


class Name(NamedTuple):
    """A topic as its partials say it: its name, and the words that name its brand and so tell nothing."""

    topic: str
    own: frozenset[str]


class _Row(NamedTuple):
    """What one mention adds. Of an echo the sample is not shown, but its author, source, link and terms count."""

    sample: Sample
    terms: tuple[Counted, ...]
    followers: int
    negative: bool
    press_ms: int


class _Open:
    """A topic's second that is still being counted: what named it, what echoed it, what care heard, other numbers."""

    __slots__ = ("care_authors", "cared", "echoed", "fields", "named", "sources")

    def __init__(self) -> None:
        self.named: list[_Row] = []
        self.echoed: list[_Row] = []
        self.cared = 0
        self.care_authors: list[int] = []
        self.fields: dict[str, int] = {}
        self.sources: dict[str, int] = {}


class Tally:
    """All open seconds of one partition. `names` are the topics in force; `links` hashes a link, 0 for none."""

    def __init__(self, key: bytes, links: Mapping[str, int]) -> None:
        self.names: Sequence[Name] = ()
        self._key = key
        self._links = links
        self._open: dict[int, _Open] = {}

    def __len__(self) -> int:
        return len(self._open)

    def _second(self, topic: int, second: int) -> _Open:
        at = topic << 40 | second
        found = self._open.get(at)
        if found is None:
            found = self._open[at] = _Open()
        return found

    def add(self, topic: int, second: int, mention: Mention, told: Told, *, echo: bool) -> None:
        """A mention names a topic, or is echo of it."""
        terms = told.terms(self.names[topic].own)
        words = tuple([term[2] for term in terms])
        link = self._links[told.link] if told.link else 0
        row = _Row(
            Sample(mention.key, told.story, mention.author, mention.source, link, words, second),
            terms,
            min(max(mention.followers, 0), MAX_FOLLOWERS),
            told.negative,
            mention.created_ms if mention.role == "press" else -1,
        )
        found = self._second(topic, second)
        (found.echoed if echo else found.named).append(row)

    def care(self, topic: int, second: int, mention: Mention) -> None:
        """The same for sources that yield counts only."""
        found = self._second(topic, second)
        found.cared += 1
        found.care_authors.append(self._care_author(mention))

    def rise(self, topic: int, second: int, source: str, echo: int, views: int) -> None:
        """Totals of a post rose: likes, replies and shares are echo of nobody in particular, views are reach."""
        found = self._second(topic, second)
        found.fields["echo"] = found.fields.get("echo", 0) + echo
        found.fields["reach_milli"] = found.fields.get("reach_milli", 0) + views * 1000
        found.sources[source] = found.sources.get(source, 0) + echo

    def number(self, topic: int, second: int, field: str, value: int) -> None:
        """A reading adds to a field of the partial."""
        fields = self._second(topic, second).fields
        fields[field] = fields.get(field, 0) + value

    def close(self, known_at: int) -> Iterator[tuple[int, Partial]]:
        """Every open second as (topic, partial), by topic and second; none is open when the iterator is through."""
        for at in sorted(self._open):
            topic, second = at >> 40, at & ((1 << 40) - 1)
            opened = self._open[at]
            if len(opened.named) == 1 and not (opened.echoed or opened.cared or opened.fields):
                yield topic, _single(self.names[topic].topic, second, known_at, opened.named[0])
            else:
                yield topic, _partial(self.names[topic].topic, second, known_at, opened)
        self._open.clear()

    def _care_author(self, mention: Mention) -> int:
        """Told by a key that changes daily and serves for nothing else: nobody can be followed from day to day."""
        if not mention.author:
            return 0
        day = mention.created_ms // 86_400_000
        return keyed(self._key, "care", str(day), mention.source, str(mention.author))


def _single(topic: str, second: int, known_at: int, row: _Row) -> Partial:
    """What `_partial` makes of one mention. Most seconds of most topics have no more, so this is the hot path."""
    sample, terms, followers, negative, press_ms = row
    author, source, link = sample.author, sample.source, sample.link
    return Partial(
        topic,
        second,
        known_at,
        mentions=1,
        reach_milli=followers * 1000,
        negative_milli=1000 if negative else 0,
        press=1 if press_ms >= 0 else 0,
        press_ms=max(press_ms, 0),
        by_source=((source, 1, 0),),
        authors=(author,) if author else (),
        links=((link, 1, ""),) if link else (),
        terms=tuple(sorted(terms)),
        samples=(sample,),
        carriers=((followers, author, source),) if author and followers else (),
    )


def _partial(topic: str, second: int, known_at: int, opened: _Open) -> Partial:
    named = [row.sample for row in opened.named]
    echoed = [row.sample for row in opened.echoed]
    public = opened.named + opened.echoed
    press = [row.press_ms for row in opened.named if row.press_ms >= 0]
    read = opened.fields.get
    return Partial(
        topic=topic,
        second=second,
        known_at=known_at,
        mentions=len(named) + read("mentions", 0),
        echo=len(echoed) + read("echo", 0),
        reach_milli=sum([row.followers for row in public]) * 1000 + read("reach_milli", 0),
        negative_milli=sum([1000 for row in public if row.negative]) + read("negative_milli", 0),
        care=opened.cared + read("care", 0),
        press=len(press),
        press_ms=min(press, default=0),
        by_source=_sources(named, echoed, opened.sources),
        authors=_authors([one.author for one in named]),
        echo_authors=_authors([one.author for one in echoed]),
        care_authors=_authors(opened.care_authors),
        links=_hashed([row.sample.link for row in public]),
        terms=_counted([row.terms for row in public], TERMS),
        samples=_samples(named),
        carriers=greatest(
            [
                (row.followers, row.sample.author, row.sample.source)
                for row in public
                if row.followers and row.sample.author
            ]
        ),
    )


def _authors(hashes: list[int]) -> tuple[int, ...]:
    """Different people; 0 is nobody."""
    found = set(hashes)
    found.discard(0)
    return tuple(sorted(found)[:AUTHORS])


def _sources(
    named: list[Sample], echoed: list[Sample], rises: Mapping[str, int]
) -> tuple[tuple[str, int, int], ...]:
    """Mentions and echo of each public source. Of care and internal sources there is one number, `care`."""
    mentions = Counter([one.source for one in named])
    echo = Counter([one.source for one in echoed])
    echo.update(rises)
    return tuple([(source, mentions[source], echo[source]) for source in sorted({*mentions, *echo})])


def _hashed(links: list[int]) -> tuple[Counted, ...]:
    """In how many mentions each link is."""
    counts = Counter([one for one in links if one])
    return tuple([(link, n, "") for link, n in sorted(counts.items())[:LINKS]])


def _counted(told: list[tuple[Counted, ...]], most: int) -> tuple[Counted, ...]:
    """Terms: in how many mentions each is."""
    counts = Counter(chain.from_iterable(told))
    return tuple(sorted([one if n == 1 else (one[0], n, one[2]) for one, n in counts.items()])[:most])


def _samples(named: list[Sample]) -> tuple[Sample, ...]:
    """The lowest by key, of mentions only: most echo has no words of its own, and would crowd out what was said.

    What has the same key as the last of them is compared as a whole.
    """
    if len(named) > SAMPLES:
        last = sorted([one.key for one in named])[SAMPLES - 1]
        named = [one for one in named if one.key <= last]
    return tuple(sorted(set(named))[:SAMPLES])

"""One worker's open seconds: what was counted since the last clock, by topic and second.

The hot path only appends. Everything that a partial holds is worked out once for each topic and second, when the
second is closed: at the next clock, or at the end of the step. Nothing here is capped by order of arrival, since what
a partial says must not depend on how the records were spread over partitions and clocks.
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
    """What a mention's text says; each is worked out when first asked for."""

    @property
    def negative(self) -> bool: ...

    @property
    def story(self) -> int: ...

    @property
    def link(self) -> str: ...

    def terms(self, own: frozenset[str]) -> tuple[str, ...]: ...


class Hashes(Protocol):
    """Keyed hashes of terms and links."""

    @property
    def terms(self) -> Mapping[str, int]: ...

    @property
    def links(self) -> Mapping[str, int]: ...


class Name(NamedTuple):
    """A topic as its partials say it: its name, and the words that name its brand and so tell nothing."""

    topic: str
    own: frozenset[str]


_Row = tuple[Mention, Told]


class _Open:
    """A topic's second that is still being counted: what named it, what echoed it, what care heard, other numbers."""

    __slots__ = ("care_echoed", "cared", "echoed", "fields", "named", "sources")

    def __init__(self) -> None:
        self.named: list[_Row] = []
        self.echoed: list[_Row] = []
        self.cared: list[Mention] = []
        self.care_echoed: list[Mention] = []
        self.fields: dict[str, int] = {}
        self.sources: dict[str, int] = {}


class Tally:
    """All open seconds of one partition."""

    def __init__(self, key: bytes, hashes: Hashes) -> None:
        self._key = key
        self._hashes = hashes
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
        found = self._second(topic, second)
        (found.echoed if echo else found.named).append((mention, told))

    def care(self, topic: int, second: int, mention: Mention, *, echo: bool) -> None:
        """The same for sources that yield counts only."""
        found = self._second(topic, second)
        (found.care_echoed if echo else found.cared).append(mention)

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

    def close(self, names: Sequence[Name], known_at: int) -> Iterator[tuple[int, Partial]]:
        """Every open second as (topic, partial), by topic and second; none is open when the iterator is through."""
        for at in sorted(self._open):
            topic, second = at >> 40, at & ((1 << 40) - 1)
            opened = self._open[at]
            if len(opened.named) == 1 and not (
                opened.echoed or opened.cared or opened.care_echoed or opened.fields
            ):
                yield topic, self._single(names[topic], second, known_at, *opened.named[0])
            else:
                yield topic, self._partial(names[topic], second, known_at, opened)
        self._open.clear()

    def _single(self, name: Name, second: int, known_at: int, mention: Mention, told: Told) -> Partial:
        """What `_partial` makes of one mention. Most seconds of most topics have no more, so this is the hot path."""
        press = int(mention.role == "press")
        said, author, source = told.terms(name.own), mention.author, mention.source
        link = self._link(told)
        followers = min(max(mention.followers, 0), MAX_FOLLOWERS)
        hashes = self._hashes.terms
        return Partial(
            name.topic,
            second,
            known_at,
            mentions=1,
            reach_milli=followers * 1000,
            negative_milli=1000 if told.negative else 0,
            press=press,
            press_ms=mention.created_ms if press else 0,
            by_source=((source, 1, 0),),
            authors=(author,) if author else (),
            links=((link, 1, ""),) if link else (),
            terms=tuple(sorted([(hashes[term], 1, term) for term in said])),
            samples=(Sample(mention.key, told.story, author, source, link, said, second),),
            carriers=((followers, author, source),) if author and followers else (),
        )

    def _partial(self, name: Name, second: int, known_at: int, opened: _Open) -> Partial:
        public = opened.named + opened.echoed
        said = [told.terms(name.own) for _, told in public]
        links = [self._link(told) for _, told in public]
        carriers = [
            (min(m.followers, MAX_FOLLOWERS), m.author, m.source) for m, _ in public if m.followers > 0
        ]
        press = [mention.created_ms for mention, _ in opened.named if mention.role == "press"]
        read = opened.fields.get
        return Partial(
            topic=name.topic,
            second=second,
            known_at=known_at,
            mentions=len(opened.named) + read("mentions", 0),
            echo=len(opened.echoed) + read("echo", 0),
            reach_milli=sum([one[0] for one in carriers]) * 1000 + read("reach_milli", 0),
            negative_milli=sum([1000 for _, told in public if told.negative]) + read("negative_milli", 0),
            care=len(opened.cared) + len(opened.care_echoed) + read("care", 0),
            press=len(press),
            press_ms=min(press, default=0),
            by_source=_sources(opened),
            authors=_authors([mention.author for mention, _ in opened.named]),
            echo_authors=_authors([mention.author for mention, _ in opened.echoed]),
            care_authors=_authors([self._care_author(one) for one in opened.cared + opened.care_echoed]),
            links=_hashed(links),
            terms=_counted(said, self._hashes.terms, TERMS),
            samples=_samples(opened.named, said, links, second),
            carriers=greatest([one for one in carriers if one[1]]),
        )

    def _link(self, told: Told) -> int:
        """The keyed hash of the link: an address may hold a handle, so it goes no further than this. 0: none."""
        return self._hashes.links[told.link] if told.link else 0

    def _care_author(self, mention: Mention) -> int:
        """Told by a key that changes daily and serves for nothing else: nobody can be followed from day to day."""
        if not mention.author:
            return 0
        day = mention.created_ms // 86_400_000
        return keyed(self._key, "care", str(day), mention.source, str(mention.author))


def _authors(hashes: list[int]) -> tuple[int, ...]:
    """Different people; 0 is nobody."""
    found = set(hashes)
    found.discard(0)
    return tuple(sorted(found)[:AUTHORS])


def _sources(opened: _Open) -> tuple[tuple[str, int, int], ...]:
    """Mentions and echo of each public source. Of care and internal sources there is one number, `care`."""
    mentions = Counter([one.source for one, _ in opened.named])
    echo = Counter([one.source for one, _ in opened.echoed])
    echo.update(opened.sources)
    return tuple([(source, mentions[source], echo[source]) for source in sorted({*mentions, *echo})])


def _hashed(links: list[int]) -> tuple[Counted, ...]:
    """In how many mentions each link is."""
    counts = Counter(one for one in links if one)
    return tuple([(link, n, "") for link, n in sorted(counts.items())[:LINKS]])


def _counted(told: list[tuple[str, ...]], hashes: Mapping[str, int], most: int) -> tuple[Counted, ...]:
    """Terms: in how many mentions each is."""
    counts = Counter(chain.from_iterable(told))
    return tuple(sorted([(hashes[one], n, one) for one, n in counts.items()])[:most])


def _samples(
    named: list[_Row], said: list[tuple[str, ...]], links: list[int], second: int
) -> tuple[Sample, ...]:
    """The lowest by key, of mentions only: most echo has no words of its own, and would crowd out what was said.

    What has the same key as the last of them is compared as a whole.
    """
    last = sorted([mention.key for mention, _ in named])[SAMPLES - 1] if len(named) > SAMPLES else None
    found = {
        Sample(m.key, told.story, m.author, m.source, links[i], said[i], second)
        for i, (m, told) in enumerate(named)
        if last is None or m.key <= last
    }
    return tuple(sorted(found)[:SAMPLES])

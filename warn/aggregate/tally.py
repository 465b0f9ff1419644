"""One worker's open seconds: what was counted since the last clock, by topic and second.

The hot path only appends. Everything that a partial holds is worked out once for each topic and second, when the
second is closed: at the next clock, or at the end of the step. Nothing here is capped by order of arrival, since what
a partial says must not depend on how the records were spread over partitions and clocks.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, Protocol

from warn.aggregate.partial import AUTHORS, LINKS, SAMPLES, TERMS, greatest
from warn.model.hashing import keyed
from warn.model.mention import Mention
from warn.model.records import Carrier, Counted, Partial, Sample

MENTION: Final = 0
ECHO: Final = 1
CARE: Final = 2
CARE_ECHO: Final = 3

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

    def hash_of(self, word: str) -> int: ...

    def hash_of_link(self, link: str) -> int: ...


class Name(NamedTuple):
    """A topic as its partials say it: its name, and the words that name its brand and so tell nothing."""

    topic: str
    own: frozenset[str]


class _Open:
    """A topic's second that is still being counted."""

    __slots__ = ("fields", "rows", "sources")

    def __init__(self) -> None:
        self.rows: list[tuple[Mention, Told, int]] = []
        self.sources: dict[str, list[int]] = {}
        self.fields: dict[str, int] = {}

    def add(self, field: str, by: int) -> None:
        self.fields[field] = self.fields.get(field, 0) + by

    def source(self, source: str, mentions: int, echo: int) -> None:
        counts = self.sources.get(source)
        if counts is None:
            self.sources[source] = [mentions, echo]
        else:
            counts[0] += mentions
            counts[1] += echo


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

    def add(self, topic: int, second: int, mention: Mention, told: Told, mark: int) -> None:
        """A mention counts for a topic as MENTION, ECHO, CARE or CARE_ECHO."""
        at = topic << 40 | second
        found = self._open.get(at)
        if found is None:
            found = self._open[at] = _Open()
        found.rows.append((mention, told, mark))

    def rise(self, topic: int, second: int, source: str, echo: int, views: int) -> None:
        """Totals of a post rose: likes, replies and shares are echo of nobody in particular, views are reach."""
        found = self._second(topic, second)
        found.add("echo", echo)
        found.add("reach_milli", views * 1000)
        found.source(source, 0, echo)

    def number(self, topic: int, second: int, field: str, value: int) -> None:
        """A reading adds to a field of the partial."""
        self._second(topic, second).add(field, value)

    def close(self, names: Sequence[Name], known_at: int) -> Iterator[tuple[int, Partial]]:
        """Every open second as (topic, partial), by topic and second; none is open when the iterator is through."""
        for at in sorted(self._open):
            topic, second = at >> 40, at & ((1 << 40) - 1)
            yield topic, self._partial(names[topic], second, known_at, self._open[at])
        self._open.clear()

    def _partial(self, name: Name, second: int, known_at: int, opened: _Open) -> Partial:
        mentions = echo = reach = negative = press = press_ms = 0
        authors: set[int] = set()
        echo_authors: set[int] = set()
        carriers: list[Carrier] = []
        care: list[Mention] = []
        public: list[tuple[Mention, Told, int]] = []
        for row in opened.rows:
            mention, told, mark = row
            if mark >= CARE:
                care.append(mention)
                opened.source(mention.source, mark == CARE, mark == CARE_ECHO)
                continue
            public.append(row)
            opened.source(mention.source, mark == MENTION, mark == ECHO)
            if mark == MENTION:
                mentions += 1
                if mention.role == "press":
                    press += 1
                    press_ms = min(press_ms or mention.created_ms, mention.created_ms)
            else:
                echo += 1
            if told.negative:
                negative += 1000
            if mention.author:
                (authors if mark == MENTION else echo_authors).add(mention.author)
            if mention.followers > 0:
                followers = min(mention.followers, MAX_FOLLOWERS)
                reach += followers * 1000
                if mention.author:
                    carriers.append((followers, mention.author, mention.source))
        read = opened.fields.get
        links, terms = self._counted(public, name.own)
        return Partial(
            topic=name.topic,
            second=second,
            known_at=known_at,
            mentions=mentions + read("mentions", 0),
            echo=echo + read("echo", 0),
            reach_milli=reach + read("reach_milli", 0),
            negative_milli=negative + read("negative_milli", 0),
            care=len(care) + read("care", 0),
            press=press,
            press_ms=press_ms,
            by_source=tuple(sorted((one, n, e) for one, (n, e) in opened.sources.items())),
            authors=tuple(sorted(authors)[:AUTHORS]),
            echo_authors=tuple(sorted(echo_authors)[:AUTHORS]),
            care_authors=self._care_authors(care),
            links=links,
            terms=terms,
            samples=self._samples(public, name.own, second),
            carriers=greatest(carriers),
        )

    def _care_authors(self, care: list[Mention]) -> tuple[int, ...]:
        """Told by a key that changes daily and serves for nothing else: nobody can be followed from day to day."""
        found = {
            keyed(self._key, "care", str(one.created_ms // 86_400_000), one.source, str(one.author))
            for one in care
            if one.author
        }
        return tuple(sorted(found)[:AUTHORS])

    def _counted(
        self, public: list[tuple[Mention, Told, int]], own: frozenset[str]
    ) -> tuple[tuple[Counted, ...], tuple[Counted, ...]]:
        """Links and terms: in how many mentions each is."""
        terms: dict[str, int] = {}
        links: dict[str, int] = {}
        for _, told, _ in public:
            for term in told.terms(own):
                terms[term] = terms.get(term, 0) + 1
            if told.link:
                links[told.link] = links.get(told.link, 0) + 1
        of, of_link = self._hashes.hash_of, self._hashes.hash_of_link
        return (
            tuple(sorted((of_link(one), n, one) for one, n in links.items())[:LINKS]),
            tuple(sorted((of(one), n, one) for one, n in terms.items())[:TERMS]),
        )

    def _samples(
        self, public: list[tuple[Mention, Told, int]], own: frozenset[str], second: int
    ) -> tuple[Sample, ...]:
        """The lowest by key. What has the same key as the last of them is compared as a whole."""
        if len(public) > SAMPLES:
            last = sorted(mention.key for mention, _, _ in public)[SAMPLES - 1]
            public = [row for row in public if row[0].key <= last]
        found = {
            Sample(
                mention.key,
                told.story,
                mention.author,
                mention.source,
                told.link,
                told.terms(own),
                second,
                mark == ECHO,
                mention.role,
            )
            for mention, told, mark in public
        }
        return tuple(sorted(found)[:SAMPLES])

"""One worker's open seconds: what was counted since the last commit, by topic and second.

What a mention adds is kept as small as it is in the partial, its words as they are written; the partial is worked out once
for each topic and second, when the second is closed: at the next clock, or before a commit. Nothing here is capped by
order of arrival, since what a partial says must not depend on how the records were spread over partitions and clocks.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final, NamedTuple, Protocol

import msgspec
from msgspec import Raw

from warn.aggregate.partial import AUTHORS, LINKS, NO_PRESS, SAMPLES, TERMS, greatest, merge_all
from warn.model.hashing import keyed
from warn.model.mention import Mention
from warn.model.records import Counted, Partial
from warn.model.wire import array_of, encode, times

MAX_FOLLOWERS: Final = 1_000_000_000
"""More is a mistake or a lie; it also keeps sums of thousandths within 64 bits."""

MAX_WEIGHT: Final = 64
"""A partial grows no more with what it counts: it has all the samples and authors that it may have."""

_Partial: Final[Any] = Partial
"""With parts of it encoded already."""
_decode: Final = msgspec.msgpack.Decoder(Partial).decode


class Told(Protocol):
    """What a mention's text says. A link's address may hold a handle, so it goes no further than its keyed hash."""

    @property
    def negative(self) -> bool: ...

    @property
    def story(self) -> int: ...

    @property
    def link(self) -> str: ...

    def terms(self, own: frozenset[str]) -> tuple[tuple[bytes, ...], bytes]:
        """Terms without `own`, as `wire.written_term` writes them, and the array of their words."""


class Name(NamedTuple):
    """A topic as its partials say it: its name, and the words that name its brand and so tell nothing."""

    topic: str
    own: frozenset[str]


class Closed(NamedTuple):
    """A topic's second: the partial as it is written, and how much of a record it is worth."""

    topic: int
    weight: int
    partial: bytes


_Row = tuple[int, int, int, str, int, bytes, tuple[bytes, ...], int, bool, tuple[int, int] | None, bool]
"""What a mention adds: key, story, author, source, link, words, terms, followers, whether it is negative, when the press
published it and when we saw that (None: it is no article), whether it is echo. A plain tuple: there is one for each topic of each mention.
"""


class Tally:
    """All open seconds of one partition.

    `names`: the topics in force; `known_at`: the partition's clock. `links` hashes a link, 0 for none.
    """

    def __init__(self, key: bytes, links: Mapping[str, int]) -> None:
        self.names: Sequence[Name] = ()
        self.known_at = 0
        self._key = key
        self._links = links
        self._rows: dict[int, list[_Row]] = {}
        self._others: dict[int, list[Partial]] = {}

    def __len__(self) -> int:
        return len(self._rows) + len(self._others)

    def add(self, topic: int, second: int, mention: Mention, told: Told, *, echo: bool) -> None:
        """A mention names a topic, or is echo of it."""
        terms, words = told.terms(self.names[topic].own)
        row = (
            mention.key,
            told.story,
            mention.author,
            mention.source,
            self._links[told.link] if told.link else 0,
            words,
            terms,
            min(max(mention.followers, 0), MAX_FOLLOWERS),
            told.negative,
            _press(mention) if mention.role == "press" and not echo else None,
            echo,
        )
        at = topic << 40 | second
        rows = self._rows.get(at)
        if rows is None:
            self._rows[at] = [row]
        else:
            rows.append(row)

    def care(self, topic: int, second: int, mention: Mention) -> None:
        """The same for sources that yield counts only: there is one number for all of them."""
        author = self._care_author(mention)
        self._add(topic, second, care=1, care_authors=(author,) if author else ())

    def rise(self, topic: int, second: int, source: str, echo: int, views: int) -> None:
        """Totals of a post rose: likes, replies and shares are echo of nobody in particular, views are reach."""
        self._add(topic, second, echo=echo, reach_milli=views * 1000, by_source=((source, 0, echo),))

    def number(self, topic: int, second: int, field: str, value: int) -> None:
        """A reading adds to a field of the partial."""
        self._add(topic, second, **{field: value})

    def close(self) -> Iterator[Closed]:
        """Every open second, by topic and second; none is open when the iterator is through."""
        for at in sorted({*self._rows, *self._others} if self._others else self._rows):
            topic, second = at >> 40, at & ((1 << 40) - 1)
            rows, others = self._rows.get(at, ()), self._others.get(at, ())
            name = self.names[topic].topic
            if len(rows) == 1:
                whole = encode(_single(name, second, self.known_at, rows[0]))
            else:
                whole = _several(name, second, self.known_at, rows) if rows else b""
            if others:
                whole = encode(merge_all([*([_decode(whole)] if rows else ()), *others]))
            yield Closed(topic, 2 + min(len(rows), MAX_WEIGHT), whole)
        self._rows.clear()
        self._others.clear()

    def _add(self, topic: int, second: int, **counted: Any) -> None:
        one = Partial(self.names[topic].topic, second, self.known_at, **counted)
        self._others.setdefault(topic << 40 | second, []).append(one)

    def _care_author(self, mention: Mention) -> int:
        """Told by a key that changes daily and serves for nothing else: nobody can be followed from day to day."""
        if not mention.author:
            return 0
        day = mention.created_ms // 86_400_000
        return keyed(self._key, "care", str(day), mention.source, str(mention.author))


def _press(mention: Mention) -> tuple[int, int]:
    """When an article was published by its own word, and when we saw it."""
    return mention.published_ms or mention.created_ms, mention.seen_ms


def _single(topic: str, second: int, known_at: int, row: _Row) -> Any:
    """What `_several` makes of one mention, as many seconds of many topics have no more."""
    key, story, author, source, link, words, terms, followers, negative, press, echo = row
    authors = (author,) if author else ()
    return _Partial(
        topic,
        second,
        known_at,
        0 if echo else 1,
        1 if echo else 0,
        followers * 1000,
        1000 if negative else 0,
        0,
        1 if press else 0,
        press[0] if press else 0,
        ((source, 0, 1),) if echo else ((source, 1, 0),),
        () if echo else authors,
        authors if echo else (),
        (),
        ((link, 1, ""),) if link else (),
        Raw(array_of(sorted(terms))),
        () if echo else ((key, story, author, source, link, Raw(words), second),),
        ((followers, author, source),) if author and followers else (),
        press[1] if press and press[0] else 0,
    )


def _several(topic: str, second: int, known_at: int, rows: Sequence[_Row]) -> bytes:
    """The partial of mentions and echo, written."""
    named = [row for row in rows if not row[10]]
    if len({row[0] for row in named}) < len(named):
        # The same mention more than once: samples are then told apart by the whole record.
        return encode(merge_all([_decode(encode(_single(topic, second, known_at, row))) for row in rows]))
    echoed = [row for row in rows if row[10]] if len(named) < len(rows) else []
    press = [row[9] for row in named if row[9]]
    published_ms, seen_ms = min(press, default=NO_PRESS)
    return encode(
        _Partial(
            topic,
            second,
            known_at,
            len(named),
            len(echoed),
            sum([row[7] for row in rows]) * 1000,
            sum([1000 for row in rows if row[8]]),
            0,
            len(press),
            published_ms,
            _sources(named, echoed),
            _authors(named),
            _authors(echoed),
            (),
            _hashed([row[4] for row in rows if row[4]]),
            Raw(_counted([row[6] for row in rows])),
            # Of mentions only: most echo has no words of its own, and would crowd out what was said.
            [(*row[:5], Raw(row[5]), second) for row in sorted(named)[:SAMPLES]],
            greatest([(row[7], row[2], row[3]) for row in rows if row[2] and row[7]]),
            seen_ms if published_ms else 0,
        )
    )


def _authors(rows: Sequence[_Row]) -> tuple[int, ...]:
    """Different people; 0 is nobody."""
    found = {row[2] for row in rows}
    found.discard(0)
    return tuple(sorted(found)[:AUTHORS])


def _sources(named: Sequence[_Row], echoed: Sequence[_Row]) -> list[tuple[str, int, int]]:
    """Mentions and echo of each public source. Of care and internal sources there is one number, `care`."""
    mentions, echo = Counter([row[3] for row in named]), Counter([row[3] for row in echoed])
    return [(source, mentions[source], echo[source]) for source in sorted({*mentions, *echo})]


def _hashed(links: list[int]) -> tuple[Counted, ...]:
    """In how many mentions each link is."""
    return tuple([(link, n, "") for link, n in sorted(Counter(links).items())[:LINKS]])


def _counted(told: list[tuple[bytes, ...]]) -> bytes:
    """Terms: in how many mentions each is, the lowest hashes first."""
    counts = Counter(chain.from_iterable(told))
    return array_of([one if (n := counts[one]) == 1 else times(one, n) for one in sorted(counts)[:TERMS]])

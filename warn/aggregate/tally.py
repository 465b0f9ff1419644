"""One worker's open seconds: what was counted since the last commit, by topic and second.

What one mention adds is a partial already, and is written down while all of it is at hand: most seconds of most topics
have no more than that. Only where more comes together is it read again, and merged when the second is closed: at the next
clock, or before a commit. Nothing here is capped by order of arrival, since what a partial says must not depend on how
the records were spread over partitions and clocks.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

import msgspec
from msgspec import Raw

from warn.aggregate.partial import merge_all
from warn.model.hashing import keyed
from warn.model.mention import Mention
from warn.model.records import Partial
from warn.model.wire import encode

MAX_FOLLOWERS: Final = 1_000_000_000
"""More is a mistake or a lie; it also keeps sums of thousandths within 64 bits."""
MAX_OPEN: Final = 256
"""Partials of one second that lie unmerged."""

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

    def terms(self, own: frozenset[str]) -> tuple[bytes, bytes]:
        """As msgpack: those counted, in order of their hashes, and their words, without `own`."""


class Name(NamedTuple):
    """A topic as its partials say it: its name, and the words that name its brand and so tell nothing."""

    topic: str
    own: frozenset[str]


class Closed(NamedTuple):
    """A topic's second: the partial as it is written, and how much of a record it is worth."""

    topic: int
    weight: int
    partial: bytes


class Tally:
    """All open seconds of one partition.

    `names`: the topics in force; `known_at`: the partition's clock. `links` hashes a link, 0 for none.
    """

    def __init__(self, key: bytes, links: Mapping[str, int]) -> None:
        self.names: Sequence[Name] = ()
        self.known_at = 0
        self._key = key
        self._links = links
        self._open: dict[int, bytes | list[Partial]] = {}

    def __len__(self) -> int:
        return len(self._open)

    def add(self, topic: int, second: int, mention: Mention, told: Told, *, echo: bool) -> None:
        """A mention names a topic, or is echo of it."""
        name = self.names[topic]
        terms, words = told.terms(name.own)
        link = self._links[told.link] if told.link else 0
        author, source = mention.author, mention.source
        followers = min(max(mention.followers, 0), MAX_FOLLOWERS)
        press = not echo and mention.role == "press"
        authors = (author,) if author else ()
        # Of mentions only: most echo has no words of its own, and would crowd out what was said.
        sample = (mention.key, told.story, author, source, link, Raw(words), second)
        one = _Partial(
            name.topic,
            second,
            self.known_at,
            0 if echo else 1,
            1 if echo else 0,
            followers * 1000,
            1000 if told.negative else 0,
            0,
            1 if press else 0,
            mention.created_ms if press else 0,
            ((source, 0, 1),) if echo else ((source, 1, 0),),
            () if echo else authors,
            authors if echo else (),
            (),
            ((link, 1, ""),) if link else (),
            Raw(terms),
            () if echo else (sample,),
            ((followers, author, source),) if author and followers else (),
        )
        self._add(topic, second, one)

    def care(self, topic: int, second: int, mention: Mention) -> None:
        """The same for sources that yield counts only: there is one number for all of them."""
        author = self._care_author(mention)
        authors = (author,) if author else ()
        self._add(topic, second, self._partial(topic, second, care=1, care_authors=authors))

    def rise(self, topic: int, second: int, source: str, echo: int, views: int) -> None:
        """Totals of a post rose: likes, replies and shares are echo of nobody in particular, views are reach."""
        partial = self._partial(
            topic, second, echo=echo, reach_milli=views * 1000, by_source=((source, 0, echo),)
        )
        self._add(topic, second, partial)

    def number(self, topic: int, second: int, field: str, value: int) -> None:
        """A reading adds to a field of the partial."""
        self._add(topic, second, self._partial(topic, second, **{field: value}))

    def close(self) -> Iterator[Closed]:
        """Every open second, by topic and second; none is open when the iterator is through."""
        for at in sorted(self._open):
            held = self._open[at]
            if isinstance(held, bytes):
                yield Closed(at >> 40, 2, held)
            else:
                one = merge_all(held)
                weight = 1 + len(one.samples) + len(one.authors) // 16 + len(one.echo_authors) // 16
                yield Closed(at >> 40, weight, encode(one))
        self._open.clear()

    def _partial(self, topic: int, second: int, **counted: object) -> Partial:
        return Partial(self.names[topic].topic, second, self.known_at, **counted)  # type: ignore[arg-type]

    def _add(self, topic: int, second: int, partial: Partial) -> None:
        at = topic << 40 | second
        held = self._open.get(at)
        if held is None:
            self._open[at] = encode(partial)
        elif isinstance(held, bytes):
            self._open[at] = [_decode(held), _decode(encode(partial))]
        else:
            held.append(_decode(encode(partial)))
            if len(held) == MAX_OPEN:
                held[:] = [merge_all(held)]

    def _care_author(self, mention: Mention) -> int:
        """Told by a key that changes daily and serves for nothing else: nobody can be followed from day to day."""
        if not mention.author:
            return 0
        day = mention.created_ms // 86_400_000
        return keyed(self._key, "care", str(day), mention.source, str(mention.author))

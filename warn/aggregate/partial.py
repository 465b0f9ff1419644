"""Merging partials: whatever was counted in pieces adds up to the same whole, in any order and grouping.

Every field is a sum, a set of lowest hashes, or a set of greatest followers; each of those is associative and
commutative, so neither the number of match partitions nor the size of a batch can be seen in a result. "The commonest
32" is not such a thing (a term that is rare in every piece and common in all would be lost), "the 32 lowest hashes
with their sums" is: a hash that any piece dropped had 32 lower ones there, and they are lower in the whole, too.
"""

from collections.abc import Iterable, Sequence
from itertools import chain

from warn.model.records import Carrier, Counted, Partial, Sample

AUTHORS = 256
LINKS = 32
TERMS = 32
SAMPLES = 32
CARRIERS = 32
NO_PRESS = (0, 0)
MANY = 4
"""Partials from which on it is faster to merge all at once."""


def lowest(a: tuple[int, ...], b: tuple[int, ...], n: int = AUTHORS) -> tuple[int, ...]:
    """The `n` lowest of two sets of hashes, sorted."""
    if not a or not b:
        return a or b
    return tuple(sorted({*a, *b})[:n])


def merge_counted(a: tuple[Counted, ...], b: tuple[Counted, ...], n: int = TERMS) -> tuple[Counted, ...]:
    """The `n` lowest hashes of links or terms with summed counts; should two texts share a hash, the lesser names it."""
    if not a or not b:
        return a or b
    sums: dict[int, Counted] = {one[0]: one for one in a}
    for one in b:
        had = sums.get(one[0])
        sums[one[0]] = one if had is None else (one[0], had[1] + one[1], min(had[2], one[2]))
    return tuple(sorted(sums.values())[:n])


def merge_samples(a: tuple[Sample, ...], b: tuple[Sample, ...], n: int = SAMPLES) -> tuple[Sample, ...]:
    """The `n` lowest samples, ties by the whole record; equal records are one."""
    if not a or not b:
        return a or b
    return tuple(sorted({*a, *b})[:n])


def greatest(carriers: Iterable[Carrier], n: int = CARRIERS) -> tuple[Carrier, ...]:
    """The `n` greatest by (followers, author), greatest first, an author with its greatest number of followers."""
    found: list[Carrier] = []
    seen: set[int] = set()
    for one in sorted(carriers, reverse=True):
        if one[1] not in seen:
            seen.add(one[1])
            found.append(one)
            if len(found) == n:
                break
    return tuple(found)


def merge_carriers(a: tuple[Carrier, ...], b: tuple[Carrier, ...], n: int = CARRIERS) -> tuple[Carrier, ...]:
    """The `n` greatest of two."""
    if not a or not b:
        return a or b
    return greatest((*a, *b), n)


def merge_sources(
    a: tuple[tuple[str, int, int], ...], b: tuple[tuple[str, int, int], ...]
) -> tuple[tuple[str, int, int], ...]:
    """Mentions and echo per source, summed; sorted by source."""
    if not a or not b:
        return a or b
    sums = {one[0]: one for one in a}
    for source, mentions, echo in b:
        had = sums.get(source)
        sums[source] = (source, mentions, echo) if had is None else (source, had[1] + mentions, had[2] + echo)
    return tuple(sorted(sums.values()))


def earliest(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    """The earlier of two articles: when it was published (0: there is none), and when we saw it."""
    if not a[0] or not b[0]:
        return a if a[0] else b if b[0] else NO_PRESS
    return min(a, b)


def merge_all(partials: Sequence[Partial]) -> Partial:
    """What `merge` makes of them one after another, at once. There must be one at least, all of one topic (ValueError)."""
    first = partials[0]
    if len(partials) < MANY:
        for one in partials[1:]:
            first = merge(first, one)
        return first
    if any(one.topic != first.topic for one in partials):
        raise ValueError(f"partials of different topics do not merge: {first.topic!r} and others")
    press_ms, press_seen_ms = min(
        [(one.press_ms, one.press_seen_ms) for one in partials if one.press_ms], default=NO_PRESS
    )
    return Partial(
        topic=first.topic,
        second=min([one.second for one in partials]),
        known_at=max([one.known_at for one in partials]),
        mentions=sum([one.mentions for one in partials]),
        echo=sum([one.echo for one in partials]),
        reach_milli=sum([one.reach_milli for one in partials]),
        negative_milli=sum([one.negative_milli for one in partials]),
        care=sum([one.care for one in partials]),
        press=sum([one.press for one in partials]),
        press_ms=press_ms,
        by_source=_sources(partials),
        authors=_lowest([one.authors for one in partials]),
        echo_authors=_lowest([one.echo_authors for one in partials]),
        care_authors=_lowest([one.care_authors for one in partials]),
        links=_counted([one.links for one in partials], LINKS),
        terms=_counted([one.terms for one in partials], TERMS),
        samples=tuple(sorted(set(chain.from_iterable([one.samples for one in partials])))[:SAMPLES]),
        carriers=greatest(chain.from_iterable([one.carriers for one in partials])),
        press_seen_ms=press_seen_ms,
    )


def _sources(partials: Sequence[Partial]) -> tuple[tuple[str, int, int], ...]:
    sums: dict[str, tuple[str, int, int]] = {}
    for one in partials:
        for source, mentions, echo in one.by_source:
            had = sums.get(source)
            sums[source] = (
                (source, mentions, echo) if had is None else (source, had[1] + mentions, had[2] + echo)
            )
    return tuple(sorted(sums.values()))


def _lowest(sets: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(sorted(set(chain.from_iterable(sets)))[:AUTHORS])


def _counted(pieces: Iterable[tuple[Counted, ...]], n: int) -> tuple[Counted, ...]:
    sums: dict[int, Counted] = {}
    for one in chain.from_iterable(pieces):
        had = sums.get(one[0])
        sums[one[0]] = one if had is None else (one[0], had[1] + one[1], min(had[2], one[2]))
    return tuple(sorted(sums.values())[:n])


def merge(a: Partial, b: Partial) -> Partial:
    """Both together. They must be of one topic (ValueError); their seconds and clocks may differ.

    The result has the earlier `second` and the later `known_at`: it was begun then, and complete from then on. Whoever
    needs them apart (detect: a partial counts from the tick after its `known_at`) merges only what belongs together.
    """
    if a.topic != b.topic:
        raise ValueError(f"partials of different topics do not merge: {a.topic!r} and {b.topic!r}")
    press_ms, press_seen_ms = earliest((a.press_ms, a.press_seen_ms), (b.press_ms, b.press_seen_ms))
    return Partial(
        topic=a.topic,
        second=min(a.second, b.second),
        known_at=max(a.known_at, b.known_at),
        mentions=a.mentions + b.mentions,
        echo=a.echo + b.echo,
        reach_milli=a.reach_milli + b.reach_milli,
        negative_milli=a.negative_milli + b.negative_milli,
        care=a.care + b.care,
        press=a.press + b.press,
        press_ms=press_ms,
        by_source=merge_sources(a.by_source, b.by_source),
        authors=lowest(a.authors, b.authors),
        echo_authors=lowest(a.echo_authors, b.echo_authors),
        care_authors=lowest(a.care_authors, b.care_authors),
        links=merge_counted(a.links, b.links, LINKS),
        terms=merge_counted(a.terms, b.terms, TERMS),
        samples=merge_samples(a.samples, b.samples),
        carriers=merge_carriers(a.carriers, b.carriers),
        press_seen_ms=press_seen_ms,
    )

"""Partials are a commutative monoid: however the pieces of a count are grouped and ordered, the whole is the same."""

from functools import reduce

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from warn.aggregate.partial import (
    AUTHORS,
    CARRIERS,
    LINKS,
    SAMPLES,
    TERMS,
    greatest,
    lowest,
    merge,
    merge_carriers,
    merge_counted,
    merge_samples,
    merge_sources,
)
from warn.model.records import Partial, Sample
from warn.model.wire import encode

NOTHING: tuple[tuple[int, int, str], ...] = ()
NO_HASHES: tuple[int, ...] = ()
HASHES = st.integers(1, 40)
COUNTED = st.tuples(HASHES, st.integers(1, 5), st.sampled_from(["smoke", "fire", "battery"]))
CARRIER = st.tuples(st.integers(1, 6), HASHES, st.sampled_from(["a", "b"]))
SAMPLE = st.builds(
    Sample,
    key=HASHES,
    story=st.integers(0, 2),
    author=HASHES,
    source=st.sampled_from(["a", "b"]),
    link=st.sampled_from([0, 5]),
    terms=st.sampled_from([(), ("smoke",)]),
    second=st.integers(0, 3),
)


def counted(pieces: list[tuple[int, int, str]]) -> tuple[tuple[int, int, str], ...]:
    """One valid field, made the slow way from any pieces."""
    return reduce(merge_counted, [(piece,) for piece in pieces], ())


def sources(pieces: list[tuple[str, int, int]]) -> tuple[tuple[str, int, int], ...]:
    return reduce(merge_sources, [(piece,) for piece in pieces], ())


COUNT = st.integers(0, 9)
PARTIAL = st.builds(
    Partial,
    topic=st.just("Acme/acme"),
    second=st.integers(0, 9),
    known_at=st.integers(0, 9),
    mentions=COUNT,
    echo=COUNT,
    reach_milli=COUNT,
    negative_milli=COUNT,
    care=COUNT,
    press=COUNT,
    press_ms=COUNT,
    press_seen_ms=COUNT,
    by_source=st.lists(st.tuples(st.sampled_from("abc"), COUNT, COUNT), max_size=4).map(sources),
    authors=st.sets(HASHES).map(lambda s: lowest((), tuple(sorted(s)))),
    echo_authors=st.sets(HASHES).map(lambda s: tuple(sorted(s))),
    care_authors=st.sets(HASHES).map(lambda s: tuple(sorted(s))),
    links=st.lists(COUNTED).map(counted),
    terms=st.lists(COUNTED).map(counted),
    samples=st.lists(SAMPLE).map(lambda s: merge_samples((), tuple(sorted(set(s))[:SAMPLES]))),
    carriers=st.lists(CARRIER).map(greatest),
).map(lambda one: one if one.press_ms else replace(one, press_seen_ms=0))


@given(PARTIAL, PARTIAL)
def test_merging_is_commutative(a: Partial, b: Partial) -> None:
    """Whichever came first, the bytes are the same."""
    assert encode(merge(a, b)) == encode(merge(b, a))


@given(PARTIAL, PARTIAL, PARTIAL)
def test_merging_is_associative(a: Partial, b: Partial, c: Partial) -> None:
    """However they are grouped, the bytes are the same."""
    assert encode(merge(merge(a, b), c)) == encode(merge(a, merge(b, c)))


@given(PARTIAL)
def test_nothing_is_neutral(a: Partial) -> None:
    """Merging with a partial that counted nothing changes nothing."""
    assert merge(a, Partial("Acme/acme", a.second, a.known_at)) == a


@given(st.lists(st.lists(HASHES, max_size=30), max_size=6), st.integers(1, 10))
def test_the_lowest_of_pieces_are_the_lowest_of_all(pieces: list[list[int]], n: int) -> None:
    """A set cut to its n lowest, piece by piece, is the n lowest of everything."""
    cut = [tuple(sorted(set(piece))[:n]) for piece in pieces]
    assert reduce(lambda a, b: lowest(a, b, n), cut, NO_HASHES) == tuple(
        sorted({h for p in pieces for h in p})[:n]
    )


@given(st.lists(st.lists(COUNTED, max_size=20), max_size=5), st.integers(1, 8))
def test_sums_of_the_lowest_are_exact(pieces: list[list[tuple[int, int, str]]], n: int) -> None:
    """What survives the cut has the sum that it would have had without any cut."""
    cut = [
        reduce(lambda a, b: merge_counted(a, b, n), [(one,) for one in piece], NOTHING) for piece in pieces
    ]
    merged = reduce(lambda a, b: merge_counted(a, b, n), cut, NOTHING)
    sums: dict[int, int] = {}
    for one in (c for piece in pieces for c in piece):
        sums[one[0]] = sums.get(one[0], 0) + one[1]
    assert [(h, count) for h, count, _ in merged] == sorted(sums.items())[:n]


@given(st.lists(st.lists(CARRIER, max_size=20), max_size=5), st.integers(1, 8))
def test_the_greatest_carriers_are_each_told_once(pieces: list[list[tuple[int, int, str]]], n: int) -> None:
    """An author stands once among the carriers, with its greatest number, however the pieces were cut."""
    merged = reduce(lambda a, b: merge_carriers(a, b, n), [greatest(piece, n) for piece in pieces], NOTHING)
    best: dict[int, tuple[int, int, str]] = {}
    for one in sorted(c for piece in pieces for c in piece):
        best[one[1]] = one
    assert merged == tuple(sorted(best.values(), reverse=True)[:n])


def test_the_limits_are_those_of_the_design() -> None:
    """256 authors; 32 of everything else."""
    assert (AUTHORS, LINKS, TERMS, SAMPLES, CARRIERS) == (256, 32, 32, 32, 32)

"""Series and people agree with the plainest possible reading of what they mean."""

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from warn.aggregate.people import HOUR, LIMIT, People, distinct
from warn.aggregate.series import TICK_S, Series

counts = st.lists(st.tuples(st.integers(0, 300), st.integers(1, 9)), max_size=60)


@given(counts, st.integers(0, 320), st.integers(1, 200))
def test_a_window_is_the_sum_of_its_bins_in_whatever_order_they_came(added, end, length):
    """A window holds exactly the bins in [end - length, end)."""
    series = Series()
    for index, n in added:
        series.add(index, n)
    expected = sum(n for index, n in added if end - length <= index < end)
    assert series.window(end * TICK_S, length * TICK_S) == expected
    assert series.windows(end * TICK_S, (length * TICK_S, TICK_S))[0] == expected


@given(counts, st.integers(0, 300))
def test_trimming_changes_no_window_that_starts_later(added, start):
    """What was trimmed is asked for no more; all later windows stand."""
    series, trimmed = Series(added), Series(added)
    trimmed.trim(start)
    for end in range(start, 320, 7):
        length = (end - start) * TICK_S
        assert trimmed.window(end * TICK_S, length) == series.window(end * TICK_S, length)


@given(counts)
def test_a_series_survives_its_own_counts(added):
    """`counts` is all there is to save."""
    series = Series(added)
    assert list(Series(series.counts()).counts()) == list(series.counts())


arrivals = st.lists(st.tuples(st.integers(100, 200), st.integers(1, 12)), max_size=80)


def plainly_fresh(arrived):
    """Fresh counts by the definition: in none of the sixty minutes before."""
    minutes = defaultdict(set)
    for minute, one in arrived:
        minutes[minute].add(one)
    return {
        m: n
        for m, held in minutes.items()
        if (n := sum(1 for one in held if not any(one in minutes.get(b, ()) for b in range(m - HOUR, m))))
    }


@given(arrivals, st.randoms(use_true_random=False))
def test_fresh_counts_follow_from_the_sets_and_not_from_the_order(arrived, rng):
    """However people arrive, the fresh counts are those of the definition."""
    shuffled = list(arrived)
    rng.shuffle(shuffled)
    people, fresh = People(), defaultdict(int)
    for minute, one in shuffled:
        for of, change in people.add(minute, [one]):
            fresh[of] += change
    assert {m: n for m, n in fresh.items() if n} == plainly_fresh(arrived)


@given(st.permutations(list(range(1, 400))))
def test_a_full_minute_keeps_its_lowest_hashes(hashes):
    """More than the limit in one minute: the lowest stay, and fresh counts never exceed them."""
    people, fresh = People(), 0
    for one in hashes:
        fresh += sum(change for _, change in people.add(7, [one]))
    assert fresh == LIMIT
    assert people.distinct(7, 7) >= LIMIT


def test_distinct_is_exact_below_the_limit_and_close_above_it():
    """The estimate over full sets is within a tenth for evenly spread hashes."""
    assert distinct([(1, 2, 3), (3, 4)]) == 4
    step = (1 << 64) // 5000
    sets = [tuple(sorted(i * step + k for i in range(5000)))[:LIMIT] for k in (1, 2)]
    assert 9000 < distinct(sets) < 11000

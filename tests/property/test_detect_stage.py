"""detect says the same however its input was written, batched, interleaved, and however often it crashed."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.property import detect_world as world
from warn.model.wire import decode_desk


@given(st.integers(0, 10**9), st.integers(5, 80))
def test_one_world_one_story(seed, size):
    """Partitions, batches, interleaving, density of clocks, a switch of rules: same events, same state."""
    rng = random.Random(seed)
    happenings = world.world(rng, size)
    switch_at = rng.choice([-1, size // 2])
    plain = world.written(rng, happenings, partitions=1, switch_at=switch_at)
    expected = world.run(rng, plain, 1, batch=500)
    for partitions, dense, batch in ((1, 0, 1), (3, 0, 7), (2, 60, 50), (6, 0, 3)):
        log = world.written(rng, happenings, partitions=partitions, dense=dense, switch_at=switch_at)
        got = world.run(rng, log, partitions, batch=batch)
        assert [decode_desk(r) for r in got.desk] == [decode_desk(r) for r in expected.desk]
        assert got == expected


@given(st.integers(0, 10**9), st.integers(20, 120))
def test_crashes_leave_no_trace(seed, size):
    """Killed before any commit and resumed from snapshots taken slice by slice: nothing lost, nothing said twice."""
    rng = random.Random(seed)
    happenings = world.world(rng, size)
    log = world.written(rng, happenings, partitions=2, switch_at=rng.choice([-1, size // 3]))
    expected = world.run(rng, log, 2, batch=5)
    assert world.run(rng, log, 2, batch=rng.choice([1, 3, 10]), crash=0.3) == expected


@pytest.mark.parametrize("seed", range(3))
def test_the_world_is_worth_running(seed):
    """The random worlds do fire, update and resolve: a comparison of nothing with nothing proves nothing."""
    rng = random.Random(seed)
    log = world.written(rng, world.world(rng, 300), partitions=1, switch_at=150)
    kinds = {getattr(decode_desk(r), "kind", "beat") for r in world.run(rng, log, 1, batch=9).desk}
    assert kinds == {"firing", "update", "resolved", "beat"}

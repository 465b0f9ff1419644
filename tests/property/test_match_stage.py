"""match says the same of the same records: in any batches, over any number of partitions, and after any crash."""

import random

from hypothesis import given
from hypothesis import strategies as st

from tests.property.match_world import every, fresh, logs, run, world
from warn.stages.base import Effects, In
from warn.telemetry import metrics

SEEDS = st.integers(0, 2**32)


@given(SEEDS, st.integers(1, 30))
def test_the_size_of_a_batch_changes_nothing(seed: int, largest: int) -> None:
    """Partials, state and evidence of one record a step are those of large steps."""
    records = world(seed)
    one = run(records, partitions=1, signals=1, seed=seed, largest=1)
    many = run(records, partitions=1, signals=3, seed=seed + 1, largest=largest)
    assert one.partials == many.partials
    assert one.entries == many.entries
    assert one.evidence == many.evidence


@given(SEEDS, st.sampled_from((2, 3, 6, 60)))
def test_the_number_of_partitions_changes_nothing(seed: int, partitions: int) -> None:
    """Merged partials and merged state of many partitions are those of one."""
    records = world(seed)
    one = run(records, partitions=1, signals=1, seed=seed, largest=20)
    many = run(records, partitions=partitions, signals=2, seed=seed, largest=20)
    assert one.partials == many.partials
    assert one.entries == many.entries


@given(SEEDS)
def test_a_crash_changes_nothing(seed: int) -> None:
    """What was not committed is done again from the saved state, with the same outcome to the byte."""
    records = world(seed)
    calm = run(records, partitions=2, signals=2, seed=seed, largest=6)
    crashing = run(records, partitions=2, signals=2, seed=seed, largest=6, crash=0.5)
    assert calm == crashing


@given(SEEDS)
def test_a_full_memory_changes_nothing(seed: int) -> None:
    """What a bucket forgets first is the same over any number of partitions, in any batches and after crashes."""
    records = world(seed, 120)
    one = run(records, partitions=1, signals=1, seed=seed, largest=1, room=1)
    many = run(records, partitions=6, signals=1, seed=seed + 1, largest=9, room=1, crash=0.3)
    assert one.partials == many.partials
    assert one.entries == many.entries


@given(SEEDS)
def test_all_that_is_counted_is_a_declared_metric(seed: int) -> None:
    """A counter that telemetry does not know would stop the worker after a step that was committed."""
    stage, effects = fresh(0, 1, 1), Effects()
    records = [In(i, value) for i, value in enumerate([*logs(world(seed), 1, random.Random(seed))[0], b"?"])]
    list(stage.step(records, effects))
    metrics.counts(effects.counts)
    assert effects.counts["unreadable", "mentions"] >= 1


@given(SEEDS)
def test_every_clock_is_announced_once_and_in_order(seed: int) -> None:
    """detect waits for these: a clock that is lost stops it, one that goes back would undo it."""
    records = world(seed)
    outcome = run(records, partitions=2, signals=2, seed=seed, largest=9)
    assert outcome.clocks == [list(every(records))] * 2

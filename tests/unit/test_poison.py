"""Which record is to blame, from failures alone."""

from warn.stages.base import In
from warn.stages.poison import TRIES, Poison, StageFailedError


def _fail(poison: Poison, first: int, last: int, times: int = 1) -> None:
    for _ in range(times):
        poison.failed(StageFailedError("match", [In(n, b"") for n in range(first, last + 1)]))


def test_a_batch_is_suspected_only_after_some_failures() -> None:
    """Fewer failures, or failures with a commit between them, change nothing; then its records come one by one."""
    poison = Poison()
    _fail(poison, 10, 19, TRIES - 1)
    poison.committed(10)
    _fail(poison, 10, 19, TRIES - 1)
    assert poison.limit(10, 500) == 500
    _fail(poison, 10, 19)
    assert [poison.limit(p, 500) for p in (4, 9, 10, 19, 20)] == [6, 1, 1, 1, 500]
    assert 12 not in poison


def test_only_what_fails_alone_as_often_is_poison() -> None:
    """A suspect that fails alone is poison after as many failures; once the batch is through, suspicion ends."""
    poison = Poison()
    _fail(poison, 10, 19, TRIES)
    _fail(poison, 12, 12, TRIES - 1)
    assert 12 not in poison
    _fail(poison, 12, 12)
    assert 12 in poison
    poison.committed(19)
    assert poison.limit(19, 500) == 1
    poison.committed(20)
    assert poison.limit(15, 500) == 500
    assert 12 in poison


def test_a_single_record_is_not_blamed_sooner() -> None:
    """A batch of one gets its tries as a batch first."""
    poison = Poison()
    _fail(poison, 5, 5, TRIES)
    assert 5 not in poison
    _fail(poison, 5, 5, TRIES)
    assert 5 in poison


def test_failures_name_their_records() -> None:
    """The error of a stage says which records it was handed."""
    error = StageFailedError("match", [In(4, b""), In(9, b"")])
    assert (str(error), error.first, error.last) == ("match failed on records 4 to 9", 4, 9)

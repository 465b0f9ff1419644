"""How long a source is left alone, when it is deaf, and how time is told."""

import random

import pytest

from warn.ingest.backoff import PARKED_S, Backoff
from warn.ingest.clock import Wall
from warn.ingest.status import Status
from warn.model.errors import PermanentError, Reason, TemporaryError


def temporary(reason: Reason = Reason.NETWORK, after: float | None = None) -> TemporaryError:
    return TemporaryError("x", reason=reason, retry_after_s=after)


def test_waits_double_with_full_jitter_up_to_five_minutes() -> None:
    drawn: list[list[float]] = [[] for _ in range(12)]
    for seed in range(300):
        backoff = Backoff(random.Random(seed))
        for number in range(12):
            drawn[number].append(backoff.wait(temporary(), 0.0))
    for number, waits in enumerate(drawn):
        ceiling = min(300.0, 2.0 ** (number + 1))
        assert all(1.0 <= wait <= ceiling for wait in waits)
        assert max(waits) > 0.9 * ceiling
    assert min(drawn[-1]) < 30.0


def test_ten_minutes_of_health_forget_the_failures() -> None:
    backoff = Backoff(random.Random(1))
    for _ in range(10):
        backoff.wait(temporary(), 0.0)
    backoff.started(100.0)
    backoff.wait(temporary(), 100.0 + 599.0)
    assert backoff.failures == 11
    backoff.started(1000.0)
    assert backoff.wait(temporary(), 1000.0 + 600.0) <= 2.0


def test_the_sources_own_word_on_when_is_kept() -> None:
    backoff = Backoff(random.Random(1))
    for _ in range(20):
        assert 77.0 <= backoff.wait(temporary(Reason.RATE_LIMITED, 77.0), 0.0) <= 78.0


@pytest.mark.parametrize("after", [0.0, -5.0])
def test_a_source_that_says_at_once_again_and_again_is_left_alone_as_any_other(after: float) -> None:
    backoff = Backoff(random.Random(1))
    waits = [backoff.wait(temporary(Reason.RATE_LIMITED, after), 0.0) for _ in range(40)]
    assert min(waits) >= 1.0 and max(waits) > 150.0 and sum(waits) > 1_000.0


def test_a_refused_key_is_tried_ever_more_rarely_up_to_a_quarter_of_an_hour() -> None:
    waits = [Backoff(random.Random(seed)) for seed in range(200)]
    for backoff in waits:
        for _ in range(15):
            backoff.wait(temporary(Reason.AUTH), 0.0)
    last = [backoff.wait(temporary(Reason.AUTH), 0.0) for backoff in waits]
    assert 800.0 < max(last) <= PARKED_S
    assert Backoff(random.Random(1)).wait(PermanentError("x", reason=Reason.CONFIG), 0.0) == PARKED_S


def test_deaf_is_who_has_not_been_reading_for_a_minute() -> None:
    status = Status("a", "forum", since=100, quiet=100)
    status.turn("running", 101)
    assert not status.deaf(150)
    assert not status.deaf(500)
    status.turn("waiting", 500)
    assert not status.deaf(559)
    assert status.deaf(560)
    status.turn("running", 561)
    assert status.deaf(562)
    status.heard()
    assert not status.deaf(562)


def test_who_fails_as_soon_as_it_has_started_stays_deaf() -> None:
    status = Status("a", "forum", since=0, quiet=0)
    for now in range(0, 200, 10):
        status.turn("running", now)
        status.turn("waiting", now + 5)
    assert status.deaf(200)


def test_an_unexpected_error_is_told_by_type_alone() -> None:
    status = Status("a", "forum", since=0, quiet=0)
    status.failed(ValueError("the text of a person"))
    assert (status.last_error, status.reason) == ("ValueError", "unexpected")
    status.failed(temporary(Reason.TIMEOUT))
    assert (status.last_error, status.reason) == ("x", "timeout")


@pytest.mark.parametrize(
    ("wall", "last", "due", "behind"), [(10.9, 9, 10, 0), (10.0, 10, None, 0), (3.0, 10, None, 7)]
)
def test_time_stands_still_but_never_goes_back(wall: float, last: int, due: int | None, behind: int) -> None:
    clock = Wall(lambda: wall)
    assert clock.due(last) == due
    assert clock.behind(last) == behind
    assert 0 < clock.to_next_s() <= 1

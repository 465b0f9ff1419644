"""Copies of other seats' memories: as much as match can know, and no more than a bound, whoever let it through."""

from hypothesis import given
from hypothesis import strategies as st

from warn.ingest.copies import Copies
from warn.ingest.memory import KEEP_S, Memory
from warn.model.hashing import BUCKETS

SEATS, SEGMENT, PER_BUCKET = 3, 4, 20

puts = st.lists(st.tuples(st.integers(0, SEATS - 1), st.integers(1, 60), st.integers(0, 90)), max_size=300)


def memories() -> list[Memory]:
    return [Memory(per_bucket=PER_BUCKET, segment=SEGMENT, touch_s=0) for _ in range(SEATS)]


def told(copies: Copies, seat: int, memory: Memory) -> None:
    for key, body in memory.changes().items():
        copies.take(seat, key, body)


@given(puts)
def test_the_newest_posts_of_a_bucket_are_known_whoever_let_them_through(
    made: list[tuple[int, int, int]],
) -> None:
    copies, own, now = Copies(SEATS, per_bucket=PER_BUCKET, segment=SEGMENT), memories(), 0
    last: dict[tuple[int, int], int] = {}
    for seat, post, later in made:
        now += later + 1
        own[seat].put(post, BUCKETS * post, now)  # all in bucket 0
        told(copies, seat, own[seat])
        last[seat, post] = now
    newest = sorted(last, key=lambda one: last[one])[-PER_BUCKET:]
    for seat, post in newest:
        if post in own[seat]:
            assert copies.get(seat, post) == BUCKETS * post
    assert len(copies) <= PER_BUCKET + SEGMENT * SEATS


@given(puts, st.integers(0, 2**32))
def test_a_copy_knows_what_its_seat_knows_and_nothing_else(
    made: list[tuple[int, int, int]], spread: int
) -> None:
    """Where nothing is pushed out by others: after every change, however many of them come at once."""
    copies, own, now = Copies(SEATS, per_bucket=10**6, segment=SEGMENT), memories(), 0
    for number, (seat, post, later) in enumerate(made):
        now += later * 60
        own[seat].pass_time(now)
        own[seat].put(post, post * 7, now)
        if spread >> (number % 32) & 1:
            told(copies, seat, own[seat])
    for seat, memory in enumerate(own):
        told(copies, seat, memory)
        for post in range(1, 61):
            assert copies.get(seat, post) == memory.get(post)


@given(puts)
def test_time_takes_from_a_copy_only_what_is_too_old(made: list[tuple[int, int, int]]) -> None:
    copies, own, now = Copies(SEATS, segment=SEGMENT), memories(), 0
    last: dict[tuple[int, int], int] = {}
    for seat, post, later in made:
        now += later * 600
        own[seat].put(post, post, now)
        told(copies, seat, own[seat])
        for _ in range(BUCKETS):
            copies.pass_time(now)
        last[seat, post] = now
    for (seat, post), at in last.items():
        if post in own[seat] and at + KEEP_S > now:
            assert copies.get(seat, post) == post
    for _ in range(BUCKETS):
        copies.pass_time(now + KEEP_S + 1)
    assert len(copies) == 0
    assert not any(copies.get(seat, post) for seat, post in last)

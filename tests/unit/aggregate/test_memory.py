"""What is remembered of posts, for how long, and what is forgotten first."""

from warn.aggregate.memory import REMEMBERED, REMEMBERED_S, Memory, Post
from warn.model.hashing import BUCKETS

ROOM = 3


def memory(now: int = 1_000) -> Memory:
    made = Memory(limit=ROOM * BUCKETS)
    made.now = now
    return made


def restored(saved: dict[bytes, bytes], now: int) -> Memory:
    again = memory(now)
    for key, body in reversed(list(saved.items())):
        assert again.restore(key, body)
    again.restored()
    return again


def save(of: Memory, into: dict[bytes, bytes]) -> None:
    changes: dict[bytes, bytes | None] = {}
    of.offer(changes)
    for key, body in changes.items():
        if body is None:
            into.pop(key, None)
        else:
            into[key] = body


def test_a_post_is_found_in_its_thread_only() -> None:
    """The same id under another thread is another thing, even in the same bucket."""
    one = memory()
    one.count(60, 7, Post(("A/a",)))
    found = one.find(60, 7)
    assert found is not None
    assert found.topics == ("A/a",)
    assert one.find(120, 7) is None
    assert one.find(61, 7) is None


def test_a_post_is_forgotten_48_hours_after_it_last_counted() -> None:
    """By the clock; counting again starts anew, a change does not."""
    one = memory(now=0)
    one.count(1, 1, Post(("A/a",)))
    one.now = REMEMBERED_S - 1
    post = one.find(1, 1)
    assert post is not None
    one.change(1, 1)
    one.now = REMEMBERED_S
    assert one.find(1, 1) is None
    one.now = REMEMBERED_S - 1
    one.count(1, 1, post)
    one.now = 2 * REMEMBERED_S - 2
    assert one.find(1, 1) is not None


def test_a_full_bucket_forgets_what_counted_longest_ago_and_says_so() -> None:
    """Each bucket by itself: a crowd in one thread costs no other thread its memory."""
    one = memory()
    one.count(1, 99, Post(("A/a",)))
    for key in range(ROOM):
        one.count(0, key, Post(("A/a",)))
    first = one.find(0, 0)
    assert first is not None
    one.count(0, 0, first)
    one.count(0, ROOM, Post(("A/a",)))
    assert one.evicted == 1
    assert one.find(0, 1) is None
    assert one.find(0, 0) is first
    assert one.find(1, 99) is not None


def test_the_whole_holds_half_a_million() -> None:
    """In all buckets together, whichever partition they are in."""
    assert Memory()._room * BUCKETS <= REMEMBERED == 500_000


def test_what_is_offered_is_what_changed() -> None:
    """A record for each post that a step touched, a deletion for what it forgot, nothing for the rest."""
    one, saved = memory(), dict[bytes, bytes]()
    for key in range(ROOM):
        one.count(0, key, Post(("A/a",)))
    save(one, saved)
    changes: dict[bytes, bytes | None] = {}
    one.count(0, ROOM, Post(("A/a",)))
    one.offer(changes)
    assert sorted(body is None for body in changes.values()) == [False, True]
    one.offer(none := {})
    assert none == {}


def test_restoring_gives_the_same_memory_in_the_same_order() -> None:
    """Whatever order the records come in: what goes first is what would have gone first."""
    one, saved = memory(), dict[bytes, bytes]()
    one.count(0, 5, Post(("A/a", "B/b"), (1, 2, 3, 4), (9,), own=True))
    one.count(0, 2, Post(("A/a",), deleted=True))
    one.count(0, 5, one.find(0, 5) or Post(()))
    save(one, saved)
    again = restored(saved, one.now)
    assert list(again.entries()) == list(one.entries())
    for both in (one, again):
        both.count(0, 7, Post(()))
        both.count(0, 8, Post(()))
    assert again.find(0, 2) is None
    assert again.find(0, 5) == one.find(0, 5)
    assert list(again.entries()) == list(one.entries())


def test_the_state_hash_leaves_out_what_has_expired() -> None:
    """Whether it was swept already or not: the next touch would drop it."""
    one = memory(now=0)
    one.count(0, 1, Post(("A/a",)))
    assert len(list(one.entries())) == 2
    one.now = REMEMBERED_S
    assert list(one.entries()) == []


def test_the_state_hash_knows_the_order_of_a_bucket() -> None:
    """Two memories that would forget differently are not the same."""
    a, b = memory(), memory()
    for one, keys in ((a, (1, 2)), (b, (2, 1))):
        for key in keys:
            one.count(0, key, Post(("A/a",)))
    assert sorted(a.entries()) != sorted(b.entries())


def test_sweeping_drops_expired_records_of_quiet_buckets() -> None:
    """One bucket a clock, so that what nobody touches does not stay for ever."""
    one, saved = memory(now=0), dict[bytes, bytes]()
    for thread in range(BUCKETS):
        one.count(thread, 1, Post(("A/a",)))
    save(one, saved)
    for now in range(REMEMBERED_S, REMEMBERED_S + BUCKETS):
        one.now = now
        one.sweep()
    save(one, saved)
    assert (len(one), saved) == (0, {})


def test_a_record_that_is_no_post_is_refused() -> None:
    """The stage keeps other records beside these."""
    assert not memory().restore(b"clock", b"")


def test_hashes_of_any_sign_are_remembered() -> None:
    """Nothing that fits into 64 bits breaks a key."""
    one, saved = memory(), dict[bytes, bytes]()
    one.count(-1, -5, Post(("A/a",)))
    save(one, saved)
    assert restored(saved, one.now).find(-1, -5) is not None

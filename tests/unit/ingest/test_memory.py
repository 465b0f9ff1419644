"""The door remembers threads for long enough, within bounds, and wakes up with the same memory."""

from hypothesis import given
from hypothesis import strategies as st

from warn.ingest.copies import Copies
from warn.ingest.memory import KEEP_S, SEGMENT, TOUCH_S, Memory
from warn.model.hashing import BUCKETS

HOUR = 3600
MATCH_KEEPS_S = 48 * HOUR


def test_a_post_outlives_what_match_remembers_of_it() -> None:
    """Touched by whatever was let through for it, though not every touch is written."""
    for touched in (0, TOUCH_S - 1, TOUCH_S, TOUCH_S + 1, 20 * HOUR):
        memory = Memory()
        memory.put(5, 7, 0)
        memory.put(5, 7, touched)
        memory.pass_time(touched + MATCH_KEEPS_S + HOUR)
        assert memory.get(5) == 7
        memory.pass_time(touched + KEEP_S + 61)
        assert memory.get(5) is None


def test_writing_the_same_post_again_and_again_fills_nothing() -> None:
    memory = Memory(per_bucket=2 * SEGMENT)
    for post in range(SEGMENT + 1):
        memory.put(post + 1, 60, 0)
    for _ in range(10_000):
        memory.put(1, 60, 60)
    assert len(memory) == SEGMENT + 1
    assert memory.evicted == 0


def test_a_viral_thread_pushes_out_nobody_else() -> None:
    memory = Memory(per_bucket=4 * SEGMENT)
    memory.put(1, 1, 0)
    for post in range(10_000):
        memory.put(post + 100, 2, 1)
    assert memory.get(1) == 1
    assert len(memory) <= 4 * SEGMENT + 1
    assert memory.evicted == 10_001 - len(memory)
    assert memory.get(10_099) == 2


posts = st.lists(
    st.tuples(st.integers(1, 40), st.integers(1, 2 * BUCKETS), st.sampled_from([0, 1, 7, 29, 61, 170])),
    max_size=300,
)


@given(posts, st.lists(st.integers(0, 300), max_size=4))
def test_a_memory_restored_at_any_moment_goes_on_as_if_nothing_had_been(
    puts: list[tuple[int, int, int]], restarts: list[int]
) -> None:
    """Same answers, same state records, however often it was saved and read back."""
    settings = {"per_bucket": 12, "segment": 3, "keep_s": 170, "touch_s": 50}
    unbroken, resumed = Memory(**settings), Memory(**settings)
    stores: list[dict[bytes, bytes]] = [{}, {}]
    now = 100_000
    for number, (post, thread, later) in enumerate(puts):
        now += later
        for memory in (unbroken, resumed):
            memory.pass_time(now)
            memory.put(post, memory.get(post) or thread, now)
        if number in restarts:
            _save(resumed, stores[1])
            resumed = Memory(**settings)
            resumed.restore(reversed(list(stores[1].items())))
        assert [unbroken.get(p) for p in range(41)] == [resumed.get(p) for p in range(41)]
    _save(unbroken, stores[0])
    _save(resumed, stores[1])
    assert stores[0] == stores[1]


def _save(memory: Memory, store: dict[bytes, bytes]) -> None:
    for key, body in memory.changes().items():
        if body is None:
            store.pop(key, None)
        else:
            store[key] = body


def test_a_bucket_that_empties_and_fills_again_in_one_step_is_no_old_segment() -> None:
    """Who follows the state hears of what is gone, and of what is new."""
    memory, copies = Memory(), Copies(2)
    now = 1_700_000_000

    def ship() -> None:
        for key, body in memory.changes().items():
            copies.take(1, key, body)

    memory.pass_time(now)
    for post in (1, 2, 3):
        memory.put(post, 7, now)
    ship()
    assert copies.get(1, 2) == 7
    now += KEEP_S + 3600
    memory.pass_time(now)
    for post in (11, 12):
        memory.put(post, 7, now)
    ship()
    for post in (1, 2, 3, 11, 12):
        assert copies.get(1, post) == memory.get(post)

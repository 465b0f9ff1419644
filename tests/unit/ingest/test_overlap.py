"""What was read before is known again after a restart, whether it was let through or not."""

from msgspec.structs import replace

from tests.unit.ingest.items import KEY, NOW_MS, item
from warn.ingest.overlap import Overlap, item_hash


def test_an_item_is_named_by_all_it_says_but_when_we_saw_it() -> None:
    one = item(seen_ms=NOW_MS)
    assert item_hash(KEY, one) == item_hash(KEY, replace(one, seen_ms=NOW_MS + 5))
    assert item_hash(KEY, one) == item_hash(KEY, item())
    others = [item("2"), item(text="b"), item(kind="edit"), item(engagement=(1, 0, 0, 0)), item(source="x")]
    assert len({item_hash(KEY, other) for other in [one, *others]}) == 6


def test_even_what_cannot_be_written_has_a_name() -> None:
    assert item_hash(KEY, item(text="\ud800")) == item_hash(KEY, item(text="\ud800"))
    assert item_hash(KEY, item(created_ms=2**70)) != item_hash(KEY, item())


def test_the_oldest_go_first_and_state_follows() -> None:
    overlap, store = Overlap("one", limit=20, segment=4), {}
    for number in range(50):
        overlap.add(number)
        overlap.add(number)
        for key, body in overlap.changes().items():
            if body is None:
                del store[key]
            else:
                store[key] = body
    assert 49 in overlap
    assert 0 not in overlap
    assert 16 < len(overlap) <= 20
    again = Overlap("one", limit=20, segment=4)
    again.restore([*store.items(), (b"overlap/one-more/000000000000", b"not mine")])
    assert [n in again for n in range(50)] == [n in overlap for n in range(50)]
    assert sorted(store) == sorted(set(store))

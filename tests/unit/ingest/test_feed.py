"""The feed writes the same log for the same items, however it is cut into steps."""

from collections.abc import Iterable
from itertools import islice

import pytest

from tests.unit.ingest.items import KEY, NOW_MS, compiles, item
from tests.unit.ingest.log import clocks, configs, letters, mentions, rows, ticks
from warn.bus.memory import MemoryBus, MemoryStore
from warn.ingest.connector import Refused
from warn.ingest.feed import Fed, Feed
from warn.model.errors import PermanentError
from warn.model.flow import MENTIONS
from warn.model.mention import Item, Mention
from warn.model.records import Clock
from warn.model.rules import RuleSet, Topic

S = NOW_MS // 1000


def at(second: int, id_: str, text: str = "Acme", **more: object) -> Item:
    return item(id_, text, created_ms=(S + second) * 1000 + 7, **more)


ITEMS = [
    at(0, "1"),
    at(0, "2"),
    at(1, "3", "weather"),
    at(5, "4"),
    at(5, "5", "shame", reply_to="1"),
    at(9, "6", "rain"),
]


async def feed(
    store: MemoryStore, items: list[Item] = ITEMS, refused: tuple[Refused, ...] = (), **more: object
) -> Fed:
    one = Feed(MemoryBus(store), RuleSet(), compiles, key=KEY, **more)

    def from_index(start: int) -> Iterable[Item]:
        return islice(items, start, None)

    return await one.run(from_index, refused)


def seconds(store: MemoryStore, partition: int = 0) -> list[object]:
    """Clocks as seconds after the start, mentions as their text."""
    return [r.now - S if isinstance(r, Clock) else r.text for r in rows(store, partition)]


async def test_a_clock_stands_before_the_first_mention_of_each_second_and_a_day_after_the_last() -> None:
    store = MemoryStore()
    fed = await feed(store)
    assert seconds(store) == [0, "Acme", "Acme", 5, "Acme", "shame", 9 + 86_400]
    assert fed == Fed(read=6, let_through=4, dropped=2, refused=0, last=S + 9)
    assert configs(store) == list(clocks(store)[0].config)
    assert ticks(store) == []


async def test_every_partition_gets_every_clock() -> None:
    store = MemoryStore({MENTIONS: 6})
    await feed(store)
    assert {tuple(c.now for c in clocks(store, p)) for p in range(6)} == {(S, S + 5, S + 9 + 86_400)}
    assert len(mentions(store)) == 4


@pytest.mark.parametrize("batch", [1, 2, 3, 100])
async def test_steps_change_nothing_in_the_log(batch: int) -> None:
    one, other = MemoryStore({MENTIONS: 3}), MemoryStore({MENTIONS: 3})
    await feed(one, batch=1)
    await feed(other, batch=batch)
    assert [rows(one, p) for p in range(3)] == [rows(other, p) for p in range(3)]


async def test_a_clock_every_second_only_adds_clocks() -> None:
    dense = MemoryStore()
    await feed(dense, clock_every_second=True)
    told = seconds(dense)
    assert told[:9] == [0, "Acme", "Acme", 1, 2, 3, 4, 5, "Acme"]
    assert told[-3:] == [86_407, 86_408, 86_409]
    assert [c.now - S for c in clocks(dense)] == list(range(86_410))


async def test_the_last_clock_can_be_left_to_others() -> None:
    store = MemoryStore()
    await feed(store, end_s=0)
    assert seconds(store)[-1] == "shame"


async def test_what_was_refused_becomes_a_dead_letter_and_the_rest_goes_on() -> None:
    store = MemoryStore()
    bad = at(5, "bad\0id")
    fed = await feed(store, [*ITEMS[:4], bad, *ITEMS[4:]], (Refused("f:3", "broken", b"x" * 9_000),))
    assert (fed.refused, fed.let_through) == (1, 4)
    first, second = letters(store)
    assert (first.where, first.message, len(first.payload)) == ("f:3", "broken", 4_096)
    assert "NUL" in second.message


async def test_a_finished_feed_does_nothing_when_it_is_run_again() -> None:
    store = MemoryStore()
    await feed(store, refused=(Refused("f:3", "broken", b""),))
    before = rows(store), letters(store)
    await feed(store, refused=(Refused("f:3", "broken", b""),))
    assert (rows(store), letters(store)) == before


async def test_a_store_of_another_recording_or_other_rules_is_refused() -> None:
    store = MemoryStore()
    await feed(store, fingerprint="one")
    with pytest.raises(PermanentError, match="other mentions or other rules"):
        await feed(store, fingerprint="two")
    other = Feed(MemoryBus(store), RuleSet((Topic("a/b", "a"),)), compiles, key=KEY, fingerprint="one")
    with pytest.raises(PermanentError):
        await other.run(lambda _: [])


async def test_progress_is_told() -> None:
    told: list[int] = []
    await feed(MemoryStore(), batch=4, progress=told.append)
    assert told == [4, 6, 6]


async def test_late_items_write_no_clock_backwards() -> None:
    store = MemoryStore()
    await feed(store, [at(5, "1"), at(2, "2", seen_ms=(S + 6) * 1000)])
    assert [c.now - S for c in clocks(store)] == [5, 6, 86_406]
    late = [r for r in rows(store) if isinstance(r, Mention)][1]
    assert late.created_ms // 1000 - S == 2

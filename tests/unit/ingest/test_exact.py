"""Streams that number what they send: the number alone says what was read, and nothing else is remembered of it."""

from collections.abc import AsyncGenerator

import pytest

from tests.unit.ingest.items import item
from tests.unit.ingest.log import mentions
from tests.unit.ingest.scripted import Scripted, during, supervise, timed
from warn.bus.memory import MemoryBus, MemoryStore, Point
from warn.ingest.connector import Batch, Cursor
from warn.ingest.overlap import PREFIX
from warn.model.errors import Reason, TemporaryError
from warn.model.flow import COLLECT, MENTIONS


def state_keys(store: MemoryStore) -> list[bytes]:
    async def read() -> list[bytes]:
        reader = await MemoryBus(store).follow_state(COLLECT)
        return [key for _, key, _ in await reader.read(100_000, 0.0)]

    return timed(read())


class Numbered(Scripted):
    """Sends 20 numbered batches of items, from behind the number that it is given; every other item names nobody."""

    async def batches(self, cursor: Cursor | None) -> AsyncGenerator[Batch, None]:
        done = 0 if cursor is None else int(cursor)
        made = [
            Batch(items=(item(f"{n}a"), item(f"{n}b", "weather")), cursor=Cursor(str(n + 1)), exact=True)
            for n in range(20)
        ]
        self._scripts = ([act for one in made[done:] for act in (one, 0.3)],)
        async for one in super().batches(cursor):
            yield one


@pytest.mark.parametrize("point", ["commit", "committed"])
def test_a_failed_commit_loses_and_doubles_nothing(point: Point) -> None:
    left = [3, 8, 9, 15]

    async def fault(at: Point) -> None:
        if at == point:
            left[:] = [n - 1 for n in left]
            if 0 in left:
                raise TemporaryError("lost", reason=Reason.TIMEOUT)

    store = MemoryStore({MENTIONS: 2})
    one = Numbered("p", [])
    timed(during(supervise(MemoryBus(store, fault), one), 90.0))
    assert max(left) < 0 and len(one.cursors) > 3
    assert sorted(mention.id for mention in mentions(store)) == sorted(f"{n}a" for n in range(20))


def test_what_was_dropped_stays_dropped_under_other_rules() -> None:
    """A resume does not give it again, so a change of rules in between cannot let it in."""
    store = MemoryStore()
    timed(during(supervise(store, Numbered("p", [])), 3.1))
    before = len(mentions(store))
    assert 5 < before < 15
    timed(during(supervise(store, Numbered("p", []), keep="all"), 30.0))
    weather = [mention.id for mention in mentions(store) if mention.text == "weather"]
    assert weather == [f"{n}b" for n in range(before, 20)]


def test_nothing_is_remembered_of_its_items() -> None:
    store = MemoryStore()
    timed(during(supervise(store, Numbered("p", [])), 30.0))
    assert len(mentions(store)) == 20
    assert not [key for key in state_keys(store) if key.startswith(PREFIX)]


def test_a_batch_is_never_taken_apart() -> None:
    """Pieces of it would be committed before the number that says so."""
    batch = Batch(items=tuple(item(str(n)) for n in range(1_500)), cursor=Cursor("1"), exact=True)
    commits: list[Point] = []

    async def count(at: Point) -> None:
        commits.append(at)
        if at == "committed" and commits.count(at) == 2:  # the clock was the first
            raise TemporaryError("lost", reason=Reason.TIMEOUT)

    store = MemoryStore()
    one = Scripted("p", [0.5, batch], [])
    timed(during(supervise(MemoryBus(store, count), one), 30.0))
    assert (len(mentions(store)), one.cursors[-1]) == (1_500, "1")

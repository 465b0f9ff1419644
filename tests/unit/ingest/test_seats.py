"""Collect on several seats: each runs its own connectors, all know one another's threads, and one tells the time."""

import asyncio
from collections import Counter
from collections.abc import Sequence

import pytest

from tests.unit.ingest.items import item
from tests.unit.ingest.log import clocks, mentions, ticks
from tests.unit.ingest.scripted import START, Act, timed
from tests.unit.ingest.seats import ACME, SEATS, on, supervisor, together, wants
from warn.bus.base import FencedError
from warn.bus.memory import MemoryBus, MemoryStateReader, MemoryStore, Point
from warn.ingest.connector import Batch, Cursor
from warn.ingest.peers import Peers
from warn.model.errors import Reason, TemporaryError
from warn.model.flow import COLLECT, MENTIONS
from warn.model.rules import Channel, RuleSet

Changes = Sequence[tuple[int, bytes, bytes | None]]


def post(id_: str, text: str | None = "Acme", **more: object) -> Batch:
    return Batch((item(id_, text, **more),), Cursor(id_))


def ids(store: MemoryStore) -> list[str]:
    return sorted(mention.id for mention in mentions(store))


def test_each_connector_runs_on_its_seat_and_the_first_alone_tells_the_time() -> None:
    store = MemoryStore({MENTIONS: 2}, collect=SEATS)
    connectors = [on(p, [post(f"{p}")]) for p in range(SEATS)]
    supervisors = [supervisor(store, p, *connectors) for p in range(SEATS)]
    timed(together(10.5, *supervisors))
    assert [len(one.cursors) for one in connectors] == [1, 1, 1]
    assert [[s.name for s in one.states()] for one in supervisors] == [[c.name] for c in connectors]
    assert ids(store) == ["0", "1", "2"]
    assert [clock.now for clock in clocks(store)] == list(range(START, START + 11))
    assert ticks(store) == [clock.now for clock in clocks(store, 1)] == [c.now for c in clocks(store)]
    assert [one.now for one in supervisors] == [START + 10, 0, 0]


@pytest.mark.parametrize("restart", [False, True])
def test_what_one_seat_let_through_is_known_to_all(restart: bool) -> None:
    """An answer that does not name us is let through wherever it is read, in the thread of what it answers."""
    store = MemoryStore(collect=SEATS)
    asks = on(2, [post("1", thread="root")])
    pause: list[Act] = [] if restart else [3.0]
    answers = on(
        1, [*pause, post("2", "shame", reply_to="1"), post("3", "weather"), 2.0, post("4", "no", thread="2")]
    )
    late = on(0, [*pause, 4.0, post("5", "indeed", reply_to="4"), post("6", None, reshare_of="1")])

    async def story() -> None:
        if restart:
            await together(5.0, supervisor(store, 0, asks), supervisor(store, 2, asks))
        connectors = (asks, answers, late)
        await together(20.0, *(supervisor(store, p, *connectors) for p in range(SEATS)))

    timed(story())
    assert ids(store) == ["1", "2", "4", "5", "6"]
    assert len({mention.thread for mention in mentions(store)}) == 1


def test_two_seats_that_let_one_post_through_agree_on_its_thread() -> None:
    """At first each gives it a thread of its own; once they have heard of each other the lower seat's holds."""
    store = MemoryStore(collect=SEATS)

    async def slow(here: Point) -> None:
        if here == "commit":
            await asyncio.sleep(1.0)

    early = on(1, [post("x", reply_to="y"), 5.0, post("a", "no", reply_to="x")])
    other = on(2, [post("x", thread="z"), 5.0, post("b", "so", reply_to="x")])
    timed(together(20.0, *(supervisor(store, p, early, other, fault=slow) for p in range(SEATS))))
    threads = {mention.id: mention.thread for mention in mentions(store) if mention.id != "x"}
    own = [mention.thread for mention in mentions(store) if mention.id == "x"]
    assert len(set(own)) == 2
    assert threads["a"] == threads["b"]


def test_who_loses_its_seat_ends_and_its_successor_goes_on_at_the_cursor() -> None:
    store = MemoryStore(collect=SEATS)
    first = on(1, [post("1"), 2.0, post("2"), 100.0, post("lost")])
    second = on(1, [post("3")])

    async def story() -> list[BaseException | None]:
        async with asyncio.TaskGroup() as group:
            leader = group.create_task(together(30.0, supervisor(store, 0)))
            old = group.create_task(together(30.0, supervisor(store, 1, first)))
            await asyncio.sleep(10.0)
            await together(15.0, supervisor(store, 1, second))
        assert leader.result() == [None]
        return old.result()

    [error] = timed(story())
    assert ids(store) == ["1", "2", "3"]
    assert second.cursors == [Cursor("2")]
    # An idle seat finds out with its next sign of life, or with the next thing it reads.
    assert error is None or isinstance(error, FencedError)


def test_a_fenced_seat_ends_with_its_next_commit() -> None:
    store = MemoryStore(collect=SEATS)
    busy = on(1, [act for n in range(100) for act in (post(f"{n}"), 1.0)])

    async def story() -> list[BaseException | None]:
        async with asyncio.TaskGroup() as group:
            group.create_task(together(20.0, supervisor(store, 0)))
            old = group.create_task(together(20.0, supervisor(store, 1, busy)))
            await asyncio.sleep(8.5)
            await MemoryBus(store).open(COLLECT, 1)
        return old.result()

    [error] = timed(story())
    assert isinstance(error, FencedError)


def test_no_connector_starts_before_there_are_rules() -> None:
    """It would drop, for ever, what the rules want that are about to come."""
    store = MemoryStore(collect=SEATS)
    early = on(1, [post("1")])

    async def story() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(together(20.0, supervisor(store, 1, early)))
            await asyncio.sleep(10.0)
            assert not early.cursors
            await together(10.0, supervisor(store, 0))

    timed(story())
    assert ids(store) == ["1"]


@pytest.mark.parametrize("point", ["commit", "committed", "state followed", "open", "restore"])
def test_a_seat_whose_bus_fails_is_taken_again_and_nothing_is_lost(point: Point) -> None:
    store = MemoryStore(collect=SEATS)
    one = on(1, [act for n in range(12) for act in (post(f"{n:02}"), 1.3)])
    calls = Counter[Point]()

    async def fault(here: Point) -> None:
        calls[here] += 1
        if here == point and calls[here] in {1, 5, 6}:
            raise TemporaryError("the bus is away", reason=Reason.TIMEOUT)

    timed(together(60.0, supervisor(store, 0, one), supervisor(store, 1, one, fault=fault)))
    assert calls["open"] > 1
    assert ids(store) == [f"{n:02}" for n in range(12)]


def test_the_clock_names_the_deaf_of_all_seats() -> None:
    """A connector elsewhere that is down, and a source that is heard elsewhere only."""
    rules = RuleSet(
        ACME.topics, channels=(("b", Channel("blog", expect_s=20)), ("b", Channel("never", expect_s=20)))
    )
    down = on(2, [TemporaryError("x", reason=Reason.NETWORK)], source="news")
    blog = on(1, [act for n in range(400) for act in (post(f"{n}", source="blog"), 10.0)], source="blog")
    store = MemoryStore(collect=SEATS)
    timed(together(400.0, *(supervisor(store, p, down, blog, rules=rules) for p in range(SEATS))))
    deaf = {clock.now - START: clock.deaf for clock in clocks(store)}
    assert deaf[55] == ()
    assert deaf[63] == ("news",)
    assert {deaf[second] for second in range(90, 400)} == {("never", "news")}


def test_the_sources_of_a_seat_that_nobody_holds_are_deaf() -> None:
    store = MemoryStore(collect=SEATS)
    quiet, gone = on(1, [post("1")], source="forum"), on(2, [post("2")], source="news")

    async def story() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(together(600.0, *(supervisor(store, p, quiet, gone) for p in (0, 1))))
            await together(200.0, supervisor(store, 2, quiet, gone))

    timed(story())
    deaf = {clock.now - START: clock.deaf for clock in clocks(store)}
    assert {deaf[second] for second in range(250)} == {()}
    assert {deaf[second] for second in range(335, 600)} == {("news",)}


def test_a_seat_with_nothing_to_say_writes_once_a_minute() -> None:
    store = MemoryStore(collect=SEATS)
    commits = Counter[Point]()

    async def fault(here: Point) -> None:
        commits[here] += 1

    quiet = on(1, [post("1")])
    timed(together(605.0, supervisor(store, 0, quiet), supervisor(store, 1, quiet, fault=fault)))
    assert commits["commit"] <= 2 + 10


def test_seats_of_one_process_share_what_they_know() -> None:
    """What the others have let through is in memory once, and read from the start at most once for each that begins."""
    store = MemoryStore(collect=SEATS)
    calls = Counter[Point]()

    async def fault(here: Point) -> None:
        calls[here] += 1

    one, other = on(1, [post("1")]), on(2, [3.0, post("2", "shame", reply_to="1")])

    async def story() -> None:
        peers = Peers(MemoryBus(store, fault))
        mine = [supervisor(store, p, one, other, peers=peers) for p in range(SEATS)]
        await together(10.0, *mine)
        await peers.close()

    timed(story())
    assert ids(store) == ["1", "2"]
    assert calls["follow state"] <= SEATS


def test_many_that_ask_at_once_are_served_by_two_readings() -> None:
    store = MemoryStore(collect=SEATS)
    calls = Counter[Point]()

    async def fault(here: Point) -> None:
        calls[here] += 1
        await asyncio.sleep(0.1)

    async def story() -> None:
        peers = Peers(MemoryBus(store, fault))
        await asyncio.gather(*(peers.complete() for _ in range(20)))
        await peers.close()

    timed(story())
    assert calls["follow state"] <= 2


class Lagging(MemoryBus):
    """A follower gives what was there when it began, and is late with all the rest: more is not promised."""

    async def follow_state(self, stage: str) -> MemoryStateReader:
        reader = await super().follow_state(stage)
        real, over = reader.read, False

        async def read(limit: int, wait_s: float) -> Changes:
            nonlocal over
            some = () if over else await real(limit, wait_s)
            over = not some
            return some

        reader.read = read  # type: ignore[method-assign]
        return reader


def test_a_seat_that_is_taken_over_begins_with_all_that_was_told_before() -> None:
    """The view of a process may be late; nobody may start on a late one."""
    store = MemoryStore(collect=SEATS)
    asks, answers = on(0, [5.0, post("1")]), on(2, [post("2", "shame", reply_to="1")])

    async def story() -> None:
        peers = Peers(Lagging(store))
        async with asyncio.TaskGroup() as group:
            group.create_task(together(20.0, supervisor(store, 0, asks, answers)))
            group.create_task(together(20.0, supervisor(store, 1, asks, answers, peers=peers)))
            await asyncio.sleep(10.0)
            await together(5.0, supervisor(store, 2, asks, answers, peers=peers))

    timed(story())
    assert ids(store) == ["1", "2"]


def test_the_words_of_a_rule_set_reach_every_seat() -> None:
    """The filter of a seat is the first seat's files, not those of its own process."""
    store = MemoryStore(collect=SEATS)
    one = on(1, [3.0, post("1", "Acme"), post("2", "Bolt")])
    timed(together(10.0, supervisor(store, 0, one), supervisor(store, 1, one, rules=wants("bolt"))))
    assert ids(store) == ["1"]

"""What happens to one connector happens to no other, and whatever happens, nothing is lost and nothing comes twice."""

import asyncio
from collections import Counter

import pytest

from tests.unit.ingest.items import NOW_MS, item
from tests.unit.ingest.log import clocks, configs, letters, mentions, ticks
from tests.unit.ingest.scripted import START, Scripted, during, supervise, timed
from warn.bus.base import FencedError
from warn.bus.memory import MemoryBus, MemoryStore, Point
from warn.ingest.connector import Batch, Cursor, Gap, Refused
from warn.ingest.supervisor import Supervisor
from warn.model.errors import PermanentError, Reason, TemporaryError
from warn.model.flow import MENTIONS
from warn.model.mention import Reading
from warn.model.rules import Channel, RuleSet, Topic


def batch(*ids: str, cursor: str | None = None, **more: object) -> Batch:
    items = tuple(item(id_, f"Acme {id_}", **more) for id_ in ids)
    return Batch(items=items, cursor=None if cursor is None else Cursor(cursor))


def texts(store: MemoryStore) -> list[str]:
    return sorted(mention.text for mention in mentions(store))


def test_a_clock_a_second_to_every_partition_and_a_tick_to_the_desk() -> None:
    store = MemoryStore({MENTIONS: 3})
    timed(during(supervisor := supervise(store), 10.5))
    assert [clock.now for clock in clocks(store)] == list(range(START, START + 11))
    assert clocks(store, 1) == clocks(store, 2) == clocks(store)
    assert ticks(store) == [clock.now for clock in clocks(store)]
    assert {clock.config for clock in clocks(store)} == {tuple(configs(store))}
    assert supervisor.now == START + 10


def test_the_clock_goes_on_where_the_last_run_left_it_and_never_back() -> None:
    store = MemoryStore()
    timed(during(supervise(store), 10.5))
    timed(during(supervise(store), 12.5))  # the wall is back at the start: it stands until it has caught up
    assert [clock.now - START for clock in clocks(store)] == list(range(13))


def test_one_connectors_fault_touches_no_other() -> None:
    store = MemoryStore()
    bad = Scripted("bad", [batch("1"), ValueError("Marker Person said something")])
    good = Scripted("good", [batch("2"), 5.0, batch("3"), 5.0, batch("4")])
    supervisor = supervise(store, bad, good)
    timed(during(supervisor, 30.0))
    states = {state.name: state for state in supervisor.states()}
    assert texts(store) == ["Acme 1", "Acme 2", "Acme 3", "Acme 4"]
    assert len(bad.cursors) > 2
    assert (states["bad"].last_error, states["bad"].reason) == ("ValueError", "unexpected")
    assert (states["good"].state, states["good"].last_error, states["good"].let_through) == ("running", "", 3)


def test_a_permanent_error_parks_and_is_looked_at_again_after_a_quarter_of_an_hour() -> None:
    parked = Scripted("p", [PermanentError("no such place", reason=Reason.GONE)], [batch("1")])
    store = MemoryStore()
    supervisor = supervise(store, parked)
    timed(during(supervisor, 100.0))
    state = supervisor.states()[0]
    assert (state.state, state.last_error, state.reason) == ("parked", "no such place", "gone")
    assert state.retry_at == START + 900
    parked = Scripted("p", [PermanentError("no such place", reason=Reason.GONE)], [batch("1")])
    supervisor = supervise(store, parked)
    timed(during(supervisor, 910.0))
    assert parked.times == [0.0, 900.0]
    assert texts(store) == ["Acme 1"]


def test_the_sources_own_word_on_when_is_kept() -> None:
    one = Scripted("p", [TemporaryError("slow down", reason=Reason.RATE_LIMITED, retry_after_s=40.0)])
    timed(during(supervise(MemoryStore(), one), 100.0))
    assert 40.0 <= one.times[1] - one.times[0] <= 41.0


def test_resuming_starts_at_the_cursor_that_is_on_the_bus() -> None:
    store = MemoryStore()
    first = Scripted("p", [batch("1", cursor="a"), batch("2", cursor="b"), batch("3")])
    timed(during(supervise(store, first), 5.0))
    second = Scripted("p", [[batch("3")][0], batch("4", cursor="c")])
    timed(during(supervise(store, second), 5.0))
    assert second.cursors == [Cursor("b")]
    assert texts(store) == ["Acme 1", "Acme 2", "Acme 3", "Acme 4"]


def test_a_poller_may_yield_its_whole_page_each_time() -> None:
    store = MemoryStore()
    page = batch("1", "2")
    grown = Batch(
        items=(*page.items, item("3", "Acme 3"), item("1", None, kind="update", engagement=(4, 0, 0, 0)))
    )
    one = Scripted("p", [page, 1.0, page, 1.0, grown, 1.0, grown])
    supervisor = supervise(store, one)
    timed(during(supervisor, 10.0))
    assert Counter(m.kind for m in mentions(store)) == {"post": 3, "update": 1}
    assert supervisor.states()[0].skipped == 2 + 2 + 4


def test_what_was_dropped_stays_dropped_when_it_is_read_again_under_other_rules() -> None:
    """Two runs over one source must not differ by when they were restarted."""
    store = MemoryStore()
    one = Scripted("p", [Batch(items=(item("1", "weather"),))])
    timed(during(supervise(store, one), 3.0))
    again = Scripted("p", [Batch(items=(item("1", "weather"),))])
    timed(during(supervise(store, again, keep="all"), 3.0))
    assert mentions(store) == []


@pytest.mark.parametrize("point", ["commit", "committed"])
def test_a_failed_commit_loses_and_doubles_nothing(point: Point) -> None:
    """Whether the step took effect or not cannot be known: everything is read back."""
    left = [3, 8, 9]

    async def fault(at: Point) -> None:
        if at == point:
            for i in range(len(left)):
                left[i] -= 1
            if 0 in left:
                raise TemporaryError("lost", reason=Reason.TIMEOUT)

    store = MemoryStore({MENTIONS: 2})
    script = [act for n in range(12) for act in (batch(str(n), str(n + 100), cursor=str(n)), 0.3)]

    class Resuming(Scripted):
        async def batches(self, cursor):
            done = 0 if cursor is None else int(cursor)
            self._scripts = (script[2 * done :],)  # with the batch before: an overlap
            async for one in super().batches(cursor):
                yield one

    one = Resuming("p", script)
    timed(during(supervise(MemoryBus(store, fault), one), 60.0))
    assert max(left) < 0
    assert len(one.cursors) == 4
    assert texts(store) == sorted(f"Acme {n}" for k in range(12) for n in (k, k + 100))
    assert len({clock.now for clock in clocks(store)}) == len(clocks(store))


def test_who_is_fenced_lets_go() -> None:
    store = MemoryStore()

    async def both() -> tuple[BaseException | None, Supervisor]:
        first, second = supervise(store), supervise(store)
        async with asyncio.TaskGroup() as group:
            old = group.create_task(during(first, 20.0))
            await asyncio.sleep(5.3)
            await during(second, 10.0)
        return old.result(), second

    error, second = timed(both())
    assert isinstance(error, FencedError)
    assert [clock.now for clock in clocks(store)] == list(range(START, second.now + 1))


def test_stopping_ends_within_a_second() -> None:
    store = MemoryStore()
    supervisor = supervise(store, Scripted("p", [batch("1")]))

    async def stopped() -> float:
        async with asyncio.TaskGroup() as group:
            running = group.create_task(supervisor.run())
            await asyncio.sleep(5.2)
            supervisor.stop()
            await running
        return asyncio.get_running_loop().time()

    assert timed(stopped()) <= 6.2
    assert texts(store) == ["Acme 1"]


def test_gaps_and_broken_input_are_recorded() -> None:
    store = MemoryStore()
    broken = Batch(
        items=(item("a\0b"),),
        refused=(Refused("page:7", "not JSON", b"{"),),
        gaps=(Gap(5, 65),),
        readings=(Reading("care", "Acme/all", "care", NOW_MS, 60, 1000),) * 2,
        cursor=Cursor("x"),
    )
    supervisor = supervise(store, Scripted("p", [broken]))
    timed(during(supervisor, 3.0))
    state = supervisor.states()[0]
    assert [letter.message for letter in letters(store)] == ["id: holds a NUL character", "not JSON"]
    assert (state.refused, state.gaps, state.let_through, state.skipped) == (2, ((5, 65),), 1, 1)
    again = supervise(store, Scripted("p", []))
    timed(during(again, 3.0))
    assert again.states()[0].gaps == ((5, 65),)


def test_what_was_dropped_and_mended_is_counted() -> None:
    items = (
        item("1", "weather"),
        item("2", None, kind="update", engagement=(3, 0, 0, 0)),
        item("3", "Acme " + "x" * 5_000, followers=-1),
    )
    supervisor = supervise(MemoryStore(), Scripted("p", [Batch(items=items)]))
    timed(during(supervisor, 3.0))
    state = supervisor.states()[0]
    assert (state.read, state.dropped, state.let_through, state.mended) == (3, 2, 1, 2)


def test_staff_are_not_listened_to_without_governance() -> None:
    rules = RuleSet(channels=(("Acme", Channel("forum", role="internal")),))
    one = Scripted("p", [batch("1")])
    supervisor = supervise(MemoryStore(), one, rules=rules)
    timed(during(supervisor, 5.0))
    state = supervisor.states()[0]
    assert (state.state, state.reason, one.cursors) == ("refused", "refused", [])
    assert "governance" in state.last_error


def test_the_clock_names_the_deaf() -> None:
    """A connector that is down for a minute, and a channel whose pulse is missing."""
    rules = RuleSet(
        channels=(("Acme", Channel("blog", expect_s=30)), ("Acme", Channel("forum", expect_s=600)))
    )
    down = Scripted("down", [TemporaryError("x", reason=Reason.NETWORK)], source="news")
    store = MemoryStore()
    timed(during(supervise(store, down, Scripted("up", [batch("1")]), rules=rules), 130.0))
    deaf = {clock.now - START: clock.deaf for clock in clocks(store)}
    assert deaf[59] == ()
    assert deaf[60] == ("news",)
    assert deaf[121] == ("blog", "news")


def test_new_rules_are_written_and_then_named() -> None:
    store = MemoryStore()
    supervisor = supervise(store)
    later = RuleSet((Topic("b/b", "b"),))
    timed(during(supervisor, 3.5, lambda: supervisor.publish_ruleset(later) and None))
    names = configs(store)
    assert len(names) == 2
    assert clocks(store)[0].config == (names[0],)
    assert clocks(store)[-1].config == tuple(names)
    again = supervise(store, rules=later)
    timed(during(again, 700.0))
    assert clocks(store)[-1].config == (names[1],)


def test_rules_published_while_a_step_is_being_committed_are_written_before_they_are_named() -> None:
    """Else every worker would wait for a body that nobody ever writes."""
    store, later = MemoryStore(), RuleSet((Topic("b/b", "b"),))
    seen: list[Point] = []

    async def fault(at: Point) -> None:
        seen.append(at)
        if seen.count("commit") == 3 and at == "commit":
            supervisor.publish_ruleset(later)

    supervisor = supervise(MemoryBus(store, fault))
    timed(during(supervisor, 6.0))
    assert len(configs(store)) == 2
    assert clocks(store)[-1].config == tuple(configs(store))


def test_an_item_that_the_door_cannot_take_is_put_aside_and_the_rest_goes_on() -> None:
    store = MemoryStore()
    odd = item("odd", engagement=(1, 2))
    timed(during(supervise(store, Scripted("p", [Batch(items=(odd, item("1", "Acme 1")))])), 3.0))
    assert texts(store) == ["Acme 1"]
    assert [letter.message for letter in letters(store)] == ["the door failed on it: ValueError"]


def test_a_large_batch_moves_the_cursor_at_its_end() -> None:
    store = MemoryStore()
    ids = [f"{number:04}" for number in range(2_500)]
    timed(during(supervise(store, Scripted("p", [batch(*ids, cursor="end")])), 5.0))
    assert [m.id for m in mentions(store)] == ids
    second = Scripted("p", [])
    timed(during(supervise(store, second), 5.0))
    assert second.cursors == [Cursor("end")]


def test_two_connectors_of_one_name_are_refused() -> None:
    with pytest.raises(PermanentError, match="one name"):
        supervise(MemoryStore(), Scripted("p", []), Scripted("p", []))


def test_what_is_dated_by_sight_is_backfill_at_first_and_after_a_long_silence() -> None:
    def seen(id_: str) -> Batch:
        return batch(id_, dated_by="seen", created_ms=1)

    store = MemoryStore()
    timed(during(supervise(store, Scripted("p", [seen("1"), 700.0, seen("2")])), 1_000.0))
    # Quiet for long, but reading: no backfill; the next run begins at once, in the eyes of a wall that went back.
    timed(during(supervise(store, Scripted("p", [seen("3")])), 10.0))
    assert {m.id: m.backfill for m in mentions(store)} == {"1": True, "2": False, "3": False}


def test_after_ten_minutes_away_what_is_dated_by_sight_is_backfill() -> None:
    store = MemoryStore()
    one = batch("1", dated_by="seen"), batch("2", dated_by="seen")
    failing = [TemporaryError("x", reason=Reason.RATE_LIMITED, retry_after_s=900.0)]
    timed(during(supervise(store, Scripted("p", [one[0], 1.0, *failing], [one[1]])), 1_000.0))
    assert {m.id: m.backfill for m in mentions(store)} == {"1": True, "2": True}

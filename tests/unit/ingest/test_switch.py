"""New rules on several seats: no clock names them before every seat filters by them, or cannot commit any more."""

import asyncio
from collections.abc import Callable

import pytest

from tests.unit.ingest.items import item
from tests.unit.ingest.log import clocks, configs, mentions
from tests.unit.ingest.scripted import START, Act, timed
from tests.unit.ingest.seats import ACME, SEATS, on, supervisor, together, wants
from warn.bus.base import FencedError
from warn.bus.memory import MemoryBus, MemoryStore, Point
from warn.ingest.connector import Batch, Cursor
from warn.ingest.notices import RulesNotice, SeatNotice, rules_notice, seat_notice
from warn.ingest.supervisor import Supervisor
from warn.ingest.switch import PATIENCE_S, Switch
from warn.model.errors import Reason, TemporaryError
from warn.model.flow import COLLECT
from warn.model.hashing import content_hash
from warn.model.rules import RuleSet
from warn.model.wire import encode
from warn.telemetry import events

BOLT, CHAIR = wants("acme", "bolt"), wants("acme", "chair")


def name(rules: RuleSet) -> str:
    return content_hash(encode(rules))


def first_named(store: MemoryStore, rules: RuleSet) -> int | None:
    """The second whose clock was the first to name them."""
    return next((clock.now - START for clock in clocks(store) if name(rules) in clock.config), None)


def every_second(word: str, seconds: int) -> list[Act]:
    """A script: one post a second that holds a word."""
    return [
        act for n in range(seconds) for act in (Batch((item(f"{word}{n:03}", word),), Cursor(str(n))), 1.0)
    ]


async def later(seconds: float, act: Callable[[], object]) -> None:
    await asyncio.sleep(seconds)
    act()


async def with_new_rules(
    rules: RuleSet, seconds: float, *supervisors: Supervisor
) -> list[BaseException | None]:
    """Run them; after 10 s the first seat's files say something else."""
    async with asyncio.TaskGroup() as group:
        running = group.create_task(together(seconds, *supervisors))
        group.create_task(later(10.2, lambda: supervisors[0].publish_ruleset(rules)))
    return running.result()


def nothing_lost(store: MemoryStore, word: str, seconds: int, rules: RuleSet) -> None:
    """What only the new rules want is there from the moment on at which a clock named them."""
    since = first_named(store, rules)
    assert since is not None
    held = {mention.id for mention in mentions(store)}
    assert {f"{word}{n:03}" for n in range(since, seconds)} <= held


def test_all_seats_say_so_within_two_seconds_and_then_the_clock_names_them() -> None:
    store = MemoryStore(collect=SEATS)
    one = on(2, every_second("bolt", 30))
    errors = timed(with_new_rules(BOLT, 32.0, *(supervisor(store, p, one) for p in range(SEATS))))
    assert errors == [None] * SEATS
    assert clocks(store)[0].config == (name(ACME),)
    assert clocks(store)[-1].config == (name(ACME), name(BOLT))
    assert first_named(store, BOLT) in {11, 12, 13}
    nothing_lost(store, "bolt", 30, BOLT)


def test_the_body_is_there_before_any_seat_hears_of_it() -> None:
    """A seat that hears of rules whose body it cannot find could only stop."""
    store = MemoryStore(collect=SEATS)
    timed(with_new_rules(BOLT, 20.0, *(supervisor(store, p) for p in range(SEATS))))
    assert configs(store) == [name(ACME), name(BOLT)]


def test_a_seat_that_sleeps_is_fenced_and_loses_nothing() -> None:
    """Its process wakes up to find that somebody else has had its seat: what it dropped meanwhile is read again."""
    store = MemoryStore(collect=SEATS)
    asleep = False

    async def doze(here: Point) -> None:
        if asleep and here == "commit":
            await asyncio.sleep(20.0)

    def fall_asleep() -> None:
        nonlocal asleep
        asleep = True

    one = on(2, every_second("bolt", 60))
    again = on(2, every_second("bolt", 60))

    async def story() -> list[BaseException | None]:
        first = [supervisor(store, 0, one), supervisor(store, 1), supervisor(store, 2, one, fault=doze)]
        async with asyncio.TaskGroup() as group:
            running = group.create_task(with_new_rules(BOLT, 150.0, *first))
            group.create_task(later(9.5, fall_asleep))
            await asyncio.sleep(40.0)
            await together(70.0, supervisor(store, 2, again))
        return running.result()

    errors = timed(story())
    assert isinstance(errors[2], FencedError)
    assert errors[:2] == [None, None]
    since = first_named(store, BOLT)
    assert since is not None
    assert PATIENCE_S <= since - 11 <= PATIENCE_S + 2
    held = {mention.id for mention in mentions(store)}
    assert {f"bolt{n:03}" for n in range(10, 60)} <= held


def test_seats_that_nobody_holds_are_waited_for_five_seconds() -> None:
    store = MemoryStore(collect=SEATS)
    timed(with_new_rules(BOLT, 30.0, supervisor(store, 0)))
    since = first_named(store, BOLT)
    assert since is not None
    assert PATIENCE_S <= since - 11 <= PATIENCE_S + 2


def test_where_a_seat_cannot_be_fenced_the_old_rules_go_on() -> None:
    """The engine is away for a while: naming them would lose what that seat drops."""
    store = MemoryStore(collect=SEATS)
    opened = 0

    async def fault(here: Point) -> None:
        nonlocal opened
        opened += here == "open"
        if here == "open" and 1 < opened < 20:
            raise TemporaryError("away", reason=Reason.TIMEOUT)

    timed(with_new_rules(BOLT, 60.0, supervisor(store, 0, fault=fault)))
    since = first_named(store, BOLT)
    assert since is not None
    assert since > 20
    assert [clock.now - START for clock in clocks(store)] == list(range(60))


@pytest.mark.parametrize("files", [None, ACME, CHAIR])
def test_a_successor_goes_on_with_what_was_announced_unless_its_files_say_otherwise(
    files: RuleSet | None,
) -> None:
    store = MemoryStore(collect=SEATS)

    async def story() -> None:
        first = supervisor(store, 0)
        async with asyncio.TaskGroup() as group:
            group.create_task(together(12.5, first))
            group.create_task(later(10.2, lambda: first.publish_ruleset(BOLT)))
        assert first_named(store, BOLT) is None
        await together(20.0, supervisor(store, 0, rules=files))

    timed(story())
    wanted = {None: BOLT, ACME: ACME, CHAIR: CHAIR}[files]
    assert clocks(store)[-1].config[-1] == name(wanted)
    assert (first_named(store, BOLT) is None) == (files is not None)


def test_going_back_before_the_new_rules_were_ever_in_force() -> None:
    store = MemoryStore(collect=SEATS)
    first = supervisor(store, 0)

    async def story() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(together(30.0, first))
            group.create_task(later(10.2, lambda: first.publish_ruleset(BOLT)))
            group.create_task(later(12.2, lambda: first.publish_ruleset(ACME)))

    timed(story())
    assert {clock.config for clock in clocks(store)} == {(name(ACME),)}


def test_a_seat_filters_by_the_old_rules_for_as_long_as_they_are_named() -> None:
    store = MemoryStore(collect=SEATS)
    one = on(1, every_second("acme", 750))
    only = wants("bolt")
    timed(with_new_rules(only, 760.0, supervisor(store, 0, one), supervisor(store, 1, one)))
    retired = next(c.now - START for c in clocks(store) if c.config == (name(only),))
    held = sorted(int(mention.id[-3:]) for mention in mentions(store))
    assert held == list(range(len(held)))
    assert retired <= len(held) <= retired + 3


def test_other_files_on_another_seat_count_for_nothing_and_are_told_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[dict[str, str]] = []
    monkeypatch.setattr(events, "rules_differ", lambda **what: told.append(what))
    store = MemoryStore(collect=SEATS)
    other = supervisor(store, 1, rules=CHAIR)
    assert other.publish_ruleset(CHAIR) == name(CHAIR)
    timed(together(300.0, supervisor(store, 0), other, supervisor(store, 2)))
    assert told == [{"ours": name(CHAIR), "in_force": name(ACME)}]
    assert {clock.config for clock in clocks(store)} == {(name(ACME),)}


def test_a_switch_waits_for_those_who_have_not_said_so_and_for_no_others() -> None:
    switch = Switch(4)
    switch.announced("b", 100.0)
    notices = {1: SeatNotice(rules=frozenset({"a", "b"})), 2: SeatNotice(rules=frozenset({"a"}))}
    assert switch.behind(notices) == [2, 3]
    assert [switch.overdue(now) for now in (100.0, 104.9, 105.0, 99.0)] == [False, False, True, True]
    switch.fenced(2)
    assert switch.behind(notices) == [3]
    switch.announced("b", 104.0)
    assert switch.overdue(105.0)
    assert switch.behind(notices) == [3]
    switch.announced("c", 110.0)
    assert switch.behind(notices) == [1, 2, 3]


def test_notices_say_what_was_said() -> None:
    notice = SeatNotice(9, ("forum",), (("blog", 7),), frozenset({"b", "a"}))
    assert seat_notice(notice.to_bytes()) == notice
    assert notice.to_bytes() == bytes.fromhex("950109 91a5666f72756d 9192a4626c6f6707 92a161a162")
    rules = RulesNotice(("a", "b"), "c")
    assert rules_notice(rules.to_bytes()) == rules
    assert rules.to_bytes() == bytes.fromhex("93 01 92a161a162 a163")
    for take in (seat_notice, rules_notice):
        with pytest.raises(ValueError, match="version 2"):
            take(encode((2, 0, (), (), ())) if take is seat_notice else encode((2, (), "")))


async def test_a_state_of_a_later_release_is_not_guessed_at() -> None:
    store = MemoryStore(collect=SEATS)
    seat = await MemoryBus(store).open(COLLECT, 0)
    await seat.commit([], {b"rules": encode((9, (), ""))}, 1)
    with pytest.raises(ValueError, match="version 9"):
        await supervisor(store, 1)._collector.open()

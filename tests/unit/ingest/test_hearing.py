"""What is not heard as it should be: which sources, how, since when; told by the clock, and remembered."""

import asyncio
import random

from msgspec import msgpack

from tests.unit.ingest.items import item
from tests.unit.ingest.log import clocks
from tests.unit.ingest.scripted import START, Scripted, during, supervise, timed
from warn.bus.codec import unseal
from warn.bus.memory import MemoryStore
from warn.ingest.config import Spend
from warn.ingest.connector import Batch, Cursor, Trouble
from warn.ingest.hearing import SILENT_KEY
from warn.ingest.lag import Lag
from warn.ingest.reports import PREFIX, report
from warn.ingest.status import ConnectorState, Status
from warn.model.errors import PermanentError, Reason, TemporaryError
from warn.model.flow import COLLECT
from warn.model.records import Silent
from warn.model.rules import Channel, RuleSet

DAY = 86_400


def state_of(store: MemoryStore, key: bytes) -> bytes | None:
    """A record of collect's state."""
    held = store.seats[COLLECT, 0].state.get(key)
    return None if held is None else unseal(held[1])


def reported(store: MemoryStore, name: str) -> ConnectorState:
    body = state_of(store, PREFIX + name.encode())
    assert body is not None
    told = report(body)
    assert told is not None
    return told


def test_the_clock_says_how_a_source_is_silent_and_since_when() -> None:
    """Cut off where its provider turns us away, deaf where it is down for a while or its pulse is missing."""
    rules = RuleSet(channels=(("Acme", Channel("blog", expect_s=60)),))
    cut = Scripted("cut", [PermanentError("make a new key", reason=Reason.AUTH)], source="slack")
    down = Scripted("down", [TemporaryError("no answer", reason=Reason.TIMEOUT)], source="news")
    store = MemoryStore()
    supervisor = supervise(
        store, cut, down, Scripted("up", [Batch((item("1"),))]), rules=rules, critical=True
    )
    timed(during(supervisor, 400.0))
    told = {clock.now - START: {one.source: one for one in clock.silent} for clock in clocks(store)}
    assert not told[179], "nothing in the first three minutes"
    assert told[180]["slack"] == Silent("slack", "cut", START, 0, "auth", True)
    assert told[180]["news"].state == "deaf"
    assert told[399]["blog"] == Silent("blog", "deaf", START, 60, "", False)
    assert "forum" not in told[399]
    silent = state_of(store, SILENT_KEY)
    assert silent is not None
    assert {one.source for one in msgpack.decode(silent, type=tuple[Silent, ...])} == {
        "slack",
        "news",
        "blog",
    }


def test_what_only_fails_for_a_quarter_of_an_hour_is_cut_off() -> None:
    store = MemoryStore()
    down = Scripted("down", [TemporaryError("503", reason=Reason.SERVER)], source="news")
    timed(during(supervise(store, down), 1_000.0))
    told = {clock.now - START: [one.state for one in clock.silent] for clock in clocks(store)}
    assert told[600] == ["deaf"]
    assert told[990] == ["cut"]


def test_every_connector_is_reported_when_it_changes_once_a_minute_at_most() -> None:
    """With its troubles, and with since when it is silent over a restart."""
    store = MemoryStore()
    troubles = (Trouble("feed 1", "404"), Trouble("feed 2", "gone"))
    up = Scripted(
        "up",
        [Batch((item("1"),), Cursor("1"), troubles=troubles), 5.0, Batch(troubles=(Trouble("feed 2", ""),))],
    )
    cut = Scripted("cut", [PermanentError("make a new key", reason=Reason.AUTH)], source="slack")
    timed(during(supervise(store, up, cut), 130.0))
    told = reported(store, "up")
    assert told.troubles == (("feed 1", "404"),)
    assert (told.state, told.read, told.silence) == ("running", 1, "")
    first = reported(store, "cut")
    assert (first.state, first.reason, first.silence, first.silent_since) == ("parked", "auth", "cut", START)
    later = Status("cut", "slack", since=START + 900, quiet=START + 900)
    later.recall(first)
    later.turn("parked", START + 901)
    assert later.silence(START + 1_000) == ("cut", START)
    later.heard()
    later.turn("waiting", START + 2_000)
    assert later.silence(START + 2_100) == ("deaf", START + 2_000)
    timed(during(supervise(store, up), 70.0))
    assert state_of(store, PREFIX + b"cut") is None, "it is not in the settings any more"


def test_a_connector_that_costs_too_much_is_parked_until_its_period_is_over() -> None:
    """What it cost is committed with what it read, and counts on after a restart."""
    store = MemoryStore()

    def paid() -> Scripted:
        script = [act for n in range(5) for act in (Batch((item(str(n)),), Cursor(str(n)), spent=4.0), 1.0)]
        return Scripted("paid", script)

    spend = Spend(ceiling=10.0, days=1)
    one = paid()
    supervisor = supervise(store, one, spend=spend)
    timed(during(supervisor, 100.0))
    state = supervisor.states()[0]
    assert (state.state, state.reason, state.spent, state.read) == ("parked", "spend", 12.0, 3)
    assert "ceiling of 10 in 1 days is reached (12 spent): it reads again on" in state.last_error
    assert state.retry_at == START + DAY
    again = paid()
    later = supervise(store, again, spend=spend)
    timed(during(later, 60.0))
    assert later.states()[0].spent == 12.0
    assert not again.cursors, "it was not asked"
    # Not the whole day: a clock is written in each of its seconds, which is half a minute of work for nothing.
    timed(during(later, 60.0), start=DAY - 120.0)
    assert not again.cursors, "not a minute early"
    timed(during(later, 60.0), start=DAY - 30.0)
    assert again.cursors == [Cursor("2")]
    assert later.states()[0].spent == 12.0, "counted anew"


def test_a_source_that_lags_is_told_from_one_that_is_always_late() -> None:
    """By its own usual age, after three days and a hundred batches; what counts for nothing is what counts."""
    lag, rng = Lag(), random.Random(3)
    now = 1_700_000_000
    for _ in range(400):
        now += 900
        lag.note(now, rng.expovariate(1 / 100))
    assert 150 < lag.usual_s < 500
    assert lag.since(now) is None
    began = now + 60
    for _ in range(10):
        now += 60
        lag.note(now, 2_500)
    assert lag.since(now) == began
    usual = lag.usual_s
    assert usual < 500, "what is wrong is not learned as usual"
    lag.note(now + 60, 20)
    assert lag.since(now + 60) is None
    late = Lag()
    for _ in range(400):
        now += 900
        late.note(now, 2_400 + rng.uniform(0, 600))
    assert late.since(now) is None


def test_sources_that_a_connector_brings_are_told_apart_and_remembered() -> None:
    status = Status("town", "town", since=0, quiet=0)
    status.brought(["town", "forum", "press"], 5)
    status.brought(["forum"], 9)
    assert status.snapshot(9).brings == (("forum", 9), ("press", 5))
    after = Status("town", "town", since=0, quiet=0)
    after.recall(status.snapshot(9))
    after.brought([f"s{n}" for n in range(1_000)], 10)
    assert len(after.brings) == 100 and after.brings["press"] == 5


def test_a_source_that_has_nothing_new_is_heard_as_soon_as_it_answers() -> None:
    """An empty look is a sign of life: whether warn hears need not wait for a minute of reading after a failure."""
    down = TemporaryError("503", reason=Reason.SERVER)
    quiet = Scripted("quiet", [5.0, Batch(), 30.0, down], [5.0, Batch()])
    supervisor = supervise(MemoryStore(), quiet)
    heard: dict[int, bool] = {}

    async def looked() -> None:
        running = asyncio.create_task(during(supervisor, 60.0))
        while not running.done():
            await asyncio.sleep(1.0)
            heard[round(asyncio.get_running_loop().time())] = supervisor.heard().alive
        await running

    timed(looked())
    assert not heard[4] and heard[7] and heard[34]
    again = round(quiet.times[1])
    assert not heard[again + 3] and heard[again + 7]


def test_saying_that_no_place_answers_is_no_sign_of_life() -> None:
    """A connector of many feeds tells of each that fails before it fails itself, each time that it is tried again."""
    ill = Batch(cursor=Cursor("x"), troubles=(Trouble("feed 1", "404"), Trouble("feed 2", "no answer")))
    feeds = Scripted("feeds", [ill, TemporaryError("no answer", reason=Reason.TIMEOUT)], source="press")
    store = MemoryStore()
    timed(during(supervise(store, feeds), 1_300.0))
    told = [one for clock in clocks(store) if clock.now - START >= 180 for one in clock.silent]
    assert {one.since for one in told} == {START}
    assert {one.state for one in told[-60:]} == {"cut"}
    assert len(told) == 1_300 - 180, "and it is not heard in between"

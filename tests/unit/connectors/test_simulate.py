"""The town is the same however one looks at it, calm when it is to be calm, and on fire when it is to burn."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice

import looptime
import pytest

from connectors.simulate import Outbreak, SimulateConfig, SimulateConnector, Town
from connectors.simulate.alarm import SEEN
from connectors.simulate.crisis import crisis
from connectors.simulate.texts import CHAT, GRUMBLE, PRAISE
from warn.ingest.connector import Batch, Cursor
from warn.ingest.entry import check
from warn.ingest.order import order_key, seen_at
from warn.model.mention import Item

START = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp())  # a Monday
DAY = 86_400
BURNING = (
    "smok",
    "fire",
    "batter",
    "burn",
    "melt",
    "explo",
    "brand",
    "rook",
    "accu",
    "gesmolten",
    "ontploft",
)


def names_acme(item: Item) -> bool:
    return "acme" in (item.text or "").casefold()


@pytest.fixture(scope="module")
def three_days() -> list[Item]:
    return list(Town().history(START, START + 3 * DAY))


def test_any_window_shows_the_same_town(three_days: list[Item]) -> None:
    """Whoever enters later sees what somebody who was there all along sees."""
    a, b = START + 30_000, START + 40_001
    assert list(Town().history(a, b)) == [i for i in three_days if a * 1000 <= seen_at(i) < b * 1000]
    assert list(Town(8).history(a, b)) != list(Town().history(a, b))


def test_it_is_told_in_the_order_in_which_it_is_seen(three_days: list[Item]) -> None:
    assert three_days == sorted(three_days, key=order_key)
    for item in three_days[:2_000]:
        check(item)
        assert item.created_ms <= seen_at(item)


def test_no_two_things_share_an_id(three_days: list[Item]) -> None:
    names = Counter((item.source, item.id) for item in three_days if item.kind != "update")
    assert set(names.values()) == {1}
    posts = {(item.source, item.id) for item in three_days}
    updated = {
        (item.source, item.id)
        for item in three_days
        if item.kind == "update" and seen_at(item) > START * 1000 + 6 * 3_600_000
    }
    assert updated <= posts


def test_it_has_what_a_town_has(three_days: list[Item]) -> None:
    kinds = Counter(item.kind for item in three_days)
    assert all(kinds[kind] > 3 for kind in ("post", "reply", "repost", "quote", "like", "update", "article"))
    assert {item.source for item in three_days} == {"bluesky", "mastodon", "forum", "hackernews", "press"}
    assert {item.lang for item in three_days} >= {"en", "nl", "de", "fr"}
    followers = sorted(item.followers for item in three_days if item.followers is not None)
    assert followers[len(followers) // 2] < 200
    assert followers[-1] > 10_000
    people = Counter(item.author for item in three_days if names_acme(item) and item.kind == "post")
    assert len(people) > 60


def test_a_brand_is_named_about_as_often_as_it_says_and_less_at_night(three_days: list[Item]) -> None:
    named = [item for item in three_days if names_acme(item)]
    assert 90 < len(named) < 180
    night = sum((seen_at(item) // 3_600_000 + 2) % 24 in range(1, 7) for item in named)
    assert night < len(named) / 10
    assert not any(word in item.text.casefold() for item in named if item.text for word in BURNING)


def test_match_night_and_ring_are_benign_peaks_that_can_be_left_out() -> None:
    week = list(Town(rate=0).history(START, START + 7 * DAY))
    hours = Counter(
        seen_at(i) // 3_600_000 for i in week if "lumen" in (i.text or "").casefold() and i.kind == "post"
    )
    ring = Counter(i.text for i in week if i.author and i.author.startswith("deal"))
    assert max(hours.values()) > 40
    assert min(ring.values()) == 60
    quiet = list(Town(rate=0, peaks=False).history(START, START + 7 * DAY))
    assert len(quiet) < 0.9 * len(week)
    assert not any(i.author and i.author.startswith("deal") for i in quiet)


def test_there_are_enough_ways_to_say_things() -> None:
    ordinary = {lang: sum(len(mood[lang]) for mood in (GRUMBLE, CHAT, PRAISE)) for lang in ("en", "nl")}
    assert ordinary["en"] + len(SEEN["en"]) >= 60
    assert ordinary["nl"] + len(SEEN["nl"]) >= 30


@pytest.mark.parametrize("seed", range(8))
def test_the_crisis_can_be_noticed_within_half_a_minute(seed: int) -> None:
    """At least eight posts by five people in 25 s, each in their own words; doubling goes on; the press comes later."""
    onset = START * 1000
    items = crisis(seed, onset, doubling_s=8, press_after_s=90)
    assert 0 <= seen_at(items[0]) - onset < 3_000

    def posts(seconds: float) -> list[Item]:
        return [i for i in items if i.kind == "post" and seen_at(i) < onset + 1000 * seconds]

    early = posts(25)
    assert len(early) >= 8
    assert len({i.author for i in early}) >= 5
    assert len({i.text for i in posts(40)}) > 25
    assert len({i.source for i in early}) >= 2
    assert all(
        names_acme(i) and any(word in (i.text or "").casefold() for word in BURNING)
        for i in posts(1_000)
        if "statement" not in i.id
    )
    assert 3 < len(posts(40)) / len(posts(24)) < 6
    assert min(seen_at(i) for i in items if i.source == "press") >= onset + 90_000
    kinds = Counter(i.kind for i in items)
    assert kinds["repost"] > 100
    assert all(not i.text for i in items if i.kind in {"repost", "like"})
    assert not any(names_acme(i) for i in items if i.kind == "reply")
    assert kinds["reply"] > 100
    assert len({i.id for i in items if i.kind == "update"}) > 5


def test_a_natural_crisis_takes_its_time() -> None:
    items = crisis(1, START * 1000, doubling_s=300, press_after_s=3_600)
    named = [i for i in items if i.kind == "post"]
    assert 5 < len([i for i in named if seen_at(i) < START * 1000 + 900_000]) < 25
    assert len(named) > 300


def test_life_goes_on_beside_the_crisis() -> None:
    town = Town()
    until = START * 1000 + 600_000
    both = list(town.stream(START * 1000, until, Outbreak(START * 1000 + 60_000)))
    assert both == sorted(both, key=order_key)
    assert [i for i in both if not i.id.startswith("k") and "/k" not in i.id] == list(
        town.history(START, START + 600)
    )
    alive = town.live(START, 60.0)
    assert list(islice(alive, 500)) == both[:500]


def run(config: SimulateConfig, seconds: float, cursor: Cursor | None = None) -> list[tuple[float, Batch]]:
    """What a connector yields, and when, on time that costs none."""

    async def story() -> list[tuple[float, Batch]]:
        loop, found = asyncio.get_running_loop(), []
        connector = SimulateConnector(config, wall=lambda: START + loop.time())
        try:
            async with asyncio.timeout(seconds):
                async for batch in connector.batches(cursor):
                    found += [(loop.time(), batch)]
        except TimeoutError:
            pass
        return found

    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        return runner.run(story())


def test_live_items_come_at_their_moment() -> None:
    found = run(SimulateConfig(name="town", crisis_after=timedelta(seconds=20)), 60)
    for when, batch in found:
        for item in batch.items:
            assert 0 <= START + when - seen_at(item) / 1000 < 0.3
    assert sum(names_acme(i) for _, b in found for i in b.items) > 20


def test_a_restart_makes_up_for_the_time_away_and_keeps_the_hour_of_the_crisis() -> None:
    config = SimulateConfig(
        name="town", crisis_after=timedelta(seconds=20), start=datetime(2026, 5, 31, 23, tzinfo=UTC)
    )
    whole = [item for _, batch in run(config, 30) for item in batch.items]
    first = run(config, 0.001)
    cursor = first[len(first) // 2][1].cursor
    again = [item for _, batch in run(config, 30, cursor) for item in batch.items]
    half = [item for _, batch in first[: len(first) // 2 + 1] for item in batch.items]
    assert half + again == whole
    assert sum(item.id.startswith("k") for item in whole) > 1_000

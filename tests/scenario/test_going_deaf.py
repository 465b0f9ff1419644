"""Ways of going deaf: whichever it is, the outside monitor rings within four minutes; and while all is well, never."""

from collections.abc import Callable
from itertools import pairwise

import pytest

from connectors.bluesky import SILENCE_S as BLUESKY_S
from connectors.mastodon.feed import SILENCE_S as MASTODON_S
from connectors.wikimedia import SILENCE_S as WIKIMEDIA_S
from tests.scenario.deaf_world import PERIOD_S, World, virtually
from warn.model.errors import PermanentError, Reason, TemporaryError
from warn.model.flow import DETECT, MATCH, RESPOND

FOUR_MINUTES_S = 240.0
GRACE_S = 180.0
SHORT_GRACE_S = 120.0


def _cut(world: World) -> None:
    for source in world.sources:
        source.error = PermanentError("401: make a new key", reason=Reason.AUTH)


def _one_cut(world: World) -> None:
    world.sources[0].error = TemporaryError("503", reason=Reason.SERVER)


def _clock_back(world: World) -> None:
    world.back_s = 3_600.0


def _no_network(world: World) -> None:
    world.network = False


WAYS: dict[str, Callable[[World], object]] = {
    "all connectors are cut off": _cut,
    "the critical connector is cut off": _one_cut,
    "collect is dead": lambda world: world.kill("collect"),
    "the machine's time goes back": _clock_back,
    "match hangs": lambda world: world.bus.hangs.add(MATCH),
    "detect hangs": lambda world: world.bus.hangs.add(DETECT),
    "one partition of match hangs": lambda world: world.bus.hangs.add(f"{MATCH} 1"),
    "one partition of detect hangs": lambda world: world.bus.hangs.add(f"{DETECT} 2"),
    "respond hangs": lambda world: world.bus.hangs.add(RESPOND),
    "respond cannot commit": lambda world: world.bus.full.add(RESPOND),
    "the disk is full": lambda world: world.bus.full.add("collect"),
    "the process is killed": lambda world: world.kill(),
    "no network to the monitor": _no_network,
}


@pytest.mark.parametrize("at", [301.0, 342.5])
@pytest.mark.parametrize("way", WAYS)
def test_the_monitor_rings_within_four_minutes(way: str, at: float) -> None:
    world = World()
    virtually(world.run(at + 320.0, (at, lambda: WAYS[way](world))))
    assert world.alarm_at(GRACE_S, at) is None, "not before"
    alarm = world.alarm_at(GRACE_S, at + 320.0)
    assert alarm is not None
    # A source is heard every five seconds: only then can anybody know that it is gone.
    assert alarm - at <= FOUR_MINUTES_S + (5.0 if "cut" in way else 0.0)
    sooner = world.alarm_at(SHORT_GRACE_S, at + 320.0)
    assert sooner is not None and sooner <= alarm - 60.0, "with the grace that docs/operations.md recommends"


@pytest.mark.parametrize("at", [301.0, 331.0, 359.5])
def test_a_connector_that_hangs_is_noticed_by_its_pulse(at: float) -> None:
    """Four times the 15 s that its channel expects; so with a grace of two minutes it is four minutes in all."""
    world = World()
    virtually(world.run(at + 320.0, (at, lambda: setattr(world.sources[0], "hangs", True))))
    alarm = world.alarm_at(SHORT_GRACE_S, at + 320.0)
    assert alarm is not None
    assert alarm - at <= FOUR_MINUTES_S


@pytest.mark.parametrize("at", [301.0, 331.0, 359.5])
@pytest.mark.parametrize("silence_s", sorted({BLUESKY_S, WIKIMEDIA_S, MASTODON_S}))
def test_streams_that_hang_are_given_up_in_time_whatever_is_expected_of_them(
    at: float, silence_s: float
) -> None:
    """Connected, and nothing comes: no rule file has to say what is usual. And the next try is not taken for hearing."""
    world = World(expect_s=None)
    for source in world.sources:
        source.silence_s = silence_s

    def hang() -> None:
        for source in world.sources:
            source.hangs = True

    virtually(world.run(at + 900.0, (at, hang)))
    alarm = world.alarm_at(SHORT_GRACE_S, at + 900.0)
    assert alarm is not None
    assert alarm - at <= FOUR_MINUTES_S
    assert world.pings["one"][-1] <= at + 60.0


def test_thirty_healthy_minutes_raise_nothing() -> None:
    """And both monitors hear once a minute."""
    world = World()
    virtually(world.run(1_800.0))
    assert world.alarm_at(30.0, 1_800.0) is None
    for pings in world.pings.values():
        assert 29 <= len(pings) <= 31
        assert all(50 < b - a < 70 for a, b in pairwise(pings))
    assert not world.told


def test_it_hears_again_when_the_trouble_is_over() -> None:
    """A fault of five minutes, and the monitor is told again within two minutes after it."""
    world = World()
    virtually(
        world.run(
            1_500.0,
            (600.0, lambda: world.bus.full.add("collect")),
            (900.0, world.bus.full.clear),
        )
    )
    pings = world.pings["one"]
    assert not [at for at in pings if 605 < at < 900]
    assert [at for at in pings if 900 <= at <= 1_020]
    assert world.alarm_at(GRACE_S, 890.0) is not None
    assert PERIOD_S == 60


def test_a_channel_that_goes_deaf_is_told_as_an_incident_of_its_own() -> None:
    """Once, with since when, and over when it is heard again."""
    world = World()
    virtually(
        world.run(
            3_000.0,
            (600.0, lambda: setattr(world.sources[1], "error", PermanentError("401", reason=Reason.AUTH))),
            (1_200.0, lambda: setattr(world.sources[1], "error", None)),
        )
    )
    events = {(d.event.event, d.event.severity, d.event.summary) for d in world.told}
    opened = [summary for event, severity, summary in events if (event, severity) == ("opened", "ticket")]
    assert len(opened) == 1
    assert opened[0].startswith("warn cannot hear news, since ")

"""respond as a stage: what it emits, what it keeps, and that it is exact about both."""

import pytest

from tests.unit.incident.makers import HOUR, T0, alert
from tests.unit.stages.desk import TWO, Desk
from warn.incident.course import LINGER_S
from warn.incident.route import Route, Target, check_routes
from warn.model.alerts import Beat, Tick
from warn.stages.base import Effects, In
from warn.stages.respond import RespondStage


def test_a_page_is_claimed_in_the_step_that_hears_of_it() -> None:
    """The first notifier at once; the incident and the claim are told to the web."""
    desk = Desk(label="[DEMO]")
    desk.tick()
    (claim,) = desk.feed(alert())
    assert (claim.notifier, claim.action, claim.attempt, claim.maybe_repeated) == ("pd", "trigger", 1, False)
    assert claim.event.summary.startswith("[DEMO] Acme: 33 people")
    assert claim.label == "[DEMO]"
    assert [e.event for e in desk.incidents] == ["opened"]
    assert desk.states("pd") == ["claimed"]
    assert desk.effects.counts["incidents", "opened"] == 1


def test_before_the_first_tick_nothing_is_claimed() -> None:
    """A restarted respond does not know what time it is; what was resolved meanwhile wakes nobody."""
    desk = Desk()
    assert desk.feed(alert(), alert("resolved", T0 + 60), Beat(at=T0 + 60 + LINGER_S, brand="Acme")) == []
    assert desk.tick(200) == []
    assert desk.states("pd") == ["superseded"]
    assert desk.state == {}


@pytest.mark.parametrize("mode", ["shadow", "anything"])
def test_only_live_incidents_are_said(mode: str) -> None:
    """A shadow incident is in the diary and in no delivery."""
    desk = Desk()
    desk.tick()
    assert desk.feed(alert(mode=mode)) == []
    assert desk.tick(100) == []
    assert [e.mode for e in desk.incidents] == [mode]


def test_a_live_alert_pages_beside_a_shadow_incident() -> None:
    """A rule on trial cannot mute one that is not."""
    desk = Desk()
    desk.tick()
    desk.feed(alert(mode="shadow", rule="Trial"))
    assert len(desk.feed(alert(at=T0 + 10))) == 1


def test_a_wave_has_a_key_of_its_own_and_updates_do_not() -> None:
    """So that a pager rings for the wave and stays still for the update."""
    desk = Desk()
    desk.tick()
    (first,) = desk.feed(alert())
    assert desk.answer(first) == []
    (update,) = desk.feed(alert("update", T0 + 60, 90))
    desk.answer(update)
    (wave,) = desk.feed(alert("update", T0 + 5 * HOUR, 500))
    assert (update.action, update.dedup_key) == ("update", first.dedup_key)
    assert (wave.action, wave.event.event) == ("trigger", "wave")
    assert wave.dedup_key != first.dedup_key
    desk.answer(wave)
    desk.feed(alert("resolved", T0 + 6 * HOUR))
    ends = desk.feed(Beat(at=T0 + 6 * HOUR + LINGER_S, brand="Acme"))
    assert {(e.action, e.notifier, e.dedup_key) for e in ends} == {
        ("resolve", "pd", first.dedup_key), ("resolve", "pd", wave.dedup_key),
    }  # fmt: skip
    for end in ends:
        desk.answer(end)
    desk.tick(2 * HOUR)
    assert desk.state == {}


def test_routes_choose_by_brand_and_severity() -> None:
    """A ticket goes where tickets go, and rings the pagers when it becomes a page."""
    chat = Route(
        name="desk", notifiers=(Target("chat", "chat"),), severities=("ticket", "digest"), brands=("Acme",)
    )
    desk = Desk([TWO, chat])
    desk.tick()
    assert [d.notifier for d in desk.feed(alert(severity="ticket"))] == ["chat"]
    assert [d.notifier for d in desk.feed(alert(at=T0 + 60, rule="B"))] == ["pd"]
    assert desk.feed(alert(severity="ticket", brand="Other")) == []


def test_a_severity_that_rises_into_a_route_tells_it_without_a_wave() -> None:
    """From digest to ticket is an update for those who know, and news for those who do not."""
    chat = Route(name="desk", notifiers=(Target("chat", "chat"),), severities=("ticket",))
    desk = Desk([chat])
    desk.tick()
    assert desk.feed(alert(severity="digest")) == []
    (told,) = desk.feed(alert(at=T0 + 60, rule="B", severity="ticket"))
    assert (told.action, told.event.event) == ("trigger", "updated")


def test_what_cannot_be_read_is_kept_aside_and_stops_nothing() -> None:
    """A broken record goes to dead letters with its place, one of a later release is counted."""
    stage, effects = RespondStage([TWO]), Effects()
    batch = [In(7, b"\xc1"), In(8, b"\x81\xa4type\xa5later"), In(9, b"\x82\xa4type\xa4tick\xa3now\x05")]
    assert list(stage.step(batch, effects)) == []
    assert effects.counts["unreadable", "desk"] == effects.counts["unknown_kind", "desk"] == 1
    assert [(where, reason, payload) for where, reason, _, payload in effects.dead] == [
        ("desk/0/7", "unreadable", b"\xc1")
    ]


@pytest.mark.parametrize("record", [(b"course:Acme", 0, b"\xc1"), (b"later:x", 0, b"")])
def test_state_that_it_does_not_know_is_an_error(record: tuple[bytes, int, bytes]) -> None:
    """Better to stop than to go on without an incident."""
    with pytest.raises(ValueError, match="respond's state"):
        RespondStage().restore([record], 0)


def test_entries_are_the_courses_alone() -> None:
    """Ticks, receipts and routes do not touch the state hash."""
    loud, still = Desk(), Desk(routes=())
    loud.tick(5)
    for desk in (loud, still):
        claims = desk.feed(alert(), alert(brand="Beta"))
        for claim in claims:
            desk.answer(claim)
    loud.tick(100)
    assert sorted(loud.stage.entries()) == sorted(still.stage.entries())
    assert [key for key, _ in sorted(still.stage.entries())] == [b"course:Acme", b"course:Beta"]


def test_a_quiet_daemon_writes_no_state() -> None:
    """Ticks of an idle respond leave nothing behind."""
    desk = Desk()
    desk.tick(10)
    desk.feed(Beat(at=T0, brand="Acme"))
    assert desk.state == {}
    assert desk.effects.state == {}


def test_long_batches_yield() -> None:
    """The loop stays alive."""
    stage = RespondStage()
    batch = [In(i, b"\x82\xa4type\xa4tick\xa3now\x05") for i in range(100)]
    assert len(list(stage.step(batch, Effects()))) == 3


def test_routes_are_checked() -> None:
    """A page needs two providers; all problems at once."""
    assert check_routes([TWO]) == []
    one = Route(name="night", notifiers=(Target("a", "pagerduty"), Target("b", "pagerduty")))
    none = Route(name="night", notifiers=(), severities=("ticket",))
    odd = Route(name="odd", notifiers=(Target("a", "x"),), severities=("loud",))
    problems = check_routes([one, none, odd])
    assert len(problems) == 4
    assert "'night' is given 2 times" in problems[0]
    assert "two notifiers of different providers" in problems[1]
    assert "no notifier" in problems[2]
    assert "unknown severity loud" in problems[3]
    assert "no route has severity page" in check_routes([])[0]


def test_ticks_set_back_change_no_course() -> None:
    """Tick is delivery's time only."""
    desk = Desk()
    desk.feed(Tick(now=T0 + 99 * HOUR), alert(), Tick(now=5), alert("update", T0 + 10, 90))
    assert [(e.event, e.at) for e in desk.incidents] == [("opened", T0), ("updated", T0 + 10)]

"""How alerts become incidents."""

import pytest

from tests.unit.incident.makers import HOUR, T0, alert
from warn.incident.course import LINGER_S, WAVE_S, Course, Turn, incident_id, size, take
from warn.model.alerts import AlertEvent, Beat, Numbers


def run(*records: AlertEvent | Beat) -> list[Turn]:
    course = Course("Acme")
    return [turn for record in records for turn in take(course, record)]


def said(turns: list[Turn]) -> list[tuple[str, int]]:
    return [(t.event, t.at) for t in turns]


def test_the_first_firing_alert_opens_an_incident_named_by_brand_rule_and_tick() -> None:
    """Its id is repeatable, 16 hex digits, and another tick or rule gives another."""
    (turn,) = run(alert())
    assert (turn.event, turn.at, turn.sequence) == ("opened", T0, 1)
    assert turn.incident == incident_id("Acme", "Acme/Spike", T0)
    assert len(turn.incident) == 16
    assert len({turn.incident, incident_id("Acme", "Acme/Spike", T0 + 10), incident_id("Acme", "x", T0)}) == 3


def test_a_minute_without_news_says_nothing() -> None:
    """Updates of the same size are not worth a line."""
    assert said(run(alert(), *(alert("update", T0 + 60 * i, 40) for i in range(1, 60)))) == [("opened", T0)]


def test_a_size_that_doubled_is_said_once() -> None:
    """33 people, then 66, then 131: one update; 132: another."""
    turns = run(*(alert("update", T0 + 10 * i, n) for i, n in enumerate((33, 65, 66, 80, 131, 132))))
    assert said(turns) == [("opened", T0), ("updated", T0 + 20), ("updated", T0 + 50)]
    assert [t.voice.numbers.people for t in turns] == [33, 66, 132]


def test_two_people_after_one_are_no_doubling() -> None:
    """Growth is reckoned from five people, or a hundred votes."""
    assert said(run(alert(people=1), alert("update", T0 + 10, 9))) == [("opened", T0)]
    assert said(run(alert(people=1), alert("update", T0 + 10, 10)))[1:] == [("updated", T0 + 10)]


def test_a_new_rule_or_topic_joins_and_is_said_once() -> None:
    """Further alerts of the brand belong to the same incident."""
    turns = run(
        alert(),
        alert(at=T0 + 70, rule="Other"),
        alert("update", T0 + 80, rule="Other"),
        alert(at=T0 + 90, topic="recall"),
    )
    assert said(turns) == [("opened", T0), ("updated", T0 + 70), ("updated", T0 + 90)]
    assert len({t.incident for t in turns}) == 1
    assert [t.sequence for t in turns] == [1, 2, 3]


def test_a_rule_that_sees_the_same_within_a_minute_says_nothing() -> None:
    """One page: that a second rule sees what was just paged is no news, then or later."""
    turns = run(alert(), alert(at=T0 + 60, rule="Other"), alert("update", T0 + 120, rule="Other"))
    assert said(turns) == [("opened", T0)]
    assert said(run(alert(), alert(at=T0 + 61, rule="Other"))) == [("opened", T0), ("updated", T0 + 61)]


def test_the_press_is_said_once() -> None:
    """The first article is news, and later turns know of it whoever speaks."""
    turns = run(
        alert(),
        alert("update", T0 + 10, press=1),
        alert("update", T0 + 20, press=5),
        alert(at=T0 + 90, rule="Other"),
    )
    assert said(turns) == [("opened", T0), ("updated", T0 + 10), ("updated", T0 + 90)]
    assert [t.press for t in turns] == [False, True, True]


def test_a_severity_that_rises_to_page_pages() -> None:
    """A ticket that becomes a page wakes somebody; the severity does not fall again."""
    turns = run(
        alert(severity="digest"),
        alert(at=T0 + 10, rule="B", severity="ticket"),
        alert(at=T0 + 20, rule="C", severity="page"),
        alert("resolved", T0 + 30, rule="C"),
        alert("update", T0 + 40, 99, severity="digest"),
        alert(at=T0 + 50, rule="C", severity="page"),
    )
    assert [(t.event, t.severity) for t in turns] == [
        ("opened", "digest"), ("updated", "ticket"), ("wave", "page"), ("updated", "page"),
    ]  # fmt: skip


def test_what_grows_within_four_hours_of_its_page_belongs_to_it() -> None:
    """No second page for the same wave; after that only what is more than twice its peak."""
    grown = [
        alert("update", T0 + HOUR * i, n) for i, n in ((1, 400), (3, 500), (5, 1000), (6, 1001), (7, 3000))
    ]
    turns = run(alert(), *grown)
    assert said(turns) == [("opened", T0), ("updated", T0 + HOUR), ("updated", T0 + 5 * HOUR), ("wave", T0 + 6 * HOUR),
                           ("updated", T0 + 7 * HOUR)]  # fmt: skip
    assert HOUR * 3 < WAVE_S < HOUR * 5
    for late, last in ((-1, "updated"), (0, "wave")):
        assert run(alert(), alert("update", T0 + WAVE_S + late, 500))[-1].event == last


def test_a_decline_after_four_hours_is_no_wave() -> None:
    """Paged at 33 people, peak 500, still 200 hours later: nobody is woken for the way down."""
    turns = run(alert(), alert("update", T0 + HOUR, 500), alert("update", T0 + 5 * HOUR, 200))
    assert "wave" not in [t.event for t in turns]


def test_fires_again_after_all_was_over() -> None:
    """Within eight hours it is the same incident: an update, a wave only where it outgrows what was paged."""
    over = (alert(people=50), alert("resolved", T0 + HOUR))
    small, large = alert(at=T0 + 2 * HOUR, people=100), alert("update", T0 + 2 * HOUR + 10, 101)
    turns = run(*over, small, large)
    assert said(turns) == [("opened", T0), ("updated", T0 + 2 * HOUR), ("wave", T0 + 2 * HOUR + 10)]
    assert len({t.incident for t in turns}) == 1


def test_resolves_eight_hours_after_the_last_alert_at_the_due_time() -> None:
    """However late somebody looks; its last word is the peak."""
    turns = run(
        alert(), alert("update", T0 + 60, 90), alert(at=T0 + 90, rule="B", people=5), alert("resolved", T0 + 100),
        Beat(at=T0 + 20 * HOUR, brand="Acme"), alert("resolved", T0 + 21 * HOUR, rule="B"),
        Beat(at=T0 + 40 * HOUR, brand="Acme"),
    )  # fmt: skip
    assert said(turns)[-1] == ("resolved", T0 + 21 * HOUR + LINGER_S)
    assert turns[-1].voice.numbers.people == 90


@pytest.mark.parametrize(
    ("late", "events"), [(-10, ["opened", "updated"]), (0, ["opened", "resolved", "opened"])]
)
def test_a_timer_due_fires_before_what_arrives_at_the_same_second(late: int, events: list[str]) -> None:
    """An alert in the last second of the wait finds the incident resolved, and opens another."""
    again = T0 + 60 + LINGER_S + late
    turns = run(alert(), alert("resolved", T0 + 60), alert(at=again))
    assert [t.event for t in turns] == events
    assert [
        t.event for t in run(alert(), alert("resolved", T0 + 60), Beat(at=again, brand="Acme"))
    ] == events[:1] + (["resolved"] if late == 0 else [])


def test_shadow_and_live_keep_apart() -> None:
    """A rule on trial neither joins nor holds back what may page."""
    turns = run(
        alert(mode="shadow", rule="Trial"),
        alert(at=T0 + 10),
        alert("update", T0 + 20, 500, mode="shadow", rule="Trial"),
    )
    assert [(t.event, t.mode) for t in turns] == [
        ("opened", "shadow"),
        ("opened", "live"),
        ("updated", "shadow"),
    ]
    assert len({t.incident for t in turns}) == 2


def test_a_rule_promoted_while_it_fires_pages() -> None:
    """Its alert leaves the shadow incident, which is then over in time."""
    turns = run(
        alert(mode="shadow"), alert("update", T0 + 60, mode="live"), Beat(at=T0 + 60 + LINGER_S, brand="Acme")
    )
    assert [(t.event, t.mode) for t in turns] == [
        ("opened", "shadow"),
        ("opened", "live"),
        ("resolved", "shadow"),
    ]


def test_votes_and_people_are_on_one_scale() -> None:
    """A hundred votes weigh as five people; where no author is known mentions stand in."""
    assert size(Numbers(people=5, mentions=50)) == size(Numbers(echo=100)) == size(Numbers(mentions=5))
    assert size(Numbers(care=40)) > size(Numbers(people=39, echo=700))


def test_resolved_alerts_of_nothing_say_nothing() -> None:
    """A resolve without incident opens none."""
    assert run(alert("resolved"), Beat(at=T0, brand="Acme")) == []

"""The press clock: the first article of an incident, how sure its time is, and who was first."""

from tests.unit.incident.makers import HOUR, T0, alert, article
from tests.unit.stages.desk import Desk
from warn.incident.course import Course, Turn, take
from warn.model.alerts import AlertEvent, Article, Beat


def run(*records: AlertEvent | Beat | Article) -> list[Turn]:
    course = Course("Acme")
    return [turn for record in records for turn in take(course, record)]


def test_an_article_after_the_alert_is_over_still_belongs_to_the_incident() -> None:
    """Press is slow: it writes hours after the page, when nobody fires any more."""
    opened, press = run(alert(), alert("resolved", T0 + 600), article(T0 + 3 * HOUR, ago=300, seen_ago=60))
    assert (press.event, press.at, press.press) == ("updated", T0 + 3 * HOUR, True)
    assert (press.page_at, press.press_at, press.press_seen_at) == (
        T0,
        T0 + 3 * HOUR - 300,
        T0 + 3 * HOUR - 60,
    )
    assert press.voice.numbers.press == 1 and press.leads and not opened.leads


def test_an_earlier_article_moves_the_first_back_without_another_message() -> None:
    records = (alert(), article(T0 + HOUR), article(T0 + HOUR + 60, ago=1800))
    *_, first, late = (*run(*records), *run(*records, alert("update", T0 + 2 * HOUR, 500))[2:])
    assert [t.event for t in run(*records)] == ["opened", "updated"]
    assert first.press_at == T0 + HOUR
    assert late.press_at == T0 + HOUR + 60 - 1800


def test_what_was_written_of_another_topic_is_another_matter() -> None:
    assert [t.event for t in run(alert(), article(T0 + 60, topic="prices"))] == ["opened"]


def test_without_an_incident_an_article_is_no_news() -> None:
    assert run(article(T0)) == []


def test_who_was_first_is_known_once() -> None:
    """The press before the page, after it, and an incident that never rang."""
    (opened,) = run(alert(press=1, press_at=T0 - 600))
    assert opened.leads and opened.press_at - opened.page_at == -600
    turns = run(alert(), article(T0 + HOUR), article(T0 + 2 * HOUR), alert("update", T0 + 3 * HOUR, 900))
    assert [t.leads for t in turns].count(True) == 1
    turns = run(alert(severity="ticket"), article(T0 + HOUR))
    assert not any(t.leads for t in turns)
    *_, rang = run(alert(severity="ticket"), article(T0 + HOUR), alert("update", T0 + 2 * HOUR, rule="Page"))
    assert (rang.event, rang.page_at, rang.leads) == ("wave", T0 + 2 * HOUR, True)


def test_the_lead_is_counted_for_live_incidents_alone() -> None:
    desk = Desk()
    desk.feed(alert())
    desk.feed(article(T0 + HOUR, ago=60))
    assert desk.effects.counts["leads", "warn"] == 1
    assert desk.effects.counts["lead_seconds", "warn"] == HOUR - 60
    event = desk.incidents[-1]
    assert (event.page_at, event.press_at, event.press_seen_at) == (T0, T0 + HOUR - 60, T0 + HOUR)
    behind = Desk()
    behind.feed(alert(press=2, press_at=T0 - 900))
    assert behind.effects.counts["leads", "press"] == 1
    assert behind.effects.counts["lead_seconds", "press"] == 900
    quiet = Desk()
    quiet.feed(alert(mode="shadow"), article(T0 + HOUR))
    assert not quiet.effects.counts["leads", "warn"]

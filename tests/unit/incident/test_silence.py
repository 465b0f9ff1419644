"""warn's own alert as an incident: its words, what is news in it, and when it is over."""

from typing import Any

import pytest

from tests.unit.incident.makers import HOUR, T0
from tests.unit.stages.desk import Desk
from warn.incident.course import Course, take
from warn.incident.page import tell
from warn.incident.route import Route, Target
from warn.model.alerts import AlertEvent, Beat, Numbers, Passed, Receipt, Tick
from warn.model.records import Silent

DEAF = Silent("bluesky", "deaf", T0 - 600, 120)
CUT = Silent("slack", "cut", T0 - 300, 0, "auth")
LATE = Silent("gdelt", "lagging", T0 - 900)
CRITICAL = Silent("care", "deaf", T0, 60, "", critical=True)


def silence(kind: Any, at: int, *silent: Silent, language: str = "en") -> AlertEvent:
    return AlertEvent(
        kind=kind, at=at, brand="warn", rule="warn/Silence", alert="Silence", topic="warn/silence",
        severity="page" if any(s.critical for s in silent) else "ticket", mode="live", episode=1,
        numbers=Numbers(since=min(s.since for s in silent), deaf=tuple(s.source for s in silent)),
        language=language, timezone="Europe/Amsterdam", silent=silent,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("silent", "language", "said"),
    [
        ((DEAF,), "en", "warn cannot hear bluesky, since 13:50."),
        ((DEAF, CUT), "en", "warn cannot hear bluesky, slack, since 13:50."),
        ((LATE,), "en", "warn hears gdelt too late, since 13:45."),
        ((DEAF, CRITICAL), "nl", "warn hoort care, bluesky niet, sinds 13:50."),
    ],
)
def test_the_first_hundred_characters_say_who_and_since_when(
    silent: tuple[Silent, ...], language: str, said: str
) -> None:
    [turn] = take(Course("warn"), silence("firing", T0, *silent, language=language))
    event = tell(turn)
    assert event.summary == said
    assert len(event.summary) <= 100
    assert event.silent == silent


def test_many_with_long_names_still_fit() -> None:
    silent = tuple(Silent(f"a source with a very long name {n}", "deaf", T0) for n in range(30))
    [turn] = take(Course("warn"), silence("firing", T0, *silent))
    summary = tell(turn, "[DRILL]").summary
    assert len(summary) <= 100
    assert "more, since 14:00." in summary


def test_the_message_says_what_is_usual_why_and_what_to_do() -> None:
    [turn] = take(Course("warn"), silence("firing", T0, DEAF, CUT))
    lines = tell(turn).message.splitlines()
    assert lines[1] == "bluesky: nothing since 13:50. Something usually comes within 2 minutes."
    assert lines[2].startswith("slack: cut off since 13:55: it refuses our key")
    assert lines[-1].startswith("What to do: `warn connectors ls`")


def test_its_course() -> None:
    """More sources are an update, a critical one rings, and it is over at once when the alert is."""
    course = Course("warn")
    [opened] = take(course, silence("firing", T0, DEAF))
    [updated] = take(course, silence("update", T0 + 60, DEAF, CUT))
    [wave] = take(course, silence("update", T0 + 120, DEAF, CUT, CRITICAL))
    [calm] = take(course, silence("update", T0 + 180, DEAF, CRITICAL))
    assert [t.event for t in (opened, updated, wave, calm)] == ["opened", "updated", "wave", "updated"]
    assert [t.severity for t in (opened, updated, wave)] == ["ticket", "ticket", "page"]
    assert {t.incident for t in (opened, updated, wave, calm)} == {opened.incident}
    assert take(course, silence("resolved", T0 + HOUR, DEAF, CRITICAL)) == []
    [over] = take(course, Beat(at=T0 + HOUR, brand="warn"))
    assert (over.event, over.at) == ("resolved", T0 + HOUR)
    assert tell(over).summary == "warn hears care, bluesky again. It did not from 13:50 on."
    assert not course.incidents


def test_no_heartbeat_while_a_page_reaches_nobody() -> None:
    """After two minutes without a confirmation; with one, the monitor is told again."""
    desk = Desk([Route(name="r", notifiers=(Target("a", "a"), Target("b", "b")))])
    desk.feed(Tick(now=T0))
    desk.feed(silence("firing", T0, CRITICAL))
    claims = []
    for second in range(1, 200):
        claims += desk.feed(Tick(now=T0 + second))
        if second == 60:
            desk.feed(Passed(minute=T0 + 60, partition=0))
            assert desk.effects.heartbeats == [T0 + 60]
    desk.feed(Passed(minute=T0 + 180, partition=0))
    assert desk.effects.heartbeats == []
    assert desk.effects.counts["heartbeats", "withheld"] == 1
    last = claims[-1]
    desk.feed(Receipt(now=T0 + 200, delivery=last.delivery, attempt=last.attempt, outcome="delivered"))
    desk.feed(Passed(minute=T0 + 240, partition=0))
    assert desk.effects.heartbeats == [T0 + 240]

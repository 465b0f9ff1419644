"""The page says of the first article what the report says of it: a range where that is all we know."""

from typing import Any

import pytest
from msgspec import to_builtins

from tests.unit.web.made_up import event, numbers
from warn.app.report import markdown, report, span
from warn.model.alerts import IncidentEvent
from warn.web.facts import facts
from warn.web.timeline import timeline
from warn.web.words import Words

PAGE = 1_795_624_620
"""2026-11-25 16:37 UTC."""
HOUR = 3600


def met(dated: int, seen: int) -> IncidentEvent:
    """An incident that rang at PAGE and met the press."""
    known = numbers(press=1, press_at=dated)
    return event(numbers=known, page_at=PAGE, press_at=dated, press_seen_at=seen, timezone="UTC")


def on_the_page(one: IncidentEvent, language: str) -> str:
    shown = facts(one, Words(language, "UTC"), ["press"], over=False)
    return next(f.note for f in shown if f.label in {"Press", "Pers"})


def in_the_report(one: IncidentEvent) -> str:
    incident: dict[str, Any] = to_builtins(one) | {"id": "a1", "over": False}
    course = {
        "incident": incident,
        "events": [{"event": "opened", "at": PAGE, "numbers": to_builtins(one.numbers)}],
    }
    days = span("2026-11-25", "2026-11-25", "UTC", PAGE)
    return markdown(report([course], [], days, PAGE))


@pytest.mark.parametrize(
    ("dated", "seen", "english", "dutch", "reported"),
    [
        (
            PAGE - 3 * HOUR, PAGE + 120,
            "It came between 3 hours before our page and 2 minutes after it: who was first is not certain.",
            "Het kwam tussen 3 uur voor en 2 minuten na onze melding: wie eerst was, is niet zeker.",
            "between 3 h later and 2 min first",
        ),
        (
            PAGE - 3 * HOUR, PAGE - 600,
            "That is 10 minutes to 3 hours before our page.",
            "Dat is 10 minuten tot 3 uur voor onze melding.",
            "later by 10 min to 3 h",
        ),
        (
            PAGE + 1800, PAGE + 2400,
            "That is 30 minutes to 40 minutes after our page.",
            "Dat is 30 minuten tot 40 minuten na onze melding.",
            "first by 30 min to 40 min",
        ),
        (PAGE + 1800, PAGE + 1810, "That is 30 minutes after our page.", "Dat is 30 minuten na onze melding.", "first by 30 min"),
        (PAGE - 20, PAGE + 20, "Our page came at the same time.", "Onze melding kwam tegelijk.", "at the same time"),
    ],
)  # fmt: skip
def test_page_and_report_say_the_same(dated: int, seen: int, english: str, dutch: str, reported: str) -> None:
    one = met(dated, seen)
    assert english in on_the_page(one, "en") and "paywall" in on_the_page(one, "en")
    assert dutch in on_the_page(one, "nl") and "betaalmuur" in on_the_page(one, "nl")
    assert f"| {reported} |" in in_the_report(one)


def test_times_of_two_days_are_told_with_both_days() -> None:
    note = on_the_page(met(PAGE - 17 * HOUR, PAGE + 120), "en")
    assert "dated 23:37, Tuesday 24 November" in note and "saw it at 16:39, Wednesday 25 November" in note


def test_the_time_line_says_whose_time_it_is() -> None:
    english, dutch = Words("en", "UTC"), Words("nl", "UTC")
    unsure = [met(PAGE - 3 * HOUR, PAGE + 120)]
    assert "First press article, by its publisher’s own time; we saw it at 16:39." in [
        m.text for m in timeline(unsure, (), english)
    ]
    assert any("wij zagen het om 16:39" in m.text for m in timeline(unsure, (), dutch))
    assert "First press article." in [m.text for m in timeline([met(PAGE, PAGE + 20)], (), english)]

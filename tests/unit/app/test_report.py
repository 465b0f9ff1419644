"""The report: who was first, how sure that is, and what was not heard; and the page a company can publish."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from warn.app.report import markdown, report, span
from warn.cli import app
from warn.cli.exits import expected
from warn.model.errors import PermanentError

DAY = 86_400
NOW = 1_795_694_400
"""2026-11-26 12:00 UTC."""
DAYS = span(None, None, "UTC", NOW)
PAGE = DAYS.start + 3 * DAY


def course(**more: Any) -> dict[str, Any]:
    """As `/api/incidents/ID` tells it."""
    incident = {
        "id": "a1", "brand": "Acme", "topic": "Acme/battery", "alert": "Spike", "mode": "live", "severity": "page",
        "over": True, "state": "resolved", "page_at": PAGE, "press_at": 0, "press_seen_at": 0,
    } | more  # fmt: skip
    numbers = {"people": 33, "echo_people": 0, "echo": 100}
    events = [
        {"event": "opened", "at": PAGE, "numbers": numbers},
        {"event": "updated", "at": PAGE + 60, "numbers": numbers | {"people": 90}},
        {"event": "wave", "at": PAGE + 900, "numbers": numbers},
    ]
    return {"incident": incident, "events": events}


def test_thirty_whole_days_before_today() -> None:
    assert (DAYS.first.isoformat(), DAYS.last.isoformat()) == ("2026-10-27", "2026-11-25")
    assert DAYS.end - DAYS.start == 30 * DAY
    local = span("2026-10-25", "2026-10-25", "Europe/Amsterdam", NOW)
    assert local.end - local.start == 25 * 3600, "the day on which summer time ends has 25 hours"


@pytest.mark.parametrize(
    ("since", "until", "zone"),
    [
        ("yesterday", None, "UTC"),
        ("2026-11-02", "2026-11-01", "UTC"),
        (None, None, "Mars/Olympus"),
        ("1999-01-01", None, "UTC"),
    ],
)
def test_what_is_no_span_is_said(since: str | None, until: str | None, zone: str) -> None:
    with pytest.raises(PermanentError):
        span(since, until, zone, NOW)


def test_who_was_first() -> None:
    """The publisher's own word counts, which is the least that can be claimed."""
    courses = [
        course(id="a", press_at=PAGE + 1800, press_seen_at=PAGE + 2400),
        course(id="b", press_at=PAGE - 1200, press_seen_at=PAGE - 1100),
        course(id="c"),
        course(id="d", mode="shadow"),
        course(id="e", page_at=0, severity="ticket"),
    ]
    found = report(courses, [], DAYS, NOW)
    assert (found["incidents"], found["diary"], found["pages"]) == (4, 1, 6)
    assert (found["warn_first"], found["press_first"], found["without_press"]) == (1, 1, 1)
    assert found["median_lead_s"] == 300
    text = markdown(found)
    assert (
        "first by 30 min to 40 min" in text
        and "later by 18 min to 20 min" in text
        and "no (on trial)" in text
    )
    assert "5 min ahead of the first article (median)" in text


def test_what_was_before_or_after_is_not_in_it() -> None:
    early = course()
    early["events"] = [event | {"at": DAYS.start - 1} for event in early["events"]]
    assert report([early], [], DAYS, NOW)["rows"] == []
    assert "None." in markdown(report([early], [], DAYS, NOW))


def test_channels_say_what_their_sources_could_not_give() -> None:
    channels = [
        {"source": "bluesky", "state": "hearing", "heard_at": PAGE, "owner": "web|care", "risk": ["pile-on"],
         "gaps": [[DAYS.start - 100, DAYS.start + 7200], [DAYS.end + 5, DAYS.end + 10]]},
        {"source": "press", "state": "unheard", "heard_at": 0, "owner": "", "risk": [], "gaps": []},
    ]  # fmt: skip
    text = markdown(report([], channels, DAYS, NOW))
    assert "| bluesky | web/care | pile-on | hearing |" in text and "| 2 h |" in text
    assert "| press | nobody | none named | unheard | never | nothing missing |" in text


def test_days_of_which_nothing_is_kept_are_named() -> None:
    """Incidents are kept for 90 days: of those before, nothing is known, and that is no good news."""
    long = span("2026-06-01", None, "UTC", NOW)
    found = report([course()], [], long, NOW)
    assert found["known_from"] == "2026-08-29"
    assert "kept for 90 days: before 2026-08-29 nothing is known any more" in markdown(found)
    edge = span("2026-08-29", None, "UTC", NOW)
    for days in (DAYS, edge):
        within = report([course()], [], days, NOW)
        assert within["known_from"] is None and "nothing is known" not in markdown(within)


def test_more_incidents_than_are_told_at_once_are_no_silence() -> None:
    found = report([course(id=str(n)) for n in range(500)], [], DAYS, NOW)
    assert found["cut"] and "Only the latest 500 incidents are told" in markdown(found)
    assert not report([course()], [], DAYS, NOW)["cut"]


def test_the_public_page_is_what_is_set_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In both languages; staff with their governance, days of keeping as they are in force."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules").mkdir()
    draft = CliRunner().invoke(app, ["rules", "new", "--brand", "Acme"]).stdout
    (tmp_path / "rules" / "acme.yaml").write_text(
        draft.replace('# owner: "On call', 'owner: "On call').replace("# who answers", "# who")
    )
    (tmp_path / "warn.yaml").write_text(
        "connectors:\n  staff:\n    type: replay\n    paths: [x]\n    role: internal\n    governance: {purpose: hear early, "
        "owner: head of comms, notice_url: 'https://x.example/y', dpia: register 4, works_council: agreed}\n"
        "  town: {type: simulate}\n"
    )
    english = CliRunner().invoke(app, ["report", "--public"])
    assert english.exit_code == 0 and "# How Acme listens" in english.stdout
    assert "Purpose: hear early. Questions: our communications department." in english.stdout
    assert "| a few posts an incident, to show what it was about | 30 |" in english.stdout
    assert "the text, which nobody is shown | 7 |" in english.stdout, "what staff write is kept to be counted"
    assert "erased: our communications department." in english.stdout and "set `contact`" in english.stderr
    dutch = CliRunner().invoke(app, ["report", "--public", "--lang", "nl"])
    assert "# Hoe Acme luistert" in dutch.stdout and dutch.stdout.count("\n") == english.stdout.count("\n")
    as_data = CliRunner().invoke(app, ["report", "--public", "--json"]).stdout
    plain = json.loads(as_data)
    for page in (english.stdout, dutch.stdout, as_data):
        assert "555" not in page and "head of comms" not in page, "owners are for colleagues"
    assert [c["role"] for c in plain["channels"]] == ["internal", ""]
    assert (
        "as keyed numbers | 400 |" in english.stdout
        and "It then goes from all that is kept" in english.stdout
    )
    monkeypatch.setenv("WARN_BUS__KAFKA__BOOTSTRAP", "kafka.example:9092")
    on_kafka = CliRunner().invoke(app, ["report", "--public"]).stdout
    assert "gone after 30 days at the latest" in on_kafka and "goes from all" not in on_kafka
    wrong = CliRunner().invoke(app, ["report", "--public", "--lang", "fr"])
    assert wrong.exception is not None and "en, nl" in str(expected(wrong.exception))


def test_the_public_page_says_whom_to_ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The office of the settings, in both languages; nothing that only a person would have."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules").mkdir()
    draft = CliRunner().invoke(app, ["rules", "new", "--brand", "Acme"]).stdout
    (tmp_path / "rules" / "acme.yaml").write_text(draft)
    for office in ("privacy@acme.example", "https://acme.example/privacy"):
        (tmp_path / "warn.yaml").write_text(f"contact: {office}\n")
        english = CliRunner().invoke(app, ["report", "--public"])
        dutch = CliRunner().invoke(app, ["report", "--public", "--lang", "nl"])
        assert f"erased: {office}." in english.stdout and f"te wissen: {office}." in dutch.stdout
        assert english.stderr == ""
    for nobody in (
        "+31 20 555 01 00",
        "Jan Jansen, jan@acme.example",
        "Jan Jansen",
        "tel:+31205550100",
        "a@b@c.example",
    ):
        (tmp_path / "warn.yaml").write_text(f"contact: '{nobody}'\n")
        refused = CliRunner().invoke(app, ["report", "--public"])
        assert refused.exception is not None and "of an office" in str(expected(refused.exception)), nobody


def test_without_a_daemon_it_says_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["report", "--url", "http://127.0.0.1:9"])
    assert result.exception is not None and "warn run" in str(expected(result.exception))

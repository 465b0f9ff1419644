"""The register, its page and its JSON: each channel with who answers for it, and whether it is heard."""

import pytest
from msgspec import msgpack
from msgspec.structs import replace

from tests.unit.web.client import client, exposition, filled
from tests.unit.web.made_up import INCIDENT, event
from tests.unit.web.made_up_register import AT, known, register
from warn.ingest.remedies import BY_REASON
from warn.ingest.reports import PREFIX
from warn.ingest.status import ConnectorState
from warn.model.records import Silent
from warn.web.facts import facts
from warn.web.health import Health
from warn.web.register import Known, Register
from warn.web.routes import build
from warn.web.store import Store
from warn.web.words import Words


def test_every_channel_is_there_with_its_state() -> None:
    rows = {row.source: row for row in register().rows(AT)}
    states = {source: row.state for source, row in rows.items()}
    assert states == {
        "bluesky": "hearing", "slack": "cut", "care": "deaf", "viva": "unheard", "tickets": "hearing",
    }  # fmt: skip
    assert rows["bluesky"].brands == ("Acme", "Beta")
    assert rows["bluesky"].owner == "webcare"
    assert rows["bluesky"].gaps == ((AT - 7_200, AT - 6_600),)
    assert rows["tickets"].heard_at == AT - 30
    assert rows["care"].since == AT - 4_000
    assert "key" in rows["slack"].remedy
    assert [row.state == "hearing" for row in register().rows(AT)] == [False] * 3 + [True] * 2


def test_what_this_process_runs_itself_is_fresher_than_what_was_told() -> None:
    live = ConnectorState(
        name="bsky", source="bluesky", state="waiting", since=AT, silence="deaf", silent_since=AT
    )
    [row] = [r for r in Register(known(), live=lambda: [live]).rows(AT) if r.source == "bluesky"]
    assert row.state == "deaf"


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ("Channels", "nobody listens", "make a new key", "it does not accept our key")),
        (
            "nl",
            (
                "Kanalen",
                "niemand luistert",
                "nieuwe sleutel",
                "wordt niet aanvaard",
                "Precies (in het Engels)",
            ),
        ),
    ],
)
def test_the_page(language: str, said: tuple[str, ...]) -> None:
    """Whole without JavaScript, in both languages; what an error says is escaped."""
    answer = client(build(filled(), Health(), exposition, register=register(language))).get("/channels")
    assert answer.status_code == 200
    assert all(one in answer.text for one in said)
    assert f'lang="{language}"' in answer.text
    assert "<b>" not in answer.text
    assert "set it &lt;b&gt;" in answer.text
    assert "<script" not in answer.text
    assert client(build(filled(), Health(), exposition)).get("/channels").status_code == 200
    assert 'href="/channels"' in client().get("/").text


def test_json() -> None:
    found = client(build(filled(), Health(), exposition, register=register())).get("/api/connectors").json()
    slack = next(one for one in found["connectors"] if one["name"] == "slack")
    assert (slack["state"], slack["silence"], slack["retry_at"]) == ("parked", "cut", AT + 400)
    assert slack["troubles"] == [["#general", "not in channel"]]
    assert {one["source"] for one in found["channels"]} == {"bluesky", "slack", "care", "viva", "tickets"}


def test_a_gap_stands_on_every_incident_of_that_time() -> None:
    """From when to when, beside who is deaf now; and on no other incident."""
    found = known()
    opened = event().numbers.since
    told = ConnectorState(
        name="x", source="forum", state="running", since=0, gaps=((opened - 60, opened + 60),)
    )
    found.take(PREFIX + b"x", msgpack.encode(told))
    web = client(build(filled(), Health(), exposition, register=Register(found)))
    assert "Forum from " in web.get(f"/incidents/{INCIDENT}").text
    found.take(PREFIX + b"x", msgpack.encode(replace(told, gaps=((5, 65),))))
    assert "Forum from " not in web.get(f"/incidents/{INCIDENT}").text


def test_an_incident_about_warn_itself() -> None:
    """Says what is not heard, not how many people write; a link to the channels instead of a flowchart."""
    store = Store()
    silent = (Silent("bluesky", "deaf", AT, 120, "", True), Silent("slack", "cut", AT, 0, "auth"))
    store.put_incidents([replace(event(incident="w"), brand="warn", alert="Silence", silent=silent)])
    web = client(build(store, Health(), exposition))
    text = web.get("/incidents/w").text
    assert "cannot hear Bluesky, Slack" in text
    assert "cut off" in text
    assert "How it grew" not in text
    assert 'href="/channels"' in text
    assert "2 sources" in web.get("/").text
    assert [f.label for f in facts(event(silent=silent), Words("nl"), (), over=False)] == ["Bluesky", "Slack"]


def test_an_empty_register_says_so() -> None:
    text = client(build(Store(), Health(), exposition, register=Register(Known()))).get("/channels").text
    assert "warn hears nothing" in text


def test_a_source_that_another_connector_brings_is_heard() -> None:
    """A recording, a town or a webhook names the sources of its items itself; what it never brought nobody hears."""
    live = ConnectorState(
        name="town", source="town", state="running", since=AT, last_event=AT, brings=(("viva", AT - 90),)
    )
    rows = {
        row.source: row
        for row in Register(known(), channels=register()._channels, live=lambda: [live]).rows(AT)
    }
    assert (rows["viva"].state, rows["viva"].heard_at, rows["viva"].connectors) == (
        "hearing",
        AT - 90,
        ("town",),
    )
    assert rows["town"].heard_at == AT
    quiet = Register(known(), channels=register()._channels, live=lambda: [replace(live, brings=())])
    assert {row.source: row.state for row in quiet.rows(AT)}["viva"] == "unheard"


def test_every_reason_that_a_connector_fails_for_is_said_in_both_languages() -> None:
    for language in ("en", "nl"):
        words = Words(language, "UTC")
        unsaid = [reason for reason in BY_REASON if not words.knows(f"channel.why.{reason}")]
        assert unsaid == ["lagging", "nothing", "unread"], "these are no failures"


def test_where_there_is_no_incident_pages_speak_as_the_rule_files_do() -> None:
    web = client(build(Store(), Health(), exposition, register=register("nl")))
    assert "Er is niets aan de hand." in web.get("/").text
    missing = web.get("/incidents/nobody")
    assert missing.status_code == 404 and "Dit incident bestaat niet" in missing.text


@pytest.mark.parametrize(("language", "said"), [("en", "see the network"), ("nl", "bekijk dan het netwerk")])
def test_what_helps_fits_what_is_wrong_while_it_is_tried_again(language: str, said: str) -> None:
    """A connector that fails again and again is reading for moments in between, and its channel is deaf all the while."""
    found = known()
    found.take(b"silent", msgpack.encode((Silent("news", "deaf", AT - 600, 0, "timeout", False),)))
    live = ConnectorState(
        name="news", source="news", state="running", since=AT, silence="deaf", silent_since=AT - 600,
        reason="timeout", last_error="news: no answer in time",
    )  # fmt: skip
    rows = {row.source: row for row in Register(found, live=lambda: [live]).rows(AT, language)}
    assert said in rows["news"].remedy


def test_a_channel_that_should_be_heard_and_that_nobody_reads_says_what_helps() -> None:
    found = known()
    found.take(b"silent", msgpack.encode((Silent("viva", "deaf", AT - 600, 60, "", False),)))
    rows = {row.source: row for row in Register(found, channels=register()._channels).rows(AT)}
    assert (rows["viva"].state, rows["viva"].since) == ("deaf", AT - 600)
    assert rows["viva"].remedy == "set up a connector for it, or take its `expect` out of the rule file"


def test_a_full_disk_says_what_helps() -> None:
    """It is no failure of the connector, so that it has no reason of its own."""
    live = ConnectorState(
        name="news", source="news", state="paused", since=AT, silence="deaf", silent_since=AT
    )
    rows = {row.source: row for row in Register(known(), live=lambda: [live]).rows(AT)}
    assert rows["news"].remedy == "free space on the disk of the data folder"

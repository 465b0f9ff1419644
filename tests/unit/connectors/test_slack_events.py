"""What Slack's deliveries say, by example, by the recorded ones, and by whatever JSON can be."""

import json
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.slack.events import Left, at, edit_of, ms, plain, read_event, read_message, text_of
from tests.shared import SHARED, needs_shared
from warn.ingest.entry import check
from warn.model.mention import Item

TS = "1355517523.000005"
NUMBERS = count()


def event(**of: Any) -> dict[str, Any]:
    return {"type": "event_callback", "event": {"type": "message", "channel": "C1", "ts": TS, **of}}


def read(**of: Any) -> Item | Left:
    return read_event(event(**of), source="staff", channels=["C1"])


def test_a_message() -> None:
    assert read(user="U1", text="Hello <@U2>, see <https://acme.example/x|the Acme page>") == Item(
        source="staff", id=f"C1:{TS}", created_ms=1_355_517_523_000, kind="message", author="U1",
        text="Hello , see the Acme page https://acme.example/x",
    )  # fmt: skip


def test_a_mention_of_an_app_is_the_message_that_it_stands_in() -> None:
    assert read(type="app_mention", user="U1", text="hi") == read(user="U1", text="hi")


def test_a_reply_names_its_thread() -> None:
    found = read(user="U1", text="me too", thread_ts="1355517000.000100", subtype="thread_broadcast")
    assert isinstance(found, Item)
    assert (found.thread, found.reply_to) == ("C1:1355517000.000100",) * 2
    root = read(user="U1", text="me too", thread_ts=TS)
    assert isinstance(root, Item) and root.thread is None


def test_edits_and_deletes_name_what_they_change() -> None:
    message = {"ts": TS, "user": "U1", "text": "new"}
    edit = read(
        subtype="message_changed", ts="1355517600.000000", message=message, previous_message={"text": "old"}
    )
    assert isinstance(edit, Item)
    assert (edit.id, edit.kind, edit.text, edit.created_ms) == (f"C1:{TS}", "edit", "new", 1_355_517_600_000)
    delete = read(subtype="message_deleted", deleted_ts=TS, ts="1355517600.000000", previous_message=message)
    assert isinstance(delete, Item)
    assert (delete.id, delete.kind, delete.text, delete.author) == (f"C1:{TS}", "delete", None, None)


@pytest.mark.parametrize(
    ("of", "why", "odd"),
    [
        ({"channel_type": "im"}, "direct messages", False),
        ({"channel_type": "mpim"}, "direct messages", False),
        ({"channel_type": "group"}, "private channels", False),
        ({"channel": "C2"}, "do not name", False),
        ({"type": "reaction_added"}, "reaction", False),
        ({"type": "app_rate_limited"}, "from the history", False),
        ({"subtype": "channel_join"}, "Slack's own", False),
        ({"subtype": "bot_message"}, "a bot", False),
        ({"bot_id": "B1"}, "a bot", False),
        ({"subtype": "message_replied"}, "by itself|of its own", False),
        ({"ts": ""}, "without a time", True),
        ({"ts": "0000000000.000000"}, "without a time", True),
        ({"subtype": "message_changed"}, "without its message", True),
        ({"subtype": "message_changed", "message": {"ts": TS, "text": "a"}, "previous_message": {"text": "a"}},
         "looks", False),
        ({"subtype": "message_changed", "message": {"ts": TS, "text": "a", "bot_id": "B"}}, "a bot", False),
    ],
)  # fmt: skip
def test_what_is_left_and_why(of: dict[str, Any], why: str, odd: bool) -> None:
    found = read(**of)
    assert isinstance(found, Left)
    assert any(one in found.why for one in why.split("|"))
    assert found.odd is odd


def test_bots_are_read_where_the_settings_say_so() -> None:
    found = read_event(event(bot_id="B1", text="Acme"), source="staff", channels=None, bots=True)
    assert isinstance(found, Item)


@pytest.mark.parametrize(
    ("marked", "text"),
    [
        ("&lt;b&gt; &amp;amp; <!here> <#C1|general> <#C2>", "<b> &amp;  #general"),
        ("<https://a.example>", "https://a.example"),
        ("<http://a.example|a.example>", "http://a.example"),
        ("<mailto:marker@a.example|marker@a.example>", ""),
        ("<!date^1392734382^{date}|18 Feb> <!subteam^S1|@team>", "18 Feb"),
        ("<" * 9_000, "<" * 9_000),
        ("a < b > c", "a b c"),
    ],
)
def test_marks_are_taken_out(marked: str, text: str) -> None:
    assert " ".join(plain(marked).split()) == " ".join(text.split())


def test_a_text_is_found_where_it_stands() -> None:
    rich = {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [
        {"type": "text", "text": "Acme kettle"}, {"type": "user", "user_id": "U1"}, {"type": "text", "text": "burns"}]}]}  # fmt: skip
    pressed = {
        "type": "actions",
        "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Press"}}],
    }
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "see <https://a.example>"}}
    assert text_of({"blocks": [rich, pressed, section]}) == "Acme kettle burns see https://a.example"
    assert (
        text_of({"text": "", "attachments": [{"title": "News", "text": "Acme"}, {"fallback": "more"}]})
        == "News\nAcme\nmore"
    )
    assert (
        text_of({"text": "look", "files": [{"title": "kettle.jpg", "url_private": "x"}]})
        == "look\nkettle.jpg"
    )
    assert len(text_of({"text": "x" * 50_000})) == 20_000


def test_times() -> None:
    assert ms(TS) == 1_355_517_523_000
    assert ms("1355517523.123456") == 1_355_517_523_123
    assert [ms(one) for one in ("", "x", "1.x", "-1.0", "٣.0", "1" * 30)] == [None] * 6
    assert at("1355517523.000005") < at("1355517523.000010") < at("1355517524.000000")


@needs_shared
def test_every_recorded_delivery_is_a_mention_or_says_why_not() -> None:
    assert SHARED is not None
    files = sorted((SHARED / "data/payloads/slack_events").glob("*.json"))
    assert len(files) == 10
    mentions = 0
    for path in files:
        recorded = json.loads(path.read_text())
        found = read_event(recorded, source="staff", channels=None, bots=True)
        assert isinstance(found, Left) and found.why, path.name
        # They are forms, with every value left out: with times and ids filled in, what is said is read.
        found = read_event(_filled(recorded), source="staff", channels=None, bots=True)
        if isinstance(found, Item):
            check(found)
            mentions += 1
            continue
        assert found.why and not found.odd, path.name
    assert mentions == 7


def _filled(of: Any, key: str = "") -> Any:
    if isinstance(of, dict):
        return {name: _filled(value, name) for name, value in of.items()}
    if isinstance(of, list):
        return [_filled(one, key) for one in of]
    if of == "" and key in {"ts", "event_ts", "deleted_ts"}:
        return TS
    return {"channel": "C1", "text": f"Acme {next(NUMBERS)}"}.get(key, of) if of == "" else of


trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from([TS, "message", "C1"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["type", "subtype", "text", "blocks", "elements", "attachments", "files", "ts", "message",
                         "previous_message", "edited", "channel", "thread_ts", "event", "bot_id", "deleted_ts"]),
        inner, max_size=6),
    max_leaves=30,
)  # fmt: skip


@given(trees)
def test_nothing_that_json_can_be_breaks_it(tree: Any) -> None:
    message = tree if isinstance(tree, dict) else {"message": tree}
    for found in (
        read_event({"event": {"type": "message", **message}}, source="staff", channels=["C1"], bots=True),
        read_event(message, source="staff", channels=None),
        read_message(message, source="staff", channel="C1"),
        edit_of(message, source="staff", channel="C1"),
    ):
        if isinstance(found, Left):
            assert found.why

"""The Slack connector against a workspace on a local port: its Web API, and its Socket Mode."""

import asyncio
import json
from contextlib import aclosing
from typing import Any

import pytest
from pydantic import HttpUrl, SecretStr, ValidationError

from connectors.slack import SlackConfig, SlackConnector
from tests.contract.connectors.faults import check_faults, inside
from tests.contract.connectors.service import serve
from tests.contract.connectors.workspace import APP, BOT, GOVERNANCE, SECRETS, T0, Workspace, said, ts
from warn.ingest.connector import Batch, Connector, Cursor
from warn.model.errors import PermanentError, Reason, TemporaryError, WarnError
from warn.testing.check_connector import Made, Until, check_connector


def filled() -> Workspace:
    workspace = Workspace()
    for second in range(230):
        workspace.channels["C0NEWS"].append(said(second, f"Acme kettle {second}"))
    root = workspace.channels["C0NEWS"][40]
    root |= {"thread_ts": ts(40), "reply_count": 70, "latest_reply": ts(369)}
    workspace.channels["C0NEWS"] += [
        said(300 + n, f"me too {n}", thread_ts=ts(40), parent_user_id="U0MARKER") for n in range(70)
    ]
    workspace.channels["C0HELP"] += [
        said(5, "joined", subtype="channel_join"),
        said(6, "beep Acme", subtype="bot_message", bot_id="B1"),
        said(7, "an Acme picture", subtype="file_share", files=[{"title": "burnt kettle"}]),
        said(8, "Acme is fine", edited={"user": "U0MARKER", "ts": ts(9)}),
        {"type": "message", "text": "no time"},
    ]
    return workspace


async def some(connector: Connector, batches: int, cursor: Cursor | None = None) -> list[Batch]:
    async with asyncio.timeout(10), aclosing(connector.batches(cursor)) as read:
        return [await anext(read) for _ in range(batches)]


async def test_contract() -> None:
    workspace = filled()
    async with serve(workspace.app) as address:
        workspace.base = address.url

        def make() -> Made:
            looks = [0]

            def over(_: Batch) -> bool:
                looks[0] += 1
                return looks[0] == 4  # two looks at two channels

            return workspace.config(), Until(workspace.connector(), over)

        await check_connector(make, secrets=SECRETS)


async def test_a_socket_loses_nothing_between_what_it_says_and_the_history() -> None:
    workspace = filled()
    async with serve(workspace.app) as address:
        workspace.base = address.url

        def make() -> Made:
            workspace.events = []
            workspace.tell(1, {"channel": "C0NEWS", "channel_type": "channel", **said(500, "Acme by socket")})
            workspace.tell(
                2, {"channel": "C0OTHER", "channel_type": "channel", **said(501, "not ours to read")}
            )
            return workspace.config(app_token=APP), Until(workspace.connector(app_token=APP), idle_s=1.5)

        await check_connector(make, secrets=SECRETS)


async def test_what_a_channel_says() -> None:
    workspace = filled()
    async with serve(workspace.app) as address:
        workspace.base = address.url
        workspace.page = 1000
        news, help_ = await some(workspace.connector(), 2)
    assert [len(b.items) for b in (news, help_)] == [300, 3]
    assert json.loads(help_.cursor or "") == {"C0NEWS": ts(369), "C0HELP": ts(8)}
    assert [one.message for one in help_.refused] == ["a message without a time (ts)"]
    reply = next(i for i in news.items if i.text == "me too 3")
    assert (reply.id, reply.thread, reply.reply_to) == (
        f"C0NEWS:{ts(303)}",
        f"C0NEWS:{ts(40)}",
        f"C0NEWS:{ts(40)}",
    )
    assert (reply.kind, reply.created_ms, reply.author) == ("message", (T0 + 303) * 1000, "U0MARKER")
    assert [(i.kind, i.text) for i in help_.items] == [
        ("message", "an Acme picture\nburnt kettle"), ("message", "Acme is fine"), ("edit", "Acme is fine"),
    ]  # fmt: skip


async def test_after_a_pause_it_reads_on_from_where_it_was_and_tells_of_what_it_cannot_reach() -> None:
    workspace = Workspace()
    workspace.channels["C0NEWS"] = [said(n, f"Acme {n}") for n in range(2_000)]
    async with serve(workspace.app) as address:
        workspace.base = address.url
        marks = Cursor(json.dumps({"C0NEWS": ts(1_500), "C0HELP": ts(1)}))
        news, _ = await some(workspace.connector(), 2, marks)
        assert {f"C0NEWS:{ts(n)}" for n in range(1_500, 2_000)} <= {i.id for i in news.items}
        assert not news.gaps
        workspace.page = 10
        news, _ = await some(workspace.connector(), 2, marks)
    assert len(news.items) == 200
    assert [(gap.start - T0, gap.end - T0) for gap in news.gaps] == [(1_500, 1_800)]


async def test_a_message_that_is_gone_is_a_delete_and_one_that_was_changed_an_edit() -> None:
    workspace = Workspace()
    messages = workspace.channels["C0NEWS"] = [said(n, f"Acme {n}") for n in range(5)]
    async with serve(workspace.app) as address:
        workspace.base = address.url
        connector = workspace.connector()
        async with asyncio.timeout(10), aclosing(connector.batches(None)) as read:
            await anext(read), await anext(read)
            del messages[1]
            messages[2] = said(3, "Acme burns", edited={"ts": ts(77)})
            again = await anext(read)
            await anext(read)
            after = await anext(read)
    assert [(i.kind, i.id) for i in again.items if i.kind != "message"] == [
        ("edit", f"C0NEWS:{ts(3)}"), ("delete", f"C0NEWS:{ts(1)}"),
    ]  # fmt: skip
    assert not any(i.kind == "delete" for i in after.items)


async def test_a_socket_that_speaks_at_once_does_not_move_the_mark_past_what_was_missed() -> None:
    """Three days of pause: what lies in the history between is read before what the socket says."""
    workspace = Workspace()
    workspace.channels["C0NEWS"] = [said(n * 3_600, f"Acme {n}") for n in range(72)]
    workspace.tell(1, {"channel": "C0NEWS", "channel_type": "channel", **said(72 * 3_600, "Acme now")})
    marks = Cursor(json.dumps({"C0NEWS": ts(0), "C0HELP": ts(0)}))
    async with serve(workspace.app) as address:
        workspace.base = address.url
        batches = await some(workspace.connector(app_token=APP), 3, marks)
    assert {i.text for b in batches for i in b.items} >= {f"Acme {n}" for n in range(72)} | {"Acme now"}


async def test_a_socket_acknowledges_what_is_on_the_bus_and_moves_when_it_is_told_to() -> None:
    workspace = Workspace()
    inner = said(20, "Acme edited", edited={"ts": ts(21)})
    public = {"channel": "C0NEWS", "channel_type": "channel"}
    workspace.tell(1, {**public, **said(20, "Acme")})
    workspace.tell(2, {**public, "type": "message", "subtype": "message_changed", "ts": ts(21), "message": inner,
                       "previous_message": said(20, "Acme")})  # fmt: skip
    workspace.tell(
        3, {**public, "type": "message", "subtype": "message_deleted", "ts": ts(22), "deleted_ts": ts(20)}
    )
    workspace.tell(4, {**public, **said(23, "hello", channel_type="im")})
    async with serve(workspace.app) as address:
        workspace.base = address.url
        async with asyncio.timeout(10), aclosing(workspace.connector(app_token=APP).batches(None)) as read:
            batches = [await anext(read) for _ in range(3)]
            assert workspace.acks == []
            batches += [await anext(read) for _ in range(3)]
            assert workspace.acks[:2] == ["e1", "e2"]
            assert [(i.kind, i.text) for b in batches for i in b.items] == [
                ("message", "Acme"), ("edit", "Acme edited"), ("delete", None),
            ]  # fmt: skip
            workspace.events = [{"type": "disconnect", "reason": "link_disabled"}]
            task = asyncio.get_running_loop().create_task(anext(read))
            await workspace.live.wait()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    assert workspace.acks == ["e1", "e2", "e3", "e4"]


@pytest.mark.parametrize(
    ("frames", "error", "reason"),
    [
        ([{"type": "disconnect", "reason": "link_disabled"}], PermanentError, Reason.CONFIG),
        ([{"type": "disconnect", "reason": "refresh_requested"}], TemporaryError, Reason.NETWORK),
        (
            [{"type": "events_api", "envelope_id": "e", "payload": {"event": {
                "type": "message", "channel": "C0NEWS", "channel_type": "group", "ts": ts(1), "text": "x"}}}],
            PermanentError,
            Reason.REFUSED,
        ),
    ],
)  # fmt: skip
async def test_a_socket_that_goes_wrong(
    frames: list[dict[str, Any]], error: type[WarnError], reason: Reason
) -> None:
    workspace = Workspace()
    workspace.events = frames
    async with serve(workspace.app) as address:
        workspace.base = address.url
        with pytest.raises(error) as caught:
            await some(workspace.connector(app_token=APP), 9)
    assert caught.value.reason is reason


@pytest.mark.parametrize("what", ["is_private", "is_im", "is_mpim"])
async def test_what_is_not_public_is_refused_by_its_id(what: str) -> None:
    workspace = filled()
    workspace.info["C0HELP"] = {what: True}
    async with serve(workspace.app) as address:
        workspace.base = address.url
        with pytest.raises(PermanentError, match="C0HELP is a private channel or a direct message") as caught:
            await some(workspace.connector(), 1)
    assert caught.value.reason is Reason.REFUSED
    assert "conversations.history" not in workspace.asked


@pytest.mark.parametrize(
    ("code", "error", "reason", "words"),
    [
        ("invalid_auth", TemporaryError, Reason.AUTH, "make a bot token"),
        ("missing_scope", TemporaryError, Reason.AUTH, "give the app channels:history"),
        ("not_in_channel", TemporaryError, Reason.AUTH, "channel C0NEWS: the app is not in it; invite it"),
        ("channel_not_found", PermanentError, Reason.CONFIG, "channel C0NEWS is not there"),
        ("ratelimited", TemporaryError, Reason.RATE_LIMITED, "too many requests"),
        ("internal_error", TemporaryError, Reason.SERVER, "a fault of its own"),
        ("<planted>", TemporaryError, Reason.CLIENT, "does not know"),
    ],
)
async def test_errors_that_stand_in_an_answer(
    code: str, error: type[WarnError], reason: Reason, words: str
) -> None:
    workspace = Workspace()
    workspace.says = {"ok": False, "error": code, "needed": "planted"}
    async with serve(workspace.app) as address:
        workspace.base = address.url
        with pytest.raises(error, match=words) as caught:
            await some(workspace.connector(), 1)
    assert caught.value.reason is reason
    assert "planted" not in str(caught.value)


async def test_a_wrong_app_token_says_so() -> None:
    workspace = Workspace()
    async with serve(workspace.app) as address:
        workspace.base = address.url
        with pytest.raises(TemporaryError, match="make an app-level token"):
            await some(workspace.connector(app_token="xapp-wrong"), 1)


@pytest.mark.parametrize("cursor", ["nonsense", '{"C0NEWS": 1}', '{"C0NEWS": "yesterday"}'])
async def test_a_foreign_cursor(cursor: str) -> None:
    workspace = Workspace()
    workspace.base = "http://127.0.0.1:9"
    with pytest.raises(PermanentError) as caught:
        await some(workspace.connector(), 1, Cursor(cursor))
    assert caught.value.reason is Reason.MALFORMED


def test_settings() -> None:
    with pytest.raises(ValidationError, match="governance"):
        SlackConfig(name="staff", channels=("C0NEWS",), token=SecretStr(BOT))
    for channel in ("general", "D0MARKER", "U0MARKER", "#C0NEWS"):
        with pytest.raises(ValidationError, match="channels"):
            SlackConfig(name="staff", channels=(channel,), token=SecretStr(BOT), governance=GOVERNANCE)


async def test_faults() -> None:
    def make(url: str, **of: Any) -> Connector:
        config = SlackConfig(
            name="staff", channels=("C0NEWS",), token=SecretStr(BOT), governance=GOVERNANCE,
            url=HttpUrl(f"{url}/api"), inside=(inside(url),), **of,
        )  # fmt: skip
        return SlackConnector(config)

    await check_faults(make, place="slack", remedy="make a bot token", secrets=SECRETS)
    await check_faults(
        lambda url: make(url, app_token=SecretStr(APP)),
        place="slack",
        remedy="make a bot token",
        secrets=SECRETS,
    )

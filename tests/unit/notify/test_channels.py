"""What each place is sent, and what its config refuses."""

import base64
import io
import json
from datetime import UTC, datetime
from urllib.parse import urlsplit

import msgspec
import pytest
from pydantic import ConfigDict, HttpUrl, Secret, SecretStr, TypeAdapter, ValidationError
from standardwebhooks import Webhook

from warn.model.errors import PermanentError, Reason
from warn.notify.console import ConsoleConfig
from warn.notify.pagerduty import MOST_BYTES
from warn.notify.pagerduty import render as pagerduty_event
from warn.notify.registry import NotifierConfig, build
from warn.notify.webhook import WebhookConfig, WebhookNotifier, key_of, sign
from warn.notify.webhook import render as webhook_body
from warn.testing.check_notifier import HOSTILE, delivery
from warn.testing.fake_pager import FakePager, Fault
from warn.testing.pager_rules import PagerRules

KEY = "k" * 32
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


def test_a_trigger_has_every_field_that_pagerduty_wants() -> None:
    """Golden: names, places, the link to the incident page."""
    event = json.loads(pagerduty_event(delivery(), KEY, "https://warn.example/"))
    link = "https://warn.example/incidents/0123456789abcdef"
    details = event["payload"].pop("custom_details")
    assert event == {
        "routing_key": KEY,
        "dedup_key": "k-1",
        "event_action": "trigger",
        "client": "warn",
        "client_url": link,
        "links": [{"href": link, "text": "Incident: Acme: 33 people"}],
        "payload": {
            "summary": "Acme: 33 people",
            "source": "warn",
            "severity": "critical",
            "timestamp": "2025-12-04T13:58:40+00:00",
            "component": "Acme/battery",
            "group": "Acme: 33 people",
            "class": "Spike",
        },
    }
    assert details["numbers"]["people"] == 33
    assert details["message"] == "Acme: 33 people\nDoubles every 12 minutes."


def test_a_resolve_is_the_three_fields_alone() -> None:
    """And an update is a trigger under the same key."""
    assert json.loads(pagerduty_event(delivery("resolve"), KEY, "https://x")) == {
        "routing_key": KEY, "dedup_key": "k-1", "event_action": "resolve",
    }  # fmt: skip
    assert json.loads(pagerduty_event(delivery("update"), KEY, ""))["event_action"] == "trigger"


def test_limits_cut_details_before_the_page() -> None:
    """However large, it is accepted, and the summary is there."""
    big = delivery(text="x" * 5000)
    labels = {f"label {i}": "y" * 200 for i in range(3000)}
    event = msgspec.structs.replace(
        big, event=msgspec.structs.replace(big.event, labels=labels), dedup_key="k" * 999
    )
    body = pagerduty_event(event, KEY, "https://warn.example")
    assert len(body) < MOST_BYTES
    assert PagerRules().accept(body)[0] == 202
    assert len(json.loads(body)["payload"]["summary"]) == 1024


def test_a_possible_repeat_says_so() -> None:
    """In the language of the page."""
    repeated = msgspec.structs.replace(delivery(), maybe_repeated=True)
    assert (
        json.loads(pagerduty_event(repeated, KEY, ""))["payload"]["summary"]
        == "Acme: 33 people (may be repeated)"
    )


def test_hostile_text_is_one_clean_line() -> None:
    """No control, no direction mark, no half of a pair reaches a place."""
    summary = json.loads(pagerduty_event(delivery(text=HOSTILE), KEY, ""))["payload"]["summary"]
    assert summary == ("Acme [bold]*_<b>&amp;</b> <!channel> [31m Bcc: all@acme.example evil {x}%s")


def test_a_webhook_body_is_type_timestamp_data() -> None:
    """Small, and without a post or a sample."""
    body = webhook_body(delivery(), "https://warn.example")
    said = json.loads(body)
    assert set(said) == {"type", "timestamp", "data"}
    assert said["type"] == "incident.opened"
    assert datetime.fromisoformat(said["timestamp"]) == datetime(2025, 12, 4, 13, 58, 40, tzinfo=UTC)
    assert said["data"]["link"] == "https://warn.example/incidents/0123456789abcdef"
    assert "samples" not in said["data"]
    assert len(webhook_body(delivery(text="\U0001f525" * 9000), "")) < 40_000


def test_the_signature_is_the_one_of_the_reference() -> None:
    """Against the standardwebhooks package."""
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    theirs = Webhook(SECRET).sign("d-1", at, '{"a":1}')
    assert sign(key_of(SECRET), "d-1", int(at.timestamp()), b'{"a":1}') == theirs


async def test_both_secrets_sign_while_one_is_changed() -> None:
    """A receiver with either accepts, and a repeat has the same id and a new time."""
    old = "whsec_" + base64.b64encode(bytes(range(40, 80))).decode()
    times = iter((1000.0, 2000.0))
    async with FakePager() as pager:
        config = WebhookConfig(
            type="webhook",
            url=Secret(HttpUrl(pager.url)),
            secret=SecretStr(SECRET),
            old_secrets=(SecretStr(old),),
            inside=(urlsplit(pager.url).netloc,),
        )
        notifier = WebhookNotifier(config, now=lambda: next(times))
        assert notifier.provider == "127.0.0.1"
        pager.faults.append(Fault(status=500))
        with pytest.raises(Exception, match="HTTP 500"):
            await notifier.notify(delivery())
        await notifier.notify(delivery())
        pager.faults.append(Fault(status=410))
        times = iter((3000.0,))
        for _ in range(2):
            with pytest.raises(PermanentError) as refused:
                await notifier.notify(delivery())
            assert refused.value.reason is Reason.GONE
        await notifier.close()
        first, second, third = pager.requests
        assert [first.headers[f"webhook-{x}"] for x in ("id", "timestamp")] == ["d-1", "1000"]
        assert [second.headers[f"webhook-{x}"] for x in ("id", "timestamp")] == ["d-1", "2000"]
        for key in (SECRET, old):
            at = datetime.fromtimestamp(2000, UTC)
            assert (
                Webhook(key).sign("d-1", at, second.body.decode())
                in second.headers["webhook-signature"].split()
            )
        assert third.headers["webhook-timestamp"] == "3000"


@pytest.mark.parametrize(
    "given",
    [
        {"type": "pagerduty", "routing_key": "s3cretTooShort"},
        {"type": "pagerduty", "routing_key": "s3cret" * 6},
        {"type": "webhook", "url": "https://x.example/s3cret", "secret": "whsec_s3cret"},
        {"type": "webhook", "url": "https://x.example/s3cret", "secret": SECRET.removeprefix("whsec_")},
        {"type": "webhook", "url": "ftp://x.example/s3cret", "secret": SECRET},
        {"type": "webhook", "url": "https://x.example/s3cret", "secret": SECRET, "name": "with space"},
        {"type": "console", "colour": "s3cret"},
        {"type": "smoke signal"},
    ],
)
def test_configs_are_strict_and_keep_secrets_out_of_their_errors(given: dict[str, str]) -> None:
    """A mistake is told without what was mistaken."""
    with pytest.raises(ValidationError) as refused:
        # pydantic takes this from the outermost model only: settings set it too.
        TypeAdapter(NotifierConfig, config=ConfigDict(hide_input_in_errors=True)).validate_python(given)
    assert "s3cret" not in str(refused.value)
    assert SECRET[8:] not in str(refused.value)


async def test_the_console_prints_a_page_once() -> None:
    """With its link; mark-up stays characters."""
    out = io.StringIO()
    console = build(ConsoleConfig(), stream=out, public_url="http://localhost:8080")
    for _ in range(2):
        await console.notify(delivery(text="[red]Acme[/red]: 33 people"))
    assert out.getvalue().count("[red]Acme[/red]: 33 people") == 1
    assert "http://localhost:8080/incidents/0123456789abcdef" in out.getvalue()

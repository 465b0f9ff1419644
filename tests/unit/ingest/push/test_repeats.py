"""Which calls are told apart, and what is said of a number that comes without a time."""

import hashlib
import hmac
import json
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from connectors.webhook import WebhookConfig, WebhookConnector
from warn.ingest.connector import Call, Reply

AT = 1_790_000_000.0
SECRET = "s3cret-of-the-service"
WAITING = {"queues": [{"queue": "cards", "calls_waiting": 12}]}


def hook(scheme: str, **more: Any) -> WebhookConnector:
    told: dict[str, Any] = {"secrets": (SecretStr(SECRET),)}
    if scheme == "none":
        told = {"unsigned": True, "reason": "a test on this machine"}
    return WebhookConnector(WebhookConfig(name="calls", scheme=scheme, topic="Acme/acme", **told, **more))


def send(connector: WebhookConnector, body: Any, at: float = AT, **headers: str) -> Reply:
    told = json.dumps(body).encode()
    mac = hmac.new(SECRET.encode(), told, hashlib.sha256).hexdigest()
    signed = {"x-warn-token": SECRET, "x-hub-signature-256": f"sha256={mac}"}
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return connector.receive(Call("POST", {}, {**signed, **named}, told, at, "127.0.0.1"))


@pytest.mark.parametrize("scheme", ["token", "none"])
def test_who_signs_nothing_may_name_a_call(scheme: str) -> None:
    """So that what is sent again counts once; without a name two calls that say the same are two."""
    connector = hook(scheme, mapping="call_centre")
    assert [send(connector, WAITING, webhook_id="d1").once for _ in range(2)] == ["d1", "d1"]
    assert send(connector, WAITING).once == ""
    assert send(connector, WAITING, webhook_id="d" * 300).once == ""


def test_graph_may_name_a_call() -> None:
    body = {"value": [{"clientState": SECRET}], "data": {"id": "1", "text": "Acme"}}
    assert send(hook("graph"), body, webhook_id="d1").once == "d1"


def test_a_name_that_is_not_signed_does_not_open_a_scheme_that_signs() -> None:
    """Or a call that somebody overheard would count again under another name."""
    connector = hook("meta", mapping="call_centre")
    body = {**WAITING, "at": int(AT)}
    assert send(connector, body, webhook_id="d1").once == send(connector, body, webhook_id="d2").once != "d1"


@pytest.mark.parametrize("mapping", ["call_centre", "warn"])
def test_a_number_without_a_time_is_refused_where_it_would_be_taken_for_a_repeat(mapping: str) -> None:
    """A scheme that signs the body alone: twelve who wait now and twelve who wait tomorrow are the same call."""
    body = WAITING if mapping == "call_centre" else {"data": {"signal": "care", "value": 12}}
    connector = hook("meta", mapping=mapping)
    reply = send(connector, body)
    assert not reply.batch.readings
    assert b"a reading without a time" in reply.body
    timed = {**body, "timestamp": int(AT)}
    assert [one.at_ms for one in send(connector, timed).batch.readings] == [int(AT) * 1000]
    assert [one.at_ms for one in send(hook("token", mapping=mapping), body).batch.readings] == [
        int(AT) * 1000
    ]


def test_a_delivery_that_has_a_name_may_have_no_time() -> None:
    mapping = {"once": "id", "readings": [{"value": "n"}]}
    connector = hook("meta", mapping=mapping)
    assert len(send(connector, {"id": "e1", "n": 3}).batch.readings) == 1
    assert not send(connector, {"n": 3}).batch.readings


def test_the_time_of_the_call_is_that_of_its_readings() -> None:
    """So that the same call says the same whenever and wherever it comes in."""
    body = {"timestamp": "2026-09-21T14:13:20Z", "data": [{"signal": "care", "value": 1}, {"value": 2, "signal": "care", "at": 5}]}  # fmt: skip
    first, later = (send(hook("token"), body, at).batch.readings for at in (AT + 9, AT + 99))
    assert first == later
    assert [one.at_ms for one in first] == [int(AT) * 1000, 5_000]
    wrong = send(hook("token"), {"timestamp": "soon", "data": {"signal": "care", "value": 1}})
    assert (wrong.status, wrong.why) == (400, "at: no time from 1970 to 9999")


@pytest.mark.parametrize(
    ("reading", "why"),
    [
        ('{"signal": "nope", "value": 1}', "signal: none of care"),
        ('{"signal": "care", "value": 1e999}', "value: no number"),
        ('{"signal": "care", "value": 1, "interval_s": 1e999}', "interval_s: no number"),
        ('{"signal": "care", "value": true}', "value: no number"),
        ('{"id": true, "text": "Acme"}', "id: Expected `str`"),
    ],
)
def test_what_could_not_be_counted_is_told_to_the_sender(reading: str, why: str) -> None:
    call = Call("POST", {}, {"x-warn-token": SECRET}, f'{{"data": {reading}}}'.encode(), AT)
    reply = hook("token").receive(call)
    assert reply.status == 400
    assert reply.why.startswith(why)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"scheme": "token", "signal": "nope"}, "signal"),
        ({"scheme": "token", "verify_token": "abcdef"}, "`verify_token` goes with scheme meta alone"),
        *(
            ({"scheme": "token", "mapping": {"within": path, "mentions": [{"id": "id"}]}}, "within: a path further in")
            for path in ("$", "^", "/", "/data[]", "^.replies[]")
        ),
    ],
)  # fmt: skip
def test_settings_that_could_do_nothing_are_refused(settings: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        WebhookConfig(name="calls", secrets=(SecretStr(SECRET),), **settings)

"""The webhook holds to the contract of what is sent to, by every scheme that signs."""

import base64
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from connectors.webhook import WebhookConfig, WebhookConnector
from tests.unit.connectors.mapped import GOVERNANCE
from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Call, Inbound
from warn.testing.check_inbound import check_inbound

SECRET = "whsec_" + base64.b64encode(b"a key of thirty-two bytes, no le").decode()
KEY = base64.b64decode(SECRET.removeprefix("whsec_"))
TOKEN = "s3cret-of-the-service"

STANDARD: dict[str, object] = {
    "type": "mention",
    "data": [{"id": "1", "text": "Acme kettle", "created_at": "2026-01-01T00:00:00Z"}],
}
BODIES: dict[str, dict[str, object]] = {
    "standard": STANDARD,
    "token": STANDARD,
    "slack": {"type": "event_callback", "event_id": "Ev1", "event": {
        "type": "message", "channel": "C1", "channel_type": "channel", "user": "U1", "text": "Acme", "ts": "1700000000.1"}},
    "meta": {"object": "page", "entry": [{"id": "P", "time": 1790000000, "changes": [{"field": "feed", "value": {
        "item": "comment", "verb": "add", "post_id": "P1", "comment_id": "c1", "from": {"id": "U1"}, "message": "Acme",
        "created_time": 1790000000}}]}]},
    "x": {"data": {"id": "1626483873659092992", "text": "Acme", "author_id": "1"}},
    "zendesk": {"type": "zen:event-type:ticket.created", "id": "e1", "time": "2026-01-01T00:00:00Z", "detail": {
        "id": "9", "subject": "Acme", "description": "smokes", "created_at": "2026-01-01T00:00:00Z"}},
    "linkedin": {"notifications": [{"action": "COMMENT", "notificationId": 1, "generatedActivity": "urn:li:comment:1",
        "lastModifiedAt": 1700000000000, "decoratedGeneratedActivity": {"comment": {"text": "Acme"}}}]},
    "telegram": {"update_id": 1, "channel_post": {"message_id": 5, "chat": {
        "id": -1001, "username": "acme_news", "type": "channel"}, "date": 1700000000, "text": "Acme"}},
}  # fmt: skip


def seal(scheme: str, body: bytes, at: float) -> Call:
    """A genuine call, signed without any of warn's code."""
    key, ts = TOKEN.encode(), str(int(at))

    def mac(text: bytes, with_: bytes = key) -> bytes:
        return hmac.new(with_, text, hashlib.sha256).digest()

    def b64(digest: bytes) -> str:
        return base64.b64encode(digest).decode()

    headers: dict[str, str] = {}
    if scheme == "standard":
        signature = "v1," + b64(mac(f"msg_1.{ts}.".encode() + body, KEY))
        headers = {"webhook-id": "msg_1", "webhook-timestamp": ts, "webhook-signature": signature}
    elif scheme == "slack":
        signature = "v0=" + mac(f"v0:{ts}:".encode() + body).hex()
        headers = {"x-slack-signature": signature, "x-slack-request-timestamp": ts}
    elif scheme == "meta":
        headers = {"x-hub-signature-256": "sha256=" + mac(body).hex()}
    elif scheme == "x":
        headers = {"x-twitter-webhooks-signature": "sha256=" + b64(mac(body))}
    elif scheme == "zendesk":
        iso = datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        headers = {
            "x-zendesk-webhook-signature": b64(mac(iso.encode() + body)),
            "x-zendesk-webhook-signature-timestamp": iso,
        }
    elif scheme == "linkedin":
        headers = {"x-li-signature": mac(b"hmacsha256=" + body).hex()}
    elif scheme == "telegram":
        headers = {"x-telegram-bot-api-secret-token": TOKEN}
    elif scheme == "token":
        headers = {"authorization": f"Bearer {TOKEN}"}
    return Call("POST", {}, headers, body, at, "203.0.113.9")


@pytest.mark.parametrize("scheme", sorted(BODIES))
async def test_webhook(scheme: str) -> None:
    secret = SECRET if scheme == "standard" else TOKEN

    def make() -> tuple[ConnectorConfig, Inbound]:
        config = WebhookConfig(
            name="hook", scheme=scheme, secrets=(SecretStr(secret),), governance=GOVERNANCE
        )
        return config, WebhookConnector(config)

    await check_inbound(
        make,
        lambda body, at: seal(scheme, body, at),
        json.dumps(BODIES[scheme]).encode(),
        secrets=[secret, KEY.decode("latin-1")],
        timed=scheme in {"standard", "slack", "zendesk"},
        signs_body=scheme not in {"telegram", "token"},
    )


async def test_what_comes_unsigned_is_of_this_machine() -> None:
    config = WebhookConfig(name="hook", scheme="none", unsigned=True, reason="a test on this machine")
    connector = WebhookConnector(config)
    body = json.dumps(STANDARD).encode()
    here = Call("POST", {}, {}, body, time.time(), "127.0.0.1")
    assert connector.receive(here).status == 200
    for peer in ("203.0.113.9", "", "testclient", "10.0.0.1", "::ffff:203.0.113.9"):
        assert connector.receive(here._replace(peer=peer)).status == 401
    for header in ("origin", "sec-fetch-site", "x-forwarded-for", "forwarded"):
        assert connector.receive(here._replace(headers={header: "a"})).status == 401

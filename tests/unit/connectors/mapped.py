"""A shipped mapping on a body, as the webhook applies it."""

import json
from typing import Any

from pydantic import SecretStr

from connectors.webhook import WebhookConfig, WebhookConnector
from warn.ingest.connector import Batch, Call

AT = 1_790_000_000.0
DAY = "2026-01-01T00:00:00Z"
DAY_MS = 1_767_225_600_000
SECRET = SecretStr("a-token-of-ours")
GOVERNANCE = {
    "purpose": "a test",
    "owner": "who tests",
    "notice_url": "https://intranet.example/listening",
    "dpia": "none, it is a test",
    "works_council": "none, it is a test",
}


def read(mapping: str, body: Any, **more: Any) -> Batch:
    settings = {"governance": GOVERNANCE, **more}
    config = WebhookConfig(name="hook", scheme="token", secrets=(SECRET,), mapping=mapping, **settings)
    headers = {"x-warn-token": SECRET.get_secret_value()}
    reply = WebhookConnector(config).receive(Call("POST", {}, headers, json.dumps(body).encode(), AT))
    assert reply.status == 200, reply.body
    return reply.batch


def whys(batch: Batch) -> list[str]:
    """Why something was refused, of which nothing may be kept."""
    assert not any(one.payload for one in batch.refused)
    return [one.message for one in batch.refused]

"""A signed POST to an address of yours, after Standard Webhooks (https://www.standardwebhooks.com).

Repeats carry the same `webhook-id`, so the receiver can drop them; 410 means that it is gone for good.
"""

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Literal, Self

import msgspec
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, HttpUrl, Secret, SecretStr, model_validator

from warn.model.alerts import Delivery
from warn.model.errors import PermanentError, Reason
from warn.notify.http import Http
from warn.notify.outline import outline, page_link
from warn.outbound.inside import Inside, check_reachable

_TYPES = {"trigger": "incident.opened", "update": "incident.updated", "resolve": "incident.resolved"}


def key_of(secret: str) -> bytes:
    """The signing key of a `whsec_` secret; raises ValueError for what is none."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        key = b""
    if not secret.startswith("whsec_") or not 24 <= len(key) <= 64:
        raise ValueError("a webhook secret is whsec_ and the base64 of 24 to 64 random bytes")
    return key


def sign(key: bytes, name: str, at: int, body: bytes) -> str:
    """The `webhook-signature` of a message: HMAC-SHA256 over `id.timestamp.body`."""
    mac = hmac.new(key, f"{name}.{at}.".encode() + body, hashlib.sha256)
    return "v1," + base64.b64encode(mac.digest()).decode()


def _is_secret(secret: SecretStr) -> SecretStr:
    key_of(secret.get_secret_value())
    return secret


class WebhookConfig(BaseModel):
    """`url` is kept as a secret: many carry a token. `old_secrets` still sign while a secret is changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    type: Literal["webhook"]
    name: str = Field(default="webhook", pattern=r"^[a-z0-9_-]{1,40}$")
    url: Secret[HttpUrl]
    secret: Annotated[SecretStr, AfterValidator(_is_secret)]
    old_secrets: tuple[Annotated[SecretStr, AfterValidator(_is_secret)], ...] = ()
    deadline_s: float = Field(default=10.0, gt=0, le=15)
    inside: Inside = ()

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        check_reachable(str(self.url.get_secret_value()), self.inside)
        return self


class WebhookNotifier:
    """One POST per delivery; any 2xx is delivery. `now`: wall clock in seconds, for the signature."""

    def __init__(
        self, config: WebhookConfig, *, public_url: str = "", now: Callable[[], float] = time.time
    ) -> None:
        self.name = config.name
        url = config.url.get_secret_value()
        self.provider = url.host or config.name
        self._url = str(url)
        self._keys = [key_of(s.get_secret_value()) for s in (config.secret, *config.old_secrets)]
        self._public_url, self._now = public_url, now
        self._http = Http(f"webhook {config.name!r}", deadline_s=config.deadline_s, inside=config.inside)
        self._gone = False

    async def notify(self, delivery: Delivery) -> str:
        """Post it, signed with every key in force."""
        if self._gone:
            raise PermanentError(f"webhook {self.name!r} has said that it is gone", reason=Reason.GONE)
        at = int(self._now())
        body = render(delivery, self._public_url)
        headers = {
            "content-type": "application/json",
            "webhook-id": delivery.delivery,
            "webhook-timestamp": str(at),
            "webhook-signature": " ".join(sign(key, delivery.delivery, at, body) for key in self._keys),
        }
        try:
            await self._http.post(self._url, body, headers)
        except PermanentError as e:
            self._gone = e.reason is Reason.GONE
            raise
        return ""

    async def close(self) -> None:
        """Close the connection."""
        await self._http.close()


def render(delivery: Delivery, public_url: str) -> bytes:
    """The body, `{type, timestamp, data}`; a wave is an opening that rings again: `data.event` says so."""
    link = page_link(public_url, delivery.event.incident)
    timestamp = datetime.fromtimestamp(delivery.event.at, UTC).isoformat().replace("+00:00", "Z")
    content = {"type": _TYPES[delivery.action], "timestamp": timestamp}
    return msgspec.json.encode({**content, "data": outline(delivery, link)})

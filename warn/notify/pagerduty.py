"""PagerDuty Events API v2: https://developer.pagerduty.com/docs/events-api-v2/overview/

One `dedup_key` per ring, so a repeat joins the alert that is open and wakes nobody twice; a wave has a key of
its own and rings. An update is a trigger under the same key. PagerDuty opens a new incident for a key that
was resolved there: respond never triggers after it resolved, and a person who wants quiet acknowledges rather
than resolves.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

import msgspec
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, HttpUrl, SecretStr, model_validator

from warn.incident.printable import clean
from warn.model.alerts import Delivery
from warn.notify.http import Http
from warn.notify.outline import headline, outline, page_link
from warn.outbound.inside import Inside, check_reachable

MOST_BYTES = 512 * 1024
MOST_SUMMARY = 1024
MOST_KEY = 255

_SEVERITIES = {"page": "critical", "ticket": "warning", "digest": "info"}


def _is_routing_key(key: SecretStr) -> SecretStr:
    value = key.get_secret_value()
    if len(value) != 32 or not (value.isascii() and value.isalnum()):
        raise ValueError("a routing key is 32 letters and digits")
    return key


class PagerDutyConfig(BaseModel):
    """`routing_key`: of an Events API v2 integration. EU `base_url`: https://events.eu.pagerduty.com."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    type: Literal["pagerduty"]
    name: str = Field(default="pagerduty", pattern=r"^[a-z0-9_-]{1,40}$")
    routing_key: Annotated[SecretStr, AfterValidator(_is_routing_key)]
    base_url: HttpUrl = HttpUrl("https://events.pagerduty.com")
    deadline_s: float = Field(default=10.0, gt=0, le=15)
    inside: Inside = ()

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        check_reachable(str(self.base_url), self.inside)
        return self


class PagerDutyNotifier:
    """One event per delivery."""

    provider = "pagerduty"

    def __init__(self, config: PagerDutyConfig, *, public_url: str = "") -> None:
        self.name = config.name
        self._url = str(config.base_url).rstrip("/") + "/v2/enqueue"
        self._routing_key = config.routing_key
        self._public_url = public_url
        self._http = Http(f"pagerduty {config.name!r}", deadline_s=config.deadline_s, inside=config.inside)

    async def notify(self, delivery: Delivery) -> str:
        """Enqueue it; returns the key under which PagerDuty has it."""
        body = render(delivery, self._routing_key.get_secret_value(), self._public_url)
        answer = await self._http.post(self._url, body, {"content-type": "application/json"})
        try:
            said: Any = msgspec.json.decode(answer.body)
        except msgspec.DecodeError:
            # Accepted is accepted: the answer is only a receipt.
            return delivery.dedup_key
        key = said.get("dedup_key") if isinstance(said, dict) else None
        return key if isinstance(key, str) else delivery.dedup_key

    async def close(self) -> None:
        """Close the connection."""
        await self._http.close()


def render(delivery: Delivery, routing_key: str, public_url: str) -> bytes:
    """The event; its details go first where it would be too large, never the page itself."""
    event = delivery.event
    addressed = {"routing_key": routing_key, "dedup_key": delivery.dedup_key[:MOST_KEY]}
    if delivery.action == "resolve":
        return msgspec.json.encode({**addressed, "event_action": "resolve"})
    link = page_link(public_url, event.incident)
    payload: dict[str, Any] = {
        "summary": headline(delivery, MOST_SUMMARY),
        "source": "warn",
        "severity": _SEVERITIES.get(event.severity, "critical"),
        "timestamp": datetime.fromtimestamp(event.at, UTC).isoformat(),
        "component": clean(event.topic, 200),
        "group": clean(event.brand, 100),
        "class": clean(event.alert, 100),
        "custom_details": outline(delivery, link),
    }
    sent: dict[str, Any] = {**addressed, "event_action": "trigger", "client": "warn", "payload": payload}
    if link:
        sent |= {
            "client_url": link,
            "links": [{"href": link, "text": clean(f"Incident: {event.brand}", 100)}],
        }
    encoded = msgspec.json.encode(sent)
    if len(encoded) > MOST_BYTES:
        del payload["custom_details"]
        encoded = msgspec.json.encode(sent)
    return encoded

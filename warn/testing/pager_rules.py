"""The rules that PagerDuty keeps, as a state machine without a network: what is refused, and what rings.

After https://developer.pagerduty.com/docs/events-api-v2/trigger-events/. Stricter than the original where
that is kind (it cuts a summary that is too long, this refuses it), so that what passes here passes there.
"""

import json
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

MOST_BYTES = 512 * 1024
PER_MINUTE = 120
SEVERITIES = frozenset({"critical", "error", "warning", "info"})


@dataclass
class Ring:
    """An incident at the pager: it rang once, when it was opened."""

    routing_key: str
    dedup_key: str
    summary: str
    state: str = "triggered"
    log: list[dict[str, Any]] = field(default_factory=list)


class PagerRules:
    """Takes events; `rings` are the incidents in the order in which they woke somebody. Times are seconds."""

    def __init__(self) -> None:
        self.rings: list[Ring] = []
        self._lately: dict[str, deque[float]] = {}

    def accept(self, body: bytes, now: float = 0.0) -> tuple[int, dict[str, Any]]:
        """An event's bytes to status and answer."""
        if len(body) > MOST_BYTES:
            return 413, {"status": "too large"}
        try:
            event = json.loads(body)
        except ValueError:
            return 400, {"status": "invalid event", "errors": ["not JSON"]}
        errors = list(_errors(event)) if isinstance(event, dict) else ["not an object"]
        if errors:
            return 400, {"status": "invalid event", "errors": errors}
        lately = self._lately.setdefault(event["routing_key"], deque())
        while lately and lately[0] <= now - 60:
            lately.popleft()
        if len(lately) >= PER_MINUTE:
            return 429, {"status": "throttled"}
        lately.append(now)
        key = event.get("dedup_key") or f"made-up-{len(self.rings)}"
        self._happen(event, key)
        return 202, {"status": "success", "message": "Event processed", "dedup_key": key}

    def open(self, dedup_key: str) -> Ring | None:
        """The incident that is open under this key."""
        return next((r for r in self.rings if r.dedup_key == dedup_key and r.state != "resolved"), None)

    def acknowledge(self, dedup_key: str) -> None:
        """Somebody has seen it, on the pager."""
        ring = self.open(dedup_key)
        if ring is not None:
            ring.state = "acknowledged"

    def _happen(self, event: dict[str, Any], key: str) -> None:
        ring = next(
            (
                r
                for r in self.rings
                if (r.routing_key, r.dedup_key) == (event["routing_key"], key) and r.state != "resolved"
            ),
            None,
        )
        action = event["event_action"]
        if ring is None:
            if action != "trigger":
                return
            # Also for a key that was resolved: that is a new incident, and it rings.
            ring = Ring(event["routing_key"], key, event["payload"]["summary"])
            self.rings.append(ring)
        ring.log.append(event)
        if action == "resolve":
            ring.state = "resolved"
        elif action == "acknowledge":
            ring.state = "acknowledged"


def _errors(event: dict[str, Any]) -> list[str]:
    """Everything that the API would refuse."""
    found = []
    key, dedup = event.get("routing_key"), event.get("dedup_key")
    if not isinstance(key, str) or len(key) != 32 or not key.isalnum():
        found.append("routing_key must be 32 letters and digits")
    if event.get("event_action") not in {"trigger", "acknowledge", "resolve"}:
        found.append("event_action must be trigger, acknowledge or resolve")
    if dedup is not None and not (isinstance(dedup, str) and 0 < len(dedup) <= 255):
        found.append("dedup_key must be a string of at most 255 characters")
    if event.get("event_action") != "trigger":
        return found if dedup else [*found, "dedup_key is required"]
    payload = event.get("payload")
    if not isinstance(payload, dict):
        return [*found, "payload is required"]
    return found + _payload_errors(payload) + _link_errors(event)


def _payload_errors(payload: dict[str, Any]) -> list[str]:
    found = []
    summary = payload.get("summary")
    if not isinstance(summary, str) or not 0 < len(summary) <= 1024:
        found.append("payload.summary must be 1 to 1024 characters")
    if not isinstance(payload.get("source"), str) or not payload["source"]:
        found.append("payload.source is required")
    if payload.get("severity") not in SEVERITIES:
        found.append("payload.severity must be critical, error, warning or info")
    found += [
        f"payload.{name} must be a string"
        for name in ("component", "group", "class")
        if not isinstance(payload.get(name, ""), str)
    ]
    try:
        datetime.fromisoformat(payload.get("timestamp", "2026-01-01T00:00:00+00:00"))
    except (TypeError, ValueError):
        found.append("payload.timestamp must be ISO 8601")
    return found


def _link_errors(event: dict[str, Any]) -> list[str]:
    found = []
    if any(not isinstance(link, dict) or "href" not in link for link in event.get("links", [])):
        found.append("every link needs href")
    if any(not str(image.get("src", "")).startswith("https://") for image in event.get("images", [])):
        found.append("every image needs an https src")
    return found

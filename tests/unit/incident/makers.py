"""Alerts to make incidents of."""

from typing import Any

from warn.model.alerts import AlertEvent, Numbers

T0 = 1_764_853_200
"""2025-12-04 13:00:00 UTC."""
HOUR = 3600


def alert(
    kind: Any = "firing",
    at: int = T0,
    people: int = 33,
    *,
    brand: str = "Acme",
    rule: str = "Spike",
    topic: str = "battery",
    severity: str = "page",
    mode: str = "live",
    about: tuple[str, ...] = ("battery", "smoke"),
    language: str = "en",
    timezone: str = "UTC",
    numbers: Numbers | None = None,
    **more: Any,
) -> AlertEvent:
    """An alert of a rule; further keywords are numbers."""
    said = numbers or Numbers(people=people, mentions=people, signal="mentions", since=at, **more)
    return AlertEvent(
        kind=kind,
        at=at,
        brand=brand,
        rule=f"{brand}/{rule}",
        alert=rule,
        topic=f"{brand}/{topic}",
        severity=severity,
        mode=mode,
        episode=1,
        numbers=said,
        about=about,
        language=language,
        timezone=timezone,
    )

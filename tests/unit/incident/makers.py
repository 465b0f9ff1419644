"""Alerts to make incidents of."""

from typing import Any

from warn.model.alerts import AlertEvent, Article, Numbers

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


def article(
    at: int, *, brand: str = "Acme", topic: str = "battery", ago: int = 0, seen_ago: int = 0
) -> Article:
    """One article that became known at `at`, dated `ago` seconds before."""
    return Article(
        at=at,
        brand=brand,
        topic=f"{brand}/{topic}",
        articles=1,
        press_ms=(at - ago) * 1000,
        seen_ms=(at - seen_ago) * 1000,
    )

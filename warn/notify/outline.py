"""What every notifier may know of an incident: numbers, topic and link; no post, no sample, no person.

Texts are bounded and without controls here; what is mark-up at a place is that place's file's to escape.
"""

from typing import Any

import msgspec

from warn.incident.printable import clean, cut
from warn.model.alerts import Delivery

REPEATED = {"en": "(may be repeated)", "nl": "(mogelijk herhaald)"}


def page_link(public_url: str, incident: str) -> str:
    """Where the incident page is; "" where this daemon has no address that a phone could open."""
    return f"{public_url.rstrip('/')}/incidents/{incident}" if public_url else ""


def headline(delivery: Delivery, limit: int) -> str:
    """The summary on one line; says so where it may have been said before."""
    event = delivery.event
    mark = f" {REPEATED.get(event.language[:2], REPEATED['en'])}" if delivery.maybe_repeated else ""
    return clean(event.summary, limit - len(mark)) + mark


def body(delivery: Delivery, limit: int) -> str:
    """The whole message, line by line, cut from the end."""
    lines = delivery.event.message.splitlines()
    return cut("\n".join(clean(line, 500) for line in lines), limit)


def outline(delivery: Delivery, link: str) -> dict[str, Any]:
    """An incident as data: plain JSON values."""
    event = delivery.event
    return {
        "incident": event.incident,
        "sequence": event.sequence,
        "event": event.event,
        "at": event.at,
        "state": event.state,
        "brand": clean(event.brand, 100),
        "topic": clean(event.topic, 200),
        "alert": clean(event.alert, 100),
        "severity": event.severity,
        "summary": headline(delivery, 1024),
        "message": body(delivery, 4000),
        "about": [clean(term, 100) for term in event.about[:10]],
        "labels": {clean(k, 100): clean(v, 200) for k, v in event.labels.items()},
        "numbers": msgspec.to_builtins(event.numbers),
        "link": link,
        "label": delivery.label,
        "maybe_repeated": delivery.maybe_repeated,
    }

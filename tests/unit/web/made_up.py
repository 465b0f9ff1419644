"""A made-up crisis for the pages: a brand whose batteries smoke, told by events, history and posts."""

import math

from msgspec.structs import replace

from warn.model.alerts import DeliveryEvent, HistoryPoint, IncidentEvent, Numbers
from warn.model.records import Evidence

BEGAN = 1_772_762_520  # 2026-03-06 02:02 UTC, 03:02 in Amsterdam
INCIDENT = "00c0ffee00c0ffee"
BRAND = "Acme"
TOPIC = "Acme/battery"
RULE = "Acme/AcmeBatterySpike"


def numbers(**changed: object) -> Numbers:
    """The numbers of the page, changed at will."""
    return replace(
        Numbers(
            people=33,
            mentions=41,
            echo=120,
            echo_people=90,
            since=BEGAN,
            signal="authors",
            window_s=3600,
            seen=33,
            expected=1.6,
            times=20.6,
            score=7.1,
            threshold=4.2,
            doubling_s=720,
            growing=True,
            platforms=(("bluesky", 97), ("hn_frontpage", 41), ("mastodon", 23)),
            first_platform="bluesky",
            stories=5,
            story_copies=14,
            largest_followers=48_312,
            would_not_page_under=19,
            learning=True,
            deaf=("reddit",),
        ),
        **changed,
    )


def event(**changed: object) -> IncidentEvent:
    """The page, changed at will."""
    return replace(
        IncidentEvent(
            event="opened",
            at=BEGAN + 1080,
            incident=INCIDENT,
            sequence=1,
            alert="AcmeBatterySpike",
            rule=RULE,
            brand="Acme",
            topic=TOPIC,
            severity="page",
            mode="live",
            summary="Acme: 33 people about 'battery smoke', 20x normal, since 03:02, growing. No press yet.",
            message="Acme: 33 people about 'battery smoke', 20x normal, since 03:02, growing. No press yet.\n"
            "It began on bluesky.\nIt doubles every 12 minutes.\nWould not have paged under 19 people.",
            numbers=numbers(),
            about=("battery", "smoke", "recall"),
            samples=(101, 102),
            annotations={"owner": "+31 20 555 01 23", "playbook": "https://wiki.acme.example/product-safety"},
            timezone="Europe/Amsterdam",
        ),
        **changed,
    )


def course() -> list[IncidentEvent]:
    """It opened, grew four times, and the press came."""
    grown = [(1500, 61), (1980, 118), (2700, 214), (3600, 402)]
    more = [
        event(
            event="updated",
            sequence=i + 2,
            at=BEGAN + after,
            numbers=numbers(
                people=people,
                mentions=people + 9,
                echo=people * 4,
                seen=people,
                times=people / 1.6,
                press=2 if after > 2000 else 0,
                press_at=BEGAN + 2400 if after > 2000 else None,
            ),
            summary=f"Acme: {people} people about 'battery smoke', {people / 1.6:.0f}x normal, since 03:02, growing.",
            samples=(101, 102, 103),
        )
        for i, (after, people) in enumerate(grown)
    ]
    return [event(), *more]


def deliveries() -> list[DeliveryEvent]:
    """PagerDuty was told at the second attempt, the webhook refused."""
    said = [
        ("pagerduty", "claimed", 1),
        ("pagerduty", "retry", 1),
        ("pagerduty", "delivered", 2),
        ("hook", "refused", 1),
    ]
    return [
        DeliveryEvent(
            incident=INCIDENT,
            sequence=1,
            notifier=notifier,
            state=state,
            at=BEGAN + 1081 + 10 * i,
            attempt=attempt,
            reason="auth" if state == "refused" else "",
        )
        for i, (notifier, state, attempt) in enumerate(said)
    ]


def history() -> list[HistoryPoint]:
    """Three hours of people in ten minutes: a little noise, then doubling every twelve minutes."""
    points = []
    for minute in range(-120, 61):
        count = minute % 7 // 5 if minute < 0 else round(2 * math.exp(minute / 12 * 0.55))
        points.append(
            HistoryPoint(
                brand="Acme", rule=RULE, topic=TOPIC, signal="authors", minute=BEGAN + minute * 60, count=count,
                expected=0.3, low=0.0, high=2.4, score=1.0, threshold=4.2, state="firing",
            )
        )  # fmt: skip
    return points


def post(**changed: object) -> Evidence:
    """A post worth showing, changed at will."""
    return replace(
        Evidence(
            key=101, topic=TOPIC, brand="Acme", source="bluesky", kind="post",
            text="My Acme scooter battery just started smoking in the hallway. Fire brigade is here. Unplug yours!",
            url="https://bsky.app/profile/did:plc:abc/post/3k", created_ms=BEGAN * 1000, author=9001, followers=48_312,
            role="", echo=False, id="at://x/1",
        ),
        **changed,
    )  # fmt: skip


def evidence() -> list[Evidence]:
    """Twelve posts, four of them the same."""
    texts = [
        "Second one this week with a smoking battery. @acme say something??",
        "UNPLUG YOUR ACME. Battery smoke, fire brigade in our street.",
        "Unplug your Acme. Battery smoke, fire brigade in our street.",
        "unplug your acme. battery smoke, fire brigade in our street.",
        "Is there a recall for the Acme S2 battery? Mine gets very hot.",
        "Acme customer service: 45 minutes on hold. Nobody knows anything about smoke.",
        "🔥🔥🔥 acme",
        "لقد احترقت بطارية Acme الخاصة بي",
        "Averageverylongwordwithoutanyspaces" * 6,
        "Asked Acme for a statement about the smoking batteries, no reply so far.",
    ]
    rest = [
        post(
            key=102 + i,
            text=text,
            created_ms=(BEGAN + 60 * i + 60) * 1000,
            author=9100 + i,
            followers=(12, 5_210, 340, 88, 1_990, 25, 3, 15, 40, 812_345)[i],
            source=("bluesky", "mastodon")[i % 2],
            role="press" if i == 9 else "",
            url="" if i == 6 else f"https://example.org/{i}",
            echo=i % 3 == 2,
        )
        for i, text in enumerate(texts)
    ]
    return [post(), *rest]

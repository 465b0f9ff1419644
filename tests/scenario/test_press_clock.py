"""A crisis in the morning, the first article in the afternoon: who was first, however the work is spread."""

import random

import pytest

from warn.detect.registry import build
from warn.incident.route import Route, Target
from warn.match.matcher import Matcher
from warn.model.alerts import IncidentEvent
from warn.model.flow import INCIDENTS
from warn.model.hashing import PUBLIC_KEY, content_hash, partition_of, post_hash
from warn.model.mention import Mention
from warn.model.records import Clock, Parcel
from warn.model.wire import decode_incident, encode
from warn.rulefile import check_text
from warn.stages.detect import DetectStage
from warn.stages.drive import drive
from warn.stages.match import MatchStage
from warn.stages.respond import RespondStage

START = 1_790_000_000
HOUR = 3600
RULES = """\
version: 1
brand: Acme
usual: {mentions: 2 per day}
mode: live
channels:
  nos: {role: press}
topics:
  acme: {any: [Acme]}
groups:
  - name: acme
    rules:
      - alert: AcmeSpike
        topic: acme
"""
SAYS = [
    "fire",
    "smoke",
    "kettle",
    "hot",
    "burnt",
    "house",
    "help",
    "shop",
    "recall",
    "money",
    "angry",
    "wrong",
    "video",
    "broke",
    "scared",
]


def said(n: int, at: int) -> Mention:
    text = f"Acme {SAYS[n % 15]} and {SAYS[n * 7 % 15]} {SAYS[n * 4 % 13]} today"
    key = post_hash(PUBLIC_KEY, "forum", str(n))
    return Mention("forum", key, key, "post", text, at * 1000, author=1000 + n, seen_ms=at * 1000)


def article(n: int, at: int, seen: int) -> Mention:
    key = post_hash(PUBLIC_KEY, "nos", str(n))
    return Mention(
        "nos",
        key,
        key,
        "article",
        "Acme kettles burn",
        seen * 1000,
        author=9,
        role="press",
        seen_ms=seen * 1000,
        published_ms=at * 1000,
    )


def story() -> list[tuple[int, Mention]]:
    """(when it comes in, what): forty people within ten minutes; an article six hours later, and an earlier one, late."""
    posts = [(START + HOUR + 15 * n, said(n, START + HOUR + 15 * n)) for n in range(40)]
    first = START + 5 * HOUR
    return [
        *posts,
        (first, article(1, first - 1240, first)),
        (first + 300, article(2, first - 2280, first + 300)),
    ]


def records(partitions: int) -> list[tuple[int, bytes]]:
    """The log of `[mentions]`: clocks each second while something happens, each minute elsewhere."""
    ruleset = check_text(RULES).ruleset
    assert ruleset is not None
    name = content_hash(encode(ruleset))
    by_second: dict[int, list[Mention]] = {}
    for at, one in story():
        by_second.setdefault(at, []).append(one)
    found: list[tuple[int, bytes]] = []
    for second in sorted({*range(START, START + 16 * HOUR, 60), *by_second}):
        found += [(p, encode(Clock(second, (), (name,)))) for p in range(partitions)]
        found += [
            (partition_of(m.thread, partitions), encode(Parcel((m,)))) for m in by_second.get(second, ())
        ]
    return found


def told(partitions: int, seed: int) -> list[IncidentEvent]:
    ruleset = check_text(RULES).ruleset
    assert ruleset is not None
    chance = random.Random(seed)
    stages = {
        "match": [
            MatchStage(
                p, partitions, lambda _: ruleset, PUBLIC_KEY, compiled=lambda _: Matcher(ruleset, PUBLIC_KEY)
            )
            for p in range(partitions)
        ],
        "detect": [
            DetectStage(
                p, partitions=partitions, match_partitions=partitions, rulesets=lambda _: ruleset, build=build
            )
            for p in range(partitions)
        ],
        "respond": [RespondStage([Route(name="r", notifiers=(Target("a", "a"), Target("b", "b")))])],
    }
    driven = drive(records(partitions), stages, batch=chance.randint(1, 700), choose=chance.randrange)
    events = [decode_incident(value) for value in driven.values(INCIDENTS)]
    return [e for e in events if isinstance(e, IncidentEvent)]


@pytest.mark.scenario
def test_the_first_article_hours_later_makes_the_lead_known() -> None:
    events = told(1, 0)
    opened, *_ = events
    assert (opened.event, opened.numbers.press, opened.press_at) == ("opened", 0, 0)
    assert opened.page_at == opened.at
    first = START + 5 * HOUR
    pressed = [e for e in events if e.press_at]
    assert pressed[0].event == "updated" and 0 < pressed[0].at - first <= 20
    assert (pressed[0].press_at, pressed[0].press_seen_at) == (first - 1240, first)
    assert pressed[0].numbers.press == 1 and "1 article" in pressed[0].summary
    last = events[-1]
    assert last.event == "resolved" and (last.press_at, last.press_seen_at) == (first - 2280, first + 300)


@pytest.mark.scenario
@pytest.mark.parametrize(("partitions", "seed"), [(1, 7), (3, 1), (3, 2), (6, 3)])
def test_it_does_not_depend_on_how_the_work_is_spread(partitions: int, seed: int) -> None:
    assert told(partitions, seed) == told(1, 0)

"""What a seed decides of the world outside: who says what when, how time runs, how the work is cut up.

Few people, posts and words, so that everything happens to everything.
"""

import random
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Any, Final

from warn.model.mention import Item, Reading

START: Final = 1_790_000_040
LIVE_S: Final = 12.0
"""Seconds of the loop in which things happen; the world's own time may pass faster."""

CALM_S: Final = 6.0
"""Between two bursts of what is said."""

SOURCES: Final = ("bluesky", "press", "care")
TEXTS: Final = (
    "Acme battery smoke",
    "ACME: shame on you",
    "Beta Corp and Acme, https://news.example/a?utm_source=x",
    "beta corp recall, shame",
    "delta strike spreads https://news.example/b",
    "Delta late again",
    "smoke",
    "shame on you",
    "Acme road runner",
    "nothing of interest",
    "",
)
KINDS: Final = (
    *("post",) * 5,
    "article",
    "reply",
    "reply",
    "quote",
    "repost",
    "repost",
    "like",
    "comment",
    "update",
    "update",
    "edit",
    "delete",
)
CANARIES: Final = ("Acme battery smoke", "Acme and delta", "delta shame", "beta corp and acme")
"""Texts that both rule sets want."""
NEW: Final = "smoke on the roof"
"""A text that only the second one wants."""
PEOPLE: Final = ("acme.example", *"abcdefghijklmnopqrstuvw")
LATE_S: Final = (0, 0, 0, 0, -3, -30, -300, -900, 20, 110, 400)
JUMPS_S: Final = (20, 20, 90, 90, 700, 4_000, 20_000, 172_700)


class Time:
    """Seconds of the world by seconds of the loop: it runs at some pace, and jumps (a machine slept, a clock was set)."""

    def __init__(self, start: float = START) -> None:
        self._since = [0.0]
        self._from = [(start, 1.0)]

    def at(self, loop_s: float) -> float:
        """The world's time."""
        i = max(0, bisect_right(self._since, loop_s) - 1)
        start, pace = self._from[i]
        return start + (loop_s - self._since[i]) * pace

    def change(self, loop_s: float, *, jump: float = 0.0, pace: float | None = None) -> None:
        """From that second of the loop on: so much later, and so fast. To be called in order of `loop_s`."""
        here = self.at(loop_s) + jump
        self._since.append(loop_s)
        self._from.append((here, self._from[-1][1] if pace is None else pace))


@dataclass
class World:
    """One seed's world. `said` are (second of the loop, item or reading) by source, in order."""

    seed: int
    live: bool
    partitions: int
    signals: int
    collect: int
    batch: int
    feed_batch: int
    linger_s: float
    commit_every_s: float
    processes: int
    room: int
    time: Time
    said: dict[str, list[tuple[float, Item | Reading]]] = field(default_factory=dict)
    switch_at: float | None = None
    end_jump_s: int = 700
    canaries: list[Item] = field(default_factory=list)
    """Plain posts that nothing else refers to: each counts exactly once."""

    def items(self) -> list[Item]:
        """All items, as a recording would hold them."""
        return [one for row in self.said.values() for _, one in row if isinstance(one, Item)]


def world(seed: int) -> World:
    """The world of a seed."""
    rng = random.Random(seed * 2_654_435_761 + 1)
    live = rng.random() < 0.6
    one = World(
        seed,
        live,
        partitions=rng.choice((1, 1, 2, 2, 2, 6)),
        signals=rng.choice((1, 1, 3)),
        collect=rng.choice((1, 1, 2, 3)) if live else 1,
        batch=rng.choice((1, 3, 20, 500)),
        feed_batch=rng.choice((1, 3, 8, 50)),
        linger_s=rng.choice((0.0, 0.2, 1.0)),
        commit_every_s=rng.choice((0.0, 0.0, 0.1, 1.0)),
        processes=rng.choice((1, 2)),
        room=rng.choice((1, 2, 4)),
        time=_time(rng),
        switch_at=rng.uniform(2.0, LIVE_S) if live and rng.random() < 0.5 else None,
        end_jump_s=rng.choice((20, 700, 1_600)),
    )
    _say(one, rng, rng.choice((25, 40, 60)))
    return one


def _time(rng: random.Random) -> Time:
    time = Time()
    time.change(0.0, pace=rng.choice((1.0, 3.0, 5.0)))
    jumps = [(rng.uniform(1.0, LIVE_S), rng.choice(JUMPS_S)) for _ in range(rng.choice((0, 1, 2, 4)))]
    if rng.random() < 0.5:
        jumps.append((CALM_S, 450))
    for at, jump in sorted(jumps):
        time.change(at, jump=jump)
    return time


def _say(one: World, rng: random.Random, number: int) -> None:
    """Everything that is said; in two bursts, because nothing fires in a trickle, and the second makes a wave."""
    bursts = (rng.uniform(0.0, 3.0), rng.uniform(CALM_S, LIVE_S - 2.0))
    posts: dict[str, list[str]] = {source: [] for source in SOURCES}
    said: dict[str, list[tuple[float, Item | Reading]]] = {source: [] for source in SOURCES}
    for n in range(number):
        drawn = rng.random()
        at = rng.uniform(0.0, LIVE_S)
        if drawn < 0.65:
            at = min(LIVE_S, bursts[drawn < 0.45] + rng.expovariate(1.0))
        source = rng.choice(("bluesky", "bluesky", "bluesky", "press", "care"))
        said[source].append((at, _thing(one, rng, n, at, source, posts[source])))
    if rng.random() < 0.5:
        said["bluesky"] += _twins(one, rng)
    if (
        one.switch_at is not None and one.collect > 1
    ):  # what only the new rules want, while they are being put in force
        for n in range(number, number + 12):
            at = min(LIVE_S, one.switch_at + rng.uniform(-1.0, 2.0))
            source = rng.choice(SOURCES)
            said[source].append((at, _canary(one, rng, n, int(one.time.at(at)), source, NEW)))
    for row in said.values():
        row.sort(key=lambda one: one[0])
        for i in range(len(row)):  # told twice, later: the source repeats itself
            if rng.random() < 0.08:
                row.append((min(LIVE_S, row[i][0] + rng.uniform(0.0, 5.0)), row[i][1]))
        row.sort(key=lambda one: one[0])
    one.said = said


def _twins(one: World, rng: random.Random) -> list[tuple[float, Item | Reading]]:
    """A post that match has forgotten, because its bucket was full, when it is told again with other words."""
    at = rng.uniform(0.0, LIVE_S - 1.0)
    found: list[tuple[float, Item | Reading]] = []
    for n in range(8):
        at += rng.choice((0.0, 0.0, 0.1))
        now, twin = int(one.time.at(at)), n in (0, 7)
        item = Item(
            source="bluesky",
            id="twin" if twin else f"under {n}",
            created_ms=(now - rng.choice((0, 0, 3))) * 1000 + n,
            kind="post" if twin else "reply",
            seen_ms=None if one.live else now * 1000,
            author=rng.choice(PEOPLE),
            text=f"Acme {rng.choice(CANARIES)}",
            reply_to=None if twin else "twin",
        )
        found.append((at, item))
    return found


def _thing(
    one: World, rng: random.Random, n: int, at: float, source: str, posts: list[str]
) -> Item | Reading:
    now = int(one.time.at(at))
    if one.live and rng.random() < 0.05:
        return Reading(source, rng.choice(("Acme/acme", "Acme/none")), "care", now * 1000 + n, 60, 2_500)
    if rng.random() < 0.2:
        return _canary(one, rng, n, now, source)
    id_ = str(rng.randrange(14))
    kind = rng.choice(KINDS)
    more: dict[str, Any] = {}
    if kind in ("update", "edit", "delete") and posts:
        id_ = rng.choice(posts)
    elif kind in ("reply", "quote", "repost", "like", "comment") and posts:
        parent = rng.choice(posts)
        more = {"reshare_of" if kind in ("repost", "quote", "like") else "reply_to": parent}
        if rng.random() < 0.3:
            more["thread"] = rng.choice(posts)
        if rng.random() < 0.2:
            more.pop("reply_to", None)
    posts.append(id_)
    totals = tuple(rng.randrange(9) for _ in range(4))
    return Item(
        source=source,
        id=id_,
        created_ms=(now + rng.choice(LATE_S)) * 1000 + (n if one.live else rng.choice((0, 0, 250))),
        kind=kind,
        seen_ms=None if one.live else now * 1000,
        dated_by="seen" if source == "press" and rng.random() < 0.3 else "created",
        author=rng.choice(PEOPLE) if rng.random() < 0.9 else None,
        followers=rng.choice((None, 0, 10, 2_000, 20_000)),
        text=rng.choice(TEXTS),
        engagement=(totals[0], totals[1], totals[2], totals[3])
        if kind == "update" or rng.random() < 0.3
        else None,
        **more,
    )


def _canary(one: World, rng: random.Random, n: int, now: int, source: str, text: str = "") -> Item:
    """A post of its own that is wanted: it must be taken in, and counted once."""
    new = one.live and rng.random() < 0.3
    text = text or (NEW if new else rng.choice(CANARIES))
    item = Item(
        source=source,
        id=f"canary {n}",
        created_ms=now * 1000,
        seen_ms=None if one.live else now * 1000,
        author=rng.choice(PEOPLE[1:]),
        followers=rng.choice((None, 500)),
        text=text,
    )
    one.canaries.append(item)
    return item

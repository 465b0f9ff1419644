"""What must have come of a run, worked out without a bus, a worker or a fault, and every way in which it differs.

The log of mentions is written anew over another number of partitions, with fewer clocks, and driven through fresh
stages in another order of work and other batches. What depends on any of that is a bug, whoever did it.
"""

import contextlib
import random
from collections import Counter
from collections.abc import Container, Iterator
from typing import Any

from msgspec.structs import replace

from tests.simulation.logs import Log, Made, Segment, log_of, made, rising, segments, written
from tests.simulation.plant import Plant
from tests.simulation.rules import KEY, RULES
from tests.simulation.world import NEW, World
from warn.bus.memory import MemoryBus, MemoryStore
from warn.ingest.feed import Feed
from warn.model.alerts import DeliveryEvent, IncidentEvent
from warn.model.flow import INCIDENTS
from warn.model.hashing import post_hash
from warn.model.mention import Item, Mention
from warn.model.wire import decode_incident, encode
from warn.stages.base import Stage
from warn.stages.drive import drive
from warn.stages.matchers import Matchers

Seen = list[tuple[str, int, tuple[str, ...]]]
"""As `SimStore.seen`."""
REMEMBERED_S = 48 * 3600
LATE_S, EARLY_S = 600, 120
CANARIES: dict[str, dict[str, tuple[str, ...]]] = {
    "Acme battery smoke": {"one": ("Acme/acme", "Acme/battery"), "two": ("Acme/acme", "Acme/smoke")},
    "Acme and delta": {"one": ("Acme/acme", "Delta/delta"), "two": ("Acme/acme", "Delta/delta")},
    "delta shame": {"one": ("Delta/delta",), "two": ("Delta/delta",)},
    "beta corp and acme": {"one": ("Beta/beta", "Acme/acme"), "two": ("Beta/beta", "Acme/acme")},
    NEW: {"one": (), "two": ("Acme/smoke",)},
}
"""Topics of each canary's text under each rule set, by hand."""


class Shape:
    """How the oracle cuts the same log up: by the seed, so that every shape meets every other."""

    def __init__(self, world: World) -> None:
        rng = random.Random(world.seed * 7 + 3)
        self.partitions = rng.choice((1, world.partitions, 3))
        self.signals = rng.choice((1, world.signals, 3))
        self.sparse = rng.random() < 0.6
        self.batch = rng.choice((1, 7, 40, 500))
        self.rng = rng


def expected(found: list[Segment], shape: Shape, stages: dict[str, list[Stage]]) -> tuple[Made, str]:
    """What comes of a log of mentions, and the state hash."""
    mentions = written(found, shape.partitions, sparse=shape.sparse)
    driven = drive(mentions, stages, batch=shape.batch, choose=shape.rng.randrange)
    return made(driven.logs), driven.state_hash()


def differences(got: Made, want: Made, found: list[Segment], *, alike: bool) -> Iterator[str]:
    """Everything that should be the same and is not. `alike`: cut up over the same partitions."""
    for at in sorted(got.partials.keys() | want.partials.keys()):
        a, b = got.partials.get(at), want.partials.get(at)
        if a is None or b is None:
            yield f"[signals]: a sum {'is missing' if a is None else 'too many'} at {at}"
        elif a != b:
            fields = {
                f: (x, getattr(b, f)) for f in b.__struct_fields__ if (x := getattr(a, f)) != getattr(b, f)
            }
            yield f"[signals]: another sum at {at}: {fields}"
    clocks = rising(found)
    for (home, partition), told in sorted(got.clocks.items()):
        if told != clocks:
            yield f"[signals]/{home} has other clocks of match {partition} than the log"
    for what in ("desk", "history", *(("evidence",) if alike else ())):
        a, b = getattr(got, what), getattr(want, what)
        if a != b:
            yield f"[{what}] differs: {sum((a - b).values())} too many, {sum((b - a).values())} too few"
    for where, n in Counter(letter.where for letter in got.letters).items():
        if n > 1:
            yield f"{where} is in [deadletters] {n} times"
    for reason in sorted({letter.reason for letter in got.letters} - {"malformed"}):
        yield f"something was put aside as {reason}"
    if got.incidents != want.incidents:
        yield f"[incidents] differ: {_named(got.incidents)} not {_named(want.incidents)}"


def _named(incidents: list[IncidentEvent]) -> str:
    return " ".join(f"{e.incident[:4]}/{e.sequence}:{e.event}@{e.at % 100_000}" for e in incidents)


def recorded(world: World, plant: Plant, matchers: Matchers) -> list[Segment]:
    """The log that a feed makes of a recording when nothing goes wrong, read in another order."""
    store = MemoryStore()
    items = world.items()[::-1]
    items.sort(key=plant.order)
    feed = Feed(MemoryBus(store), RULES["one"], matchers.filter, key=KEY, end_s=world.end_jump_s)
    work = feed.run(lambda start: items[start:])
    with contextlib.suppress(StopIteration):  # nothing in it waits
        work.send(None)
        raise RuntimeError("a feed over a bus in memory waited for something")
    return segments(log_of(store))


def ledger(
    world: World, found: list[Segment], partials: dict[Any, Any], seen: Seen, names: dict[str, str]
) -> Iterator[str]:
    """Conservation: what the sources were told is taken in was taken in once, and counted once."""
    said = [(segment, one) for segment in found for one in segment.all()]
    keys = Counter(one.key for _, one in said if isinstance(one, Mention))
    canaries = {post_hash(KEY, item.source, item.id): item for item in world.canaries}
    for key, item in canaries.items():
        if item.text == NEW and not keys[key] and "two" not in _in_force(world, item, seen, names):
            continue
        if not keys[key] or (world.live and keys[key] > 1):
            yield f"{item.source} {item.id} was acknowledged, and taken in {keys[key]} times"
    if world.live:
        same = Counter(
            encode(replace(one, seen_ms=0, backfill=False) if isinstance(one, Mention) else one)
            for _, one in said
        )
        yield from (f"something was taken in {n} times" for n in same.values() if n > 1)
    yield from _threads(said)
    yield from _counted(said, partials, names, canaries)


def _in_force(world: World, item: Item, seen: Seen, names: dict[str, str]) -> list[str]:
    """The rule sets that were in force when it was committed that this item had been read."""
    at = next(i for i, (_, one) in enumerate(world.said[item.source]) if one is item)
    for name, cursor, config in seen:
        if name == item.source and cursor > at:
            return [names[one] for one in config]
    return []


def _threads(said: list[tuple[Segment, Any]]) -> Iterator[str]:
    """A post that match may still know stands in one thread."""
    where: dict[int, tuple[int, int]] = {}
    for _, one in said:
        if not isinstance(one, Mention):
            continue
        thread, seen_ms = where.get(one.key, (one.thread, one.seen_ms))
        if thread != one.thread and one.seen_ms - seen_ms < REMEMBERED_S * 1000:
            yield f"{one.source} {one.id} stands in two threads"
        where[one.key] = (one.thread, one.seen_ms)


def _counted(
    said: list[tuple[Segment, Any]], partials: dict[Any, Any], names: dict[str, str], canaries: Container[int]
) -> Iterator[str]:
    """Per topic and second: canaries at least, everything at most."""
    least: Counter[tuple[str, int, bool]] = Counter()
    most: Counter[int] = Counter()
    seen: set[int] = set()
    for segment, one in said:
        if not isinstance(one, Mention):
            continue
        second = one.created_ms // 1000
        most[second] += 1
        clock = segment.clock
        if clock is None or not clock.config or one.backfill or one.key not in canaries or one.key in seen:
            continue
        seen.add(one.key)
        if (clock.now - LATE_S) * 1000 < one.created_ms <= (clock.now + EARLY_S) * 1000:
            for topic in CANARIES[one.text][names[clock.config[-1]]]:
                least[topic, second, one.role == "care"] += 1
    mentions: Counter[tuple[str, int, bool]] = Counter()
    for (topic, second, _), partial in partials.items():
        mentions[topic, second, False] += partial.mentions
        mentions[topic, second, True] += partial.care
    for (topic, second, care), number in sorted(least.items()):
        if mentions[topic, second, care] < number:
            yield f"{topic} has {mentions[topic, second, care]} mentions at {second}, {number} canaries were taken in"
    for (topic, second, care), number in sorted(mentions.items()):
        if not care and number > most[second]:
            yield f"{topic} has {number} mentions at {second}, only {most[second]} were taken in"


def deliveries(log: Log, incidents: list[IncidentEvent], desk: Any) -> Iterator[str]:
    """One page for each ring, none missing, none for a claim that was not committed first."""
    told = [
        e
        for (t, _), vs in log.items()
        if t == INCIDENTS
        for v in vs
        if isinstance(e := decode_incident(v), DeliveryEvent)
    ]
    twice = [one for one, n in Counter(desk.handed).items() if n > 1]
    if twice:
        yield f"claims were handed to senders twice: {twice}"
    claimed = Counter((e.notifier, e.attempt) for e in told if e.state == "claimed")
    handed = Counter((name.rsplit("-", 1)[-1], attempt) for name, attempt in desk.handed)
    if handed - claimed:
        yield f"attempts without a committed claim: {dict(handed - claimed)}"
    rings: Counter[tuple[str, str, int]] = Counter()
    for notifier, rules in desk.rules.items():
        for ring in rules.rings:
            first = ring.log[0]["told"]
            rings[notifier, first["incident"], first["sequence"]] += 1
    for (notifier, incident, sequence), n in sorted(rings.items()):
        if n > 1:
            yield f"{notifier} rang {n} times for {incident[:4]}/{sequence}"
    yield from _missing(incidents, told, rings)


def _missing(
    incidents: list[IncidentEvent], told: list[DeliveryEvent], rings: Counter[tuple[str, str, int]]
) -> Iterator[str]:
    """Pages that nobody got. One that grew before it was first tried rings with its newest numbers."""
    # A lower rung that was not needed is no excuse: somebody higher up must have rung.
    over = {
        (e.incident, e.sequence)
        for e in told
        if e.state in {"superseded", "expired", "held"} and e.reason != "not needed"
    }
    for event in incidents:
        if event.event not in {"opened", "wave"} or event.mode != "live" or event.severity != "page":
            continue
        after = [
            e.sequence
            for e in incidents
            if e.incident == event.incident and e.sequence > event.sequence and e.event == "wave"
        ]
        end = min(after, default=10**9)
        rang = any(i == event.incident and event.sequence <= s < end for _, i, s in rings)
        excused = any(
            (event.incident, s) in over for s in range(event.sequence, min(end, event.sequence + 50))
        )
        if not rang and not excused:
            yield f"nobody was paged for {event.incident[:4]}/{event.sequence} ({event.event})"

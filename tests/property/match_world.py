"""A small world of mentions for match: few people, posts and words, so that everything happens to everything."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from warn.aggregate.partial import merge
from warn.model.flow import EVIDENCE, SIGNALS
from warn.model.hashing import PUBLIC_KEY, author_hash, keyed, partition_of, post_hash
from warn.model.mention import Mention, Reading
from warn.model.records import Clock, Parcel, Partial
from warn.model.rules import Account, RuleSet, Term, Topic
from warn.model.wire import decode_signals, encode
from warn.stages.base import Effects, In, MissingConfigError
from warn.stages.match import MatchStage

START = 1_700_000_000
ACME = Topic(
    "Acme/acme", "Acme", any=(Term("acme"), Term("#acme", "hashtag")), none=(Term("acme road runner"),)
)
BATTERY = Topic("Acme/battery", "Acme", any=(Term("battery"),), within="Acme/acme")
BETA = Topic("Beta/beta", "Beta", any=(Term("beta corp", "phrase"),))
SMOKE = Topic("Acme/smoke", "Acme", any=(Term("smoke"),))
OURS = ("Acme", Account("bluesky", "acme.example"))
RULES = {
    "one": RuleSet(topics=(BATTERY, ACME, BETA), accounts=(OURS,), negative=("shame", "acme")),
    "two": RuleSet(topics=(ACME, SMOKE, BETA), accounts=(OURS,), negative=("shame",)),
}
TEXTS = (
    "Acme battery smoke",
    "ACME: shame on you",
    "Beta Corp and Acme, https://news.example/a?utm_source=x",
    "beta corp",
    "smoke",
    "shame on you",
    "Acme road runner",
    "nothing of interest",
    "",
)
KINDS = (
    "post",
    "reply",
    "quote",
    "repost",
    "like",
    "comment",
    "article",
    "update",
    "update",
    "edit",
    "delete",
    "profile",
)
ROLES = ("", "", "", "", "press", "care", "internal", "own")

Record = Mention | Reading | Clock


def rulesets(name: str) -> RuleSet:
    if name not in RULES:
        raise MissingConfigError(name)
    return RULES[name]


def world(seed: int, length: int = 60) -> list[Record]:
    """A stream in the order of its one log; clocks are on whole seconds and begin it."""
    rng = random.Random(seed)
    now = START
    out: list[Record] = [Clock(now, config=("one",))]
    posts: list[tuple[int, int]] = []
    for _ in range(length):
        if rng.random() < 0.25:
            now += rng.choice((1, 1, 2, 30, 700, 172_700))
            out.append(Clock(now, config=rng.choice((("one",), ("one", "two"), ("two",), ()))))
        elif rng.random() < 0.05:
            out.append(
                Reading("calls", rng.choice(("Acme/acme", "Acme/none")), "care", now * 1000, 60, 2_500)
            )
        else:
            out.append(mention(rng, now, posts))
    out.append(Clock(now + 86_400))
    return out


def mention(rng: random.Random, now: int, posts: list[tuple[int, int]]) -> Mention:
    """One thing that happens, to a known post or to a new one."""
    source = rng.choice(("bluesky", "press"))
    kind = rng.choice(KINDS)
    id_ = str(rng.randrange(30))
    key = post_hash(PUBLIC_KEY, source, id_)
    thread, parent = key, 0
    if posts and kind in ("update", "edit", "delete") and rng.random() < 0.9:
        key, thread = rng.choice(posts)
    elif posts and kind in ("reply", "quote", "repost", "like", "comment"):
        parent, thread = rng.choice(posts)
        if rng.random() < 0.2:
            parent = 0
    posts.append((key, thread))
    return Mention(
        source,
        key,
        thread,
        kind,
        rng.choice(TEXTS),
        (now + rng.choice((0, 0, 0, -1, -5, 3, -700, 500))) * 1000,
        parent,
        author_hash(PUBLIC_KEY, "bluesky", rng.choice(("acme.example", "a", "b", "c", "d"))),
        rng.choice((0, 10, 20_000, 2**40)),
        rng.choice((None, (rng.randrange(9), rng.randrange(9), rng.randrange(9), rng.randrange(9)))),
        rng.choice(ROLES),
        rng.random() < 0.05,
        id=id_,
    )


def thread_of(record: Mention | Reading) -> int:
    """By what the door chooses a partition."""
    if isinstance(record, Mention):
        return record.thread
    return keyed(b"reading", record.source, record.topic, record.signal)


def logs(records: Sequence[Record], partitions: int, rng: random.Random) -> list[list[bytes]]:
    """The records as each partition's log: parcels of random size, clocks in all of them."""
    made: list[list[bytes]] = [[] for _ in range(partitions)]
    open_: list[list[Mention | Reading]] = [[] for _ in range(partitions)]

    def pack(i: int) -> None:
        parcel, open_[i] = open_[i], []
        # Readings stand behind the mentions of a parcel, so one that is not the last ends it.
        while parcel:
            n = next((j for j, one in enumerate(parcel, 1) if isinstance(one, Reading)), len(parcel))
            head, parcel = parcel[:n], parcel[n:]
            mentions = tuple(one for one in head if isinstance(one, Mention))
            made[i].append(encode(Parcel(mentions, tuple(one for one in head if isinstance(one, Reading)))))

    for record in records:
        if isinstance(record, Clock):
            for i in range(partitions):
                pack(i)
                made[i].append(encode(record))
        else:
            home = partition_of(thread_of(record), partitions)
            open_[home].append(record)
            if rng.random() < 0.4:
                pack(home)
    return made


@dataclass
class Outcome:
    """All that a run left: partials merged by what must be equal, the hashed state, and what is to be shown."""

    partials: dict[tuple[str, int, int], Partial]
    entries: list[tuple[bytes, bytes]]
    evidence: set[bytes]
    clocks: list[list[int]]


def run(
    records: Sequence[Record],
    *,
    partitions: int,
    signals: int,
    seed: int,
    largest: int,
    crash: float = 0.0,
    room: int = 8_333,
) -> Outcome:
    """Drive match over a world, in batches of random size; with `crash`, often from its saved state alone.

    `room`: how many posts a bucket remembers.
    """
    rng = random.Random(seed)
    outcome = Outcome({}, [], set(), [])
    for partition, log in enumerate(logs(records, partitions, rng)):
        clocks: list[int] = []
        stage, saved = fresh(partition, signals, room), dict[bytes, bytes]()
        at = 0
        while at < len(log):
            size = rng.randint(1, largest)
            batch = [In(at + i, value) for i, value in enumerate(log[at : at + size])]
            if rng.random() < crash:
                list(stage.step(batch, Effects()))  # done, and lost before it was committed
                stage = fresh(partition, signals, room)
                stage.restore(((key, at, body) for key, body in saved.items()), at)
            effects = Effects()
            list(stage.step(batch, effects))
            at += len(batch)
            list(stage.finish(effects))
            stage.offer(effects, at)
            for key, body in effects.state.items():
                if body is None:
                    saved.pop(key, None)
                else:
                    saved[key] = body
            take(outcome, effects, clocks)
        outcome.clocks.append(clocks)
        outcome.entries += stage.entries()
    outcome.entries.sort()
    return outcome


def fresh(partition: int, signals: int, room: int) -> MatchStage:
    stage = MatchStage(partition, signals, rulesets, PUBLIC_KEY)
    stage._intake.memory._room = room
    return stage


def take(outcome: Outcome, effects: Effects, clocks: list[int]) -> None:
    for out in effects.out:
        if out.topic == EVIDENCE:
            outcome.evidence.add(out.value)
        elif out.topic == SIGNALS:
            record = decode_signals(out.value)
            for partial in record.partials:
                at = (partial.topic, partial.second, partial.known_at)
                had = outcome.partials.get(at)
                outcome.partials[at] = partial if had is None else merge(had, partial)
            if out.partition == 0:
                clocks += [clock.now for clock in record.clocks]


def every(records: Sequence[Record]) -> Iterator[int]:
    """The clocks that are later than all before them."""
    now = 0
    for record in records:
        if isinstance(record, Clock) and record.now > now:
            now = record.now
            yield now

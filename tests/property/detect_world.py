"""A small world for detect: random partials written to `[signals]` in many ways that must all mean the same."""

import random
from typing import NamedTuple

from warn.detect.base import Sample, Verdict
from warn.model.records import Clock, Partial, Signals
from warn.model.records import Sample as Drawn
from warn.model.rules import Floor, Rule, RuleSet, Topic
from warn.model.wire import encode
from warn.stages.base import Effects, In
from warn.stages.detect import DetectStage

START = 1_700_000_000


def ruleset(extra: bool = False) -> RuleSet:
    """Two brands, three topics; `extra` adds a topic and raises a floor."""
    topics = [Topic("A/a", "A"), Topic("A/b", "A"), Topic("B/x", "B")]
    rules = [
        Rule(
            "A/Spike",
            "Spike",
            "A",
            "A/a",
            at_least=(Floor(mentions=4, authors=2), Floor(echo=9)),
            keep_firing_s=600,
        ),
        Rule("A/Other", "Other", "A", "A/b", at_least=(Floor(mentions=2),), for_s=45, keep_firing_s=0),
        Rule(
            "B/Spike",
            "Spike",
            "B",
            "B/x",
            at_least=(Floor(mentions=3),),
            keep_firing_s=1800,
            severity="ticket",
        ),
    ]
    if extra:
        topics.append(Topic("B/new", "B"))
        rules.append(Rule("B/New", "New", "B", "B/new", at_least=(Floor(mentions=2),), keep_firing_s=60))
        rules[0] = Rule("A/Spike", "Spike", "A", "A/a", at_least=(Floor(mentions=6),), keep_firing_s=600)
    return RuleSet(tuple(topics), tuple(rules))


SETS = {"one": ruleset(), "two": ruleset(extra=True)}


class Toy:
    """A detector with a decayed sum in closed form, and no more: exceptional above three times its level."""

    windows = (60, 600, 3600)
    learns_zeros = False

    def __init__(self) -> None:
        self.value, self.minute = 0.0, 0

    def judge(self, sample: Sample) -> Verdict:
        level = self.value * 0.99 ** max(0, sample.at // 60 - self.minute) / 100
        return Verdict(sample.counts[1] / (level + 1.0), 3.0, 600, sample.counts[1], level, 0.0, level * 2)

    def learn(self, sample: Sample) -> None:
        minute = sample.at // 60
        self.value = self.value * 0.99 ** (minute - self.minute) + sample.value
        self.minute = minute

    def to_state(self) -> bytes:
        return encode([self.value, self.minute])

    def from_state(self, body: bytes) -> None:
        import msgspec

        self.value, self.minute = msgspec.msgpack.decode(body)


class Happening(NamedTuple):
    """One partial's worth, and the clock second at which it became known."""

    known: int
    partial: Partial


def world(rng: random.Random, size: int) -> list[Happening]:
    """Random partials: bursts and lulls, late and early ones, topics that exist only in the second rule set."""
    now, out = START, []
    for i in range(size):
        now += rng.choice([0, 0, 1, 3, 7, 20, 90, 700, 20_000])
        topic = rng.choice(["A/a", "A/a", "A/b", "B/x", "B/new"])
        second = now + rng.choice([0, 0, 0, -5, -60, -599, 30, 119])
        author = rng.randrange(1, 30)
        mention = rng.random() < 0.7
        out.append(
            Happening(
                now,
                Partial(
                    topic, second, now,
                    mentions=int(mention), echo=0 if mention else rng.randrange(1, 9), reach_milli=rng.randrange(9) * 1000,
                    by_source=((rng.choice(["x", "y"]), int(mention), int(not mention)),),
                    authors=(author,) if mention else (), echo_authors=() if mention else (author,),
                    samples=(Drawn(rng.randrange(1 << 40), i % 3, author, "x", 0, ("fire",), second),),
                ),
            )
        )  # fmt: skip
    return out


def written(
    rng: random.Random, happenings: list[Happening], *, partitions: int, dense: int = 0, switch_at: int = -1
) -> list[bytes]:
    """`[signals]` as one of many possible match stages would have written it. `dense`: a clock every so many seconds."""
    last = happenings[-1].known
    clocks = sorted(
        {h.known for h in happenings}
        | (set(range(happenings[0].known, last + 90_000, dense)) if dense else set())
    )
    clocks = [*(c for c in clocks if c < last + 86_400), last + 86_400]
    after = happenings[switch_at].known if switch_at >= 0 else last + 10**9

    def config(now: int) -> tuple[str, ...]:
        return ("one",) if now < after else ("one", "two")

    streams: list[list[Clock | Partial]] = [[] for _ in range(partitions)]
    by_clock: dict[int, list[Partial]] = {}
    for h in happenings:
        by_clock.setdefault(h.known, []).append(h.partial)
    for now in clocks:
        for stream in streams:
            stream.append(Clock(now, (), config(now)))
        for partial in by_clock.get(now, ()):
            streams[rng.randrange(partitions)].append(partial)
    logs = [_cut(rng, p, stream) for p, stream in enumerate(streams)]
    return _interleave(rng, logs)


def _cut(rng: random.Random, partition: int, stream: list[Clock | Partial]) -> list[bytes]:
    out, i = [], 0
    while i < len(stream):
        n = rng.choice([1, 2, 5, 40])
        piece = stream[i : i + n]
        i += n
        clocks = tuple(c for c in piece if isinstance(c, Clock))
        out.append(encode(Signals(partition, clocks, tuple(p for p in piece if isinstance(p, Partial)))))
    return out


def _interleave(rng: random.Random, logs: list[list[bytes]]) -> list[bytes]:
    out, at = [], [0] * len(logs)
    while left := [p for p in range(len(logs)) if at[p] < len(logs[p])]:
        p = rng.choice(left)
        out.append(logs[p][at[p]])
        at[p] += 1
    return out


def fresh(match_partitions: int) -> DetectStage:
    """A detect stage with toy detectors."""
    return DetectStage(
        0, partitions=1, match_partitions=match_partitions, rulesets=SETS.__getitem__, build=lambda *_: Toy()
    )


class Ran(NamedTuple):
    """What came out of a run."""

    desk: list[bytes]
    history: list[bytes]
    entries: list[tuple[bytes, bytes]]


def run(rng: random.Random, log: list[bytes], partitions: int, *, batch: int, crash: float = 0.0) -> Ran:
    """A worker in miniature: batches, commits, and crashes after which everything is read back from what was saved."""
    state: dict[bytes, tuple[int, bytes]] = {}
    committed, outputs = 0, []
    while True:
        stage = fresh(partitions)
        stage.restore([(k, pos, body) for k, (pos, body) in state.items()], committed)
        at = stage.resume_from if committed and stage.resume_from is not None else committed
        while at < committed:
            end = min(committed, at + batch)
            for _ in stage.step([In(i, log[i]) for i in range(at, end)], Effects()):
                pass
            at = end
        while at < len(log):
            end = min(len(log), at + batch)
            effects = Effects()
            for _ in stage.step([In(i, log[i]) for i in range(at, end)], effects):
                pass
            stage.offer(effects, end)
            if rng.random() < crash:
                break
            for key, body in effects.state.items():
                if body is None:
                    state.pop(key, None)
                else:
                    state[key] = (end, body)
            outputs += effects.out
            at = committed = end
        else:
            return Ran(
                [o.value for o in outputs if o.topic == "desk"],
                [o.value for o in outputs if o.topic == "history"],
                sorted(stage.entries()),
            )

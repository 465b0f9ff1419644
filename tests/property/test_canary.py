"""A canary comes through once a minute, however the work is cut up; and warn's own alert does not depend on that either."""

import random
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from warn.detect.registry import build
from warn.model.alerts import AlertEvent, Beat
from warn.model.flow import DESK, DETECT, MATCH, RESPOND
from warn.model.records import Canary, Clock, Silent
from warn.model.rules import Rule, RuleSet, Term, Topic
from warn.model.wire import decode_desk, encode
from warn.stages.base import Effects, In
from warn.stages.detect import DetectStage
from warn.stages.drive import drive
from warn.stages.match import MatchStage
from warn.stages.respond import RespondStage
from warn.stages.silence import KEEP_S, PENDING_S

START = 1_790_000_040
RULES = RuleSet(
    topics=(Topic("Acme/acme", "Acme", any=(Term("acme"),)),),
    rules=(Rule("Acme/Many", "Many", "Acme", "Acme/acme"),),
)
KEY = b"a key of this test, long enough to be one"


class Heard(RespondStage):
    """Keeps the heartbeats of every step."""

    def __init__(self, signals: int) -> None:
        super().__init__(signal_partitions=signals)
        self.beats: list[int] = []

    def step(self, batch: Sequence[In], effects: Effects) -> Iterator[None]:
        yield from super().step(batch, effects)
        self.beats += effects.heartbeats


def _stages(mentions: int, signals: int) -> dict[str, list[Any]]:
    def get(_: str) -> RuleSet:
        return RULES

    return {
        MATCH: [MatchStage(p, signals, get, KEY) for p in range(mentions)],
        DETECT: [
            DetectStage(p, partitions=signals, match_partitions=mentions, rulesets=get, build=build)
            for p in range(signals)
        ],
        RESPOND: [Heard(signals)],
    }


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([1, 2, 3, 6]),
    st.sampled_from([1, 2, 3, 5]),
    st.integers(1, 50),
    st.integers(),
    st.booleans(),
)
def test_one_heartbeat_a_minute(mentions: int, signals: int, batch: int, seed: int, repeated: bool) -> None:
    """Also where collect was not sure of a minute, and wrote its canary twice."""
    stages, rng = _stages(mentions, signals), random.Random(seed)
    records = []
    for second in range(START, START + 301, 5):
        for partition in range(mentions):
            records.append((partition, encode(Clock(second, (), ("rules",)))))
            if second % 60 == 0:
                records += [(partition, encode(Canary(second, partition)))] * (1 + repeated)
    drive(records, stages, batch=batch, choose=rng.randrange)
    assert stages[RESPOND][0].beats == [m for m in range(START, START + 301) if m % 60 == 0]


def test_no_canary_without_rules_or_where_a_partition_is_behind() -> None:
    stages = _stages(2, 1)
    drive([(0, encode(Canary(START, 0))), (1, encode(Canary(START, 1)))], stages)
    assert stages[RESPOND][0].beats == []
    stages = _stages(2, 1)
    clock = encode(Clock(START, (), ("rules",)))
    drive([(0, clock), (0, encode(Canary(START, 0))), (1, clock)], stages)
    assert stages[RESPOND][0].beats == []


times = st.lists(st.tuples(st.integers(0, 4_000), st.sampled_from(["", "a", "b", "ab"])), max_size=12)


@settings(max_examples=80, deadline=None)
@given(
    times, st.sampled_from([1, 3]), st.sampled_from([1, 2]), st.integers(1, 40), st.integers(), st.booleans()
)
def test_silence_depends_on_the_clocks_alone(
    changes: list[tuple[int, str]], signals: int, mentions: int, batch: int, seed: int, dense: bool
) -> None:
    """Neither batches, nor partitions, nor clocks that say nothing new change what is said; and what flaps is one alert."""
    told = _told(changes, signals, mentions, batch, seed, dense)
    assert told == _told(changes, 1, 1, 1_000, 0, dense=False)
    kinds = [one.kind for one in told if isinstance(one, AlertEvent)]
    assert all(a != b or a == "update" for a, b in pairwise(kinds))
    assert kinds[:1] in ([], ["firing"])


def _told(
    changes: list[tuple[int, str]], signals: int, mentions: int, batch: int, seed: int, dense: bool
) -> list[AlertEvent | Beat]:
    at = dict(sorted(changes))
    end = 4_000 + PENDING_S + KEEP_S + 60
    silent: tuple[Silent, ...] = ()
    records = []
    for second in range(0, end + 1, 1 if dense else end):
        moments = [second] if dense else sorted({0, end, *at})
        for moment in moments if second == 0 or dense else ():
            if moment in at:
                silent = tuple(Silent(name, "deaf", START + moment) for name in at[moment])
            if dense and moment % 7 and moment not in at and moment != end:
                continue
            clock = encode(Clock(START + moment, (), ("rules",), silent))
            records += [(partition, clock) for partition in range(mentions)]
    stages = _stages(mentions, signals)
    driven = drive(records, stages, batch=batch, choose=random.Random(seed).randrange)
    found = (decode_desk(value) for value in driven.values(DESK))
    return [one for one in found if isinstance(one, AlertEvent | Beat)]

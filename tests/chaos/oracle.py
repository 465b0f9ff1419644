"""What must come of a script, by `stages/drive.py` over the same log; what did come of it; and how the two differ."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from tests.chaos.script import KEY, Script, script
from warn.aggregate.partial import merge
from warn.bus.base import Bus
from warn.detect.registry import build
from warn.model.alerts import IncidentEvent
from warn.model.flow import HISTORY, INCIDENTS, MENTIONS, SIGNALS
from warn.model.records import Partial, Signals
from warn.model.rules import RuleSet
from warn.model.wire import decode_incident, decode_signals, encode
from warn.stages.base import MissingConfigError, Stage
from warn.stages.detect import DetectStage
from warn.stages.drive import drive
from warn.stages.match import MatchStage
from warn.stages.respond import RespondStage

Counts = dict[tuple[str, int, int], Partial]
"""Partials merged by topic, second, and the clock after which they were known."""
MOST_TOLD = 5
"""Differences of one kind that are shown; the rest is a number."""


@dataclass
class Outcome:
    """Everything that may not depend on crashes. `state` is "" where it was not asked for."""

    mentions: dict[int, list[bytes]] = field(repr=False)
    counts: Counts = field(repr=False)
    incidents: list[bytes] = field(repr=False)
    history: list[bytes] = field(repr=False)
    state: str = ""

    def told(self) -> str:
        """Short, for the report of a run."""
        counted = sum(p.mentions for p in self.counts.values())
        echoes = sum(p.echo for p in self.counts.values())
        parcels = sum(len(log) for log in self.mentions.values())
        return (
            f"{parcels} records of [mentions], {len(self.counts)} counts ({counted} mentions, {echoes} echo), "
            f"{len(self.incidents)} incident events, {len(self.history)} history points, state {self.state[:12]}"
        )


def stages(wanted: Script, signals: int) -> dict[str, list[Stage]]:
    """Fresh ones, for the oracle."""

    def get(name: str) -> RuleSet:
        try:
            return wanted.rulesets[name]
        except KeyError:
            raise MissingConfigError(name) from None

    n = wanted.partitions
    return {
        "match": [MatchStage(p, signals, get, KEY) for p in range(n)],
        "detect": [
            DetectStage(p, partitions=signals, match_partitions=n, rulesets=get, build=build)
            for p in range(signals)
        ],
        "respond": [RespondStage()],
    }


@lru_cache(maxsize=4)
def expected(seed: int, mentions: int, partitions: int = 6, signals: int = 6) -> Outcome:
    """By driving the stages over the script, with no bus and no worker."""
    wanted = script(seed, mentions, partitions)
    driven = drive(wanted.log(), stages(wanted, signals))
    return Outcome(
        by_partition(wanted.log()),
        counts(driven.values(SIGNALS)),
        incidents(driven.values(INCIDENTS)),
        sorted(driven.values(HISTORY)),
        driven.state_hash(),
    )


async def observed(bus: Bus, state: str = "") -> Outcome:
    """From what lies on a bus, committed."""
    return Outcome(
        by_partition((p, value) for p, _, _, value in await everything(bus, MENTIONS)),
        counts(value for _, _, _, value in await everything(bus, SIGNALS)),
        incidents(value for _, _, _, value in await everything(bus, INCIDENTS)),
        sorted(value for _, _, _, value in await everything(bus, HISTORY)),
        state,
    )


async def everything(bus: Bus, topic: str) -> list[tuple[int, int, bytes, bytes]]:
    """All committed records of a topic: (partition, position, key, value)."""
    reader, out = await bus.follow(topic), []
    try:
        while records := await reader.read(2000, 0.05):
            out += records
    finally:
        await reader.close()
    return out


def by_partition(records: Iterable[tuple[int, bytes]]) -> dict[int, list[bytes]]:
    """A log, partition by partition."""
    logs: dict[int, list[bytes]] = {}
    for partition, value in records:
        logs.setdefault(partition, []).append(value)
    return logs


def counts(values: Iterable[bytes]) -> Counts:
    """`[signals]`, summed: in how many pieces it was counted may differ, what was counted may not."""
    summed: Counts = {}
    for value in values:
        told = decode_signals(value)
        for partial in told.partials if isinstance(told, Signals) else ():
            at = (partial.topic, partial.second, partial.known_at)
            had = summed.get(at)
            summed[at] = partial if had is None else merge(had, partial)
    return summed


def incidents(values: Iterable[bytes]) -> list[bytes]:
    """The incident events' bytes, in the order in which replay writes them."""
    events = [e for v in values if isinstance(e := decode_incident(v), IncidentEvent)]
    return [encode(e) for e in sorted(events, key=lambda e: (e.at, e.brand, e.incident, e.sequence))]


def differences(wanted: Outcome, seen: Outcome) -> list[str]:
    """One line for each thing that is not as it should be; none where all is."""
    told: list[str] = []
    for partition in sorted(wanted.mentions.keys() | seen.mentions.keys()):
        a, b = wanted.mentions.get(partition, []), seen.mentions.get(partition, [])
        if a != b:
            told.append(f"[mentions] {partition}: {len(b)} records, {len(a)} wanted{_multiset(a, b)}")
    told += _counts(wanted.counts, seen.counts)
    for name, one, other in (
        ("[incidents]", wanted.incidents, seen.incidents),
        ("[history]", wanted.history, seen.history),
    ):
        if one != other:
            told.append(f"{name}: {len(other)} records, {len(one)} wanted{_multiset(one, other)}")
    if seen.state and wanted.state != seen.state:
        told.append(f"state {seen.state[:16]}, {wanted.state[:16]} wanted")
    return told


def _multiset(wanted: Sequence[bytes], seen: Sequence[bytes]) -> str:
    lacking, surplus = Counter(wanted) - Counter(seen), Counter(seen) - Counter(wanted)
    if not lacking and not surplus:
        return ", in another order"
    return f": {lacking.total()} lacking, {surplus.total()} too many"


def _counts(wanted: Counts, seen: Counts) -> list[str]:
    wrong = [at for at in sorted(wanted.keys() | seen.keys()) if wanted.get(at) != seen.get(at)]
    told = [f"[signals] {at}: {_brief(seen.get(at))}, {_brief(wanted.get(at))} wanted" for at in wrong]
    rest = len(told) - MOST_TOLD
    return told if rest <= 0 else [*told[:MOST_TOLD], f"[signals]: and {rest} more"]


def _brief(partial: Partial | None) -> str:
    return "none" if partial is None else f"{partial.mentions} mentions {partial.echo} echo"

"""What lies on the bus after a run, read back: the log of mentions cut at its clocks, and what was made of it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce

from warn.aggregate.partial import merge
from warn.bus.memory import MemoryStore
from warn.model.alerts import AlertEvent, Beat, IncidentEvent
from warn.model.flow import DEADLETTERS, DESK, EVIDENCE, HISTORY, INCIDENTS, MENTIONS, SIGNALS
from warn.model.hashing import partition_of, series_hash
from warn.model.mention import Mention, Reading
from warn.model.records import Canary, Clock, DeadLetter, Parcel, Partial, Signals, Silent
from warn.model.wire import (
    decode_deadletter,
    decode_desk,
    decode_incident,
    decode_mentions,
    decode_signals,
    encode,
)

Log = dict[tuple[str, int], list[bytes]]
Said = Mention | Reading


class UnevenError(ValueError):
    """The partitions of `[mentions]` do not all have the same clocks."""


@dataclass
class Segment:
    """What lies between a clock (None: before the first) and the next, by partition."""

    clock: Clock | None
    said: dict[int, list[Said]] = field(default_factory=dict)

    def all(self) -> Iterator[Said]:
        """Partition by partition."""
        for _, row in sorted(self.said.items()):
            yield from row


def log_of(store: MemoryStore) -> Log:
    """Every record of every topic."""
    return {shelf: [record.value for record in records] for shelf, records in store.log.items()}


def values(log: Log, topic: str) -> Iterator[bytes]:
    """All records of a topic, partition by partition."""
    for (name, _), records in sorted(log.items()):
        if name == topic:
            yield from records


def segments(log: Log) -> list[Segment]:
    """The log of mentions, cut at its clocks. Raises `UnevenError`."""
    found: list[Segment] = []
    rows = sorted((p, records) for (name, p), records in log.items() if name == MENTIONS)
    for partition, records in rows:
        at = 0
        if not found:
            found.append(Segment(None))
        for value in records:
            record = decode_mentions(value)
            if isinstance(record, Parcel):
                found[at].said.setdefault(partition, []).extend((*record.mentions, *record.readings))
                continue
            if isinstance(record, Canary):
                continue
            at += 1
            if partition == 0:
                found.append(Segment(record))
            elif at >= len(found) or found[at].clock != record:
                raise UnevenError(f"clock {at} of partition {partition} is {record.now}, not partition 0's")
        if at + 1 != len(found):
            raise UnevenError(f"partition {partition} has {at} clocks, partition 0 has {len(found) - 1}")
    return found


def written(found: Sequence[Segment], partitions: int, *, sparse: bool) -> Iterator[tuple[int, bytes]]:
    """The same log over so many partitions; `sparse`: without the clocks that say nothing new."""
    config: tuple[str, ...] = ()
    deaf: tuple[str, ...] = ()
    silent: tuple[Silent, ...] = ()
    for number, segment in enumerate(found):
        clock = segment.clock
        last = number == len(found) - 1
        if clock is not None and (
            not sparse
            or last
            or segment.said
            or (clock.config, clock.deaf, clock.silent) != (config, deaf, silent)
        ):
            config, deaf, silent = clock.config, clock.deaf, clock.silent
            for partition in range(partitions):
                yield partition, encode(clock)
        for one in segment.all():
            if isinstance(one, Mention):
                yield partition_of(one.thread, partitions), encode(Parcel((one,)))
            else:
                series = series_hash(one.source, one.topic, one.signal)
                yield partition_of(series, partitions), encode(Parcel((), (one,)))


@dataclass
class Made:
    """What was made of a log of mentions: all that must not depend on how."""

    partials: dict[tuple[str, int, int], Partial]
    clocks: dict[tuple[int, int], list[int]]
    desk: Counter[bytes]
    history: Counter[bytes]
    incidents: list[IncidentEvent]
    evidence: Counter[bytes]
    letters: list[DeadLetter]


def made(log: Log) -> Made:
    """Read all of it."""
    partials, clocks = _signals(log)
    incidents = [e for v in values(log, INCIDENTS) if isinstance(e := decode_incident(v), IncidentEvent)]
    return Made(
        partials,
        clocks,
        Counter(v for v in values(log, DESK) if isinstance(decode_desk(v), AlertEvent | Beat)),
        Counter(values(log, HISTORY)),
        sorted(incidents, key=lambda e: (e.at, e.brand, e.incident, e.sequence)),
        Counter(values(log, EVIDENCE)),
        [decode_deadletter(value) for value in values(log, DEADLETTERS)],
    )


def _signals(log: Log) -> tuple[dict[tuple[str, int, int], Partial], dict[tuple[int, int], list[int]]]:
    """Partials summed by topic, second and clock; and the clocks that each (home, match partition) announced."""
    pieces: dict[tuple[str, int, int], list[Partial]] = {}
    clocks: dict[tuple[int, int], list[int]] = {}
    for (topic, home), records in sorted(log.items()):
        if topic != SIGNALS:
            continue
        for value in records:
            record = decode_signals(value)
            if not isinstance(record, Signals):
                continue
            clocks.setdefault((home, record.partition), []).extend(clock.now for clock in record.clocks)
            for one in record.partials:
                pieces.setdefault((one.topic, one.second, one.known_at), []).append(one)
    return {at: _sum(found) for at, found in pieces.items()}, clocks


def _sum(found: Iterable[Partial]) -> Partial:
    return reduce(merge, found)


def rising(found: Sequence[Segment]) -> list[int]:
    """The clocks that are later than all before them."""
    now, out = 0, []
    for segment in found:
        if segment.clock is not None and segment.clock.now > now:
            now = segment.clock.now
            out.append(now)
    return out

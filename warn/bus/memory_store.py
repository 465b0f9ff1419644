"""What is left when a process dies: the records, seats and state behind the bus in memory."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from warn.bus.base import FencedError
from warn.bus.ends import Ends
from warn.bus.topics import COMPACTED, REREAD_S, RETENTION_S, partition_counts
from warn.model.flow import COLLECT, STAGE_INPUT
from warn.stages.base import Out

Shelf = tuple[str, int]


def saves(stage: str, partition: int) -> Shelf:
    """Where the changes of a seat's state are counted."""
    return f"state.{stage}", partition


@dataclass
class _Record:
    position: int
    at: int
    key: bytes
    value: bytes


@dataclass
class SeatState:
    """What a store knows of one seat: `state` maps keys to (position, envelope).

    `changed` maps every key that was ever saved to the running number of its last change, the newest last.
    """

    shelf: Shelf
    epoch: int = 0
    committed: int = 0
    state: dict[bytes, tuple[int, bytes]] = field(default_factory=dict)
    changed: dict[bytes, int] = field(default_factory=dict)


class MemoryStore:
    """Records, state and seats: what is left when a process dies. `collect`: seats that connectors are spread over."""

    def __init__(
        self,
        partitions: Mapping[str, int] | None = None,
        clock: Callable[[], float] = time.time,
        collect: int = 1,
    ) -> None:
        self.counts = partition_counts(partitions or {})
        self.clock = clock
        self.seat_counts = {COLLECT: collect} | {s: self.counts[t] for s, t in STAGE_INPUT.items()}
        self.log: dict[Shelf, list[_Record]] = {(t, p): [] for t, n in self.counts.items() for p in range(n)}
        self.firsts: dict[Shelf, int] = dict.fromkeys(self.log, 0)
        saved = {saves(stage, p): 0 for stage, n in self.seat_counts.items() for p in range(n)}
        self.ends: Ends[Shelf] = Ends(self.firsts | saved)
        self.seats: dict[tuple[str, int], SeatState] = {}

    def shelf(self, topic: str, partition: int) -> Shelf:
        """One partition of one topic. Raises `LookupError`."""
        if (topic, partition) not in self.log:
            raise LookupError(f"there is no partition {partition} of [{topic}]")
        return topic, partition

    def open(self, stage: str, partition: int) -> SeatState:
        """Fence whoever holds the seat. Raises `LookupError` for one that there is not."""
        if partition >= self.seat_counts.get(stage, partition + 1):
            raise LookupError(f"{stage} has no seat {partition}")
        source = STAGE_INPUT.get(stage)
        first = self.firsts[self.shelf(source, partition)] if source else 0
        new = SeatState(saves(stage, partition), committed=first)
        seat = self.seats.setdefault((stage, partition), new)
        seat.epoch += 1
        return seat

    def apply(
        self,
        seat: SeatState,
        epoch: int,
        outputs: Sequence[Out],
        state: Mapping[bytes, tuple[int, bytes] | None],
        position: int,
    ) -> None:
        """One step, all or nothing. Raises `FencedError`."""
        if seat.epoch != epoch:
            raise FencedError("another worker has opened this seat")
        grown = self.append(outputs)
        number = next(reversed(seat.changed.values()), -1) + 1
        for key, kept in state.items():
            if kept is None:
                seat.state.pop(key, None)
            else:
                seat.state[key] = kept
            seat.changed.pop(key, None)
            seat.changed[key] = number
            number += 1
            grown[seat.shelf] = number
        seat.committed = position
        self.ends.publish(grown)

    def append(self, outputs: Sequence[Out]) -> dict[Shelf, int]:
        """Add records; gives the new ends, which are still to be published."""
        at = int(self.clock())
        grown: dict[Shelf, int] = {}
        for out in outputs:
            shelf = (out.topic, out.partition)
            end = grown.get(shelf, self.ends[shelf])
            if out.topic in COMPACTED:
                self.log[shelf] = [r for r in self.log[shelf] if r.key != out.key]
            self.log[shelf].append(_Record(end, at, out.key, out.value))
            grown[shelf] = end + 1
        return grown

    def changes(self, stage: str, partition: int, start: int, limit: int) -> tuple[list[bytes], int]:
        """Keys of a seat that were saved or deleted from a running number on, and where to go on after them."""
        seat = self.seats.get((stage, partition))
        if seat is None:
            return [], start
        found: list[tuple[int, bytes]] = []
        for key in reversed(seat.changed):
            if seat.changed[key] < start:
                break
            found.append((seat.changed[key], key))
        some = found[::-1][:limit]
        return [key for _, key in some], some[-1][0] + 1 if some else start

    def fetch(self, shelf: Shelf, start: int, limit: int) -> list[_Record]:
        """Committed records from `start` on."""
        records = self.log[shelf]
        low, high = 0, len(records)
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if records[middle].position < start else (low, middle)
        return records[low : low + limit]

    def rewrite(self, topic: str, change: Callable[[bytes], bytes | None]) -> int:
        """Change records where they lie; how many."""
        changed = 0
        for (of, _), records in self.log.items():
            for record in records if of == topic else ():
                new = change(record.value)
                if new is not None and new != record.value:
                    record.value = new
                    changed += 1
        return changed

    def trim(self, now: int) -> None:
        """Retention by age; compacted topics stay whole."""
        readers = {topic: stage for stage, topic in STAGE_INPUT.items()}
        for (topic, partition), records in self.log.items():
            if topic in COMPACTED or topic not in RETENTION_S:
                continue
            before, limit = now - RETENTION_S[topic], self.ends[topic, partition]
            seat = self.seats.get((readers.get(topic, ""), partition))
            if seat is not None:
                limit = seat.committed
                taken = [r.at for r in records if r.position < limit]
                before = min(before, taken[-1] - REREAD_S) if taken else before
            while records and records[0].position < limit and records[0].at < before:
                self.firsts[topic, partition] = records.pop(0).position + 1

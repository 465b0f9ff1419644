"""Planted bugs in match, in what a partial is, and in the order of what is read."""

from collections.abc import Iterable
from typing import Any, Final

from msgspec.structs import replace

from tests.simulation.plant import Patched, Plant
from tests.simulation.rules import BY_HASH, HASHES
from warn.aggregate import memory, partial, people
from warn.ingest.order import seen_at
from warn.model.mention import Item
from warn.model.records import Clock, Counted, Sample
from warn.stages import counting, match


class SeenOnly(Plant):
    """Items that were seen in the same moment come in the order in which they were read from the file."""

    name = "no total order for items with equal seen_at"

    def order(self, item: Item) -> Any:
        return seen_at(item)


def _jointly(self: memory.Memory, thread: int, key: int, post: memory.Post) -> None:
    """`Memory.count`, but what has to go is the oldest of the whole partition, not of its bucket."""
    room, self._room = self._room, 10**9
    try:
        _COUNT(self, thread, key, post)
    finally:
        self._room = room
    while len(self) > room * 5:  # as many posts as some buckets would hold
        oldest = min((b for b in self._buckets if b), key=lambda b: next(iter(b.values())).at)
        gone, _ = oldest.popitem(last=False)
        self._changed[gone] = None


_COUNT = memory.Memory.count


def _expired_too(self: memory.Memory) -> Any:
    """`Memory.entries`, with what the next touch of its bucket would drop."""
    keep, self._keep_s = self._keep_s, 10**9
    try:
        return list(_ENTRIES(self))
    finally:
        self._keep_s = keep


_ENTRIES = memory.Memory.entries


def _by_id(self: memory.Memory, thread: int, key: int) -> memory.Post | None:
    """`Memory.find`, by the post's id alone, whatever thread it stands in."""
    for bucket in self._buckets:
        for ident, post in bucket.items():
            if ident & memory._MASK == key & memory._MASK and post.at > self.now - self._keep_s:
                return post
    return None


def _forget_to_save(self: memory.Memory, state: dict[bytes, bytes | None]) -> None:
    self._changed.clear()


def _commonest(counted: Iterable[Counted], n: int) -> tuple[Counted, ...]:
    return tuple(sorted(sorted(counted, key=lambda one: (-one[1], one[0]))[:n]))


def _merge_commonest(a: tuple[Counted, ...], b: tuple[Counted, ...], n: int = HASHES) -> tuple[Counted, ...]:
    sums: dict[int, Counted] = {one[0]: one for one in a}
    for one in b:
        had = sums.get(one[0])
        sums[one[0]] = one if had is None else (one[0], had[1] + one[1], had[2])
    return _commonest(sums.values(), n)


def _merge_by_key(a: tuple[Sample, ...], b: tuple[Sample, ...], n: int = HASHES) -> tuple[Sample, ...]:
    """Of two samples of one mention the one that came first."""
    found: dict[int, Sample] = {}
    for one in (*a, *b):
        found.setdefault(one.key, one)
    return tuple(sorted(found.values())[:n])


class HourWide(people.People):
    """The lowest hashes of the whole hour are kept, with the minute in which each came first."""

    def add(self, minute: int, hashes: Iterable[int]) -> Any:
        held = {h for m, row in self._minutes.items() if minute - people.HOUR <= m <= minute for h in row}
        lowest = set(sorted(held | set(hashes))[: people.LIMIT])
        return super().add(minute, [one for one in hashes if one in lowest and one not in held])


def _newest_file(self: match.MatchStage, clock: Any, ready: Any) -> None:
    """A worker that goes by the rule files it has, not by what the clock names."""
    known = [name for name in BY_HASH if _have(self, name)]
    _PASS(self, replace(clock, config=(known[-1],)) if known else clock, _Compiled(self))


class _Compiled(dict[str, Any]):
    def __init__(self, stage: match.MatchStage) -> None:
        super().__init__()
        self._stage = stage

    def __missing__(self, name: str) -> Any:
        return self._stage._compiled(name)


def _have(stage: match.MatchStage, name: str) -> bool:
    try:
        stage._compiled(name)
    except LookupError:
        return False
    return True


_PASS = match.MatchStage._pass


def _end_of_batch(self: match.MatchStage, batch: Any, effects: Any) -> Any:
    """What a batch holds is known at the batch's last clock."""
    clocks = [one for one in batch if isinstance(match._read(one.value), Clock)]
    yield from _STEP(self, [*clocks, *(one for one in batch if one not in clocks)], effects)


_STEP = match.MatchStage.step


PLANTS: Final = (
    SeenOnly(),
    Patched("memory bounded per partition, not per bucket", (memory.Memory, "count", _jointly)),
    Patched("the state hash sees what the next touch drops", (memory.Memory, "entries", _expired_too)),
    Patched("parents and roots looked up by id alone", (memory.Memory, "find", _by_id)),
    Patched("dedup memory not saved", (memory.Memory, "offer", _forget_to_save)),
    Patched(
        "terms as the commonest ones",
        (partial, "merge_counted", _merge_commonest),
    ),
    Patched("sample ties by the mention alone", (partial, "merge_samples", _merge_by_key)),
    Patched("people as one set an hour", ("warn.stages.slice", "People", HourWide)),
    Patched("rule sets by the worker's own files", (match.MatchStage, "_pass", _newest_file)),
    Patched("batch boundaries visible", (match.MatchStage, "step", _end_of_batch)),
    Patched("late mentions dropped", (counting, "LATE_S", 0)),
)

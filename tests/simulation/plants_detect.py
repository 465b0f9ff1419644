"""Planted bugs in detect: its time, its state, and what is read again after a restart."""

import heapq
from collections import defaultdict
from typing import Any, Final

from tests.simulation.plant import Patched
from warn.aggregate.series import TICK_S
from warn.detect.baseline import FAST_TAU, SLOW_TAU
from warn.detect.spike import Spike
from warn.stages import slicestate, snapshots
from warn.stages.detect import DetectStage
from warn.stages.slice import FINAL_S, Slice, due_tick
from warn.stages.snapshots import Snapshots


class _Hole(defaultdict[str, Any]):
    """Keeps nothing."""

    def __missing__(self, key: str) -> Any:
        return []


def _no_strangers(self: DetectStage, *args: Any, **more: Any) -> None:
    _INIT(self, *args, **more)
    self.strangers = _Hole()


_INIT = DetectStage.__init__


def _learns_at_arrivals(self: Slice) -> int | None:
    """At rest once nothing happened for a while: what is not learned yet is no reason to be looked at."""
    if self.pending or any(a.state != "inactive" for a in self.alerts.values()):
        return _DUE(self)
    return None


_DUE = Slice.due


def _last_tick_only(self: DetectStage, batch: Any, effects: Any) -> Any:
    """`DetectStage.step`, which evaluates the newest tick and none of those between."""
    read = [(one.position, record) for one in batch if (record := self._read(one, effects)) is not None]
    for _, record in read:
        for clock in record.clocks:
            if clock.config and clock.now > self.newest:
                self.rulesets(clock.config[-1])
    for position, record in read:
        self._arrive(position, record)
        now = min(self.vector.values()) // TICK_S * TICK_S
        if (tick := self._next()) is not None and tick <= now:
            yield from self._tick(now, effects)
        self.last_tick = max(self.last_tick, now)
    yield


def _slice_by_slice(self: DetectStage, batch: Any, effects: Any) -> Any:
    """`DetectStage.step`, which goes through all that is due of one slice before it looks at the next."""
    read = [(one.position, record) for one in batch if (record := self._read(one, effects)) is not None]
    for _, record in read:
        for clock in record.clocks:
            if clock.config and clock.now > self.newest:
                self.rulesets(clock.config[-1])
    for position, record in read:
        self._arrive(position, record)
        now = min(self.vector.values())
        while self.switches and due_tick(self.switches[0][0]) <= now:
            yield from self._tick(due_tick(self.switches[0][0]), effects)
        for name in sorted(self.slices):
            rest = [one for one in self.heap if one[1] != name]
            self.heap = [one for one in self.heap if one[1] == name]
            heapq.heapify(self.heap)
            while self.heap and self.heap[0][0] <= now:
                yield from self._tick(self.heap[0][0], effects)
            self.heap += rest
            heapq.heapify(self.heap)
        self.last_tick = max(self.last_tick, now // TICK_S * TICK_S)
    yield


def _stepped(self: DetectStage, position: int, record: Any) -> None:
    """At every clock all decayed sums are brought forward to it."""
    _ARRIVE(self, position, record)
    for clock in record.clocks:
        for one in self.slices.values():
            for detector in one.detectors.values():
                _bring_forward(detector, clock.now)


def _bring_forward(detector: Any, now: int) -> None:
    """One step at a time is not the same as all steps at once: floating point."""
    if not isinstance(detector, Spike):
        return
    levels, minute = detector._learned.levels, (now - FINAL_S) // 60
    for level, tau in ((levels.slow, SLOW_TAU), (levels.fast, FAST_TAU)):
        if level.value and minute > level.step:
            level.value, level.step = level.at(minute, tau), minute


_ARRIVE = DetectStage._arrive


def _not_at_once(self: Snapshots, old: Any, new: Any) -> None:
    """A slice that was created is saved when it is its turn."""
    for name, one in new.items():
        if old.get(name) is not one:
            self.changed.setdefault(name, self.position + 10**9)
        else:
            self.touch(name)
    for name in old:
        if name not in new:
            self.unsaved.append(name)
            self.changed.pop(name, None)


def _all_new(self: Snapshots, name: str, position: int) -> bool:
    return True


def _head_only(self: Snapshots, effects: Any, name: str) -> None:
    """No slice is ever saved."""
    self.changed.pop(name, None)


def _from_committed(self: Snapshots, effects: Any, position: int) -> None:
    """The head is where the stage stands, although slices wait to be saved from an earlier position."""
    _OFFER(self, effects, position)
    effects.state[snapshots.HEAD] = snapshots._encode(self._mark(position))


_OFFER = Snapshots.offer


def _in_pieces(pending: Any) -> list[Any]:
    """The state hash sees in how many pieces match wrote what waits for its tick."""
    return sorted(pending, key=lambda p: (p.known_at, p.second))


def _soonest(self: Slice, at: int) -> bool:
    """Partials are counted when they arrive, not at the tick after their clock."""
    ready, self.pending = self.pending, []
    for partial in ready:
        self._count(partial)
    return bool(ready)


def _any_partition(self: DetectStage, position: int, record: Any) -> None:
    """A tick is due once one match partition has announced it."""
    _ARRIVE(self, position, record)
    newest = max(self.vector.values())
    self.vector = dict.fromkeys(self.vector, newest)


PLANTS: Final = (
    Patched("partials of unknown topics dropped", (DetectStage, "__init__", _no_strangers)),
    Patched("at rest with something unlearned", (Slice, "due", _learns_at_arrivals)),
    Patched("only the newest tick is evaluated", (DetectStage, "step", _last_tick_only)),
    Patched("decayed sums stepped by the clock", (DetectStage, "_arrive", _stepped)),
    Patched("no slice record in the step that creates a topic", (Snapshots, "replaced", _not_at_once)),
    Patched("catch-up slice by slice", (DetectStage, "step", _slice_by_slice)),
    Patched("the state hash sees pieces of partials", (slicestate, "_together", _in_pieces)),
    Patched("detector state only in memory", (Snapshots, "_save", _head_only)),
    Patched("arrivals that a slice has seen are counted again", (Snapshots, "is_new", _all_new)),
    Patched("the re-read starts where the last step ended", (Snapshots, "offer", _from_committed)),
    Patched("partials counted on arrival", (Slice, "take", _soonest)),
    Patched("a tick is due for one match partition's clock", (DetectStage, "_arrive", _any_partition)),
)

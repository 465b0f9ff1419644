"""The suite for buses catches buses, stages and workers that are wrong."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from tests.unit.bus import plants_beside
from warn.bus.base import Bus, Restored
from warn.bus.memory import MemoryBus, MemoryReader, MemorySeat, MemoryStore
from warn.stages.base import In, Out
from warn.testing import bus_reads, rereading
from warn.testing.check_bus import check_bus
from warn.testing.tally import Tally

Plant = Callable[[pytest.MonkeyPatch], None]


def _no_fence(patch: pytest.MonkeyPatch) -> None:
    real = MemoryStore.apply

    def apply(self: MemoryStore, seat: Any, epoch: int, *rest: Any) -> None:
        real(self, seat, seat.epoch, *rest)

    patch.setattr(MemoryStore, "apply", apply)


def _fenced_but_written(patch: pytest.MonkeyPatch) -> None:
    real = MemoryStore.apply

    def apply(self: MemoryStore, seat: Any, epoch: int, *rest: Any) -> None:
        real(self, seat, seat.epoch, *rest)
        if epoch != seat.epoch:
            real(self, seat, epoch, *rest)

    patch.setattr(MemoryStore, "apply", apply)


def _apply_with(change: Callable[[Any, Any, int], tuple[Any, Any, int]]) -> Plant:
    def plant(patch: pytest.MonkeyPatch) -> None:
        real = MemoryStore.apply

        def apply(self: MemoryStore, seat: Any, epoch: int, outputs: Any, state: Any, position: int) -> None:
            real(self, seat, epoch, *change(outputs, state, position))

        patch.setattr(MemoryStore, "apply", apply)

    return plant


def _outputs_before_the_rest(patch: pytest.MonkeyPatch) -> None:
    real = MemorySeat.commit

    async def commit(
        self: MemorySeat, outputs: Sequence[Out], state: Mapping[bytes, bytes | None], at: int
    ) -> None:
        await real(self, outputs, {}, self._seat.committed)
        await asyncio.sleep(0)
        await real(self, [], state, at)

    patch.setattr(MemorySeat, "commit", commit)


def _commits_what_it_has_read(patch: pytest.MonkeyPatch) -> None:
    real = MemorySeat.commit

    async def commit(self: MemorySeat, outputs: Any, state: Any, at: int) -> None:
        await real(self, outputs, state, max(at, self.position))

    patch.setattr(MemorySeat, "commit", commit)


def _alive_after_errors(patch: pytest.MonkeyPatch) -> None:
    real = MemorySeat.commit

    async def commit(self: MemorySeat, *rest: Any) -> None:
        self._dead = False
        await real(self, *rest)

    patch.setattr(MemorySeat, "commit", commit)


def _stale_restore(patch: pytest.MonkeyPatch) -> None:
    async def restore(self: MemorySeat) -> Restored:
        restored = await real(self)
        return Restored(restored.records[:-1], restored.committed)

    real = MemorySeat.restore
    patch.setattr(MemorySeat, "restore", restore)


def _read_with(change: Callable[[Sequence[In]], Sequence[In]]) -> Plant:
    def plant(patch: pytest.MonkeyPatch) -> None:
        real = MemorySeat.read

        async def read(self: MemorySeat, limit: int, wait_s: float) -> Sequence[In]:
            return change(await real(self, limit, wait_s))

        patch.setattr(MemorySeat, "read", read)

    return plant


def _greedy(patch: pytest.MonkeyPatch) -> None:
    real = MemorySeat.read

    async def read(self: MemorySeat, limit: int, wait_s: float) -> Sequence[In]:
        return await real(self, limit * 9, wait_s)

    patch.setattr(MemorySeat, "read", read)


def _deaf(patch: pytest.MonkeyPatch) -> None:
    real = MemorySeat.read

    async def read(self: MemorySeat, limit: int, wait_s: float) -> Sequence[In]:
        some = await real(self, limit, 0)
        if not some:
            await asyncio.sleep(wait_s)
        return some or await real(self, limit, 0)

    patch.setattr(MemorySeat, "read", read)


def _loses_when_cancelled(patch: pytest.MonkeyPatch) -> None:
    real = MemorySeat.read

    async def read(self: MemorySeat, limit: int, wait_s: float) -> Sequence[In]:
        try:
            return await real(self, limit, wait_s)
        except asyncio.CancelledError:
            self.seek(self.position + 1)
            raise

    patch.setattr(MemorySeat, "read", read)


def _from_the_start(patch: pytest.MonkeyPatch) -> None:
    real = MemoryBus.follow

    async def follow(self: MemoryBus, topic: str, start: Mapping[int, int] | None = None) -> MemoryReader:
        return await real(self, topic, None)

    patch.setattr(MemoryBus, "follow", follow)


def _forgets_a_topic(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("warn.bus.memory_store.COMPACTED", frozenset())
    real = MemoryStore.fetch

    def fetch(self: MemoryStore, shelf: Any, start: int, limit: int) -> Any:
        records = real(self, shelf, start, limit)
        if shelf[0] != "config":
            return records
        log = self.log[shelf]
        return [r for r in records if not any(r.key == o.key and o.position < r.position for o in log)]

    patch.setattr(MemoryStore, "fetch", fetch)


def _never_reads_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Tally, "resume_from", property(lambda _: None))


def _counts_again(patch: pytest.MonkeyPatch) -> None:
    real = Tally.restore

    def restore(self: Tally, records: Any, committed: int) -> None:
        real(self, records, committed)
        for held in self._slices.values():
            held.seen = 0

    patch.setattr(Tally, "restore", restore)


def _new_names_unsaved(patch: pytest.MonkeyPatch) -> None:
    real = Tally.offer

    def offer(self: Tally, effects: Any, position: int) -> None:
        self._new.clear()
        real(self, effects, position)

    patch.setattr(Tally, "offer", offer)


def _writes_again(patch: pytest.MonkeyPatch) -> None:
    """A worker that does not drop what is already written."""
    real = MemoryBus.open

    async def open_(self: MemoryBus, stage: str, partition: int) -> MemorySeat:
        seat = await real(self, stage, partition)
        positions = [at for at, _ in seat._seat.state.values()]
        seat._committed = min(positions, default=seat._committed)
        return seat

    patch.setattr(MemoryBus, "open", open_)


PLANTS: dict[str, Plant] = {
    "no fence": _no_fence,
    "fenced, but written": _fenced_but_written,
    "outputs before state and position": _outputs_before_the_rest,
    "outputs lost": _apply_with(lambda o, s, p: (o[:-1] if len(o) > 1 else o, s, p)),
    "outputs twice": _apply_with(lambda o, s, p: ([*o, *o[:1]], s, p)),
    "outputs in another order": _apply_with(lambda o, s, p: (o[::-1], s, p)),
    "state lost": _apply_with(lambda o, s, p: (o, {}, p)),
    "state never deleted": _apply_with(lambda o, s, p: (o, {k: v for k, v in s.items() if v}, p)),
    "state at no position": _apply_with(lambda o, s, p: (o, {k: v and (0, v[1]) for k, v in s.items()}, p)),
    "position lost": _apply_with(lambda o, s, p: (o, s, 0)),
    "position only moves with state": _apply_with(lambda o, s, p: (o, s, p if s else 0)),
    "a seat that commits what it has read": _commits_what_it_has_read,
    "a seat that goes on after an error": _alive_after_errors,
    "state not read to its end": _stale_restore,
    "reading backwards": _read_with(lambda records: records[::-1]),
    "reading with holes": _read_with(lambda records: records[:1]),
    "reading more than asked": _greedy,
    "reading that a commit does not wake": _deaf,
    "a cancelled read loses a record": _loses_when_cancelled,
    "following from the start always": _from_the_start,
    "the oldest config kept": _forgets_a_topic,
    "a stage that never reads again": _never_reads_again,
    "a stage that counts again": _counts_again,
    "a stage that does not save what is new": _new_names_unsaved,
    "a worker that writes again": _writes_again,
} | plants_beside.PLANTS


async def _run() -> None:
    async def make() -> Bus:
        return MemoryBus(MemoryStore({"mentions": 2}))

    async def reopen(bus: Bus) -> Bus:
        assert isinstance(bus, MemoryBus)
        return MemoryBus(bus.store)

    await check_bus(make, reopen, settle_s=0.01, check_s=6.0)


@pytest.mark.parametrize("plant", PLANTS)
async def test_planted_faults_are_caught(plant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each fault fails the suite."""
    monkeypatch.setattr(bus_reads, "PROMPT_S", 0.5)
    PLANTS[plant](monkeypatch)
    with pytest.raises((AssertionError, TimeoutError, ExceptionGroup)) as caught:
        await _run()
    print(plant, "->", repr(caught.value)[:150])


async def test_a_sound_bus_passes() -> None:
    """What the plants are put into has no fault of its own."""
    await _run()


def test_the_rereading_checks_read_again() -> None:
    """The names come often enough, and few enough of them, that slices lie at different positions."""
    assert len(set(rereading.NAMES)) == 5
    assert min(rereading.NAMES.count(n) for n in set(rereading.NAMES)) > 5

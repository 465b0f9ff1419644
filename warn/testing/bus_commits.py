"""A step is all or nothing, in order, and only its seat's: what commits and fences must keep."""

import asyncio
import random
from collections.abc import Awaitable

from warn.bus.base import FencedError, Seat
from warn.model.flow import COLLECT, MATCH, MENTIONS, SIGNALS
from warn.stages.base import In, Out
from warn.testing.bus_handle import Handle, following, mention


async def check_order(bus: Handle) -> None:
    """Records of a partition are read in the order in which they were committed, each once, however few at a time."""
    seat = await bus.open(COLLECT, 0)
    for n in range(20):
        await seat.commit([mention(n % 2, b"%d" % n), mention(0, b"%d+" % n)], {}, 0)
    wanted = {
        0: [v for n in range(20) for v in ([b"%d" % n] if n % 2 == 0 else []) + [b"%d+" % n]],
        1: [b"%d" % n for n in range(20) if n % 2],
    }
    for partition, values in wanted.items():
        for limit in (1, 3, 100):
            reading = await bus.open(MATCH, partition)
            records: list[In] = []
            while some := await reading.read(limit, bus.settle_s):
                assert len(some) <= limit, "a read gives more than its limit"
                records += some
            assert [r.value for r in records] == values, (
                "a partition is not read in the order it was written in"
            )
            positions = [r.position for r in records]
            assert positions == sorted(set(positions)), "positions do not rise"
            end = await bus.end(MENTIONS, partition)
            assert end > positions[-1], "the end lies before the last record"
            assert reading.position >= end, "a seat that has read everything is not at the end"
            reading.seek(positions[4])
            again = await reading.read(2, 1.0)
            assert list(again[:1]) == [records[4]], "a seat does not go on where it was sought"
            await reading.close()


async def check_commit(bus: Handle) -> None:
    """Outputs, state and position are there together after a commit, also for the next process."""
    seat = await bus.open(MATCH, 0)
    assert (await seat.restore()).records == []
    big = bytes(range(256)) * 4096
    await seat.commit([Out(SIGNALS, 0, b"", b"one")], {b"a": b"1", b"b": b"", b"\xff\x00": big}, 7)
    await seat.commit([], {b"a": b"2", b"b": None, b"gone": None}, 9)
    await seat.commit([], {}, 12)
    for restart in (False, True):
        if restart:
            await bus.restart()
        restored = await (await bus.open(MATCH, 0)).restore()
        state = {key: (position, body) for key, position, body in restored.records}
        assert state == {b"a": (9, b"2"), b"\xff\x00": (7, big)}, "state is not as it was committed"
        assert restored.committed == 12, "the input position is not the one of the last step"
        other = await (await bus.open(MATCH, 1)).restore()
        assert (list(other.records), other.committed) == ([], 0), "a partition sees another's state"
        async with following(bus, SIGNALS) as reader:
            assert [r[3] for r in await bus.everything(reader)] == [b"one"]


async def check_refused(bus: Handle) -> None:
    """A commit that is refused writes nothing at all, and its seat is dead."""
    seat = await bus.open(MATCH, 0)
    for topic, partition in (("nonesuch", 0), (MENTIONS, 99)):
        try:
            await seat.commit([mention(0, b"x"), Out(topic, partition, b"", b"y")], {b"a": b"1"}, 3)
        except LookupError:
            pass
        else:
            raise AssertionError("a record for a partition that there is not was taken")
        await _dead(seat)
        seat = await bus.open(MATCH, 0)
    restored = await seat.restore()
    assert (list(restored.records), restored.committed) == ([], 0), "a refused commit left state"
    async with following(bus, MENTIONS) as reader:
        assert not await bus.everything(reader), "a refused commit left records"


async def check_fencing(bus: Handle) -> None:
    """Whoever opens a seat fences the one before: its commit is refused whole, and the new one sees all it did."""
    old = await bus.open(MATCH, 0)
    await old.commit([Out(SIGNALS, 0, b"", b"old")], {b"a": b"1"}, 5)
    beside = await bus.open(MATCH, 1)
    new = await bus.open(MATCH, 0)
    try:
        await old.commit([Out(SIGNALS, 0, b"", b"zombie")], {b"a": b"666", b"z": b"9"}, 6)
    except FencedError:
        pass
    else:
        raise AssertionError("a seat that somebody else has opened since can still commit")
    await _dead(old)
    restored = await new.restore()
    assert [tuple(r) for r in restored.records] == [(b"a", 5, b"1")], (
        "state after a fence is not what was committed"
    )
    assert restored.committed == 5
    await new.commit([Out(SIGNALS, 0, b"", b"new")], {}, 6)
    await beside.commit([Out(SIGNALS, 0, b"", b"beside")], {}, 1)
    async with following(bus, SIGNALS) as reader:
        values = [r[3] for r in await bus.everything(reader)]
    assert values == [b"old", b"new", b"beside"], "a zombie's record is seen, or another seat was fenced"


async def check_race(bus: Handle) -> None:
    """A commit that meets the opening of its seat took effect whole, or not at all."""
    rng = random.Random(5)
    seat = await bus.open(MATCH, 0)
    outcomes: list[tuple[bool, bool, bool]] = []
    for n in range(40):
        step = seat.commit([Out(SIGNALS, 0, b"", b"%d" % n)], {b"n": b"%d" % n}, n + 1)
        async with asyncio.TaskGroup() as tasks:
            committing = tasks.create_task(_went_through(step))
            for _ in range(rng.randrange(4)):
                await asyncio.sleep(0)
            opening = tasks.create_task(bus.open(MATCH, 0))
        seat = opening.result()
        restored = await seat.restore()
        saved = b"%d" % n in [r.body for r in restored.records]
        outcomes.append((committing.result(), saved, restored.committed == n + 1))
    async with following(bus, SIGNALS) as reader:
        wrote = {r[3] for r in await bus.everything(reader)}
    for n, outcome in enumerate(outcomes):
        assert {b"%d" % n in wrote} == set(outcome), "a commit took effect by halves, or its answer was wrong"


async def _went_through(commit: Awaitable[None]) -> bool:
    try:
        await commit
    except FencedError:
        return False
    return True


async def _dead(seat: Seat) -> None:
    try:
        await seat.commit([], {}, 99)
    except Exception:  # noqa: BLE001 - any refusal will do
        await seat.close()
    else:
        raise AssertionError("a seat goes on after an error: only opening it anew tells what was committed")


async def check_many(bus: Handle) -> None:
    """Seats commit beside each other: every record is there once, each seat's own in its order."""
    seats = [await bus.open(MATCH, 0), await bus.open(MATCH, 1), await bus.open(COLLECT, 0)]
    rng = random.Random(3)

    async def work(number: int, seat: Seat) -> None:
        for n in range(30):
            await asyncio.sleep(rng.random() / 500)
            await seat.commit([Out(SIGNALS, 0, b"%d" % number, b"%d" % n)], {b"n": b"%d" % n}, n + 1)

    async with asyncio.TaskGroup() as tasks:
        for number, seat in enumerate(seats):
            tasks.create_task(work(number, seat))
    async with following(bus, SIGNALS) as reader:
        records = await bus.everything(reader)
    for number in range(len(seats)):
        assert [r[3] for r in records if r[2] == b"%d" % number] == [b"%d" % n for n in range(30)]

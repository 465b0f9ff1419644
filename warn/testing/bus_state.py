"""What goes on beside the seats: records written without one, and state that others follow."""

import asyncio
from collections.abc import Awaitable, Callable

from warn.bus.base import FencedError, Seat, StateReader
from warn.model.flow import COLLECT, DESK, DETECT, MATCH, MENTIONS, RESPOND, SIGNALS
from warn.stages.base import Out
from warn.testing.bus_handle import Handle, following, mention
from warn.testing.bus_reads import prompt

Seen = dict[tuple[int, bytes], bytes]
"""State as a follower has it, by partition and key."""


async def check_seats(bus: Handle) -> None:
    """A stage has a seat for each partition of its input, collect at least one; those that there are not are refused."""
    assert bus.seats(MATCH) == bus.partitions(MENTIONS) == 2, (
        "match has a seat for each partition of [mentions]"
    )
    assert bus.seats(DETECT) == bus.partitions(SIGNALS), "detect has a seat for each partition of [signals]"
    assert bus.seats(RESPOND) == bus.partitions(DESK) == 1, "respond has one seat"
    assert bus.seats(COLLECT) >= 1, "collect has no seat"
    for stage in (COLLECT, MATCH, DETECT, RESPOND):
        await (await bus.open(stage, bus.seats(stage) - 1)).close()
        try:
            await bus.open(stage, bus.seats(stage))
        except LookupError:
            pass
        else:
            raise AssertionError(f"a seat of {stage} that there is not was opened")


async def check_write(bus: Handle) -> None:
    """What is written without a seat is seen, in order, also by a stage; it fences nobody and nobody fences it."""
    held = await bus.open(RESPOND, 0)
    await bus.write([Out(DESK, 0, b"k", b"%d" % n) for n in range(3)])
    try:
        await held.commit([], {b"a": b"1"}, 1)
    except FencedError:
        raise AssertionError("a write without a seat has fenced one") from None
    await bus.open(RESPOND, 0)
    await bus.write([Out(DESK, 0, b"k", b"3")])
    await bus.write([])
    async with following(bus, DESK) as reader:
        seen = await bus.everything(reader)
        assert [(r[2], r[3]) for r in seen] == [(b"k", b"%d" % n) for n in range(4)], (
            "what was written without a seat is not seen as it was written"
        )
        await bus.write([Out(DESK, 0, b"", b"late")])
        assert [r[3] for r in await bus.everything(reader)] == [b"late"], "a write does not wake a reader"
    await bus.restart()
    await bus.write([Out(DESK, 0, b"", b"after")])
    heir = await bus.open(RESPOND, 0)
    assert (await heir.restore()).committed == 1, "a write has moved a seat"
    async with following(bus, DESK) as reader:
        values = [r[3] for r in await bus.everything(reader)]
    assert values == [b"0", b"1", b"2", b"3", b"late", b"after"], "a restart loses what was written"
    for topic, partition in (("nonesuch", 0), (DESK, 99)):
        await _refused(bus, [mention(0, b"x"), Out(topic, partition, b"", b"y")])
    async with following(bus, MENTIONS) as reader:
        assert not await bus.everything(reader), "a write that was refused left records"


async def _refused(bus: Handle, outputs: list[Out]) -> None:
    try:
        await bus.write(outputs)
    except LookupError:
        return
    raise AssertionError("a record for a partition that there is not was written")


async def check_write_beside(bus: Handle) -> None:
    """Several write while a seat commits to the same partition: everything is there once, each one's in its order."""
    seat = await bus.open(COLLECT, 0)

    async def committing(n: int) -> None:
        await seat.commit([Out(DESK, 0, b"seat", b"%d" % n)], {b"n": b"%d" % n}, n + 1)

    def writing(name: bytes) -> Callable[[int], Awaitable[None]]:
        return lambda n: bus.write([Out(DESK, 0, name, b"%d" % n)])

    async def twenty(step: Callable[[int], Awaitable[None]]) -> None:
        for n in range(20):
            await step(n)

    async with asyncio.TaskGroup() as tasks:
        for step in (committing, writing(b"one"), writing(b"two")):
            tasks.create_task(twenty(step))
    async with following(bus, DESK) as reader:
        records = await bus.everything(reader)
    for name in (b"seat", b"one", b"two"):
        values = [r[3] for r in records if r[2] == name]
        assert values == [b"%d" % n for n in range(20)], (
            "writes beside each other are lost, doubled or out of order"
        )


async def check_honest(bus: Handle) -> None:
    """A reader that gives nothing, however short it was to wait, has given all that was committed before `follow`."""
    one, two = await bus.open(MATCH, 0), await bus.open(MATCH, 1)
    for n in range(25):
        await one.commit([mention(n % 2, b"%d" % n)] * 2, {b"%d" % n: b"x" * n}, n)
        await two.commit([mention(1, b"+%d" % n)], {b"%d" % (n % 7): b"%d" % n}, n)
    wanted = sorted([b"%d" % n for n in range(25)] * 2 + [b"+%d" % n for n in range(25)])
    for restart in (False, True):
        if restart:
            await bus.restart()
        for limit in (3, 1000):
            reader = await bus.follow(MENTIONS)
            values: list[bytes] = []
            while records := await reader.read(limit, 0.0):
                assert len(records) <= limit, "a reader gives more than its limit"
                values += [r[3] for r in records]
            await reader.close()
            assert sorted(values) == wanted, (
                "a reader says that there is nothing before it has given everything"
            )
            follower = await bus.follow_state(MATCH)
            seen = await _taken(follower, limit=limit)
            await follower.close()
            assert len(seen) == 25 + 7, "a follower says that there is nothing before it has given all state"
    end = await bus.end(MENTIONS, 0)
    async with following(bus, MENTIONS, {p: await bus.end(MENTIONS, p) for p in (0, 1)}) as reader:
        await prompt("a read at the end", reader.read(9, 0.0))
        assert end == await bus.end(MENTIONS, 0)


async def check_follow_state(bus: Handle) -> None:
    """Who follows a stage's state has, after each change of any seat, what those seats would restore."""
    seats = [await bus.open(MATCH, 0), await bus.open(MATCH, 1)]
    other = await bus.open(COLLECT, 0)
    await other.commit([], {b"a": b"of another stage"}, 1)
    await seats[0].commit([], {b"a": b"0", b"gone": b"0", b"\xff\x00": b""}, 1)
    await seats[1].commit([], {b"a": b"0"}, 1)
    early = await bus.follow_state(MATCH)
    seen = await _taken(early)
    assert seen == {(0, b"a"): b"0", (0, b"gone"): b"0", (0, b"\xff\x00"): b"", (1, b"a"): b"0"}
    for n in range(1, 30):
        await seats[n % 2].commit([], {b"a": b"%d" % n, b"b": None if n % 3 else b"%d" % n}, n)
    await seats[0].commit([], {b"gone": None, b"never": None}, 30)
    await _taken(early, seen, wait_s=bus.settle_s)
    await _agrees(bus, seen, "a follower's state is not what its seats would restore")
    await early.close()
    await bus.restart()
    late = await bus.follow_state(MATCH)
    fresh = await _taken(late)
    assert fresh == seen, "who follows after a restart has another state"
    heir = await bus.open(MATCH, 0)
    await heir.restore()
    await heir.commit([], {b"a": None, b"c": b"new"}, 31)
    await _taken(late, fresh, wait_s=bus.settle_s)
    await late.close()
    await _agrees(bus, fresh, "a follower misses what a seat's next owner saves")


async def check_follow_state_live(bus: Handle) -> None:
    """A follower sees every key go forward while seats commit, fenced ones nothing, and a commit wakes it."""
    zombie = await bus.open(MATCH, 0)
    seats = [await bus.open(MATCH, 0), await bus.open(MATCH, 1)]
    follower = await bus.follow_state(MATCH)

    async def work(seat: Seat) -> None:
        for n in range(20):
            await seat.commit([], {b"n": b"%d" % n, b"%d" % (n % 3): b"%d" % n}, n + 1)

    seen: Seen = {}
    async with asyncio.TaskGroup() as tasks:
        for seat in seats:
            tasks.create_task(work(seat))
        while any(seen.get((p, b"n")) != b"19" for p in (0, 1)):
            await _taken(follower, seen, wait_s=bus.settle_s)
    await _zombie_commits(zombie)
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(follower.read(9, 30.0))
        await asyncio.sleep(0.02)
        await seats[1].commit([], {b"woken": b"1"}, 99)
        await prompt("a follower's read that a commit should wake", waiting)
    assert list(waiting.result()) == [(1, b"woken", b"1")], (
        "a follower sees what a fenced seat wanted to save"
    )
    await follower.close()


async def _zombie_commits(zombie: Seat) -> None:
    try:
        await zombie.commit([], {b"n": b"666"}, 1)
    except Exception:  # noqa: BLE001 - check_fencing says which
        await zombie.close()
    else:
        raise AssertionError("a seat that somebody else has opened since can still commit")


async def _agrees(bus: Handle, seen: Seen, what: str) -> None:
    for partition in (0, 1):
        seat = await bus.open(MATCH, partition)
        kept = {r.key: r.body for r in (await seat.restore()).records}
        assert {key: body for (p, key), body in seen.items() if p == partition} == kept, what
        await seat.close()


async def _taken(
    follower: StateReader, seen: Seen | None = None, *, limit: int = 3, wait_s: float = 0.0
) -> Seen:
    """State with all changes that a follower gives now."""
    seen = {} if seen is None else seen
    while changes := await follower.read(limit, wait_s):
        assert len(changes) <= limit, "a follower gives more than its limit"
        for partition, key, body in changes:
            old = seen.get((partition, key), b"")
            if body is None:
                seen.pop((partition, key), None)
                continue
            if body.isdigit() and old.isdigit():
                assert int(old) <= int(body), "a follower sees a key go back"
            seen[partition, key] = body
    return seen

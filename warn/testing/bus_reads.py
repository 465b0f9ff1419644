"""Readers see what is committed, in order, and wait no longer than they were told: what `follow` and `read` must keep."""

import asyncio
from collections.abc import Awaitable, Sequence

from warn.model.flow import COLLECT, CONFIG, MATCH, MENTIONS
from warn.stages.base import Out
from warn.testing.bus_handle import Handle, following, mention

PROMPT_S = 3.0
"""What needs no waiting must not take longer."""


async def prompt(what: str, waiting: Awaitable[object]) -> None:
    """This must not take long."""
    try:
        async with asyncio.timeout(PROMPT_S):
            await waiting
    except TimeoutError:
        raise AssertionError(f"{what} takes more than {PROMPT_S} s") from None


async def check_follow(bus: Handle) -> None:
    """A reader sees what is committed, in order, from where it wants, over all partitions; several see the same."""
    seat = await bus.open(COLLECT, 0)
    for n in range(9):
        await seat.commit([mention(n % 2, b"%d" % n)], {}, 0)
    async with following(bus, MENTIONS) as one, following(bus, MENTIONS) as two:
        seen = await bus.everything(one)
        for partition in (0, 1):
            values = [value for p, _, _, value in seen if p == partition]
            assert values == [b"%d" % n for n in range(9) if n % 2 == partition]
        assert {r[2] for r in seen} == {b"k"}
        await seat.commit([mention(1, b"late")], {}, 0)
        assert [r[3] for r in await bus.everything(one)] == [b"late"], (
            "a reader misses what comes, or sees it twice"
        )
        others = sorted(await bus.everything(two))
        assert [r for r in others if r[3] != b"late"] == sorted(seen), "two readers see different records"
    third = [position for p, position, _, _ in seen if p == 0][2]
    end = await bus.end(MENTIONS, 1)
    async with following(bus, MENTIONS, {0: third, 1: end}) as reader:
        assert [(r[0], r[3]) for r in await bus.everything(reader)] == [(0, b"4"), (0, b"6"), (0, b"8")]


async def check_compacted(bus: Handle) -> None:
    """`[config]` keeps the newest body of each key, whatever else it may still show before that."""
    seat = await bus.open(COLLECT, 0)
    for key, body in ((b"a", b"1"), (b"b", b"1"), (b"a", b"2"), (b"c", b"1"), (b"a", b"3")):
        await seat.commit([Out(CONFIG, 0, key, body)], {}, 0)
    await bus.restart()
    async with following(bus, CONFIG) as reader:
        newest = {key: value for _, _, key, value in await bus.everything(reader)}
    assert newest == {b"a": b"3", b"b": b"1", b"c": b"1"}


async def check_waits(bus: Handle) -> None:
    """A read returns when something is committed, and when its time is up; cancelling it loses nothing."""
    collect, match = await bus.open(COLLECT, 0), await bus.open(MATCH, 0)
    await prompt("a read of a seat without input", collect.read(10, 30.0))
    async with following(bus, MENTIONS) as reader:
        for waiting in (match.read(10, 0.05), reader.read(10, 0.05)):
            await prompt("a read that waits 0.05 s", waiting)
        for n in range(3):
            async with asyncio.TaskGroup() as tasks:
                reads: Sequence[asyncio.Task[Sequence[object]]] = (
                    tasks.create_task(_within(match.read(10, 30.0))),
                    tasks.create_task(_within(reader.read(10, 30.0))),
                )
                await asyncio.sleep(0.02)
                await collect.commit([mention(0, b"%d" % n)], {}, 0)
            assert [len(r.result()) for r in reads] == [1, 1], (
                "a commit does not wake a reader with what it wrote"
            )
        try:
            async with asyncio.timeout(0.02):
                await match.read(10, 30.0)
        except TimeoutError:
            pass
        await collect.commit([mention(0, b"after")], {}, 0)
        assert [r.value for r in await match.read(10, 1.0)] == [b"after"], "a cancelled read lost a record"
    await prompt("closing a seat", match.close())


async def _within(read: Awaitable[Sequence[object]]) -> Sequence[object]:
    async with asyncio.timeout(PROMPT_S):
        return await read

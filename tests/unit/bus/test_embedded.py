"""What the embedded bus adds to the port: its checksums, its disk and its writer."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from warn.bus.base import FencedError
from warn.bus.codec import StateTooLargeError, UnreadableStateError
from warn.bus.embedded import EmbeddedBus
from warn.bus.writer import Transaction
from warn.model.errors import Reason, TemporaryError
from warn.model.flow import COLLECT, DETECT, MATCH, MENTIONS, SIGNALS
from warn.stages.base import Out

DAY = 86_400


async def _values(bus: EmbeddedBus, topic: str) -> list[bytes]:
    reader, found = await bus.follow(topic), []
    while some := await reader.read(1000, 0):
        found += [value for _, _, _, value in some]
    return found


# ---- state


async def test_damaged_state_is_refused_by_name(tmp_path: Path) -> None:
    """A state record that is not what was written is refused with stage and key, and stays as it is."""
    bus = await EmbeddedBus.start(tmp_path, durable=False)
    seat = await bus.open(MATCH, 0)
    await seat.commit([], {b"bucket 1": b"good", b"bucket 2": b"good"}, 1)

    def flip(txn: Transaction) -> None:
        txn.db.execute("UPDATE state SET body = zeroblob(length(body)) WHERE key = ?", (b"bucket 2",))

    await bus.writer.do(flip)
    with pytest.raises(
        UnreadableStateError, match=f"match, key {b'bucket 2'.hex()}: a state record without an envelope"
    ):
        await (await bus.open(MATCH, 0)).restore()
    await bus.close()


async def test_too_large_a_body_is_refused(tmp_path: Path) -> None:
    """A state body beyond the limit fails its commit before anything is written."""
    bus = await EmbeddedBus.start(tmp_path, durable=False)
    seat = await bus.open(MATCH, 0)
    with pytest.raises(StateTooLargeError, match="4,194,305 bytes"):
        await seat.commit([Out(SIGNALS, 0, b"", b"x")], {b"k": bytes(4 * 1024 * 1024 + 1)}, 1)
    assert await bus.end(SIGNALS, 0) == 0
    await bus.close()


# ---- the disk


async def test_intake_stops_before_the_disk_is_full(tmp_path: Path) -> None:
    """With little space left cursors do not move, while the clock and everybody else go on."""
    free = 511 << 20
    bus = await EmbeddedBus.start(tmp_path, durable=False, free_bytes=lambda: free)
    for stage in (MATCH, DETECT):
        await (await bus.open(stage, 0)).commit([Out(SIGNALS, 0, b"", b"x")], {b"k": b"v"}, 1)
    collect = await bus.open(COLLECT, 0)
    await collect.commit([Out(MENTIONS, 0, b"", b"clock")], {}, 0)
    with pytest.raises(TemporaryError, match="511 MB are free") as caught:
        await collect.commit([Out(MENTIONS, 0, b"", b"mention")], {b"cursor": b"1"}, 0)
    assert caught.value.reason is Reason.DISK
    assert await _values(bus, MENTIONS) == [b"clock"]
    free = 513 << 20
    await (await bus.open(COLLECT, 0)).commit([Out(MENTIONS, 0, b"", b"mention")], {b"cursor": b"1"}, 0)
    assert await _values(bus, MENTIONS) == [b"clock", b"mention"]
    await bus.close()


async def test_a_full_disk_is_told_as_such(tmp_path: Path) -> None:
    """A commit that finds no room fails whole, by its reason; when there is room again the bus goes on."""
    bus = await EmbeddedBus.start(tmp_path)
    await bus.writer.do(lambda txn: None)
    bus.writer._db.execute("PRAGMA max_page_count = 40")
    seat = await bus.open(MATCH, 0)
    with pytest.raises(TemporaryError, match="disk is full") as caught:
        await seat.commit([Out(SIGNALS, 0, b"", bytes(200_000))], {b"k": b"v"}, 1)
    assert caught.value.reason is Reason.DISK
    bus.writer._db.execute("PRAGMA max_page_count = 1000000")
    seat = await bus.open(MATCH, 0)
    assert not (await seat.restore()).records
    await seat.commit([Out(SIGNALS, 0, b"", b"small")], {}, 1)
    assert await _values(bus, SIGNALS) == [b"small"]
    await bus.close()


# ---- the writer


async def test_waiting_steps_share_a_transaction(tmp_path: Path) -> None:
    """Steps that wait are synced together; one that fails or is fenced takes no other with it."""
    bus = await EmbeddedBus.start(tmp_path)
    seats = [await bus.open("toy", n) for n in range(20)]
    await bus.open("toy", 7)
    groups: list[int] = []
    real = bus.writer._group

    def group(jobs: object) -> object:
        groups.append(len(jobs))
        return real(jobs)

    bus.writer._group = group  # type: ignore[method-assign, assignment]

    def broken(txn: Transaction) -> None:
        txn.db.execute("INSERT INTO log VALUES (1, 2, 3, 4)")

    steps = [s.commit([Out(SIGNALS, 0, b"", b"%d" % n)], {}, 1) for n, s in enumerate(seats)]
    results = await asyncio.gather(*steps, bus.writer.do(broken), return_exceptions=True)
    assert isinstance(results[7], FencedError)
    assert isinstance(results[-1], sqlite3.IntegrityError)
    assert [r for n, r in enumerate(results[:-1]) if n != 7] == [None] * 19
    assert len(groups) < 20 or max(groups) > 1, "nothing was grouped"
    values = await _values(bus, SIGNALS)
    assert sorted(values, key=int) == [b"%d" % n for n in range(20) if n != 7]
    reader = await bus.follow(SIGNALS)
    assert [r[1] for r in await reader.read(100, 0)] == list(range(19)), "a failed step left a hole"
    await bus.close()


async def test_closing_finishes_what_waits(tmp_path: Path) -> None:
    """Steps that were handed in before the bus is closed are written, and none after."""
    bus = await EmbeddedBus.start(tmp_path)
    seats = [await bus.open("toy", n) for n in range(8)]
    async with asyncio.TaskGroup() as tasks:
        for seat in seats:
            tasks.create_task(seat.commit([Out(SIGNALS, 0, b"", b"x")], {}, 1))
        await asyncio.sleep(0)
        tasks.create_task(bus.close())
    with pytest.raises(RuntimeError, match="closed"):
        await bus.open("toy", 0)
    again = await EmbeddedBus.start(tmp_path)
    assert await again.end(SIGNALS, 0) == 8
    await again.close()


async def test_large_reads_come_in_parts(tmp_path: Path) -> None:
    """A read stops at about a megabyte: it is done in the loop's own turn."""
    bus = await EmbeddedBus.start(tmp_path, durable=False)
    collect = await bus.open(COLLECT, 0)
    await collect.commit([Out(MENTIONS, 0, b"", bytes(100_000))] * 30, {}, 0)
    match = await bus.open(MATCH, 0)
    sizes = []
    while some := await match.read(500, 0):
        sizes.append(len(some))
    assert sum(sizes) == 30
    assert max(sizes) == 11
    await bus.close()

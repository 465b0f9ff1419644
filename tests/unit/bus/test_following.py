"""Who follows the embedded bus sees every commit that counts, whoever waited for it; and there is one seat of collect."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from warn.bus.base import StateReader
from warn.bus.codec import UnreadableStateError
from warn.bus.embedded import EmbeddedBus
from warn.model.flow import COLLECT, MATCH, RESPOND


async def _all(reader: StateReader) -> list[tuple[int, bytes, bytes | None]]:
    found: list[tuple[int, bytes, bytes | None]] = []
    while some := await reader.read(2, 0.0):
        found += some
    return found


@pytest.mark.parametrize("durable", [True, False])
async def test_a_commit_that_nobody_waits_for_any_more_is_followed(tmp_path: Path, durable: bool) -> None:
    """Cancelling who waits does not undo the commit: a follower that missed it would be wrong for ever."""
    bus = await EmbeddedBus.start(tmp_path, durable=durable)
    reader = await bus.follow_state(MATCH)
    seat = await bus.open(MATCH, 0)
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(seat.commit([], {b"k": b"1"}, 1))
        await asyncio.sleep(0)
        waiting.cancel()
    restored = await (await bus.open(MATCH, 0)).restore()
    assert await _all(reader) == [(0, r.key, r.body) for r in restored.records]
    await bus.close()


async def test_many_followers_that_come_while_seats_commit_all_end_up_with_the_same(tmp_path: Path) -> None:
    """Each begins somewhere between two commits, and misses none after that."""
    bus = await EmbeddedBus.start(tmp_path)
    seat = await bus.open(MATCH, 0)
    readers: list[StateReader] = []

    async def commit() -> None:
        for n in range(60):
            await seat.commit([], {b"%d" % (n % 7): b"%d" % n, b"gone": None if n % 2 else b"x"}, n)

    async def follow() -> None:
        readers.extend([await bus.follow_state(MATCH) for _ in range(20)])

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(commit())
        tasks.create_task(follow())
    for reader in readers:
        state: dict[bytes, bytes] = {}
        for _, key, body in await _all(reader):
            state.pop(key, None)
            if body is not None:
                state[key] = body
        assert state == {b"%d" % (n % 7): b"%d" % n for n in range(53, 60)}
        await reader.close()
    await bus.close()


async def test_a_reader_that_was_closed_is_told_nothing(tmp_path: Path) -> None:
    """Else what it never reads would pile up in it."""
    bus = await EmbeddedBus.start(tmp_path)
    reader, seat = await bus.follow_state(MATCH), await bus.open(MATCH, 0)
    await reader.close()
    await reader.close()
    await seat.commit([], {b"k": b"1"}, 1)
    assert await _all(reader) == []
    await bus.close()


async def test_damaged_state_is_told_not_followed(tmp_path: Path) -> None:
    """A checksum stands between a disk and whoever follows, as it does for a restore."""
    bus = await EmbeddedBus.start(tmp_path)
    seat = await bus.open(MATCH, 0)
    await seat.commit([], {b"k": b"1234567890"}, 1)
    await bus.close()
    with sqlite3.connect(tmp_path / "bus.db") as db:
        db.execute("UPDATE state SET body = CAST(substr(body, 1, length(body) - 1) || x'00' AS BLOB)")
    db.close()
    bus = await EmbeddedBus.start(tmp_path)
    reader = await bus.follow_state(MATCH)
    with pytest.raises(UnreadableStateError):
        await reader.read(1, 0.0)
    await bus.close()


async def test_one_process_has_one_seat_of_collect(tmp_path: Path) -> None:
    """There is nobody to spread connectors over."""
    bus = await EmbeddedBus.start(tmp_path, partitions={"mentions": 6})
    assert [bus.seats(stage) for stage in (COLLECT, MATCH, RESPOND)] == [1, 6, 1]
    with pytest.raises(LookupError, match="no seat 1"):
        await bus.open(COLLECT, 1)
    await bus.close()


async def test_a_folder_with_the_seat_of_the_senders_of_old_is_readable(tmp_path: Path) -> None:
    """0.1 wrote receipts through a seat of their own; its row stays where it is and means nothing."""
    bus = await EmbeddedBus.start(tmp_path)
    await (await bus.open(RESPOND, 0)).commit([], {b"k": b"1"}, 4)
    await bus.close()
    with sqlite3.connect(tmp_path / "bus.db") as db:
        db.execute("INSERT INTO seats (stage, partition, epoch, committed) VALUES ('senders', 0, 3, 17)")
    db.close()
    bus = await EmbeddedBus.start(tmp_path)
    restored = await (await bus.open(RESPOND, 0)).restore()
    assert [tuple(r) for r in restored.records] == [(b"k", 4, b"1")]
    await bus.expire(2_000_000_000)
    await bus.close()

"""What the embedded bus forgets, when, and what it must not forget."""

import os
from pathlib import Path

import pytest

from warn.bus.base import TrimmedError
from warn.bus.embedded import EmbeddedBus
from warn.bus.topics import KEPT_CONFIGS, REREAD_S, RETENTION_S
from warn.model.flow import COLLECT, CONFIG, DEADLETTERS, HISTORY, MATCH, MENTIONS
from warn.stages.base import Out

DAY = 86_400


async def _values(bus: EmbeddedBus, topic: str) -> list[bytes]:
    reader, found = await bus.follow(topic), []
    while some := await reader.read(1000, 0):
        found += [value for _, _, _, value in some]
    return found


class _Aging:
    """A bus whose clock is set by hand."""

    def __init__(self, folder: Path, **options: object) -> None:
        self.now = 1_000_000_000
        self._folder = folder
        self._options = options

    async def __aenter__(self) -> EmbeddedBus:
        self.bus = await EmbeddedBus.start(
            self._folder,
            durable=False,
            clock=lambda: self.now,
            **self._options,
        )
        return self.bus

    async def __aexit__(self, *_: object) -> None:
        await self.bus.close()


async def test_records_are_forgotten_by_age(tmp_path: Path) -> None:
    """Each topic forgets at its own age, positions go on where they were, and a restart changes neither."""
    aging = _Aging(tmp_path)
    async with aging as bus:
        seat = await bus.open("toy", 0)
        for n in range(1500):
            if n % 500 == 0:
                aging.now += DAY
            await seat.commit([Out(t, 0, b"", b"%d" % n) for t in (MENTIONS, DEADLETTERS, HISTORY)], {}, 0)
        last = aging.now
        await bus.expire(last + RETENTION_S[MENTIONS] - DAY + 1)
        assert await _values(bus, MENTIONS) == [b"%d" % n for n in range(1000, 1500)]
        assert len(await _values(bus, HISTORY)) == 1500
        await bus.expire(last + RETENTION_S[MENTIONS] + 1)
        assert await _values(bus, MENTIONS) == []
        assert await bus.end(MENTIONS, 0) == 1500
    async with aging as bus:
        assert await bus.end(MENTIONS, 0) == 1500
        seat = await bus.open("toy", 0)
        await seat.commit([Out(MENTIONS, 0, b"", b"next")], {}, 0)
        match = await bus.open(MATCH, 0)
        assert (await match.restore()).committed == 1500, "a new seat begins where records begin"
        assert [tuple(r) for r in await match.read(5, 0)] == [(1500, b"next")]
        match.seek(0)
        with pytest.raises(TrimmedError, match="begins at 1500, and match has to read it from 0"):
            await match.read(5, 0)


async def test_what_a_seat_needs_is_kept(tmp_path: Path) -> None:
    """Whatever its age, a record stays until its stage has taken it in, and an hour of the log longer."""
    aging = _Aging(tmp_path)
    async with aging as bus:
        collect, match = await bus.open(COLLECT, 0), await bus.open(MATCH, 0)
        for n in range(100):
            aging.now += 600
            await collect.commit([Out(MENTIONS, 0, b"", b"%d" % n)], {}, 0)
        much_later = aging.now + 300 * DAY
        await bus.expire(much_later)
        assert len(await _values(bus, MENTIONS)) == 100, "nothing is taken in yet"
        await match.commit([], {}, 50)
        await bus.expire(much_later)
        kept = [int(v) for v in await _values(bus, MENTIONS)]
        assert kept == list(range(50 - 1 - REREAD_S // 600, 100))
        await match.commit([], {}, 100)
        await bus.expire(much_later)
        assert [int(v) for v in await _values(bus, MENTIONS)] == list(range(99 - REREAD_S // 600, 100))


async def test_the_newest_configs_stay(tmp_path: Path) -> None:
    """Rule sets may be in force for years: the newest are kept whatever their age."""
    aging = _Aging(tmp_path)
    async with aging as bus:
        seat = await bus.open(COLLECT, 0)
        for n in range(KEPT_CONFIGS + 20):
            await seat.commit([Out(CONFIG, 0, b"%d" % n, b"%d" % n)], {}, 0)
        await bus.expire(aging.now + RETENTION_S[CONFIG] - 1)
        assert len(await _values(bus, CONFIG)) == KEPT_CONFIGS + 20
        await bus.expire(aging.now + 2000 * DAY)
        assert await _values(bus, CONFIG) == [b"%d" % n for n in range(20, KEPT_CONFIGS + 20)]


async def test_a_large_file_forgets_sooner(tmp_path: Path) -> None:
    """Above its limit the bus shortens every age until it fits, gives the space back, and keeps what seats need."""
    aging = _Aging(tmp_path, max_bytes=3_000_000)
    async with aging as bus:
        seat = await bus.open("toy", 0)
        for _ in range(60):
            aging.now += 3600
            await seat.commit([Out(MENTIONS, 0, b"", os.urandom(150_000))], {}, 0)
        await bus.expire(aging.now)
        kept = len(await _values(bus, MENTIONS))
        assert 5 < kept < 20
        bus.writer._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert (tmp_path / "bus.db").stat().st_size < 4_500_000
        match = await bus.open(MATCH, 0)
        first = (await match.restore()).committed
        for _ in range(60):
            aging.now += 3600
            await seat.commit([Out(MENTIONS, 0, b"", os.urandom(150_000))], {}, 0)
        await bus.expire(aging.now)
        assert (await match.read(1, 0))[0].position == first, "the limit took what match has not seen"


async def test_forgotten_text_is_gone_from_the_file(tmp_path: Path) -> None:
    """What was trimmed cannot be found in the file any more."""
    secret = b"nobody should read this after seven days "
    aging = _Aging(tmp_path)
    async with aging as bus:
        seat = await bus.open("toy", 0)
        await seat.commit([Out(MENTIONS, 0, b"", secret * 100), Out(HISTORY, 0, b"", b"stays")], {}, 0)
        bus.writer._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert secret in (tmp_path / "bus.db").read_bytes()
        await bus.expire(aging.now + 8 * DAY)
        for name in ("bus.db", "bus.db-wal"):
            assert secret not in (tmp_path / name).read_bytes(), name

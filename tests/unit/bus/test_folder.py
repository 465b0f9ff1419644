"""Whose a data folder is, what it keeps, and what happens where it is not as it should be."""

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from warn.bus.embedded import EmbeddedBus
from warn.bus.folder import BusFolderError
from warn.bus.topics import PartitionsError
from warn.bus.writer import Transaction
from warn.model.flow import COLLECT, HISTORY, MENTIONS, SIGNALS
from warn.stages.base import Out

DAY = 86_400


async def _values(bus: EmbeddedBus, topic: str) -> list[bytes]:
    reader, found = await bus.follow(topic), []
    while some := await reader.read(1000, 0):
        found += [value for _, _, _, value in some]
    return found


async def test_one_process_owns_a_folder(tmp_path: Path) -> None:
    """A second process is told which folder is in use, by whom, and what to do; afterwards the folder is free."""
    bus = await EmbeddedBus.start(tmp_path)
    program = (
        "import asyncio, sys, pathlib\nfrom warn.bus.embedded import EmbeddedBus\n"
        "async def main():\n    await (await EmbeddedBus.start(pathlib.Path(sys.argv[1]))).close()\n"
        "asyncio.run(main())"
    )
    root = Path(__file__).parents[3]

    def second() -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "PYTHONPATH": str(root)}
        return subprocess.run(
            [sys.executable, "-c", program, str(tmp_path)],
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )

    refused = await asyncio.to_thread(second)
    assert refused.returncode
    assert f"{tmp_path} is in use by process {os.getpid()}: stop that one first" in refused.stderr
    await bus.close()
    assert (await asyncio.to_thread(second)).returncode == 0


async def test_private_and_safe(tmp_path: Path) -> None:
    """Others on the machine cannot read the file, commits are synced, and what is deleted is overwritten."""
    bus = await EmbeddedBus.start(tmp_path / "new" / "folder")
    assert stat.S_IMODE((bus.folder / "bus.db").stat().st_mode) == 0o600
    assert stat.S_IMODE(bus.folder.stat().st_mode) == 0o700

    def pragmas(txn: Transaction) -> list[object]:
        names = (
            "journal_mode",
            "synchronous",
            "secure_delete",
            "auto_vacuum",
            "trusted_schema",
            "foreign_keys",
        )
        return [txn.db.execute(f"PRAGMA {name}").fetchone()[0] for name in names]

    assert await bus.writer.do(pragmas) == ["wal", 2, 1, 2, 0, 1]
    await bus.close()
    relaxed = await EmbeddedBus.start(bus.folder, durable=False)
    assert (await relaxed.writer.do(pragmas))[:2] == ["wal", 0]
    with pytest.raises(sqlite3.OperationalError):
        relaxed._reading.execute("DELETE FROM log")
    await relaxed.close()


async def test_partition_counts_are_kept(tmp_path: Path) -> None:
    """A folder keeps the counts it was made with, refuses others, and says how to go on."""
    await (await EmbeddedBus.start(tmp_path, partitions={MENTIONS: 6, SIGNALS: 2})).close()
    with pytest.raises(
        PartitionsError, match=r"made with 6 partitions of \[mentions\], and 1 are asked for: set it to 6"
    ):
        await EmbeddedBus.start(tmp_path, partitions={MENTIONS: 1})
    bus = await EmbeddedBus.start(tmp_path)
    assert [bus.partitions(t) for t in (MENTIONS, SIGNALS, HISTORY)] == [6, 2, 1]
    with pytest.raises(LookupError):
        bus.partitions("nonesuch")
    await bus.close()


@pytest.mark.parametrize("count", [0, 7, 61, -1])
async def test_partition_counts_that_cannot_be(tmp_path: Path, count: int) -> None:
    """Memory is kept in 60 buckets, so the partitions of [mentions] divide 60."""
    with pytest.raises(PartitionsError, match="must divide 60"):
        await EmbeddedBus.start(tmp_path, partitions={MENTIONS: count})
    bus = await EmbeddedBus.start(tmp_path, partitions={MENTIONS: 12})  # and the folder was let go
    await bus.close()


async def test_a_later_format_is_left_alone(tmp_path: Path) -> None:
    """A file that a later release made is refused and not touched."""
    await (await EmbeddedBus.start(tmp_path)).close()
    db = sqlite3.connect(tmp_path / "bus.db")
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(BusFolderError, match="written by a later release"):
        await EmbeddedBus.start(tmp_path)


@pytest.mark.parametrize("harm", ["page", "header", "text"])
async def test_a_damaged_file_is_set_aside(tmp_path: Path, harm: str) -> None:
    """A damaged file is kept for whoever wants to look, and the bus begins anew and says so."""
    bus = await EmbeddedBus.start(tmp_path, durable=False)
    seat = await bus.open(COLLECT, 0)
    await seat.commit([Out(MENTIONS, 0, b"", b"x" * 300)] * 500, {}, 0)
    await bus.close()
    path = tmp_path / "bus.db"
    whole = bytearray(path.read_bytes())
    if harm == "page":
        whole[4096 * 5 : 4096 * 20] = b"\x55" * 4096 * 15
    elif harm == "header":
        whole[:200] = bytes(200)
    else:
        whole = bytearray(b"this is no database\n" * 400)
    path.write_bytes(whole)
    bus = await EmbeddedBus.start(tmp_path)
    assert bus.set_aside is not None
    assert bus.set_aside.read_bytes() == whole
    assert await _values(bus, MENTIONS) == []
    await bus.close()
    bus = await EmbeddedBus.start(tmp_path)
    assert bus.set_aside is None
    await bus.close()

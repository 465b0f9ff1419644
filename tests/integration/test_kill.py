"""A process that is killed anywhere and started again has lost nothing and counted nothing twice."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.integration.kill_child import PARTITIONS, name_of
from warn.bus.embedded import EmbeddedBus
from warn.model.flow import COLLECT, MENTIONS, SIGNALS
from warn.testing.tally import tallied

ROOT = Path(__file__).parents[2]


def _start(folder: Path, target: int, mode: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, str(ROOT / "tests/integration/kill_child.py"), str(folder), str(target), mode],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def _kill_after(child: subprocess.Popen[bytes], seconds: float) -> None:
    assert child.stdout is not None
    with child.stdout:
        assert child.stdout.readline() == b"ready\n"
        time.sleep(seconds)
    assert child.poll() is None, "it ended by itself"
    child.send_signal(signal.SIGKILL)
    child.wait(10)


async def _contents(folder: Path) -> tuple[int, list[bytes], list[bytes]]:
    bus = await EmbeddedBus.start(folder, partitions=PARTITIONS)
    assert bus.set_aside is None
    cursor = next((int(r.body) for r in (await (await bus.open(COLLECT, 0)).restore()).records), 0)
    values = []
    for topic in (MENTIONS, SIGNALS):
        reader, found = await bus.follow(topic), []
        while some := await reader.read(1000, 0):
            found += [value for _, _, _, value in some]
        values.append(found)
    await bus.close()
    return cursor, values[0], values[1]


@pytest.mark.parametrize("mode", ["durable", "relaxed"])
async def test_killed_anywhere(tmp_path: Path, mode: str) -> None:
    """After every kill the file is sound, and cursor, mentions and what was counted belong together to the record."""
    rng = random.Random(20261121)
    kills = 10 if mode == "durable" else 5
    last = 0
    for _ in range(kills):
        _kill_after(_start(tmp_path, 10**9, mode), rng.uniform(0.0, 0.15))
        with sqlite3.connect(tmp_path / "bus.db") as db:
            assert db.execute("PRAGMA quick_check").fetchone() == ("ok",)
        db.close()
        cursor, mentions, signals = await _contents(tmp_path)
        names = [name_of(n) for n in range(cursor)]
        assert mentions == names
        assert signals == tallied(names)[: len(signals)]
        assert cursor >= last
        last = cursor
    assert last > 20 * kills, "the kills hit nothing at work"
    child = _start(tmp_path, last + 50, mode)
    child.communicate(timeout=30)
    assert child.returncode == 0
    cursor, _, signals = await _contents(tmp_path)
    assert cursor == last + 50
    assert signals == tallied(name_of(n) for n in range(cursor))

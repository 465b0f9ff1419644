"""What is blanked, or too old, lies nowhere in the file: not in copies either that SQLite made when it moved records about."""

import os
import random
from pathlib import Path

import pytest

from warn.bus.embedded import EmbeddedBus
from warn.bus.topics import RETENTION_S
from warn.model.flow import AUDIT, DEADLETTERS, DESK, EVIDENCE, HISTORY, MENTIONS, SIGNALS
from warn.stages.base import Out

MARK = b"MARKED"
START = 1_000_000_000
TOPICS = (MENTIONS, EVIDENCE, SIGNALS, DESK, AUDIT, HISTORY, DEADLETTERS)


async def fill(bus: EmbeddedBus, rng: random.Random) -> None:
    """Records of many lengths in several topics by turns, which makes SQLite move those of others; some are marked."""
    for _ in range(80):
        outs = []
        for topic in rng.sample(TOPICS, 3):
            marked = MARK if topic in (MENTIONS, EVIDENCE) and rng.random() < 0.2 else b"x"
            outs.append(Out(topic, 0, b"", marked + os.urandom(rng.choice((30, 100, 300, 700)))))
        await bus.write(outs)


def left(folder: Path) -> int:
    return sum(path.read_bytes().count(MARK) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("seed", range(20))
async def test_what_was_blanked(tmp_path: Path, seed: int) -> None:
    """Where the file is not made anew it is found in one of five."""
    bus = await EmbeddedBus.start(tmp_path, free_needed=0, durable=False)
    try:
        await fill(bus, random.Random(seed))
        assert left(tmp_path)
        for topic in (MENTIONS, EVIDENCE):
            await bus.rewrite(topic, lambda value: b"gone" if value.startswith(MARK) else None)
        assert not left(tmp_path)
        await bus.write([Out(MENTIONS, 0, b"", b"and on it goes")])
    finally:
        await bus.close()


@pytest.mark.parametrize("seed", range(20))
async def test_what_is_too_old(tmp_path: Path, seed: int) -> None:
    bus = await EmbeddedBus.start(tmp_path, free_needed=0, durable=False, clock=lambda: START)
    try:
        await fill(bus, random.Random(seed))
        await bus.expire(START + RETENTION_S[EVIDENCE] + 1)
        assert await bus.end(EVIDENCE, 0) and not left(tmp_path)
    finally:
        await bus.close()

"""Files under other names, what is no file at all, and compressed ones that are long or damaged."""

import gzip
import os
import random
import time
from pathlib import Path

import pytest

from tests.contract.connectors.test_files import follow, gaps
from tests.contract.connectors.writing import ids, line, lines
from warn.ingest.following import read_on


@pytest.mark.parametrize("restart", [False, True])
async def test_a_file_that_is_renamed_within_the_folder_is_read_once(tmp_path: Path, restart: bool) -> None:
    """`a` becomes `a.1`, and what was `a.1` becomes `a.2`, as they do every night."""
    now, before, oldest = (tmp_path / f"{name}.jsonl" for name in ("a", "a.1", "a.2"))
    before.write_bytes(lines(range(10)))
    now.write_bytes(lines(range(10, 20)))
    async with follow(tmp_path) as reading:
        assert sorted(ids(await reading.look())) == list(range(20))
        before.rename(oldest)
        now.rename(before)
        with before.open("ab") as out:
            out.write(line(20))
        now.write_bytes(lines(range(21, 25)))
        if not restart:
            assert sorted(ids(await reading.look())) == list(range(20, 25))
            assert await reading.look() == [] and not gaps(reading.found)
            return
    async with follow(tmp_path, cursor=reading.cursor) as again:
        assert sorted(ids(await again.look())) == list(range(20, 25))
        assert not gaps(again.found)


async def test_a_file_with_two_names_is_read_once(tmp_path: Path) -> None:
    one, current = tmp_path / "app-1.jsonl", tmp_path / "current.jsonl"
    one.write_bytes(lines(range(5)))
    current.symlink_to(one)
    os.link(one, tmp_path / "zz.jsonl")
    async with follow(tmp_path) as reading:
        assert ids(await reading.look()) == list(range(5))
        two = tmp_path / "app-2.jsonl"
        two.write_bytes(lines(range(5, 8)))
        current.unlink()
        current.symlink_to(two)
        with one.open("ab") as out:
            out.write(line(8))
        assert sorted(ids(await reading.look())) == [5, 6, 7, 8]
        assert not gaps(reading.found)


async def test_a_pipe_is_told_and_holds_up_no_file(tmp_path: Path) -> None:
    pipe, path = tmp_path / "pipe", tmp_path / "a.jsonl"
    os.mkfifo(pipe)
    path.write_bytes(lines(range(3)))
    async with follow(pipe, path, tmp_path / "none") as reading:
        found = [await anext(reading._batches) for _ in range(2)]
        assert ids(found) == [0, 1, 2]
        assert [(t.where, t.message) for t in found[-1].troubles] == [
            (str(pipe), "is a pipe or a device, not a file"),
            (str(tmp_path / "none"), "is not there"),
        ]
    with pytest.raises(OSError, match="no file"):
        read_on(pipe, None, now=time.time())  # put in a file's place between two looks


async def test_of_a_damaged_file_everything_before_the_damage_is_read(tmp_path: Path) -> None:
    chance = random.Random(4)
    body = b"".join(line(i).replace(b"kettle", chance.randbytes(40).hex().encode()) for i in range(1_000))
    packed, path = gzip.compress(body), tmp_path / "a.jsonl.gz"
    path.write_bytes(packed[: len(packed) * 3 // 4])
    os.utime(path, (1_700_000_000, 1_700_000_000))
    async with follow(tmp_path) as reading:
        found = await reading.look()
        assert await reading.look() == []
    whole = ids(found)
    assert whole == list(range(len(whole))) and 700 < len(whole) < 800
    assert ["damaged" in r.message for batch in found for r in batch.refused] == [True]


async def test_a_long_compressed_file_takes_no_longer_by_the_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    with gzip.open(path, "wb", 1) as out:
        for _ in range(12):
            out.write(b"x" * 7_000_000 + b"\n")
        out.write(lines(range(40_000)))
    os.utime(path, (1_700_000_000, 1_700_000_000))
    async with follow(tmp_path) as reading:
        started = time.process_time()
        assert ids(await reading.look()) == list(range(40_000))
        assert time.process_time() - started < 5.0  # from its beginning each time: 12 s

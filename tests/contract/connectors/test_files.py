"""Files and folders that are written while they are read."""

import asyncio
import gzip
import json
import os
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Self

import pytest

from connectors.files import FilesConfig, FilesConnector
from tests.contract.connectors.writing import ids, line, lines
from warn.ingest.connector import Batch, Connector, Cursor
from warn.model.errors import PermanentError, Reason, TemporaryError
from warn.testing.check_connector import Failing, Made, Until, check_connector


class Reading:
    """A connector that is being read, look by look."""

    def __init__(self, connector: Connector, cursor: Cursor | None = None) -> None:
        self._batches = connector.batches(cursor)
        self.cursor = cursor
        self.found: list[Batch] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._batches.aclose()

    async def look(self) -> list[Batch]:
        """Until there is nothing more."""
        found: list[Batch] = []
        async with asyncio.timeout(10):
            while True:
                batch = await anext(self._batches)
                self.cursor = batch.cursor or self.cursor
                if batch == Batch():
                    self.found += found
                    return found
                found.append(batch)


def follow(*paths: Path, cursor: Cursor | None = None, **of: object) -> Reading:
    config = FilesConfig(name="log", paths=tuple(map(str, paths)), every=0.05, **of)
    return Reading(FilesConnector(config), cursor)


def gaps(batches: Sequence[Batch]) -> int:
    return sum(len(batch.gaps) for batch in batches)


async def test_contract(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(lines(range(1_200)))
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(lines(range(2_000, 2_900))))
    os.utime(tmp_path / "b.jsonl.gz", (1_700_000_000, 1_700_000_000))
    (tmp_path / "ignored.txt").write_bytes(lines(range(5)))

    def make() -> Made:
        config = FilesConfig(name="log", paths=(str(tmp_path),), every=0.05)
        return config, Until(FilesConnector(config), lambda batch: batch == Batch())

    gone = FilesConfig(name="log", paths=(str(tmp_path / "Marker Person"),))
    await check_connector(
        make,
        failing={"no file": Failing(lambda: FilesConnector(gone), TemporaryError, Reason.CONFIG)},
        secrets=["Marker Person"],
    )


async def test_it_follows_and_takes_whole_lines_only(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(lines(range(3)))
    async with follow(path) as reading:
        assert ids(await reading.look()) == [0, 1, 2]
        with path.open("ab") as out:
            out.write(line(3)[:40])
            out.flush()
            assert await reading.look() == []
            out.write(line(3)[40:] + line(4)[:-1])
        assert ids(await reading.look()) == [3]
        os.utime(path, (1_700_000_000, 1_700_000_000))  # for long nobody has written to it
        assert ids(await reading.look()) == [4]
        assert await reading.look() == []
    assert not gaps(reading.found)


@pytest.mark.parametrize("restart", [False, True])
async def test_rotation_loses_nothing(tmp_path: Path, restart: bool) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(lines(range(10)))
    async with follow(path) as reading:
        await reading.look()
        cursor = None
        if restart:
            cursor = reading.cursor
        with path.open("ab") as out:
            out.write(lines(range(10, 20)))
        path.rename(tmp_path / "a.log.1")
        path.write_bytes(lines(range(20, 25)))
        if not restart:
            assert ids(await reading.look()) == list(range(10, 25))
            assert not gaps(reading.found)
            return
    async with follow(path, cursor=cursor) as again:
        assert ids(await again.look()) == list(range(10, 25))
    assert not gaps(again.found)


async def test_rotation_out_of_reach_is_a_gap(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(lines(range(10)))
    async with follow(path) as reading:
        await reading.look()
        path.unlink()
        path.write_bytes(lines(range(20, 25)))
        found = await reading.look()
    assert ids(found) == list(range(20, 25))
    assert gaps(found) == 1


async def test_a_file_that_was_cut_off_is_read_from_its_start_and_that_is_a_gap(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(lines(range(10)))
    async with follow(path) as reading:
        await reading.look()
        os.truncate(path, 0)
        with path.open("ab") as out:
            out.write(lines(range(20, 23)))
        found = await reading.look()
    assert ids(found) == [20, 21, 22]
    assert gaps(found) == 1


async def test_another_file_in_the_same_inode_is_told_by_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(lines(range(3)))
    async with follow(path) as reading:
        await reading.look()
        with path.open("r+b") as out:
            out.write(lines(range(50, 60)))
        assert ids(await reading.look()) == list(range(50, 60))


async def test_from_the_end_on(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(lines(range(10)) + line(10)[:30])
    async with follow(tmp_path, begin="end") as reading:
        assert ids(await reading.look()) == []
        first = reading.cursor
        with path.open("ab") as out:
            out.write(line(10)[30:] + line(11))
        (tmp_path / "later.jsonl").write_bytes(line(12))
        assert ids(await reading.look()) == [10, 11, 12]
    async with follow(tmp_path, begin="end", cursor=first) as again:
        assert ids(await again.look()) == [10, 11, 12]


async def test_a_compressed_file_is_read_once_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(lines(range(700))))
    async with follow(tmp_path) as reading:
        assert await reading.look() == []
        os.utime(path, (1_700_000_000, 1_700_000_000))
        assert ids(await reading.look()) == list(range(700))
        assert await reading.look() == []
    async with follow(tmp_path, cursor=reading.cursor) as again:
        assert await again.look() == []


async def test_a_damaged_one_is_refused_and_stops_nothing(tmp_path: Path) -> None:
    packed = gzip.compress(lines(range(5_000)))
    (tmp_path / "a.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    os.utime(tmp_path / "a.jsonl.gz", (1_700_000_000, 1_700_000_000))
    (tmp_path / "b.jsonl").write_bytes(
        b'no json\n{"id": 7}\n' + line(1) + b"\n \n" + b"x" * 9_000_000 + b"\n" + line(2)
    )
    async with follow(tmp_path) as reading:
        found = await reading.look()
        assert await reading.look() == []
    assert ids(found)[-2:] == [1, 2]
    refused = [one for batch in found for one in batch.refused]
    assert sorted(one.where for one in refused)[1:] == [f"b.jsonl at byte {n}" for n in (0, 142, 8)]
    assert "a.jsonl.gz after byte" in refused[0].where
    assert "damaged" in refused[0].message
    assert "8,388,608" in next(one.message for one in refused if "more than" in one.message)


async def test_one_of_several_that_is_not_there_is_told_and_told_again_when_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(line(1))
    later = tmp_path / "later.log"
    async with follow(tmp_path, later) as reading:
        first = await reading.look()
        assert [t for b in first for t in b.troubles] == [(str(later), "is not there")]
        later.write_bytes(line(2))
        second = await reading.look()
        assert ids(second) == [2]
        assert [t for b in second for t in b.troubles] == [(str(later), "")]


async def test_a_mapping_and_whose_source_it_is(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_bytes(b'{"nr": 7, "said": "Acme burns", "when": "2026-05-01T10:00:00Z"}\n{"other": 1}\n')
    mapping = {"mentions": [{"id": "nr", "text": "said", "created": "when", "kind": {"const": "ticket"}}]}
    async with follow(path, mapping=mapping, role="care", source="desk") as reading:
        found = await reading.look()
    assert [(i.id, i.kind, i.source, i.text) for b in found for i in b.items] == [
        ("7", "ticket", "desk", "Acme burns")
    ]
    assert [one.payload for b in found for one in b.refused] == [b""]


async def test_a_foreign_cursor(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(line(1))
    for cursor in ("nonsense", "7", json.dumps({"a": [1]})):
        config = FilesConfig(name="log", paths=(str(tmp_path),))
        async with aclosing(FilesConnector(config).batches(Cursor(cursor))) as batches:
            with pytest.raises(PermanentError) as caught:
                await anext(batches)
        assert caught.value.reason is Reason.MALFORMED

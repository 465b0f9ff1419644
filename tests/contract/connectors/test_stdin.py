"""Standard input: pipes, files and what else it may be."""

import asyncio
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path

import pytest

from connectors.stdin import StdinConfig, StdinConnector
from tests.contract.connectors.writing import ids, line, lines
from warn.ingest.connector import Batch
from warn.ingest.recording import MAX_LINE
from warn.model.errors import PermanentError, Reason
from warn.testing.check_connector import Failing, Made, check_connector

CONFIG = StdinConfig(name="piped")


@contextmanager
def pipe(*parts: bytes) -> Iterator[int]:
    """A pipe into which somebody writes as long as it is read."""
    out, into = os.pipe()

    def write() -> None:
        with os.fdopen(into, "wb") as stream:
            for part in parts:
                stream.write(part)
                stream.flush()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield out
        writer.join(10)
        assert not writer.is_alive()
    finally:
        os.close(out)


async def read(fd: int) -> list[Batch]:
    async with asyncio.timeout(30), aclosing(StdinConnector(CONFIG, fd=fd).batches(None)) as batches:
        return [batch async for batch in batches]


async def test_contract(tmp_path: Path) -> None:
    """Over a file, which alone can be read from its start again."""
    path = tmp_path / "in.jsonl"
    path.write_bytes(lines(range(1_200)))
    opened: list[int] = []

    def make() -> Made:
        opened.append(os.open(path, os.O_RDONLY))
        return CONFIG, StdinConnector(CONFIG, fd=opened[-1])

    failing = {"none": Failing(lambda: StdinConnector(CONFIG, fd=987_654), PermanentError, Reason.CONFIG)}
    await check_connector(make, failing=failing)
    for fd in opened:
        os.close(fd)


async def test_a_pipe_is_read_to_its_end_and_stays_as_it_was() -> None:
    with pipe(lines(range(2_000)), line(2_000)[:30], line(2_000)[30:-1]) as fd:
        found = await read(fd)
        assert os.get_blocking(fd)
        os.fstat(fd)
    assert ids(found) == list(range(2_001))
    assert found[-1].cursor == "2001"
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_lines_come_while_the_pipe_is_open() -> None:
    out, into = os.pipe()
    try:
        async with asyncio.timeout(10), aclosing(StdinConnector(CONFIG, fd=out).batches(None)) as batches:
            for number in range(3):
                os.write(into, line(number))
                assert ids([await anext(batches)]) == [number]
            os.close(into)
            assert await anext(batches, None) is None
    finally:
        os.close(out)


async def test_what_was_read_and_not_kept_comes_first_when_it_is_read_again() -> None:
    """The bus fails, and the supervisor begins again with the same connector: a pipe gives nothing twice."""
    with pipe(lines(range(1_500))) as fd:
        connector = StdinConnector(CONFIG, fd=fd)
        cut = connector.batches(None)
        first = await anext(cut)
        lost = await anext(cut)
        await cut.aclose()
        async with asyncio.timeout(10), aclosing(connector.batches(None)) as batches:
            again = [batch async for batch in batches]
    assert again[0] == lost
    assert ids([first, *again]) == list(range(1_500))


async def test_whoever_writes_waits_while_nobody_takes() -> None:
    """A gigabyte piped in is no gigabyte here."""
    written = 0
    out, into = os.pipe()
    os.set_blocking(into, False)
    batches = StdinConnector(CONFIG, fd=out).batches(None)
    piece = lines(range(1_000))
    os.write(into, piece[:60_000])
    await anext(batches)
    for _ in range(200):
        try:
            written += os.write(into, piece)
        except BlockingIOError:
            await asyncio.sleep(0.005)
    assert written < 3 * MAX_LINE
    await batches.aclose()
    os.close(into)
    os.close(out)


async def test_what_is_no_line_is_refused_with_its_number() -> None:
    parts = [
        b"\xef\xbb\xbf" + line(0),
        b"no json\n\n",
        b"x" * (MAX_LINE + 70_000),
        b"x\n",
        line(1),
        b"y" * (MAX_LINE + 1),
    ]
    with pipe(*parts) as fd:
        found = await read(fd)
    assert ids(found) == [0, 1]
    refused = [one for batch in found for one in batch.refused]
    assert sorted(one.where for one in refused) == [f"standard input:{n}" for n in (2, 4, 6)]
    assert sum("more than 8,388,608 bytes" in one.message for one in refused) == 2


async def test_a_terminal_is_told_what_to_do() -> None:
    ours, theirs = os.openpty()
    try:
        with pytest.raises(PermanentError, match=r"some-tool \| warn run"):
            await read(theirs)
    finally:
        os.close(ours)
        os.close(theirs)


async def test_nothing_at_all() -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    assert await read(null) == []
    os.close(null)
    with tempfile.TemporaryFile() as empty:
        assert await read(empty.fileno()) == []


async def test_a_cancelled_one_leaves_nothing() -> None:
    out, into = os.pipe()
    before = descriptors()
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        task = group.create_task(anext(StdinConnector(CONFIG, fd=out).batches(None)))
        await asyncio.sleep(0.05)
        task.cancel()
    assert descriptors() == before
    os.close(out)
    os.close(into)


def descriptors() -> int:
    here = Path("/proc/self/fd")
    return len(list(here.iterdir())) if here.exists() else 0


def test_as_a_process() -> None:
    program = (
        "import asyncio\n"
        "from connectors.stdin import StdinConfig, StdinConnector\n"
        "async def main():\n"
        "    async for batch in StdinConnector(StdinConfig(name='piped')).batches(None):\n"
        "        print(len(batch.items), flush=True)\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        input=lines(range(700)),
        capture_output=True,
        timeout=30,
        check=True,
    )
    assert sum(map(int, done.stdout.split())) == 700
    assert done.stderr == b""

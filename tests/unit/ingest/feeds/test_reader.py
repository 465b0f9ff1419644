"""Feeds made to do harm are refused or read within a second, and nobody else notices."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from tests.shared import SHARED, needs_shared
from tests.unit.ingest.feeds.made import GOOD, HARMLESS, HEAVY, HOSTILE
from tests.unit.ingest.pulse import pulse
from warn.ingest.feeds.reader import Feed, Reader, reader
from warn.model.errors import PermanentError, Reason, TemporaryError, WarnError


def proc(pid: int, what: str = "") -> Path:
    return Path("/proc") / str(pid) / what


def told(pid: int) -> tuple[bytes, str]:
    return proc(pid, "environ").read_bytes(), proc(pid, "limits").read_text()


def alive(*pids: int) -> bool:
    return any(proc(pid).exists() for pid in pids)


TRIES = 3
"""On a machine that is busy with other tests; a feed that takes too long takes too long each time."""


async def outcome(data: bytes) -> Feed | WarnError:
    """What comes of it: within a second from when there is a child that is ready, kill and all."""
    seconds = 0.0
    async with reader() as one:
        for _ in range(TRIES):
            found, seconds = await _timed(one, data)
            good = await one.read(GOOD)
            assert good.entries[0].title == "Acme", "the next feed is read as if nothing were"
            if seconds < 1.0:
                return found
    raise AssertionError(f"it took {seconds:.2f} s, {TRIES} times")


async def _timed(one: Reader, data: bytes) -> tuple[Feed | WarnError, float]:
    found: Feed | WarnError
    await one.read(GOOD)
    started = time.perf_counter()
    async with pulse(0.1):
        try:
            found = await one.read(data)
        except WarnError as e:
            found = e
        seconds = time.perf_counter() - started
    return found, seconds


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile(name: str) -> None:
    found = await outcome(HOSTILE[name])
    assert isinstance(found, PermanentError) and found.reason is Reason.HOSTILE, found
    assert "Acme" not in str(found) and "lol" not in str(found) and "root:" not in str(found)


@pytest.mark.parametrize("name", HARMLESS)
async def test_refused_or_read_within_a_second(name: str) -> None:
    found = await outcome(HARMLESS[name])
    assert isinstance(found, (Feed, PermanentError, TemporaryError))
    if isinstance(found, Feed):
        assert not any("\0" in one.text + one.title for one in found.entries)


async def test_what_a_feed_says() -> None:
    data = b"""<?xml version="1.0" encoding="utf-8"?><!DOCTYPE rss PUBLIC "-//Netscape//DTD" "http://x.example/rss.dtd">
    <rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>Desk &amp;amp; more</title><ttl> 45 </ttl>
    <language>nl-NL</language><skipHours><hour>3</hour><hour>24</hour><hour>x</hour></skipHours>
    <atom:link rel="hub" href="https://hub.example/"/>
    <item><guid isPermaLink="false">g1</guid><link>https://x.example/1?a=1&amp;b=2</link><title>Acme&nbsp;&eacute;n</title>
    <description>&lt;p&gt;One&lt;/p&gt;&lt;p&gt;two&lt;script&gt;x&lt;/script&gt;</description>
    <pubDate>Mon, 01 Jan 2024 00:00:00 +0100</pubDate></item></channel></rss>"""
    async with reader() as one:
        feed = await one.read(data)
    assert (feed.title, feed.language, feed.ttl_min, feed.skip_hours) == ("Desk & more", "nl-NL", 45, (0, 3))
    assert feed.hubs == ("https://hub.example/",) and feed.left_out == 0
    entry = feed.entries[0]
    assert (entry.id, entry.link, entry.title) == ("g1", "https://x.example/1?a=1&b=2", "Acme én")
    assert entry.text == "One\ntwo" and entry.published_ms == 1_704_063_600_000


@pytest.mark.parametrize(
    ("text", "encoding", "declared", "charset"),
    [
        ("Акме горит", "windows-1251", "windows-1251", ""),
        ("Акме горит", "koi8-r", "", "koi8-r"),
        ("Акме горит", "koi8-r", "koi8-r", "iso-8859-1"),
        ("Café brûlé", "utf-8", "iso-8859-1", "iso-8859-1"),
        ("Café “Acme”", "cp1252", "iso-8859-1", ""),
        ("Café “Acme”", "cp1252", "", ""),
        ("Café", "utf-16", "utf-16", ""),
        ("Café", "utf-16-le", "", ""),
        ("Café", "utf-32-be", "utf-8", ""),
        ("日本語", "shift_jis", "Shift_JIS", ""),
        ("日本語", "euc_jp", "", "EUC-JP"),
        ("Zażółć", "iso-8859-2", "ISO-8859-2", "us-ascii"),
        ("Café", "utf-8", "utf-7", "x-nonsense"),
        ("Café", "utf-8-sig", "", ""),
    ],
)
async def test_encodings(text: str, encoding: str, declared: str, charset: str) -> None:
    head = f"<?xml version='1.0' encoding='{declared}'?>" if declared else ""
    data = f"{head}<rss version='2.0'><channel><item><title>{text}</title></item></channel></rss>".encode(
        encoding
    )
    async with reader() as one:
        assert [entry.title for entry in (await one.read(data, charset)).entries] == [text]


async def test_a_killed_child_is_replaced_and_none_is_left() -> None:
    async with reader() as one, reader() as same:
        assert one is same
        await one.read(GOOD)
        first = one._process
        assert first is not None
        os.kill(first.pid, signal.SIGKILL)
        assert (await one.read(GOOD)).entries[0].title == "Acme", "it is not the feed's doing"
        second = one._process
        assert second is not None and one.started == 2
    assert one._process is None and first.returncode is not None and second.returncode is not None
    assert not alive(first.pid, second.pid)


async def test_a_child_that_dies_of_itself_is_held_against_the_feed() -> None:
    async with reader() as one:
        await one.read(GOOD)
        assert one._process is not None
        os.kill(one._process.pid, signal.SIGSEGV)
        with pytest.raises(PermanentError, match="died of it"):
            await one.read(GOOD)
        await one.read(GOOD)


async def test_a_child_that_is_ended_from_outside_twice_is_not() -> None:
    one = Reader(deadline_s=60.0)
    killed: list[int] = []

    async def kill() -> None:
        while len(killed) < 2:
            await asyncio.sleep(0.01)
            process = one._process
            if process is not None and one._ready and process.pid not in killed:
                await asyncio.sleep(0.05)  # it is in the middle of it
                killed.append(process.pid)
                os.kill(process.pid, signal.SIGTERM)

    async with asyncio.TaskGroup() as group:
        group.create_task(kill())
        with pytest.raises(TemporaryError, match="short of memory") as error:
            await one.read(HEAVY)
    assert error.value.reason is Reason.UNEXPECTED and not alive(*killed)
    assert (await one.read(GOOD)).entries[0].title == "Acme"
    await one.end()


async def test_a_feed_that_is_too_much_work_is_hostile_however_busy_the_machine_is() -> None:
    one = Reader(deadline_s=60.0, cpu_s=0.1)
    await one.read(GOOD)
    process = one._process
    with pytest.raises(PermanentError, match="takes too long") as error:
        await one.read(HEAVY)
    assert error.value.reason is Reason.HOSTILE
    assert process is not None and process.returncode == -signal.SIGPROF
    await one.end()


async def test_a_child_that_is_given_no_time_is_killed_within_a_second_and_the_next_one_loads() -> None:
    one = Reader()
    took: list[float] = []
    while len(took) < TRIES and min(took, default=1.0) >= 1.0:
        await one.read(GOOD)
        process = one._process
        assert process is not None
        os.kill(process.pid, signal.SIGSTOP)
        started = time.perf_counter()
        with pytest.raises(TemporaryError, match="this machine is busy") as error:
            await one.read(GOOD)
        took.append(time.perf_counter() - started)
        assert error.value.reason is Reason.TIMEOUT, "no feed is hostile because the machine is busy"
        assert process.returncode == -9
        assert one._process is not None and one._process is not process and alive(one._process.pid)
    await one.end()
    assert min(took) < 1.0, f"it took {took} s"


async def test_where_no_child_can_be_started_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nothing/here")
    async with reader() as one:
        with pytest.raises(TemporaryError, match="does not start"):
            await one.read(GOOD)
        monkeypatch.undo()
        assert (await one.read(GOOD)).entries[0].title == "Acme"


async def test_cancelled_it_leaves_no_child() -> None:
    async with asyncio.TaskGroup() as group:
        holding = asyncio.Event()
        pids: list[int] = []

        async def read() -> None:
            async with reader() as one:
                await one.read(GOOD)
                assert one._process is not None
                pids.append(one._process.pid)
                os.kill(one._process.pid, 19)
                holding.set()
                await one.read(GOOD)

        task = group.create_task(read())
        await holding.wait()
        task.cancel()
    assert task.cancelled() and not alive(*pids)


async def test_the_child_knows_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARN_HASH_KEY", "planted-secret")
    async with reader() as one:
        await one.read(GOOD)
        assert one._process is not None
        environment, limits = told(one._process.pid)
    assert b"planted" not in environment
    assert [line.split()[3] for line in limits.splitlines() if line.startswith("Max open files")] == ["0"]


@needs_shared
@pytest.mark.parametrize("folder", ["rss_real", "rss_nasty"])
async def test_recorded_feeds(folder: str) -> None:
    assert SHARED is not None
    read = refused = 0
    async with reader() as one:
        for path in sorted((SHARED / "data" / "payloads" / folder).iterdir()):
            try:
                read += bool(await one.read(path.read_bytes()))
            except TemporaryError:
                refused += 1
        assert one.started == 1
    assert refused <= 1 and read

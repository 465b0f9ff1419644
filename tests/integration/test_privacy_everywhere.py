"""Fifty marked people go through every source that there is, in a daemon of its own; then whatever lies on the disk is read.

Nobody is named outside of texts and dead letters; what was taken back is gone, and so is who was erased.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from tests.integration.everywhere.daemon import KEY, Daemon
from tests.integration.everywhere.people import PEOPLE, marked, marked_files
from tests.integration.everywhere.world import HOMES, World, author, of
from warn.app.deletions import blank_deleted
from warn.app.erasing import Wish, asked, sign_wish
from warn.bus.embedded import EmbeddedBus
from warn.model.flow import AUDIT, DEADLETTERS, EVIDENCE, MENTIONS
from warn.model.mention import COUNTS_ONLY
from warn.model.records import Parcel
from warn.model.wire import decode_deadletter, decode_evidence, decode_mentions

TEXTS = {MENTIONS, EVIDENCE, DEADLETTERS}
PAGES = ("/", "/channels", "/metrics", "/-/healthy", "/-/ready", "/api/incidents", "/api/connectors")
COMMANDS = (
    ("connectors", "ls", "--json"), ("doctor",), ("report",), ("report", "--public"),
)  # fmt: skip


@pytest.mark.timeout(240)
async def test_nobody_is_named_and_everybody_can_go(tmp_path: Path) -> None:
    world = World()
    async with world.open():
        daemon = Daemon(tmp_path, world)
        try:
            shown = await _first(daemon)
            async with _bus(tmp_path) as bus:
                assert await _named(bus) == TEXTS
                await _only_counts(bus)
            took_back = world.take_back()
            shown += await _again(daemon)
        finally:
            await daemon.stop()
    took_back |= {of(name)[1].n for name in ("mastodon", "hook", "pipe")}
    told = b"".join([*shown, *world.told, daemon.log.read_bytes(), daemon.out.read_bytes()])
    assert world.told and b"dead_letter" in told
    assert not marked(told), [line[:300] for line in told.splitlines() if marked(line)][:5]
    assert set(marked_files(tmp_path / "data")) <= {"bus.db", "bus.db-wal"}
    async with _bus(tmp_path) as bus:
        assert await _named(bus) == TEXTS
        assert _said(tmp_path) >= took_back
        await _blanked(bus)
        assert not _said(tmp_path) & took_back
        await _all_erased(bus)
        assert not marked_files(tmp_path / "data")
    assert not marked_files(tmp_path / "data")


async def _first(daemon: Daemon) -> list[bytes]:
    """From the start until a page went out and every source was heard; all that was shown meanwhile."""
    world = daemon.world
    await daemon.start(world.lines("pipe"))
    await daemon.push_all()
    await daemon.until(lambda: _heard(daemon, HOMES))
    await daemon.until(lambda: _paged(daemon))
    shown = [*await _pages(daemon), *await _commands(daemon)]
    gone = world.toot(of("mastodon")[1])["id"]
    world.fediverse.coming.append(("delete", gone))
    back = {"id": f"https://x.example/@{of('hook')[1].handle}", "kind": "delete"}
    assert await daemon.push("hook", {"type": "mention", "data": back}) == 200
    drop = next((daemon.folder / "drop").iterdir())
    drop.write_text(drop.read_text() + world.line_back("drop"))
    assert daemon.process is not None and daemon.process.stdin is not None
    daemon.process.stdin.write(world.line_back("pipe").encode())
    await asyncio.sleep(3)
    await daemon.stop()
    return shown


async def _again(daemon: Daemon) -> list[bytes]:
    """After what was taken back while it was down."""
    await daemon.start()
    await daemon.until(lambda: _heard(daemon, ("bluesky", "hackernews", "forum", "care", "staff")))
    await asyncio.sleep(3)
    shown = await _pages(daemon)
    await daemon.stop()
    return shown


async def _heard(daemon: Daemon, names: tuple[str, ...]) -> bool:
    found = (await daemon.get("/api/connectors")).json()
    read = {one["name"] for one in found["connectors"] if one["read"]}
    return set(names) <= read


async def _paged(daemon: Daemon) -> bool:
    return bool(json.loads((await daemon.get("/api/incidents")).content)) and bool(daemon.world.told)


async def _pages(daemon: Daemon) -> list[bytes]:
    """What machines and people are shown, but for the posts that an incident's page links to."""
    found = json.loads((await daemon.get("/api/incidents")).content)
    paths = [*PAGES, *(f"/api/incidents/{one['id']}" for one in found)]
    answers = [await daemon.get(path) for path in paths]
    page = await daemon.get(f"/incidents/{found[0]['id']}")
    assert page.status_code == 200 and marked(page.content), "the page of an incident shows posts"
    return [answer.content for answer in answers]


async def _commands(daemon: Daemon) -> list[bytes]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(daemon.warn(*args)) for args in COMMANDS]
    said = [task.result() for task in tasks]
    assert all(code in {0, 3} and text for code, text in said), said
    return [text for _, text in said]


@asynccontextmanager
async def _bus(folder: Path) -> AsyncIterator[EmbeddedBus]:
    bus = await EmbeddedBus.start(folder / "data", free_needed=0)
    try:
        yield bus
    finally:
        await bus.close()


async def _named(bus: EmbeddedBus) -> set[str]:
    """Topics and pieces of state in which somebody is named."""
    found: set[str] = set()
    for shelf in bus.shelves.all():
        if any(marked(value) or marked(key) for _, key, value in bus.fetch(shelf.number, 0, 1_000_000)):
            found.add(shelf.topic)
    for key, body in bus._reading.execute("SELECT key, body FROM state"):
        if marked(key + body):
            found.add(f"state {key!r}")
    return found


async def _values(bus: EmbeddedBus, topic: str) -> list[bytes]:
    reader = await bus.follow(topic)
    found: list[bytes] = []
    while records := await reader.read(500, 0.0):
        found += [value for *_, value in records]
    await reader.close()
    return found


async def _only_counts(bus: EmbeddedBus) -> None:
    """Of staff and customers: no link, no id, nothing to be shown, nothing put aside."""
    mentions = [
        m
        for v in await _values(bus, MENTIONS)
        if isinstance(p := decode_mentions(v), Parcel)
        for m in p.mentions
    ]
    quiet = [m for m in mentions if m.role in COUNTS_ONLY]
    assert {m.source for m in quiet} >= {"care", "staff", "mail", "helpdesk"}
    assert not any(m.url or m.id or m.followers for m in quiet)
    shown = [decode_evidence(v) for v in await _values(bus, EVIDENCE)]
    assert shown and not any(one.role in COUNTS_ONLY for one in shown)
    letters = [decode_deadletter(v) for v in await _values(bus, DEADLETTERS)]
    places = [one for one in letters if one.where.startswith(("zendesk", "slack", "mail", "letters"))]
    assert len(places) >= 4 and not any(one.payload for one in places), places


def _said(folder: Path) -> set[int]:
    """Whose own words stand somewhere."""
    raw = b"".join(path.read_bytes() for path in (folder / "data").rglob("*") if path.is_file())
    return {one.n for one in PEOPLE if f"Acme kettle {one.n:02}".encode() in raw}


async def _blanked(bus: EmbeddedBus) -> None:
    """What deletions ask for, an hour later."""
    before = await bus.end(AUDIT, 0)
    task = asyncio.ensure_future(blank_deleted(bus, lambda: time.time() + 3600, every_s=0.2))
    async with asyncio.timeout(20):
        while await bus.end(AUDIT, 0) == before:  # noqa: ASYNC110 - another task's doing, which has no event for us
            await asyncio.sleep(0.05)
    task.cancel()


async def _all_erased(bus: EmbeddedBus) -> None:
    for name in HOMES:
        for one in of(name):
            wish = msgspec.json.encode(Wish(name, author(name, one), one.called, sure=True))
            await asked(
                bus, KEY.encode(), wish, sign_wish(KEY.encode(), wish), int(time.time()), settled_s=0.0
            )

"""Fifty marked people go through the whole daemon; what is kept of them, and what is left when they are gone.

Every file of the data folder is read as bytes: pages, write-ahead log, whatever lies there.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Self

import msgspec
import pytest

from tests.integration.test_privacy_stores import takes_in
from tests.unit.app.marked import PEOPLE, RULES, TEXT, at_source, deletes, marks_in, who
from warn.app.daemon import Daemon
from warn.app.deletions import blank_deleted
from warn.app.engine import opened, whole
from warn.app.erasing import Reply, Wish, asked, sign_wish, verified
from warn.app.plan import Plan
from warn.bus.embedded import EmbeddedBus
from warn.bus.topics import RETENTION_S
from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Batch, Cursor, Refused
from warn.model.errors import PermanentError
from warn.model.flow import (
    AUDIT,
    COLLECT,
    DEADLETTERS,
    EVIDENCE,
    MATCH,
    MENTIONS,
)
from warn.model.hashing import post_hash
from warn.model.mention import Item, Mention
from warn.model.records import Clock
from warn.model.wire import decode_deadletter, encode
from warn.stages.base import Out
from warn.stages.evidence import evidence_of
from warn.telemetry import logs, metrics

KEY = b"k" * 32


class Said:
    """A source that says these items, and then is silent."""

    def __init__(self, name: str, items: Callable[[], list[Item]], refused: tuple[Refused, ...] = ()) -> None:
        self.name = self.source = name
        self._items, self._refused = items, refused
        self.more: asyncio.Queue[list[Item]] = asyncio.Queue()

    async def batches(self, cursor: Cursor | None) -> AsyncGenerator[Batch, None]:
        await asyncio.sleep(1.5)  # what is said before there is a clock counts for nothing
        yield Batch(items=tuple(self._items()), refused=self._refused, cursor=Cursor("1"))
        while True:
            yield Batch(items=tuple(await self.more.get()), cursor=Cursor("2"))


class Run:
    """The daemon over a folder, with one public source and one of customers. `said`: what the public one says at first."""

    def __init__(self, folder: Path, said: Callable[[], list[Item]] = lambda: at_source("forum")) -> None:
        self.folder = folder
        self.forum = Said(
            "forum",
            said,
            (Refused("forum 7", "no date", TEXT.format(who(3)).encode()),),
        )
        unread = (Refused("care 7", "no date", TEXT.format(who(4)).encode()),)
        self.care = Said("care", lambda: at_source("care"), unread)

    async def __aenter__(self) -> Self:
        rules = self.folder / "rules"
        rules.mkdir()
        (rules / "acme.yaml").write_text(RULES)
        self.bus = await EmbeddedBus.start(self.folder / "data", free_needed=0)
        self.daemon = Daemon(
            Plan(
                opened(whole(self.bus, self.folder / "data")),
                key=KEY,
                data=self.folder / "data",
                rules=rules,
                connectors=[
                    (ConnectorConfig(name="forum"), self.forum),
                    (ConnectorConfig(name="care", role="care"), self.care),
                ],
                server=("127.0.0.1", 0),
            )
        )
        self._running = asyncio.ensure_future(self.daemon.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.daemon.stop("done")
        await self._running
        await self.bus.close()

    async def until(self, topic: str, records: int) -> None:
        """Until so many records are there, and all has been worked through."""

        async def there() -> bool:
            return await self.bus.end(topic, 0) >= records and bool(self.daemon.store.incidents(5))

        await until(there)
        await asyncio.sleep(1.5)

    def marks(self) -> dict[str, set[str]]:
        """Which marks stand in which files."""
        return marks_in(self.folder / "data")


async def until(there: Callable[[], Awaitable[bool]]) -> None:
    """Until it is so, for half a minute."""
    async with asyncio.timeout(30):
        while not await there():  # noqa: ASYNC110 - another task's doing, which has no event for us
            await asyncio.sleep(0.05)


async def _holds(bus: EmbeddedBus, topic: str, records: int) -> bool:
    return await bus.end(topic, 0) >= records


async def test_nobody_is_named_outside_of_texts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """State, signals, desk, history, incidents, metrics, logs: no handle, no name."""
    logs.configure(form="json", level="debug")
    async with Run(tmp_path) as run:
        await run.until(EVIDENCE, 3)
        held = await _kept_apart(run)
        assert held == {MENTIONS, EVIDENCE, DEADLETTERS}, held
        shown = metrics.exposition("")[1].decode()
        assert not any(mark in shown for person in PEOPLE for mark in person)
        incident = run.daemon.store.incidents(5)[0].event
        told = msgspec.json.encode(incident).decode()
        assert not any(mark in told for person in PEOPLE for mark in person)
    said = "".join(capsys.readouterr())
    assert said, "nothing was logged"
    assert not any(mark in said for person in PEOPLE for mark in person)


async def _kept_apart(run: Run) -> set[str]:
    """Topics and state in which somebody is named."""
    found = set()
    db = run.bus._reading
    for shelf in run.bus.shelves.all():
        records = run.bus.fetch(shelf.number, 0, 1_000_000)
        if any(mark.encode() in value for _, _, value in records for person in PEOPLE for mark in person):
            found.add(shelf.topic)
    for key, body in db.execute("SELECT key, body FROM state"):
        if any(mark.encode() in key + body for person in PEOPLE for mark in person):
            found.add(f"state {key!r}")
    return found


async def test_an_erased_person_is_nowhere(tmp_path: Path) -> None:
    """Pages and write-ahead log included; others stay, and what the person writes later is not taken in."""
    async with Run(tmp_path) as run:
        await run.until(EVIDENCE, 3)
        assert any(set(PEOPLE[3]) <= found for found in run.marks().values())
        body = msgspec.json.encode(Wish("forum", f"@{PEOPLE[3][0]}", (PEOPLE[3][1],)))
        reply = msgspec.json.decode(
            await asked(run.bus, KEY, body, sign_wish(KEY, body), int(time.time())), type=Reply
        )
        receipt = reply.receipt
        assert receipt is not None
        assert receipt.posts >= 1 and receipt.dead_letters == 1 and not receipt.left_days
        assert verified(KEY, receipt) and not verified(b"x" * 32, receipt)
        left = run.marks()
        assert not any(set(PEOPLE[3]) & found for found in left.values()), left
        assert any(set(PEOPLE[4]) & found for found in left.values()), "somebody else went, too"
        before = await run.bus.end(MENTIONS, 0)
        await asyncio.sleep(1.2)
        await run.forum.more.put([msgspec.structs.replace(at_source("forum")[3], id="later")])
        await asyncio.sleep(1.0)
        assert await run.bus.end(MENTIONS, 0) > before
        assert not any(set(PEOPLE[3]) & found for found in run.marks().values())
        shown = run.daemon.store.evidence_between("Acme", 0, 2**40, 1000)
        assert not any(mark in e.text + e.url + e.id for e in shown for mark in PEOPLE[3])
    assert not any(set(PEOPLE[3]) & found for found in marks_in(tmp_path / "data").values())


async def test_nobody_is_erased_by_who_cannot_read_the_key(tmp_path: Path) -> None:
    bus = await EmbeddedBus.start(tmp_path, free_needed=0)
    try:
        body = msgspec.json.encode(Wish("forum", "somebody"))
        with pytest.raises(PermanentError, match="not signed"):
            await asked(bus, KEY, body, sign_wish(b"x" * 32, body), 1)
        body = msgspec.json.encode(Wish("forum", "al"))
        with pytest.raises(PermanentError, match="stands in everything"):
            await asked(bus, KEY, body, sign_wish(KEY, body), 1)
        assert await bus.end(AUDIT, 0) == 0
    finally:
        await bus.close()


async def test_what_its_writer_deleted_is_gone_within_hours(tmp_path: Path) -> None:
    async with Run(tmp_path) as run:
        await run.until(EVIDENCE, 3)
        await run.forum.more.put(deletes("forum", 5))
        await until(lambda: _holds(run.bus, AUDIT, 1))
        later = time.time() + 3600
        task = asyncio.ensure_future(blank_deleted(run.bus, lambda: later, every_s=0.2))
        await until(lambda: _holds(run.bus, AUDIT, 2))
        task.cancel()
        left = run.marks()
        assert not any(set(PEOPLE[5]) & found for found in left.values()), left
        assert any(set(PEOPLE[6]) & found for found in left.values())


async def test_what_is_taken_back_weeks_later_is_shown_no_more_and_blanked(tmp_path: Path) -> None:
    """The door and match have long forgotten the post; `[evidence]` has not."""
    old = int(time.time() * 1000) - 20 * 86_400_000
    post = at_source("forum")[7]
    said = Mention("forum", post_hash(KEY, "forum", post.id), 1, "post", post.text or "", old, id=post.id)
    bus = await EmbeddedBus.start(tmp_path / "data", free_needed=0)
    seat = await bus.open(MATCH, 0)
    shown = encode(evidence_of(said, "Acme/acme", "Acme", echo=False))
    await seat.commit([Out(EVIDENCE, 0, b"%d" % said.key, shown)], {}, (await seat.restore()).committed)
    await bus.close()
    async with Run(tmp_path, list) as run:

        async def gone() -> bool:
            return not run.daemon.store.evidence("Acme", [said.key])

        await until(lambda: _holds(run.bus, MENTIONS, 2))
        assert not await gone()
        await run.forum.more.put(deletes("forum", 7))
        await until(gone)
        task = asyncio.ensure_future(blank_deleted(run.bus, lambda: time.time() + 3600, every_s=0.2))
        await until(lambda: _holds(run.bus, AUDIT, 2))
        task.cancel()
        assert not any(set(PEOPLE[7]) & found for found in run.marks().values())


async def test_nothing_is_kept_longer_than_promised(tmp_path: Path) -> None:
    """In virtual time: a day after its days are over, every kind of record has gone, and so have its bytes."""
    now = time.time()
    async with Run(tmp_path) as run:
        await run.until(EVIDENCE, 3)
    for topic, others in ((MENTIONS, (DEADLETTERS,)), (EVIDENCE, ())):
        later = int(now) + RETENTION_S[topic] + 86_400
        bus = await EmbeddedBus.start(tmp_path / "data", free_needed=0, clock=lambda: later)  # noqa: B023 - used at once
        try:
            await _goes_on(bus, later)
            await bus.expire(later)
            assert not any([await _says(bus, one) for one in (topic, *others)])
            assert await _says(bus, EVIDENCE) == (topic == MENTIONS)
        finally:
            await bus.close()
    assert not marks_in(tmp_path / "data")


async def _goes_on(bus: EmbeddedBus, now: int) -> None:
    """The daemon at a later time: a clock is written, and match has taken it in."""
    collect = await bus.open(COLLECT, 0)
    await collect.commit(
        [Out(MENTIONS, 0, b"", encode(Clock(now)))], {}, (await collect.restore()).committed + 1
    )
    await takes_in(bus, MATCH)


async def _says(bus: EmbeddedBus, topic: str) -> bool:
    """Whether somebody is still named in a topic."""
    reader = await bus.follow(topic)
    try:
        records = await reader.read(10_000, 0.0)
    finally:
        await reader.close()
    return any(mark.encode() in value for _, _, _, value in records for person in PEOPLE for mark in person)


async def test_of_customers_not_even_what_could_not_be_read_is_kept(tmp_path: Path) -> None:
    async with Run(tmp_path) as run:
        await run.until(DEADLETTERS, 2)
        reader = await run.bus.follow(DEADLETTERS)
        letters = {
            one.where: one.payload for *_, v in await reader.read(10, 0.0) for one in (decode_deadletter(v),)
        }
        await reader.close()
    assert letters["care 7"] == b"" and PEOPLE[3][0].encode() in letters["forum 7"]

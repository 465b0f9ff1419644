"""An account goes from its source, and with it all that it wrote: pages, files and write-ahead log are searched for it."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path

import pytest

from connectors.bluesky import BlueskyConnector
from connectors.bluesky.events import POST
from tests.contract.connectors.bluesky_reading import config_at, jetstream
from tests.contract.connectors.jetstream import Event, Jetstream, commit
from tests.integration.test_privacy import KEY, Run, Said, until
from tests.unit.app.marked import PEOPLE, TEXT, at_source, marks_in, who
from warn.app.deletions import blank_deleted
from warn.bus.base import Bus
from warn.bus.embedded import EmbeddedBus
from warn.bus.memory import MemoryBus, MemoryStore
from warn.ingest.connector import Batch, Cursor, Departure
from warn.ingest.door import Past
from warn.ingest.shown import Writers
from warn.ingest.supervisor import Supervisor
from warn.model.audit import AuditRecord, Blanked, Departed
from warn.model.flow import AUDIT, EVIDENCE, MATCH
from warn.model.hashing import author_hash
from warn.model.mention import Mention
from warn.model.rules import RuleSet
from warn.model.wire import decode_audit, decode_evidence, encode
from warn.stages.base import Out
from warn.stages.evidence import evidence_of
from warn.testing.check_connector import everything


class Leaving(Said):
    """Says what is said there; then accounts go from it."""

    def __init__(self, name: str) -> None:
        super().__init__(name, lambda: at_source(name))
        self.gone: asyncio.Queue[str] = asyncio.Queue()

    async def batches(self, cursor: Cursor | None) -> AsyncGenerator[Batch, None]:
        await asyncio.sleep(1.5)
        yield Batch(items=tuple(self._items()), cursor=Cursor("1"))
        while True:
            yield Batch(departed=(Departure(self.name, await self.gone.get()),), cursor=Cursor("2"))


async def audit(bus: Bus) -> list[AuditRecord]:
    reader = await bus.follow(AUDIT)
    try:
        return [decode_audit(value) for *_, value in await reader.read(1_000, 0.0)]
    finally:
        await reader.close()


async def blanked(bus: Bus) -> Blanked:
    """One pass of what the daemon does each hour, an hour from now."""
    task = asyncio.ensure_future(blank_deleted(bus, lambda: time.time() + 3600, every_s=0.2))

    async def done() -> bool:
        return any(isinstance(one, Blanked) for one in await audit(bus))

    await until(done)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return next(one for one in await audit(bus) if isinstance(one, Blanked))


async def test_an_account_takes_its_posts_along(tmp_path: Path) -> None:
    """Through the whole daemon: in files, log and on pages nothing is left of it; others stay, strangers are not written down."""
    run = Run(tmp_path)
    run.forum = forum = Leaving("forum")
    async with run:
        await run.until(EVIDENCE, 3)

        def shown(n: int) -> bool:
            kept = run.daemon.store.evidence_between("Acme", 0, 2**40, 1000)
            return any(PEOPLE[n][0] in one.url for one in kept)

        gone = next(n for n in range(50) if shown(n))
        other = next(n for n in range(gone + 1, 50) if shown(n))
        for name in ("a stranger", f"@{PEOPLE[gone][0]}", "another stranger"):
            forum.gone.put_nowait(name)

        async def heard() -> bool:
            return forum.gone.empty() and await run.bus.end(AUDIT, 0) >= 1

        await until(heard)
        author = author_hash(KEY, "forum", PEOPLE[gone][0])
        assert [one.author for one in await audit(run.bus) if isinstance(one, Departed)] == [author]
        assert (await blanked(run.bus)).records >= 2

        async def away() -> bool:
            return not shown(gone)

        await until(away)
        assert shown(other), "somebody else went, too"
        left = marks_in(tmp_path / "data")
        assert not any(set(PEOPLE[gone]) & found for found in left.values()), left
        assert any(set(PEOPLE[other]) <= found for found in left.values())


def account(number: int, did: str, status: str | None) -> Event:
    said = {"active": status is None, "did": did, "seq": number, "time": "2026-05-25T14:23:29.950Z"}
    event = {
        **commit(number, did, POST, "", None),
        "kind": "account",
        "account": said | ({"status": status} if status else {}),
    }
    del event["commit"]
    return event


def by(n: int) -> str:
    return f"did:plc:{PEOPLE[n][0]}"


def story() -> list[Event]:
    """Ten people write; three go, one of whom we do not know, two have trouble with their server, one comes back."""
    events = [commit(n, by(n), POST, "p", {"text": TEXT.format(who(n))}) for n in range(10)]
    news = [
        (1, "deleted"),
        (2, "throttled"),
        (3, "takendown"),
        (40, "deleted"),
        (4, "desynchronized"),
        (5, None),
    ]
    events += [account(10 + i, by(n), status) for i, (n, status) in enumerate(news)]
    return [*events, commit(30, by(9), POST, "last", {"text": "Acme: the last one"})]


@pytest.mark.parametrize("version", [2, 1])
async def test_bluesky_says_who_is_gone(version: int, tmp_path: Path) -> None:
    """Over a socket, by either version, onto the embedded bus; then the pass, and the files are searched."""
    bus = await EmbeddedBus.start(tmp_path, free_needed=0)
    try:
        async with jetstream(Jetstream(story(), (version,))) as address:
            config = config_at(address)
            supervisor = Supervisor(
                bus, [(config, BlueskyConnector(config))], key=KEY, compiles=everything, past=Past(writers=Writers())
            )  # fmt: skip
            supervisor.publish_ruleset(RuleSet())
            running = asyncio.ensure_future(supervisor.run())

            async def there() -> bool:
                return await bus.end(AUDIT, 0) >= 2 and any(
                    PEOPLE[9][0] in found for found in marks_in(tmp_path).values()
                )

            await until(there)
            await asyncio.sleep(1.0)
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
        gone = [one.author for one in await audit(bus) if isinstance(one, Departed)]
        assert gone == [author_hash(KEY, "bluesky", by(n)) for n in (1, 3)]
        assert (await blanked(bus)).records >= 1
        left = {mark for found in marks_in(tmp_path).values() for mark in found}
        assert not left & {*PEOPLE[1], *PEOPLE[3]}
        assert left >= {mark for n in (0, 2, 4, 5, 6, 7, 8, 9) for mark in PEOPLE[n]}
    finally:
        await bus.close()


class Unchangeable(MemoryBus):
    """As Kafka is: what is on it nobody changes."""

    async def rewrite(self, topic: str, change: object) -> int | None:
        return None


async def test_where_nothing_can_be_blanked_tombstones_tell_pages() -> None:
    bus = Unchangeable(MemoryStore({}))
    said = [Mention("bluesky", n, n, "post", "Acme", 5, author=n % 2 + 1) for n in range(1, 6)]
    seat = await bus.open(MATCH, 0)
    await seat.commit(
        [Out(EVIDENCE, 0, b"%d" % one.key, encode(evidence_of(one, "acme", "Acme", echo=False))) for one in said],
        {}, (await seat.restore()).committed,
    )  # fmt: skip
    await bus.write([Out(AUDIT, 0, b"", encode(Departed(5, 2)))])
    assert (await blanked(bus)).records == 0
    reader = await bus.follow(EVIDENCE)
    kept = [decode_evidence(value) for *_, value in await reader.read(100, 0.0)]
    await reader.close()
    assert {one.key for one in kept if one.kind == "delete"} == {1, 3, 5}
    assert not any(one.text or one.author for one in kept if one.kind == "delete")

"""Words that are taken out of what was said go through the whole daemon: nothing is left of what was said before."""

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from connectors.zendesk import read_page
from tests.integration.test_privacy import Run, until
from tests.unit.app.marked import PEOPLE, deletes
from warn.app.deletions import blank_deleted
from warn.model.flow import AUDIT, EVIDENCE
from warn.model.mention import Item
from warn.outbound import Answer

CUSTOMER = "Zqcustomer"


async def test_what_was_redacted_is_gone_within_hours(tmp_path: Path) -> None:
    """A ticket of a help desk, as its connector reads it before and after; and a public post that lost its words."""
    made = int(time.time())
    async with Run(tmp_path) as run:
        await run.until(EVIDENCE, 3)
        await run.care.more.put(ticket(f"Acme kettle on fire, says {CUSTOMER}", made, made))
        await until(lambda: said(tmp_path, CUSTOMER))
        assert run.daemon.store.evidence_between("Acme", 0, 2**40, 1000)
        await asyncio.sleep(1.2)
        await run.care.more.put(ticket("Acme kettle on fire, says ▇▇▇▇▇▇▇▇▇▇", made, made + 1))
        shown = run.daemon.store.evidence_between("Acme", 0, 2**40, 1000)
        number = next(n for n, (handle, _) in enumerate(PEOPLE) if any(f"@{handle}/" in e.id for e in shown))
        await run.forum.more.put([msgspec.structs.replace(deletes("forum", number)[0], kind="edit")])
        await until(lambda: holds(run, 2))
        await until(lambda: hidden(run, PEOPLE[number][0]))
        later = time.time() + 3600
        task = asyncio.ensure_future(blank_deleted(run.bus, lambda: later, every_s=0.2))
        await until(lambda: holds(run, 3))
        task.cancel()
        assert not await said(tmp_path, CUSTOMER)
        assert not any(set(PEOPLE[number]) & found for found in run.marks().values())
        assert await said(tmp_path, PEOPLE[number - 1][1]), "somebody else went, too"
    assert not await said(tmp_path, CUSTOMER)


def ticket(says: str, made: int, changed: int) -> list[Item]:
    """As Zendesk's export has it."""
    told = {"id": 900, "subject": "kettle", "description": says, "requester_id": 5, "submitter_id": 5, "status": "open",
            "created_at": at(made), "updated_at": at(changed)}  # fmt: skip
    page = msgspec.json.encode({"tickets": [told], "after_cursor": "x"})
    return list(read_page(Answer(200, {}, page, ""), "care").items)


def at(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat()


async def holds(run: Run, records: int) -> bool:
    """Whether `[audit]` has so many records."""
    return await run.bus.end(AUDIT, 0) >= records


async def hidden(run: Run, handle: str) -> bool:
    """Whether the page shows nothing of somebody."""
    shown = run.daemon.store.evidence_between("Acme", 0, 2**40, 1000)
    return not any(handle in e.text + e.url + e.id for e in shown)


async def said(folder: Path, name: str) -> bool:
    """Whether a name stands anywhere on disk, pages and write-ahead log included."""
    return any(name.encode() in p.read_bytes() for p in (folder / "data").rglob("*") if p.is_file())

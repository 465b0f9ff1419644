"""What each store of the bus forgets, and when: by age in virtual time, and what is under way while somebody is erased."""

import asyncio
import time
from pathlib import Path

import msgspec
import pytest

from tests.unit.app.marked import PEOPLE, TEXT, marks_in, who
from warn.app.erasing import Receipt, Reply, Wish, asked, sign_wish
from warn.bus.embedded import EmbeddedBus
from warn.model.flow import (
    AUDIT,
    COLLECT,
    DEADLETTERS,
    DESK,
    DETECT,
    EVIDENCE,
    HISTORY,
    INCIDENTS,
    MATCH,
    MENTIONS,
    RESPOND,
    SIGNALS,
)
from warn.model.mention import Mention
from warn.model.records import Parcel
from warn.model.wire import encode
from warn.stages.base import Out
from warn.stages.evidence import evidence_of

KEY = b"k" * 32
PROMISED_DAYS = {
    MENTIONS: 7,
    DEADLETTERS: 7,
    EVIDENCE: 30,
    HISTORY: 70,
    INCIDENTS: 90,
    AUDIT: 400,
    SIGNALS: 2,
    DESK: 7,
}
"""As docs/people.md has it, and what passes between stages."""


@pytest.mark.parametrize("topic", sorted(PROMISED_DAYS))
async def test_each_store_forgets_on_its_day_and_no_sooner(topic: str, tmp_path: Path) -> None:
    """In virtual time, and by the bytes on the disk."""
    begun = int(time.time())
    now = begun
    mark = TEXT.format(PEOPLE[9][0]).encode()
    bus = await EmbeddedBus.start(tmp_path, free_needed=0, clock=lambda: now)
    try:
        seat = await bus.open(COLLECT, 0)
        await seat.commit([Out(topic, 0, b"", mark)], {}, (await seat.restore()).committed)
        for days, there in ((PROMISED_DAYS[topic] - 0.05, True), (PROMISED_DAYS[topic] + 0.05, False)):
            now = begun + int(days * 86_400)
            # What a stage took in last stays until it has gone on, as it does each second.
            await seat.commit([Out(topic, 0, b"", b"later")], {}, (await seat.restore()).committed)
            for stage in (MATCH, DETECT, RESPOND):
                await takes_in(bus, stage)
            await bus.expire(now)
            assert bool(marks_in(tmp_path)) == there, days
    finally:
        await bus.close()


async def takes_in(bus: EmbeddedBus, stage: str) -> None:
    """A stage reads on to the end of its input."""
    seat = await bus.open(stage, 0)
    await seat.restore()
    while records := await seat.read(500, 0.1):
        await seat.commit([], {}, records[-1].position + 1)


async def erased(bus: EmbeddedBus, wish: Wish, settled_s: float) -> Receipt:
    body = msgspec.json.encode(wish)
    answer = await asked(bus, KEY, body, sign_wish(KEY, body), 1, settled_s=settled_s)
    receipt = msgspec.json.decode(answer, type=Reply).receipt
    assert receipt is not None
    return receipt


async def test_what_is_under_way_while_somebody_is_erased_goes_too(tmp_path: Path) -> None:
    """A step of collect and one of match that began before they could hear of it."""
    bus = await EmbeddedBus.start(tmp_path, free_needed=0)
    try:
        erasing = asyncio.ensure_future(erased(bus, Wish("forum", PEOPLE[3][0], sure=True), 0.5))
        async with asyncio.timeout(10):
            while not await bus.end(AUDIT, 0):  # noqa: ASYNC110 - another task's doing, which has no event for us
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        said = Mention("forum", 1, 1, "post", TEXT.format(who(3)), 1, id=PEOPLE[3][0])
        for stage, topic, record in (
            (COLLECT, MENTIONS, encode(Parcel((said,)))),
            (MATCH, EVIDENCE, encode(evidence_of(said, "Acme/acme", "Acme", echo=False))),
        ):
            seat = await bus.open(stage, 0)
            await seat.commit([Out(topic, 0, b"", record)], {}, (await seat.restore()).committed)
        receipt = await erasing
        assert receipt.posts == receipt.evidence == 1
        assert not any(set(PEOPLE[3]) & found for found in marks_in(tmp_path).values())
    finally:
        await bus.close()

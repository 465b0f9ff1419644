"""New rule files are tried on what was said last, whatever goes on meanwhile."""

from pathlib import Path

from tests.unit.ingest.items import item
from warn.app.rules import DRY_MENTIONS, RuleFiles
from warn.bus.memory import MemoryBus, MemoryStore, Point
from warn.ingest.door import Door, Terms
from warn.ingest.memory import Memory
from warn.ingest.parcels import pack
from warn.model.flow import COLLECT, MENTIONS
from warn.model.mention import Mention

DOOR, TERMS = Door(b"k", Memory()), Terms(keep="all")


def mention(number: int) -> Mention:
    made = DOOR.admit(item(f"{number}", f"Acme {number}", author="a"), now_ms=2 * 10**12, terms=TERMS)
    assert made is not None
    return made


async def test_the_trial_sees_the_latest_of_every_partition_and_comes_to_an_end() -> None:
    """While it reads, more is said than it can read: it stops where the log ended when it began."""
    store = MemoryStore({MENTIONS: 3})
    seat = await MemoryBus(store).open(COLLECT, 0)
    for n in range(60):
        await seat.commit(pack([mention(10 * n + i) for i in range(10)], (), 3), {}, n)
    said = 0

    async def busy(here: Point) -> None:
        nonlocal said
        if here == "followed":
            said += 100
            await seat.commit(pack([mention(said + i) for i in range(1_000, 1_100)], (), 3), {}, said)

    files = RuleFiles(Path(), MemoryBus(store, busy), lambda _: str.isascii, lambda _: "", None)
    texts = await files._latest()
    assert DRY_MENTIONS >= len(texts) > 300
    assert "Acme 599" in texts
    assert said < 2_000


async def test_nothing_said_yet_is_nothing_to_try() -> None:
    files = RuleFiles(Path(), MemoryBus(), lambda _: str.isascii, lambda _: "", None)
    assert await files._latest() == []

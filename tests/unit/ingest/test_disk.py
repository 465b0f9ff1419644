"""A full disk stops intake and nothing else, and what was read is not lost over it."""

import asyncio
from pathlib import Path

from tests.unit.ingest.items import item
from tests.unit.ingest.scripted import START, Scripted, during, supervise, timed, wall
from warn.bus.embedded import EmbeddedBus
from warn.ingest.connector import Batch, Cursor
from warn.model.flow import MENTIONS
from warn.model.records import Canary, Clock, Parcel
from warn.model.wire import decode_mentions


def test_the_clock_goes_on_while_intake_pauses(tmp_path: Path) -> None:
    async def story() -> tuple[list[str], list[Parcel | Clock | Canary]]:
        free = 10**12
        bus = await EmbeddedBus.start(tmp_path, durable=False, clock=wall, free_bytes=lambda: free)
        script = [act for n in range(40) for act in (Batch((item(str(n)),), Cursor(str(n))), 1.0)]
        supervisor = supervise(bus, Scripted("p", script))
        states: list[str] = []
        async with asyncio.TaskGroup() as group:
            running = group.create_task(during(supervisor, 200.0))
            for megabytes, seconds in ((10**6, 30.5), (1, 30.5), (10**6, 60.0)):
                free = megabytes << 20
                await asyncio.sleep(seconds)
                states.append(supervisor.states()[0].state)
            supervisor.stop()
            await running
        reader = await bus.follow(MENTIONS)
        found: list[Parcel | Clock | Canary] = []
        while records := await reader.read(1_000, 0.0):
            found += [decode_mentions(value) for _, _, _, value in records]
        await bus.close()
        return states, found

    states, found = timed(story())
    assert states == ["running", "paused", "running"]
    clocks = [one.now - START for one in found if isinstance(one, Clock)]
    # Where a step failed its second is skipped, not repeated: whoever reads goes by the next one.
    assert clocks == sorted(set(clocks))
    assert len([second for second in clocks if 31 <= second <= 60]) >= 25
    ids = [mention.id for one in found if isinstance(one, Parcel) for mention in one.mentions]
    assert sorted(ids, key=int) == [str(n) for n in range(40)]

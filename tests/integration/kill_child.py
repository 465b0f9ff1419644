"""The process that `test_kill.py` kills: a source with a cursor, a tally, and the embedded bus between them."""

import asyncio
import random
import sys
from pathlib import Path

from warn.bus.embedded import EmbeddedBus
from warn.model.flow import COLLECT, MATCH, MENTIONS
from warn.stages.base import Out
from warn.testing.rereading import Recorder
from warn.testing.tally import Tally
from warn.worker import Worker

PARTITIONS = {MENTIONS: 1}


def name_of(number: int) -> bytes:
    """The name that the source has at a place."""
    return b"name %d" % (number * 7919 % 101 % 13)


async def publish(bus: EmbeddedBus, target: int) -> None:
    """Bring names from where the cursor stands to the target, some at a time, cursor and names in one step."""
    seat = await bus.open(COLLECT, 0)
    restored = await seat.restore()
    cursor = next((int(r.body) for r in restored.records), 0)
    rng = random.Random(cursor)
    while cursor < target:
        upto = min(target, cursor + rng.randrange(1, 6))
        names = [name_of(n) for n in range(cursor, upto)]
        await seat.commit([Out(MENTIONS, 0, name, name) for name in names], {b"cursor": b"%d" % upto}, 0)
        cursor = upto


async def main(folder: Path, target: int, durable: bool) -> None:
    bus = await EmbeddedBus.start(folder, durable=durable, partitions=PARTITIONS)
    worker = Worker(bus, MATCH, 0, Tally, batch=4, watch=Recorder())
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(worker.run())
        print("ready", flush=True)
        await publish(bus, target)
        await worker.caught_up()
        worker.stop()
    await bus.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "durable"))

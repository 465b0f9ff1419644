"""A stream is read in handfuls: no event waits long, none is lost, and an error comes after what came before it."""

import asyncio

import pytest

from tests.unit.ingest.items import item
from tests.unit.ingest.scripted import Scripted, during, supervise, timed
from warn.bus.memory import MemoryBus, MemoryStore, Point
from warn.ingest.burst import burst
from warn.ingest.connector import Batch


class Stream:
    """Events at their moments, then the end of the connection."""

    def __init__(self, *moments: float) -> None:
        self.queue: asyncio.Queue[float] = asyncio.Queue(maxsize=1_000)
        self._moments = moments
        self.ended = False

    async def run(self) -> None:
        for moment in self._moments:
            await asyncio.sleep(moment - asyncio.get_running_loop().time())
            self.queue.put_nowait(moment)
        self.ended = True

    async def receive(self) -> float:
        if self.ended and self.queue.empty():
            raise ConnectionError("the stream has ended")
        return await self.queue.get()


def test_what_comes_within_20_ms_comes_together() -> None:
    async def story() -> list[tuple[float, list[float]]]:
        stream, got = Stream(1.0, 1.01, 1.015, 1.03, 5.0), []
        async with asyncio.TaskGroup() as group:
            group.create_task(stream.run())
            for _ in range(3):
                events = await burst(stream.receive)
                got.append((round(asyncio.get_running_loop().time(), 3), events))
            with pytest.raises(ConnectionError):
                await burst(stream.receive)
        return got

    assert timed(story()) == [(1.02, [1.0, 1.01, 1.015]), (1.05, [1.03]), (5.0, [5.0])]


def test_a_full_parcel_waits_for_nothing() -> None:
    async def story() -> list[int]:
        stream = Stream(*[0.0] * 450)
        await stream.run()
        stream.ended = False
        sizes = [len(await burst(stream.receive)) for _ in range(2)]
        assert asyncio.get_running_loop().time() == 0.0
        return [*sizes, len(await burst(stream.receive))]

    assert timed(story()) == [200, 200, 50]


# One alone waits for nobody; all are there; the third is not waited for, and waits in vain; the clock waits for nobody.
@pytest.mark.parametrize(
    ("said_at", "written_at"),
    [
        ([0.5], [0.5]),
        ([0.5, 0.505, 0.512], [0.512]),
        ([0.5, 0.512, 0.6], [0.52, 0.62]),
        ([0.99, 1.2], [1.0]),
    ],
)
def test_small_batches_wait_a_moment_for_each_other(said_at: list[float], written_at: list[float]) -> None:
    """Many connectors that say little share a step, at most 20 ms after the first has spoken."""
    commits: list[float] = []

    async def fault(here: Point) -> None:
        if here == "committed":
            commits.append(round(asyncio.get_running_loop().time(), 3))

    ones = [Scripted(f"c{n}", [at, Batch((item(f"{n}"),))]) for n, at in enumerate(said_at)]
    timed(during(supervise(MemoryBus(MemoryStore(), fault), *ones), 1.1))
    shown = [at for at in commits if at not in {0.0, 1.0} or at in written_at]
    assert shown == pytest.approx(written_at, abs=0.001)

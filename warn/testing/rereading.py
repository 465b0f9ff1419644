"""The rule of reading again, checked through the real worker: crashes around commits, lost replies, zombies.

A tally whose slices were saved at different positions is restored, reads again from the oldest, skips per name what
that name has seen, and its worker drops what is already written. Whatever was hit, the numbers in `[signals]` are those
of a run without faults.
"""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from warn.bus.base import Bus, Reader, Restored, Seat, StateReader
from warn.model.flow import COLLECT, MATCH, MENTIONS, SIGNALS
from warn.stages.base import In, Out
from warn.testing.tally import Tally, tallied
from warn.worker import Worker

NAMES = random.Random(1).choices((b"a", b"b", b"c", b"d", b"e" * 9), k=60)


class Restartable(Bus, Protocol):
    """A bus whose process can be made to end."""

    settle_s: float

    async def restart(self) -> None: ...


class Recorder:
    """A watch that remembers what it was told: what happened in `told`, the rest beside it in `details`."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.details: list[tuple[object, ...]] = []

    def tell(self, what: str, *details: object) -> None:
        """Remember."""
        self.told.append(what)
        self.details.append(details)

    def worker_opened(self, stage: str, partition: int, *, position: int, records: int) -> None:
        self.tell("opened", stage, partition, position, records)

    def worker_stepped(
        self, stage: str, partition: int, *, seconds: float, records: int, position: int, lag: int
    ) -> None:
        self.tell("stepped", stage, partition, position, records, lag, seconds)

    def worker_stalled(self, stage: str, partition: int, missing: str) -> None:
        self.tell("stalled", stage, partition, missing)

    def worker_resumed(self, stage: str, partition: int) -> None:
        self.tell("resumed", stage, partition)

    def worker_fenced(self, stage: str, partition: int, error: BaseException) -> None:
        self.tell("fenced", stage, partition, error)

    def worker_failed(
        self, stage: str, partition: int, error: BaseException, *, retry_in_s: float | None
    ) -> None:
        self.tell("failed", stage, partition, error, retry_in_s)

    def dead_letter(self, stage: str, reason: str, *, where: str) -> None:
        self.tell("dead letter", stage, reason, where)


class ShakyBus:
    """A bus on which something happens around commits: `before` and `after` may raise or wait."""

    def __init__(self, bus: Bus, before: "Hook", after: "Hook") -> None:
        self._bus = bus
        self._before = before
        self._after = after

    def partitions(self, topic: str) -> int:
        return self._bus.partitions(topic)

    def seats(self, stage: str) -> int:
        return self._bus.seats(stage)

    async def open(self, stage: str, partition: int) -> Seat:
        return _ShakySeat(await self._bus.open(stage, partition), self._before, self._after)

    async def write(self, outputs: Sequence[Out]) -> None:
        await self._bus.write(outputs)

    async def follow_state(self, stage: str) -> StateReader:
        return await self._bus.follow_state(stage)

    async def follow(self, topic: str, start: Mapping[int, int] | None = None) -> Reader:
        return await self._bus.follow(topic, start)

    async def end(self, topic: str, partition: int) -> int:
        return await self._bus.end(topic, partition)

    async def rewrite(self, topic: str, change: Callable[[bytes], bytes | None]) -> int | None:
        return await self._bus.rewrite(topic, change)

    async def expire(self, now: int) -> None:
        await self._bus.expire(now)

    async def close(self) -> None:
        await self._bus.close()


class Hook(Protocol):
    """Something that happens."""

    async def __call__(self) -> None: ...


async def nothing() -> None:
    """All is well."""


class _ShakySeat:
    def __init__(self, seat: Seat, before: Hook, after: Hook) -> None:
        self._seat = seat
        self._before = before
        self._after = after

    async def restore(self) -> Restored:
        return await self._seat.restore()

    @property
    def position(self) -> int:
        return self._seat.position

    def seek(self, position: int) -> None:
        self._seat.seek(position)

    async def read(self, limit: int, wait_s: float) -> Sequence[In]:
        return await self._seat.read(limit, wait_s)

    async def commit(
        self, outputs: Sequence[Out], state: Mapping[bytes, bytes | None], position: int
    ) -> None:
        await self._before()
        await self._seat.commit(outputs, state, position)
        await self._after()

    async def close(self) -> None:
        await self._seat.close()


def tally_worker(
    bus: Bus, watch: Recorder, *, batch: int, wanted: Callable[[], bool] = lambda: True
) -> Worker:
    """A worker that tallies partition 0 of `[mentions]` into `[signals]`, and loses no time over its failures."""
    return Worker(
        bus, MATCH, 0, Tally, batch=batch, wait_s=0.2, watch=watch, wanted=wanted, backoff_s=(0.001, 0.002)
    )


async def publish(bus: Bus, names: Sequence[bytes]) -> None:
    """Put names into `[mentions]`."""
    seat = await bus.open(COLLECT, 0)
    await seat.commit([Out(MENTIONS, 0, name, name) for name in names], {}, 0)
    await seat.close()


async def written(bus: Restartable) -> list[bytes]:
    """What lies in `[signals]`."""
    reader = await bus.follow(SIGNALS)
    values: list[bytes] = []
    while some := await reader.read(100, bus.settle_s):
        values += [value for _, _, _, value in some]
    await reader.close()
    return values


async def run_through(worker: Worker) -> None:
    """Let a worker take in all that is there, and stop it."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(worker.run())
        await worker.caught_up()
        worker.stop()


async def check_crashes(bus: Restartable) -> None:
    """A process that ends before or after any commit changes nothing in what comes out."""
    await publish(bus, NAMES)
    rng = random.Random(7)
    for _ in range(12):
        dying = Dying(rng.randrange(6))
        before, after = (dying, nothing) if rng.random() < 0.5 else (nothing, dying)
        worker = tally_worker(ShakyBus(bus, before, after), Recorder(), batch=rng.randrange(1, 5))
        await dying.with_it(worker)
        await bus.restart()
    worker = tally_worker(bus, Recorder(), batch=7)
    await run_through(worker)
    assert await written(bus) == tallied(NAMES), (
        "after crashes something is lost, doubled or in another order"
    )
    assert worker.stage is not None
    assert dict(worker.stage.entries()) == {n: b"%d" % NAMES.count(n) for n in set(NAMES)}, "counts differ"


class Dying:
    """At the n-th commit the process ends: the worker is cancelled where it stands and never comes back."""

    def __init__(self, at: int) -> None:
        self._left = at
        self._reached = asyncio.Event()
        self._over = asyncio.Event()

    async def __call__(self) -> None:
        if self._left == 0:
            self._reached.set()
            await self._over.wait()
            raise ConnectionError("this process has ended")
        self._left -= 1

    async def with_it(self, worker: Worker) -> None:
        """Run a worker until then (or until it has nothing left to do)."""
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(worker.run())
            ends = [tasks.create_task(self._reached.wait()), tasks.create_task(worker.caught_up())]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            worker.step_s = 0.05  # nobody waits long for a step that will never end
            for task in (running, *ends):
                task.cancel()
        self._over.set()


async def check_lost_reply(bus: Restartable) -> None:
    """A commit whose outcome is unknown is taken for what it was: the seat is opened anew, and the store tells."""
    await publish(bus, NAMES)
    rng = random.Random(9)

    async def sometimes() -> None:
        if rng.random() < 0.3:
            raise ConnectionError("no reply")

    watch = Recorder()
    await run_through(tally_worker(ShakyBus(bus, sometimes, sometimes), watch, batch=3))
    assert "failed" in watch.told, "the check checked nothing"
    assert await written(bus) == tallied(NAMES), (
        "after lost replies something is lost, doubled or in another order"
    )


async def check_zombie(bus: Restartable) -> None:
    """A worker that sleeps in its commit while another takes its seat wakes up to nothing."""
    await publish(bus, NAMES)
    asleep, awake = asyncio.Event(), asyncio.Event()

    async def doze() -> None:
        asleep.set()
        await awake.wait()

    watch = Recorder()
    zombie = tally_worker(ShakyBus(bus, doze, nothing), watch, batch=20, wanted=lambda: False)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(zombie.run())
        await asleep.wait()
        heir = tally_worker(bus, Recorder(), batch=8)
        await run_through(heir)
        awake.set()
    assert watch.told == ["opened", "fenced"], f"the zombie was not fenced: {watch.told}"
    assert await written(bus) == tallied(NAMES), "a zombie wrote something"

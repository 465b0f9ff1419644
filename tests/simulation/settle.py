"""From the last fault to rest: everything is read, every page is told, all that is on the bus has gone through."""

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from tests.simulation.rules import BY_HASH
from warn.bus.codec import unseal
from warn.ingest.feed import FEED_KEY
from warn.ingest.feed import _body as decode_feed
from warn.model.flow import COLLECT, RESPOND, STAGE_INPUT
from warn.stages.base import Effects, In, Stage, state_hash
from warn.worker import Worker

if TYPE_CHECKING:
    from tests.simulation.run import Simulation

PATIENCE_S: Final = 400.0
PACE: Final = 10.0


async def settled(sim: "Simulation") -> tuple[str, str]:
    """Wait for rest; gives the state hash of the stages that are at work, and that of what they saved.

    Raises `TimeoutError`, whose text says what did not come to rest.
    """
    sim.weather.outage = (0.0, 0.0)
    for slot in range(sim.world.processes):
        sim.table.inform(slot)
    await _until(sim, _read)
    if sim.world.live:
        sim.world.time.change(sim.loop.time(), jump=sim.world.end_jump_s, pace=PACE)
        await asyncio.sleep(2.0)
        await _until(sim, _Told())
        sim.table.collecting = False
        for slot in range(sim.world.processes):
            sim.table.inform(slot)
        await asyncio.sleep(2.0)
    await _until(sim, _through)
    await asyncio.sleep(1.0)
    await _until(sim, _through)
    return state_hash(_live(sim)), state_hash(_saved(sim))


async def _until(sim: "Simulation", ready: Callable[["Simulation"], str | None]) -> None:
    end = sim.loop.time() + PATIENCE_S
    while (what := ready(sim)) is not None:
        if sim.loop.time() > end:
            raise TimeoutError(what)
        await asyncio.sleep(0.5)


def _read(sim: "Simulation") -> str | None:
    """All that was said is taken in."""
    if sim.world.live:
        return next(
            (
                f"{one.name}: {one.acked} of {len(one.said)} read"
                for one in sim.sources
                if one.acked < len(one.said)
            ),
            None,
        )
    seat = sim.store.seats.get((COLLECT, 0))
    if seat is None or FEED_KEY not in seat.state:
        return "the feed has not begun"
    *_, finished = decode_feed.decode(unseal(seat.state[FEED_KEY][1]))
    return None if finished else "the feed is not through"


class _Told:
    """Nothing waits to be told to anybody, and nothing did when all that there was a while ago had been taken in.

    The clock goes on meanwhile, so that there is always a record more.
    """

    def __init__(self) -> None:
        self._rounds = 0
        self._ends: dict[tuple[str, int], int] = {}

    def __call__(self, sim: "Simulation") -> str | None:
        what = _through(sim, self._ends)
        outbox = getattr(_stage(sim, (RESPOND, 0)), "_outbox", None)
        if what is not None or outbox is None:
            return what or "respond is not at work"
        # What one stage has taken in, the next one may still have to.
        self._ends = {shelf: sim.store.ends[shelf] for shelf in sim.store.log}
        self._rounds = 0 if outbox.waiting else self._rounds + 1
        return None if self._rounds > len(STAGE_INPUT) + 1 else "something is still to be told"


def _through(sim: "Simulation", ends: Mapping[tuple[str, int], int] | None = None) -> str | None:
    """Every seat has committed all of its input, or to these ends, and is held by whoever should hold it."""
    for stage, partition in sim.table.seats:
        if stage == COLLECT:
            continue
        shelf = STAGE_INPUT[stage], partition
        seat = sim.store.seats.get((stage, partition))
        end = sim.store.ends[shelf] if ends is None else ends.get(shelf, 0)
        if seat is None or seat.committed < end:
            return f"{stage} {partition} is at {seat and seat.committed} of {end}"
        worker = _worker(sim, (stage, partition))
        if worker is None or worker.stage is None or worker.position < end:
            return f"{stage} {partition} is not at work"
    return None


def _worker(sim: "Simulation", seat: tuple[str, int]) -> Worker | None:
    return sim.table.slots[sim.table.owners[seat]].crew.runners.get(seat)


def _stage(sim: "Simulation", seat: tuple[str, int]) -> Stage | None:
    worker = _worker(sim, seat)
    return None if worker is None else worker.stage


def _live(sim: "Simulation") -> dict[str, list[Stage]]:
    found: dict[str, list[Stage]] = {}
    for seat in sim.table.seats:
        stage = _stage(sim, seat)
        if stage is not None:
            found.setdefault(seat[0], []).append(stage)
    return found


def _saved(sim: "Simulation") -> dict[str, list[Stage]]:
    """Stages as the next process would find them."""
    found: dict[str, list[Stage]] = {}
    for name, partition in sim.table.seats:
        if name == COLLECT:
            continue
        stage = sim.stage(name, partition, BY_HASH.__getitem__)
        seat = sim.store.seats[name, partition]
        stage.restore(((k, at, unseal(raw)) for k, (at, raw) in sorted(seat.state.items())), seat.committed)
        back = stage.resume_from
        if back is not None and back < seat.committed:
            records = sim.store.fetch((STAGE_INPUT[name], partition), back, seat.committed - back)
            for _ in stage.step([In(r.position, r.value) for r in records], Effects()):
                pass
        found.setdefault(name, []).append(stage)
    return found

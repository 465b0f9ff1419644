"""Whether memory stays flat: the stages through hours of event time at one pace, and the process's memory by the hour.

What is remembered of posts is bounded by their number, what is counted by time (detect's windows, the people of an hour),
so memory grows until both are full and not afterwards. Mentions come as the door gives them, each about one of 60 topics,
each by somebody new; parcels and clocks two seconds of event time apart, as fast as the stages take them.
"""

import argparse
import asyncio
import json
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from msgspec import structs

from benchmarks.jetstream import remember, rss_mb
from benchmarks.town import START, Town
from warn.app.pipeline import Pipeline
from warn.bus.embedded import EmbeddedBus
from warn.bus.rulesets import RuleSets, config_record
from warn.model.flow import COLLECT, MENTIONS
from warn.model.hashing import PUBLIC_KEY, content_hash
from warn.model.records import Clock, Parcel
from warn.model.wire import encode
from warn.stages.base import Out

STEP_S: Final = 2
"""Event seconds between two parcels."""
AT_ONCE: Final = 30
"""Parcels to one commit of ours."""


async def hour(bus: EmbeddedBus, town: Town, first: int, per_second: int, config: tuple[str, ...]) -> None:
    """One hour from this second on, written as collect does, and worked through as far as match."""
    seat = await bus.open(COLLECT, 0)
    for minute in range(first, first + 3600, STEP_S * AT_ONCE):
        records = []
        for now in range(minute, minute + STEP_S * AT_ONCE, STEP_S):
            said = tuple(
                structs.replace(one, created_ms=now * 1000, seen_ms=now * 1000)
                for one in town.mentions(per_second * STEP_S)
            )
            records += [encode(Clock(now, (), config)), encode(Parcel(said))]
        await seat.commit([Out(MENTIONS, 0, b"", body) for body in records], {}, 0)
        await asyncio.sleep(0)
    await seat.close()


async def run(hours: int, per_second: int, folder: Path) -> dict[str, Any]:
    """Memory at the end of every hour, once each stage has taken in all of it."""
    bus = await EmbeddedBus.start(folder, clock=lambda: float(START), free_needed=0)
    town = Town(1, 60, 1.0)
    body = encode(town.rules)
    config = (content_hash(body),)
    seat = await bus.open(COLLECT, 0)
    await seat.commit([config_record(body)], {}, 0)
    await seat.close()
    rulesets = RuleSets(bus)
    await rulesets.load()
    pipeline = Pipeline(bus, rulesets, key=PUBLIC_KEY, batch=100, wait_s=0.05)
    began, rss = time.monotonic(), [round(rss_mb(), 1)]
    async with asyncio.TaskGroup() as group:
        running = group.create_task(pipeline.run())
        for number in range(hours):
            await hour(bus, town, START + number * 3600, per_second, config)
            for workers in pipeline.workers.values():
                for worker in workers:
                    await worker.caught_up()
            rss.append(round(rss_mb(), 1))
            print(f"after {number + 1:>3} h of event time: {rss[-1]:>7} MB", flush=True)
        pipeline.stop()
        await running
    await bus.close()
    return {
        "hours": hours,
        "per_second": per_second,
        "seconds": time.monotonic() - began,
        "rss_mb_by_hour": rss,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=int, default=8)
    parser.add_argument("--rate", type=int, default=50, help="mentions to a second of event time")
    parser.add_argument(
        "--remember", type=int, default=0, metavar="POSTS", help="bound of the memory of posts"
    )
    args = parser.parse_args()
    if args.remember:
        remember(args.remember)
    with tempfile.TemporaryDirectory(prefix="warn-bench-") as folder:
        print(json.dumps(asyncio.run(run(args.hours, args.rate, Path(folder)))))


if __name__ == "__main__":
    main()

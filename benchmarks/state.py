"""How big detect's state is, and how soon the daemon's stages step again after a kill.

A child process runs match, detect and respond over a thousand rules on the durable embedded bus, with six hours of event
time written ahead of it; it is SIGKILLed half-way. A second child starts on the same folder and reports, from the moment
its process was started, when each stage had committed its first step. Then the state that it left is weighed.
"""

import argparse
import asyncio
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from msgspec import structs

from benchmarks.town import START, Town
from warn.app.pipeline import Pipeline
from warn.bus.embedded import EmbeddedBus
from warn.bus.rulesets import RuleSets, config_record
from warn.model.flow import COLLECT, DETECT, MATCH, MENTIONS
from warn.model.hashing import PUBLIC_KEY, content_hash
from warn.model.mention import Mention
from warn.model.records import Clock, Parcel
from warn.model.wire import encode
from warn.stages import slicestate
from warn.stages.base import Out

HOURS: Final = 6
STEP_S: Final = 2
"""Event seconds between two parcels."""
WAIT_S: Final = 60.0


async def opened(folder: Path) -> EmbeddedBus:
    return await EmbeddedBus.start(folder, clock=lambda: float(START), free_needed=0)


async def fill(folder: Path, rules: int, mentions: int) -> None:
    """Six hours of a town: a clock and a parcel every two seconds."""
    town = Town(1, rules, 0.16)
    body = encode(town.rules)
    config = (content_hash(body),)
    bus = await opened(folder)
    seat = await bus.open(COLLECT, 0)
    records = [config_record(body)]
    for i, chunk in enumerate(chunks(town.mentions(mentions), HOURS * 3600 // STEP_S)):
        now = START + i * STEP_S
        said = tuple(structs.replace(one, created_ms=now * 1000, seen_ms=now * 1000) for one in chunk)
        records.append(Out(MENTIONS, 0, b"", encode(Clock(now, (), config))))
        records.append(Out(MENTIONS, 0, b"", encode(Parcel(said))))
        if len(records) > 400:
            await seat.commit(records, {}, 0)
            records = []
    await seat.commit(records, {}, 0)
    await seat.close()
    await bus.close()


def chunks(mentions: list[Mention], parts: int) -> Iterator[list[Mention]]:
    size = max(1, len(mentions) // parts)
    for i in range(0, len(mentions), size):
        yield mentions[i : i + size]


async def child(folder: Path, started: float, *, stop_at_first: bool) -> None:
    """Run the stages; print a line for each stage's first committed step, then go on or end."""
    bus = await opened(folder)
    rulesets = RuleSets(bus)
    await rulesets.load()
    pipeline = Pipeline(bus, rulesets, key=PUBLIC_KEY, batch=100, wait_s=0.05, give_up_after=1)
    first = {name: asyncio.Event() for name in (MATCH, DETECT)}
    for name, event in first.items():
        for worker in pipeline.workers[name]:
            worker.on_effects = lambda _, name=name, event=event: tell(name, event, started)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(pipeline.run())
        async with asyncio.timeout(WAIT_S):  # nothing left to do: give it more mentions
            for event in first.values():
                await event.wait()
        if stop_at_first:
            pipeline.stop()
        await running
    await bus.close()


def tell(name: str, event: asyncio.Event, started: float) -> None:
    if not event.is_set():
        event.set()
        print(json.dumps({"stage": name, "seconds": time.time() - started}), flush=True)


def command(folder: Path, mode: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "benchmarks.state",
        "--child",
        mode,
        "--folder",
        str(folder),
        "--at",
        str(time.time()),
    ]


def restarted(folder: Path) -> dict[str, float]:
    """Seconds from process start to each stage's first committed step, after a kill."""
    running = subprocess.Popen(command(folder, "first"), stdout=subprocess.PIPE, text=True)
    out, _ = running.communicate(timeout=300)
    return {one["stage"]: one["seconds"] for one in map(json.loads, out.splitlines())}


async def weigh(folder: Path) -> dict[str, Any]:
    """Bytes of slices, and of what each series has learned."""
    bus = await opened(folder)
    seat = await bus.open(DETECT, 0)
    records = (await seat.restore()).records
    await bus.close()
    slices = [slicestate.decode(r.body) for r in records if r.key != b"head"]
    sizes = [len(r.body) for r in records if r.key != b"head"]
    learned = [len(one.body) for s in slices for one in s.lessons]
    return {
        "slices": len(sizes),
        "slice_bytes": {"median": statistics.median(sizes), "max": max(sizes)},
        "series": len(learned),
        "learned_bytes_per_series": {"median": statistics.median(learned), "max": max(learned)},
        "head_bytes": next(len(r.body) for r in records if r.key == b"head"),
    }


def measure(rules: int, mentions: int, kills: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="warn-bench-") as name:
        folder = Path(name)
        asyncio.run(fill(folder, rules, mentions))
        runs = []
        for i in range(kills):
            running = subprocess.Popen(command(folder, "run"), stdout=subprocess.PIPE, text=True)
            for _ in range(2):
                assert running.stdout is not None
                running.stdout.readline()
            time.sleep(1.0 + 0.2 * i)
            running.send_signal(signal.SIGKILL)
            running.wait(timeout=60)
            runs.append(restarted(folder))
        return {"rules": rules, "mentions": mentions, "restarts": runs, **asyncio.run(weigh(folder))}


def show(result: dict[str, Any]) -> None:
    print(f"{result['rules']} rules, {result['mentions']} mentions in {HOURS} h of event time")
    for stage in (MATCH, DETECT):
        took = sorted(run[stage] for run in result["restarts"])
        print(f"from process start to {stage}'s first step after a SIGKILL: median {statistics.median(took):.2f} s, "
              f"longest {took[-1]:.2f} s of {len(took)}")  # fmt: skip
    slices, learned = result["slice_bytes"], result["learned_bytes_per_series"]
    print(f"{result['slices']} slices: median {slices['median']:,.0f} bytes, largest {slices['max']:,}")
    print(
        f"{result['series']} series: learned state median {learned['median']:,.0f} bytes, largest {learned['max']:,}"
    )
    print(json.dumps(result))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rules", type=int, default=1_000)
    parser.add_argument("--mentions", type=int, default=400_000)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--child", choices=("run", "first"))
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--at", type=float, default=0.0)
    args = parser.parse_args()
    if args.child:
        asyncio.run(child(args.folder, args.at, stop_at_first=args.child == "first"))
    else:
        show(measure(args.rules, args.mentions, args.kills))


if __name__ == "__main__":
    main()

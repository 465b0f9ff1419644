"""Bluesky at full speed through the whole daemon on the embedded bus: what is lost, how late it is, what it costs.

A process of its own plays Jetstream on loopback: 5,000 events a second, 2 % of them about our topics (posts, and likes,
reposts, quotes and wordless replies of those), the rest likes, reposts, posts and deletes of the world. The daemon is
put together as `warn run` does it. Afterwards `[mentions]` and `[signals]` are read back and held against what was sent:
every mention and every echo, once. Late is from the moment an event was due on the socket to the commit that counted it.
"""

import argparse
import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks.jetstream_made import TOPICS, WORD
from benchmarks.jetstream_seen import Seen
from connectors.bluesky import BlueskyConfig, BlueskyConnector
from warn.aggregate import memory as aggregate
from warn.app.daemon import Daemon
from warn.app.engine import opened, whole
from warn.app.plan import Plan
from warn.app.run import SWITCH_S
from warn.bus.embedded import EmbeddedBus
from warn.ingest import collector, memory
from warn.model.flow import MATCH, MENTIONS
from warn.model.hashing import BUCKETS, PUBLIC_KEY
from warn.model.records import Parcel
from warn.model.wire import decode_mentions
from warn.stages import counting
from warn.stages.base import Effects
from warn.telemetry import logs

SETTLES_S: Final = 3.0
"""After the last event: the next clock closes what was counted."""
PATIENCE_S: Final = 60.0
WRONG: Final = (
    *("mentions_lost", "mentions_too_many", "echoes_lost", "echoes_too_many"),
    *("carried_lost", "carried_twice_or_wrongly", "refused", "gaps"),
)
"""What has to be 0."""


def rules_text() -> str:
    """A rule and a topic for each word of ours."""
    topics = "".join(f"  t{i}: {{any: [{WORD}{i}]}}\n" for i in range(TOPICS))
    rules = "".join(f"      - {{alert: A{i}, topic: t{i}, watch: [mentions, echo]}}\n" for i in range(TOPICS))
    return f"version: 1\nbrand: Acme\ntopics:\n{topics}groups:\n  - name: acme\n    rules:\n{rules}"


class Late:
    """How late mentions are counted: seen on the bus, and then a commit of match has gone past them."""

    def __init__(self, every: int) -> None:
        self._every = every
        self._waiting: dict[int, list[tuple[int, int]]] = {}
        self._past: Counter[int] = Counter()
        self._seen = 0
        self.ms: list[float] = []

    def watch(self, daemon: Daemon) -> None:
        """Have every worker of match tell of its commits."""
        assert daemon._work is not None  # noqa: SLF001 - the daemon has no such window of its own
        for worker in daemon._work.pipeline.workers[MATCH]:  # noqa: SLF001
            tell = worker.on_effects

            def told(effects: Effects, worker: Any = worker, tell: Any = tell) -> None:
                tell(effects)
                self._committed(worker.partition, worker.position)

            worker.on_effects = told

    def _committed(self, partition: int, position: int) -> None:
        self._past[partition] = position
        now = time.time() * 1000
        left = []
        for at, created_ms in self._waiting.pop(partition, ()):
            if at < position:
                self.ms.append(now - created_ms)
            else:
                left.append((at, created_ms))
        if left:
            self._waiting[partition] = left

    async def follow(self, bus: EmbeddedBus) -> None:
        """Until cancelled: which mention stands where."""
        reader = await bus.follow(MENTIONS)
        while True:
            for partition, position, _, value in await reader.read(1_000, 1.0):
                self._seen += 1
                if self._seen % self._every:
                    continue
                parcel = decode_mentions(value)
                if isinstance(parcel, Parcel):
                    row = [(position, one.created_ms) for one in parcel.mentions]
                    self._waiting.setdefault(partition, []).extend(row)
            for partition, position in self._past.items():
                self._committed(partition, position)


def remember(posts: int) -> None:
    """Lower the bounds of the door's and of match's memory, so that a short run fills them and shows what grows on."""
    setattr(collector, "Memory", partial(memory.Memory, per_bucket=max(memory.SEGMENT, posts // BUCKETS)))  # noqa: B010
    setattr(counting, "Memory", partial(aggregate.Memory, limit=posts))  # noqa: B010


def rss_mb() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def run(args: argparse.Namespace, folder: Path, port: int, total: int) -> dict[str, Any]:
    """The daemon, from the first event to the last and a little longer; then what is on the bus."""
    (folder / "rules").mkdir()
    (folder / "rules" / "acme.yaml").write_text(rules_text())
    if args.remember:
        remember(args.remember)
    bus = await EmbeddedBus.start(folder / "data", free_needed=0)
    late, seen = Late(1 if args.keep == "match" else 20), Seen()
    config = BlueskyConfig(
        name="bluesky", hosts=(f"ws://127.0.0.1:{port}",), inside=(f"127.0.0.1:{port}",), keep=args.keep
    )
    daemon = Daemon(
        Plan(
            opened(whole(bus, folder)),
            key=PUBLIC_KEY,
            data=folder,
            rules=folder / "rules",
            connectors=[(config, BlueskyConnector(config))],
            server=("127.0.0.1", 0),
            check_routes=False,
        )
    )
    try:
        async with asyncio.TaskGroup() as group:
            running = group.create_task(daemon.run())
            following = group.create_task(late.follow(bus))
            result = await measure(daemon, late, args.seconds, total)
            daemon.stop("measured")
            await running
            following.cancel()
        await seen.read(bus)
    finally:
        await bus.close()
    return {**result, **seen.held_against(total, args.keep), "bus_mb": size_mb(folder / "data")}


async def measure(daemon: Daemon, late: Late, seconds: float, total: int) -> dict[str, Any]:
    """Until the connector has read all that is sent, and what follows from that is through."""
    read = await _until_read(daemon, 1)
    late.watch(daemon)
    began, cpu, loop = time.monotonic(), cpu_s(), Stalls()
    rss: dict[int, float] = {}
    watching = asyncio.get_running_loop().create_task(loop.watch())
    while read < total and time.monotonic() - began < seconds + PATIENCE_S:
        await asyncio.sleep(0.5)
        read = daemon.connector_states()[0].read
        minute = int((time.monotonic() - began) // 60)
        rss.setdefault(minute, rss_mb())
    took, used = time.monotonic() - began, cpu_s() - cpu
    watching.cancel()
    await asyncio.sleep(SETTLES_S)
    state = daemon.connector_states()[0]
    return {
        "read": state.read,
        "let_through": state.let_through,
        "dropped": state.dropped,
        "skipped": state.skipped,
        "refused": state.refused,
        "gaps": len(state.gaps),
        "seconds": took,
        "cores": used / took,
        "rss_mb_by_minute": [round(rss[minute], 1) for minute in sorted(rss)],
        "rss_mb_end": round(rss_mb(), 1),
        "counted_ms": percentiles(late.ms),
        "loop_stall_ms": percentiles(loop.ms),
    }


async def _until_read(daemon: Daemon, n: int) -> int:
    async with asyncio.timeout(PATIENCE_S):
        while not (states := daemon.connector_states()) or states[0].read < n:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)
    return states[0].read


class Stalls:
    """By how much the loop is late where it had nothing else to do than to wake up."""

    def __init__(self) -> None:
        self.ms: list[float] = []

    async def watch(self) -> None:
        while True:
            due = time.monotonic() + 0.01
            await asyncio.sleep(0.01)
            self.ms.append((time.monotonic() - due) * 1000)


def percentiles(values: list[float]) -> dict[str, float]:
    if len(values) < 100:
        return {}
    cut = statistics.quantiles(values, n=1000)
    return {
        "p50": round(cut[499], 1),
        "p99": round(cut[989], 1),
        "p99.9": round(cut[998], 1),
        "n": len(values),
    }


def size_mb(folder: Path) -> float:
    """What lies in a folder."""
    return round(sum(one.stat().st_size for one in folder.rglob("*") if one.is_file()) / 1e6, 1)


def once(args: argparse.Namespace) -> dict[str, Any]:
    """One run in a fresh folder, with a fresh generator."""
    total = int(args.seconds * args.rate)
    told = [str(one) for one in (total, args.rate, args.version, args.breaks)]
    with (
        tempfile.TemporaryDirectory(prefix="warn-bench-", dir=args.folder) as folder,
        subprocess.Popen([sys.executable, "-m", "benchmarks.jetstream_made", *told], stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, text=True) as generator,
    ):  # fmt: skip
        assert generator.stdin is not None
        assert generator.stdout is not None
        port = int(generator.stdout.readline())
        result = asyncio.run(run(args, Path(folder), port, total))
        generator.stdin.close()
        sent = json.loads(generator.stdout.readline())
    return {
        "rate": args.rate, "events": total, "keep": args.keep, "version": args.version, "breaks": args.breaks, **result,
        "generator_cores": sent["cpu_s"] / result["seconds"], "generator_late_ms": round(sent["late_ms"], 1),
        "load_average": os.getloadavg()[0],
    }  # fmt: skip


def show(result: dict[str, Any]) -> None:
    """A table for people, a line for machines."""
    for name, value in result.items():
        print(f"{name:<26} {round(value, 3) if isinstance(value, float) else value}")
    print(json.dumps(result))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--rate", type=int, default=5_000)
    parser.add_argument("--keep", choices=("match", "all"), default="match")
    parser.add_argument("--version", type=int, choices=(1, 2), default=2, help="of Jetstream")
    parser.add_argument("--breaks", type=int, default=0, help="how often the connection breaks on the way")
    parser.add_argument(
        "--remember", type=int, default=0, metavar="POSTS", help="bound of both memories of posts"
    )
    parser.add_argument("--folder", type=Path, help="where the bus lies while it runs")
    parser.add_argument("--profile", action="store_true")
    args = parser.parse_args()
    logs.configure(form="console", level="warning")
    sys.setswitchinterval(SWITCH_S)  # as `warn run` does
    if args.profile:
        import cProfile
        import pstats

        profile = cProfile.Profile()
        result = profile.runcall(once, args)
        pstats.Stats(profile, stream=sys.stderr).sort_stats("tottime").print_stats(45)
    else:
        result = once(args)
    show(result)
    if any(result[name] for name in WRONG):
        sys.exit(1)


if __name__ == "__main__":
    main()

"""warn on real Kafka beside a bare loop and bytewax: mentions per CPU second, and the way of a mention from leg to leg.

Rates are measured against `bare` in the same round on the same broker: a `getmany` loop of aiokafka's over one JSON mention
of 818 bytes a record. What is measured is CPU time of the one process at work, each time a new one, all its threads, from
its first seat until it has caught up and committed; rounds are interleaved. On a busy machine trust the ratios.

Needs Java 17 and, once, Maven (tests/kafka/brokers.py). Progress goes to stderr; the last line of stdout is JSON.
"""

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from benchmarks.kafka.pace import live
from benchmarks.kafka.rates import Rates
from benchmarks.kafka.report import show
from tests.kafka.brokers import Brokers
from tests.kafka.jars import NoKafkaError
from warn.model.wire import encode

MEMORY: Final = Path("/dev/shm")
ROOM: Final = 2 << 30
PACKAGES: Final = (
    "warn-daemon",
    "aiokafka",
    "msgspec",
    "ahocorasick-rs",
    "cramjam",
    "bytewax",
    "confluent-kafka",
)
LIVE: Final = (5_000, 20_000)


def machine() -> dict[str, Any]:
    """What it ran on."""
    there: dict[str, str | None] = {}
    for name in PACKAGES:
        try:
            there[name] = version(name)
        except PackageNotFoundError:
            there[name] = None
    return {
        "versions": {"python": platform.python_version(), **there},
        "system": platform.platform(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
    }


def measure(brokers: Brokers, folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Everything, one after the other."""
    rates = Rates(brokers.bootstrap, folder, args.scale, args.rounds)
    asyncio.run(rates.fill())
    for i in range(args.rounds):
        rates.round(i)
    parts = rates.parts()
    both = rates.detect()
    first = rates.cases[0]
    mentions = folder / "mentions.msgpack"
    mentions.write_bytes(encode(rates.towns.mentions(first)))
    paced = live(
        brokers.bootstrap, brokers.pids[1], rates.towns.rules(first), mentions, args.rates, args.seconds, args.idle
    )  # fmt: skip
    return {
        "rates": list(rates.rows()),
        "to_bytewax": rates.to_bytewax(),
        "more_rules": rates.more_rules(),
        "parts": parts,
        "match_and_detect": both,
        "live": paced["runs"],
        "idle": paced["idle"],
        "rounds": rates.by_name,
    }


def arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.kafka", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )  # fmt: skip
    parser.add_argument(
        "--quick", action="store_true", help="one round of half the mentions, and half the time"
    )
    parser.add_argument("--json", action="store_true", help="no table")
    parser.add_argument("--rounds", type=int, choices=range(1, 6), help="3")
    parser.add_argument("--scale", type=float, help="times the mentions of the rates: 1")
    parser.add_argument("--seconds", type=float, help="at each rate of the live part: 20")
    parser.add_argument("--idle", type=float, help="seconds with clocks alone: 10")
    parser.add_argument(
        "--rates", type=int, nargs="+", default=LIVE, help="mentions a second of the live part"
    )
    args = parser.parse_args(given)
    usual = (1, 0.5, 10.0, 5.0) if args.quick else (3, 1.0, 20.0, 10.0)
    for name, value in zip(("rounds", "scale", "seconds", "idle"), usual, strict=True):
        if getattr(args, name) is None:
            setattr(args, name, value)
    return args


def main(given: Sequence[str] | None = None) -> int:
    args = arguments(given)
    if MEMORY.is_dir() and _room(MEMORY) > ROOM:
        tempfile.tempdir = str(MEMORY)
    started, load = time.monotonic(), os.getloadavg()
    try:
        brokers = Brokers(heap_mb=1024)
    except NoKafkaError as e:
        print(f"no Kafka to measure on: {e}", file=sys.stderr)
        return 1
    with brokers, tempfile.TemporaryDirectory(prefix="warn-bench-") as name:
        result = measure(brokers, Path(name), args)
    result |= machine() | {
        "kafka": brokers.version,
        "data": tempfile.gettempdir(),
        "load_average": {"start": load, "end": os.getloadavg()},
        "took_s": time.monotonic() - started,
    }
    if not args.json:
        show(result)
    print(json.dumps(result))
    return 0


def _room(folder: Path) -> int:
    """Bytes that are free there."""
    stat = os.statvfs(folder)
    return stat.f_bavail * stat.f_frsize


if __name__ == "__main__":
    sys.exit(main())

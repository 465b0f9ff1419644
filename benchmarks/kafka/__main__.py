"""Mentions per CPU-second on real Kafka, and the way of a mention from leg to leg.

Everything is measured against `bare` in the same round on the same broker: a `getmany` loop of aiokafka's over one JSON
mention of 818 bytes a record. What is measured is CPU time of the one process at work, each time a new one; rounds are
interleaved. On a busy machine trust the ratios.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.kafka.cases import Case, Towns, fill_json, fill_warn, rules_file
from benchmarks.kafka.peer import THERE
from tests.kafka.brokers import Brokers

ROOT: Final = Path(__file__).resolve().parents[2]
MEMORY: Final = Path("/dev/shm")
CHILD_S: Final = 120.0


def cases(scale: float) -> list[Case]:
    """What warn is measured on; `scale` shortens all of it."""
    many, some = int(120_000 * scale), int(30_000 * scale)
    return [
        Case("1,000 rules, 16 % match, parcels of 50", 1_000, 0.15, 50, many),
        Case("1,000 rules, 16 % match, parcels of 1", 1_000, 0.15, 1, some),
        Case("1,000 rules, all match, parcels of 50", 1_000, 1.0, 50, some),
        Case("1,000 rules, all match, parcels of 1", 1_000, 1.0, 1, some // 2),
        Case("10,000 rules, 16 % match, parcels of 50", 10_000, 0.15, 50, many // 2),
    ]


def child(**spec: Any) -> dict[str, float]:
    """What one process took."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.kafka.child", json.dumps(spec)],
        cwd=ROOT, stdout=subprocess.PIPE, timeout=CHILD_S, check=True,
    )  # fmt: skip
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    result["rate"] = result["mentions"] / result["cpu_s"]
    return result


class Rounds:
    """Results by name, round by round."""

    def __init__(self) -> None:
        self.by_name: dict[str, list[dict[str, float]]] = {}

    def add(self, name: str, result: dict[str, float]) -> None:
        self.by_name.setdefault(name, []).append(result)
        print(f"  {name}: {result['rate'] / 1e3:.0f} thousand", file=sys.stderr, flush=True)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Thousand mentions per CPU second, least, middle and most, and the ratio to `bare` of the same round."""
        bare = [one["rate"] for one in self.by_name["bare"]]
        for name, results in self.by_name.items():
            rates = sorted(one["rate"] / 1e3 for one in results)
            ratios = sorted(one["rate"] / yard for one, yard in zip(results, bare, strict=True))
            yield {
                "what": name,
                "k_min": rates[0], "k_median": statistics.median(rates), "k_max": rates[-1],
                "of_bare_min": ratios[0], "of_bare": statistics.median(ratios), "of_bare_max": ratios[-1],
                "wall_k": statistics.median(one["mentions"] / one["wall_s"] / 1e3 for one in results),
            }  # fmt: skip


def cpu_of(pid: int) -> float:
    """CPU seconds of a process so far (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


async def rates(brokers: Brokers, folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    """All cases, round by round."""
    todo = cases(args.scale)
    towns = Towns(folder, todo)
    first = todo[0]
    await fill_json(brokers.bootstrap, towns.mentions(first.rules, first.of))
    for one in todo:
        await fill_warn(brokers.bootstrap, one, towns.mentions(one.rules, one.of), args.rounds)
    rounds, matched = Rounds(), {}
    reach = {"bootstrap": brokers.bootstrap, "rounds": args.rounds}
    broker, started = cpu_of(brokers.pids[1]), time.monotonic()
    for i in range(args.rounds):
        print(f"round {i + 1}:", file=sys.stderr)
        flat = {**reach, "mentions": first.mentions}
        rounds.add("bare", child(kind="bare", decode=False, **flat))
        rounds.add("bare, decoded", child(kind="bare", decode=True, **flat))
        for one in todo:
            rules = str(rules_file(folder, one.rules, one.of))
            spec = {**reach, "prefix": one.prefix, "round": i, "rules": rules, "mentions": one.mentions}
            result = child(kind="match", **spec)
            matched[one.name] = result["matched"] / result["mentions"]
            rounds.add(one.name, result)
        if THERE:
            rules = str(rules_file(folder, first.rules, first.of))
            rounds.add("bytewax, JSON", child(kind="bytewax", rules=rules, parcels=False, **flat))
            rounds.add(
                "bytewax, parcels of 50",
                child(kind="bytewax", rules=rules, parcels=True, prefix=first.prefix, **flat),
            )
    busy = (cpu_of(brokers.pids[1]) - broker) / (time.monotonic() - started)
    idle = await idles(brokers)
    return {
        "rates": list(rounds.rows()),
        "matched": matched,
        "broker_cpu": {"busy": busy, "idle": idle},
        "detail": rounds.by_name,
    }


async def idles(brokers: Brokers) -> float:
    """CPU of the broker with nothing to do, as a share of a core."""
    broker, started = cpu_of(brokers.pids[1]), time.monotonic()
    await asyncio.sleep(3.0)
    return (cpu_of(brokers.pids[1]) - broker) / (time.monotonic() - started)


def show(result: dict[str, Any]) -> None:
    print(
        "Thousand mentions per CPU second of the process at work: least, median, most; and of `bare`, same round"
    )
    for row in result["rates"]:
        print(
            f"  {row['what']:<42} {row['k_min']:>6.0f} {row['k_median']:>6.0f} {row['k_max']:>6.0f}"
            f"   {row['of_bare_min']:>5.0%} {row['of_bare']:>5.0%} {row['of_bare_max']:>5.0%}"
        )
    shares = ", ".join(f"{name}: {share:.1%}" for name, share in result["matched"].items())
    print(f"Matched: {shares}")
    cpu = result["broker_cpu"]
    print(f"The broker took {cpu['busy']:.0%} of a core while that ran, {cpu['idle']:.1%} idle")
    if not THERE:
        print("bytewax is not installed: `make bench-kafka` does that (Python below 3.13)")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="1, 2, 3, 4, 5 or 6")
    parser.add_argument("--quick", action="store_true", help="a quarter of the mentions, one round")
    parser.add_argument("--scale", type=float, default=1.0)
    args = parser.parse_args(arguments)
    if args.quick:
        args.rounds, args.scale = 1, args.scale / 4
    if MEMORY.is_dir():
        tempfile.tempdir = str(MEMORY)
    with Brokers() as brokers, tempfile.TemporaryDirectory(prefix="warn-bench-") as name:
        result = asyncio.run(rates(brokers, Path(name), args))
    show(result)
    print(json.dumps(result))


if __name__ == "__main__":
    main()

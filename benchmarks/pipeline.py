"""Mentions per second and core through match and detect on the embedded bus, and where the time goes.

Everything is CPU time of this process, the bus's writer thread included, as medians of interleaved rounds: on a busy
machine trust the ratios of one run, not the rates. `decode` is a loop that only decodes the same parcels: the yardstick.
What is measured is the real worker over the real bus with commits that reach the disk; the records are written before.
"""

import argparse
import asyncio
import gc
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.town import PER_SECOND, START, Town
from warn.bus.embedded import EmbeddedBus
from warn.detect.registry import build
from warn.match.fold import fold
from warn.match.matcher import Matcher
from warn.model.flow import COLLECT, DETECT, MATCH, MENTIONS
from warn.model.hashing import PUBLIC_KEY
from warn.model.mention import Mention
from warn.model.records import Clock, Parcel
from warn.model.rules import RuleSet
from warn.model.wire import decode_mentions, encode
from warn.stages.base import Effects, In, Out, Stage
from warn.stages.detect import DetectStage
from warn.stages.match import MatchStage
from warn.worker import Worker

CONFIG: Final = "bench"
STEP: Final = 500
"""Mentions or so to a step."""

Parts = dict[str, float]


def spent(run: Callable[[], object]) -> float:
    """CPU seconds of this thread that a call takes."""
    start = time.thread_time()
    run()
    return time.thread_time() - start


class TimedMatch(MatchStage):
    """match with a watch on the parts that are called once a parcel or rarer."""

    parts: Parts

    def _timed(self, name: str, steps: Iterator[None]) -> Iterator[None]:
        while True:
            start = time.thread_time()
            try:
                next(steps)
            except StopIteration:
                return
            finally:
                self.parts[name] = self.parts.get(name, 0.0) + time.thread_time() - start
            yield

    def _count(self, *args: Any) -> Iterator[None]:
        return self._timed("take", super()._count(*args))

    def _close(self, *args: Any) -> Iterator[None]:
        return self._timed("tally", super()._close(*args))

    def _write(self, *args: Any) -> None:
        self.parts["encode"] = self.parts.get("encode", 0.0) + spent(
            lambda: super(TimedMatch, self)._write(*args)
        )

    def offer(self, effects: Effects, position: int) -> None:
        self.parts["state"] = self.parts.get("state", 0.0) + spent(
            lambda: super(TimedMatch, self).offer(effects, position)
        )

    def step(self, batch: Sequence[In], effects: Effects) -> Iterator[None]:
        return self._timed("step", super().step(batch, effects))

    def finish(self, effects: Effects) -> Iterator[None]:
        return self._timed("step", super().finish(effects))


class Case:
    """Mentions of one share of matching, in parcels of one size."""

    def __init__(
        self, rules: RuleSet, matcher: Matcher, mentions: Sequence[Mention], share: float, size: int
    ) -> None:
        self.rules, self.matcher = rules, matcher
        self.share, self.size, self.mentions = share, size, len(mentions)
        self.parcels = [encode(Parcel(tuple(mentions[i : i + size]))) for i in range(0, len(mentions), size)]
        self.records = list(self._with_clocks())
        self.rounds: list[Parts] = []

    def _with_clocks(self) -> Iterator[bytes]:
        every = max(1, PER_SECOND // self.size)
        for i, parcel in enumerate(self.parcels):
            if i % every == 0:
                yield encode(Clock(START + i // every, (), (CONFIG,)))
            yield parcel
        yield encode(Clock(START + len(self.parcels) // every + 60, (), (CONFIG,)))

    async def round(self) -> None:
        """Once through all, and what each part took, in microseconds of CPU a mention."""
        parts = {"decode": spent(lambda: [decode_mentions(one) for one in self.parcels])}
        with tempfile.TemporaryDirectory(prefix="warn-bench-") as folder:
            bus = await EmbeddedBus.start(Path(folder), clock=lambda: float(START), free_needed=0)
            try:
                await self._fill(bus)
                stage = TimedMatch(
                    0,
                    bus.partitions("signals"),
                    lambda _: self.rules,
                    PUBLIC_KEY,
                    compiled=lambda _: self.matcher,
                )
                stage.parts = parts
                parts["match"] = await self._run(bus, MATCH, lambda: stage)
                parts["detect"] = await self._run(
                    bus,
                    DETECT,
                    lambda: DetectStage(
                        0, partitions=1, match_partitions=1, rulesets=lambda _: self.rules, build=build
                    ),
                )
            finally:
                await bus.close()
        self.rounds.append({name: seconds * 1e6 / self.mentions for name, seconds in parts.items()})

    async def _fill(self, bus: EmbeddedBus) -> None:
        seat = await bus.open(COLLECT, 0)
        for i in range(0, len(self.records), 200):
            await seat.commit([Out(MENTIONS, 0, b"", one) for one in self.records[i : i + 200]], {}, 0)
        await seat.close()

    async def _run(self, bus: EmbeddedBus, name: str, make: Callable[[], Stage]) -> float:
        """CPU seconds of the whole process, writer thread and event loop included, until all input is taken in."""
        batch = max(2, STEP // self.size) if name == MATCH else 500
        worker = Worker(bus, name, 0, make, batch=batch, wait_s=0.2, give_up_after=1)
        gc.collect()
        start = time.process_time()
        running = asyncio.ensure_future(worker.run())
        await worker.caught_up()
        took = time.process_time() - start
        worker.stop()
        await running
        return took

    def median(self, name: str) -> float:
        """Microseconds a mention."""
        return statistics.median(one[name] for one in self.rounds)


def texts(matcher: Matcher, mentions: Sequence[Mention], rounds: int) -> Parts:
    """Fold, scan and rules alone, in microseconds a mention."""
    written = [one.text for one in mentions]
    folded = [fold(one) for one in written]
    find = matcher._find  # noqa: SLF001 - the scan without what follows it has no public name
    measured: dict[str, list[float]] = {"fold": [], "scan": [], "match": []}
    for _ in range(rounds):
        measured["fold"].append(spent(lambda: [fold(one) for one in written]))
        measured["scan"].append(spent(lambda: [find(one, True) for one in folded]))
        measured["match"].append(spent(lambda: [matcher.match(one) for one in written]))
    return {name: statistics.median(took) * 1e6 / len(written) for name, took in measured.items()}


def shares(case: Case, alone: Parts) -> Parts:
    """Microseconds a mention by part; they add up to match and detect on the bus."""
    take, step = case.median("take"), case.median("step")
    parts = {
        "decode": step - take - case.median("tally") - case.median("encode"),
        "fold": alone["fold"],
        "scan": alone["scan"],
        "edges and rules": alone["match"] - alone["fold"] - alone["scan"],
        "memory and what it counts as": take - alone["match"],
        "tally": case.median("tally"),
        "encode": case.median("encode") + case.median("state"),
        "bus and loop": case.median("match") - step - case.median("state"),
        "detect with its bus": case.median("detect"),
    }
    return {name: max(0.0, took) for name, took in parts.items()}


def row(case: Case) -> dict[str, float]:
    """Thousand mentions a second and core."""
    both = case.median("match") + case.median("detect")
    stage = case.median("step") + case.median("state")
    return {
        "matching": case.share,
        "parcel": case.size,
        "decode_k": 1e3 / case.median("decode"),
        "match_stage_k": 1e3 / stage,
        "match_on_bus_k": 1e3 / case.median("match"),
        "match_and_detect_k": 1e3 / both,
        "match_to_decode": case.median("decode") / case.median("match"),
    }


async def measure(args: argparse.Namespace) -> dict[str, object]:
    """All cases, round by round."""
    cases: list[Case] = []
    alone: dict[float, Parts] = {}
    compile_s, matched = 0.0, {}
    for share in args.matching:
        town = Town(args.seed, args.rules, share)
        started = time.process_time()
        matcher = Matcher(town.rules, PUBLIC_KEY)
        compile_s = time.process_time() - started
        mentions = town.mentions(args.mentions)
        matched[share] = sum(1 for one in mentions if matcher.match(one.text).topics) / len(mentions)
        alone[share] = texts(matcher, mentions, args.rounds)
        cases += [Case(town.rules, matcher, mentions, share, size) for size in args.parcels]
    gc.collect()
    gc.freeze()
    for _ in range(args.rounds):
        for case in cases:
            await case.round()
    broken = {
        f"{case.share:.0%} in parcels of {case.size}": shares(case, alone[case.share])
        for case in cases
        if case.size == args.parcels[min(2, len(args.parcels) - 1)]
    }
    return {
        "rules": args.rules,
        "mentions": args.mentions,
        "rounds": args.rounds,
        "compile_s": compile_s,
        "matched": matched,
        "cases": [row(case) for case in cases],
        "microseconds": broken,
    }


def show(result: dict[str, Any]) -> None:
    print(f"{result['rules']} rules, {result['mentions']} mentions, {result['rounds']} rounds; compiled in "
          f"{result['compile_s']:.2f} s. Thousand mentions per CPU second (median):")  # fmt: skip
    print(f"{'matching':>8} {'parcel':>6} {'decode only':>11} {'match stage':>11} {'match on bus':>12} "
          f"{'match+detect':>12} {'match/decode':>12}")  # fmt: skip
    for one in result["cases"]:
        print(f"{result['matched'][one['matching']]:>8.0%} {one['parcel']:>6.0f} {one['decode_k']:>11.0f} "
              f"{one['match_stage_k']:>11.1f} {one['match_on_bus_k']:>12.1f} {one['match_and_detect_k']:>12.1f} "
              f"{one['match_to_decode']:>12.2f}")  # fmt: skip
    for name, parts in result["microseconds"].items():
        whole = sum(parts.values())
        print(f"\nShares, {name}: {whole:.1f} microseconds a mention")
        for part, took in parts.items():
            print(f"  {part:<30} {took:>6.2f}  {took / whole:>4.0%}")
    print(json.dumps(result, default=float))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rules", type=int, default=1_000)
    parser.add_argument("--mentions", type=int, default=30_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--matching", type=float, nargs="+", default=[0.15, 1.0], help="share made to name a topic"
    )
    parser.add_argument("--parcels", type=int, nargs="+", default=[1, 10, 50, 200])
    show(asyncio.run(measure(parser.parse_args())))


if __name__ == "__main__":
    main()

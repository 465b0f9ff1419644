"""Mentions per CPU second: each case a process of its own, case after case, round after round."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from benchmarks.kafka.cases import Case, Towns, config, fill_json, fill_warn
from benchmarks.kafka.peer import THERE
from warn.bus.kafka.topics import counts
from warn.model.flow import DETECT, MATCH, SIGNALS

ROOT: Final = Path(__file__).resolve().parents[2]
CHILD_S: Final = 120.0
BARE: Final = "bare"
MAIN: Final = "1,000 rules, 16 % match, parcels of 50"
BYTEWAX: Final = {
    # Name: is it warn's parcels that it reads, and does it save its state?
    "bytewax, JSON": (False, False),
    "bytewax, parcels of 50": (True, False),
    "bytewax, parcels of 50, with recovery": (True, True),
}

Result = dict[str, Any]


def cases(scale: float) -> list[Case]:
    """What warn is measured on; `scale` shortens all of it."""
    many, some = int(150_000 * scale), int(40_000 * scale)
    return [
        Case(MAIN, 1_000, 0.15, 50, many),
        Case("1,000 rules, 16 % match, parcels of 1", 1_000, 0.15, 1, some),
        Case("1,000 rules, all match, parcels of 50", 1_000, 1.0, 50, some),
        Case("1,000 rules, all match, parcels of 1", 1_000, 1.0, 1, some // 2),
        Case("10,000 rules, 16 % match, parcels of 50", 10_000, 0.15, 50, many // 2),
    ]


def child(**spec: Any) -> Result:
    """What one process took."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.kafka.child", json.dumps(spec)],
        cwd=ROOT, stdout=subprocess.PIPE, timeout=CHILD_S, check=True,
    )  # fmt: skip
    result: Result = json.loads(done.stdout.splitlines()[-1])
    result["rate"] = result["mentions"] / result["cpu_s"]
    return result


class Rates:
    """All cases on one broker. `fill` first, then `round` for each round, then `detect`."""

    def __init__(self, bootstrap: str, folder: Path, scale: float, rounds: int) -> None:
        self.cases = cases(scale)
        self.towns = Towns(folder, self.cases)
        self.by_name: dict[str, list[Result]] = {}
        self._bootstrap, self._rounds = bootstrap, rounds

    def _spec(self, case: Case) -> dict[str, Any]:
        return {
            "bootstrap": self._bootstrap,
            "prefix": case.prefix,
            "mentions": case.mentions,
            "copies": self._copies(case),
        }

    def _copies(self, case: Case) -> int:
        """Partitions with the same records: one for each round, and one of the first case's to see where time goes."""
        return self._rounds + (case is self.cases[0])

    async def fill(self) -> None:
        """Write everything that is to be read."""
        started = time.monotonic()
        await fill_json(self._bootstrap, self.towns.mentions(self.cases[0])[: self.cases[0].mentions])
        for one in self.cases:
            mentions = self.towns.mentions(one)
            reach = config(self._bootstrap, one.prefix, self._copies(one))
            await fill_warn(reach, one, mentions, self.towns.rules(one).read_bytes())
        print(f"written in {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)

    def round(self, i: int) -> None:
        """Everything once, each by a process of its own."""
        print(f"round {i + 1}:", file=sys.stderr)
        first = self.cases[0]
        flat = self._spec(first)
        self._add(BARE, child(kind="bare", decode=False, **flat))
        self._add("bare, decoded", child(kind="bare", decode=True, **flat))
        for one in self.cases:
            self._add(one.name, child(kind="stage", stage=MATCH, partitions=[i], **self._spec(one)))
        if not THERE:
            return
        flat["rules"] = str(self.towns.rules(first))
        for name, (parcels, recovery) in BYTEWAX.items():
            self._add(name, child(kind="bytewax", parcels=parcels, recovery=recovery, **flat))

    def parts(self) -> dict[str, float]:
        """Where the time of match goes on the first case: shares, by looks at the stack."""
        spec = self._spec(self.cases[0])
        found: dict[str, float] = child(
            kind="stage", stage=MATCH, partitions=[self._rounds], parts=True, **spec
        )["parts"]  # fmt: skip
        return found

    def detect(self) -> dict[str, float]:
        """All seats of detect on what match has made of the first case, all copies; one process, once, after `parts`."""
        spec = self._spec(self.cases[0])
        spec["mentions"] *= spec["copies"]
        seats = range(counts(config(self._bootstrap, spec["prefix"], spec["copies"]))[SIGNALS])
        result = child(kind="stage", stage=DETECT, partitions=list(seats), **spec)
        match_us = statistics.median(1e6 / one["rate"] for one in self.by_name[MAIN])
        detect_us = 1e6 / result["rate"]
        return {
            "match_us": match_us,
            "detect_us": detect_us,
            "detect_share": detect_us / (match_us + detect_us),
            "k": 1e3 / (match_us + detect_us),
        }

    def _add(self, name: str, result: Result) -> None:
        self.by_name.setdefault(name, []).append(result)
        print(f"  {name}: {result['rate'] / 1e3:.0f} thousand", file=sys.stderr, flush=True)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Thousand mentions per CPU second: least, middle and most; the same as ratios to `bare` of the same round."""
        bare = [one["rate"] for one in self.by_name[BARE]]
        for name, results in self.by_name.items():
            rates = [one["rate"] / 1e3 for one in results]
            ratios = [one["rate"] / yard for one, yard in zip(results, bare, strict=True)]
            yield {
                "what": name,
                "k": spread(rates),
                "of_bare": spread(ratios),
                "wall_k": statistics.median(one["mentions"] / one["wall_s"] / 1e3 for one in results),
                "mentions": results[0]["mentions"],
                "matched": results[0].get("matched", 0.0) / results[0]["mentions"],
            }

    def to_bytewax(self) -> list[float] | None:
        """The first case by bytewax on its own best input, round by round: least, middle, most."""
        if not THERE:
            return None
        best = [max(self.by_name[name][i]["rate"] for name in BYTEWAX) for i in range(self._rounds)]
        return spread([one["rate"] / peer for one, peer in zip(self.by_name[MAIN], best, strict=True)])

    def more_rules(self) -> list[float]:
        """10,000 rules by 1,000, round by round: least, middle, most."""
        few, many = self.by_name[MAIN], self.by_name[self.cases[-1].name]
        return spread([b["rate"] / a["rate"] for a, b in zip(few, many, strict=True)])


def spread(values: list[float]) -> list[float]:
    """Least, middle and most."""
    return [min(values), statistics.median(values), max(values)]

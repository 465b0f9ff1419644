"""warn at work at a given rate: starts the processes of the live part, and tells them what to do.

match has a process, detect and respond have another, as two daemons would; all seats are held (six of match, six of
detect, one of respond). What the brokers and the workers take of a core is read from /proc.
"""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, Self

from benchmarks.kafka.legs import WARM_S, Noted, legs, told
from benchmarks.kafka.rates import ROOT
from warn.model.flow import DETECT, MATCH, RESPOND

PREFIX: Final = "bench-live"
BROKER: Final = "broker"
REST_S: Final = 2.0
"""For what is under way to be committed and seen."""
_TICKS: Final = 100


def cpu_of(pid: int) -> float:
    """CPU seconds of a process so far (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def waits_of(pid: int) -> float:
    """Seconds that a process's main thread, where its loop is, has waited for a core so far (Linux)."""
    return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[1]) / 1e9


class Taking:
    """What processes take of a core, from now on."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = pids
        self._cpu = {name: cpu_of(pid) for name, pid in pids.items()}
        self._waits = {name: waits_of(pid) for name, pid in pids.items() if name != BROKER}
        self._at = time.monotonic()

    def shares(self) -> dict[str, dict[str, float]]:
        """`cpu`: of a core; `waited`: of the time, for a core that others had (not of the broker, which has many threads)."""
        took = time.monotonic() - self._at
        return {
            "cpu": {name: (cpu_of(pid) - self._cpu[name]) / took for name, pid in self._pids.items()},
            "waited": {name: (waits_of(self._pids[name]) - was) / took for name, was in self._waits.items()},
        }


class Part:
    """One process. Ends with the block."""

    def __init__(self, name: str, **spec: Any) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.kafka.live", name, json.dumps(spec)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.pid = self._process.pid

    def ask(self, **what: Any) -> None:
        """Tell it what to do."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()

    def answer(self) -> Any:
        """The next thing it says. Raises `RuntimeError` where it has ended."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"a process of the live part has ended: {self._process.wait()}")
        return json.loads(line)

    def last(self) -> Any:
        """What it says when it is told that there is nothing more to do."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return self.answer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._process.wait(0 if self._process.stdin is None or not self._process.stdin.closed else 20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def live(
    bootstrap: str,
    broker: int,
    rules: Path,
    mentions: Path,
    rates: Sequence[int],
    seconds: float,
    idle_s: float,
) -> dict[str, Any]:
    """Run at each rate for so long, and idle; `rules` and `mentions` are files, `broker` is a process id."""
    spec = {"bootstrap": bootstrap, "prefix": PREFIX, "rules": str(rules), "mentions": str(mentions)}
    with ExitStack() as stack:
        load = stack.enter_context(Part("load", **spec))
        load.answer()
        match = stack.enter_context(Part("work", stages=[MATCH], **spec))
        rest = stack.enter_context(Part("work", stages=[DETECT, RESPOND], **spec))
        looking = stack.enter_context(Part("look on", **spec))
        for part in (match, rest, looking):
            part.answer()
        pids = {BROKER: broker, "match": match.pid, "detect and respond": rest.pid, "load": load.pid}
        load.ask(rate=1_000, seconds=WARM_S)  # the first clocks, the first steps: not looked at
        runs, taken = [load.answer()], []
        for rate in (*rates, 0):
            looking.ask(probe=bool(rate))
            taking = Taking(pids)
            load.ask(rate=rate, seconds=seconds if rate else idle_s)
            print(f"{rate:,} mentions/s", file=sys.stderr, flush=True)
            runs.append(load.answer())
            taken.append(taking.shares())
            looking.ask(probe=False)
            for part in (match, rest):
                part.ask()
                part.answer()
            time.sleep(REST_S)
        looked, matched, detected = looking.last(), match.last(), rest.last()
    noted = Noted(matched["rows"], detected["rows"], looked)
    return {"runs": _told(noted, runs, rates, taken, matched["late"]), "idle": taken[-1]}


def _told(
    noted: Noted,
    runs: Sequence[Mapping[str, Any]],
    rates: Sequence[int],
    taken: Sequence[Mapping[str, Any]],
    late: Sequence[Sequence[float]],
) -> list[dict[str, Any]]:
    """By rate: the legs, what of a core each process took, and how late match's loop was."""
    before = Counter(row[0] for row in runs[0]["rows"])
    found = []
    for rate, run, took in zip(rates, runs[1:], taken, strict=False):
        whole, leg = legs(noted, run, before)
        before += Counter(row[0] for row in run["rows"])
        stalls = [by for due, by in late if run["began"] + WARM_S <= due < run["ended"]]
        found.append(
            {
                "rate": rate,
                "written_per_s": run["mentions"] / (run["ended"] - run["began"]),
                "since_produced": told(whole),
                "since_the_leg_before": told(leg),
                "match_loop_late": told({"loop": stalls}).get("loop"),
                **took,
            }
        )
    return found

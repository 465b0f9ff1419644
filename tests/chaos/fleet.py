"""Worker processes to be harmed, and what they tell: each writes its events into a file of its own, line by line.

A line reaches the file before the next thing happens, so what a process told before SIGKILL is there to be read. All of
them end with the process that started them, however that ends, the stopped ones too.
"""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.chaos.tenures import SeatName, Tenures

ROOT: Final = Path(__file__).parents[2]
ALARMS: Final = frozenset({"bus_gap", "bus_overlap", "bus_hanging"})
"""What a bus says when its log does not hold what was committed."""
START_S: Final = 60.0
LEAVE_S: Final = 30.0
POLL_S: Final = 0.02
BUSY_S: Final = 2.0
"""A process that committed a step within this time was at work."""
_REAPER: Final = """
import os, signal, sys
running = set()
for line in sys.stdin:
    (running.add if line[0] == "+" else running.discard)(int(line[1:]))
for pid in running:
    try: os.kill(pid, signal.SIGKILL)
    except ProcessLookupError: pass
"""


class Told(NamedTuple):
    """One event of one process; `at` in seconds since the epoch."""

    at: float
    child: str
    event: str
    fields: dict[str, Any]

    @property
    def seat(self) -> SeatName | None:
        """Of which seat it tells, if of one."""
        stage, partition = self.fields.get("stage"), self.fields.get("partition")
        return (stage, int(partition)) if isinstance(stage, str) and partition is not None else None


@dataclass(eq=False)
class Child:
    """One worker process."""

    name: str
    path: Path
    process: subprocess.Popen[bytes]
    offset: int = 0
    held: set[SeatName] = field(default_factory=set)
    stepped_at: float = 0.0
    ready: bool = False
    asked: bool = False
    """It was killed, or told to go: its end is no surprise."""
    paused: bool = False

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    @property
    def busy(self) -> bool:
        """Alive, in a seat, and at work a moment ago."""
        return self.alive and bool(self.held) and time.time() - self.stepped_at < BUSY_S

    def lines(self) -> Iterator[bytes]:
        """What it has told since the last look; the piece of a line that SIGKILL left is not waited for."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(self.offset)
            while (line := file.readline()).endswith(b"\n"):
                self.offset += len(line)
                yield line


class Fleet:
    """The processes, and everything that they have told so far.

    `command`: arguments of the worker program that all have in common.
    """

    def __init__(self, folder: Path, command: Sequence[str], module: str = "tests.chaos.crew_child") -> None:
        self._folder, self._command, self._module = folder, list(command), module
        self._reaper = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _REAPER],
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.children: dict[str, Child] = {}
        self.positions: dict[SeatName, int] = {}
        """The position after the last step that anybody committed."""
        self.told: list[Told] = []
        """All but steps and DEBUG lines, which are many."""
        self.steps: Counter[str] = Counter()
        self.stepped: dict[SeatName, tuple[float, str]] = {}
        self.longest: dict[str, float] = {}
        """Per stage the longest time in which one of its seats committed nothing."""
        self.tenures = Tenures()
        self._number = 0

    def start(self, *extra: str) -> Child:
        """One more process; it is named by its number."""
        self._number += 1
        name = f"w{self._number}"
        path = self._folder / f"{name}.jsonl"
        with (self._folder / f"{name}.out").open("ab") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", self._module, "--tell", str(path), *self._command, *extra],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=ROOT,
                start_new_session=True,
            )
        self._tell_reaper("+", process.pid)
        child = self.children[name] = Child(name, path, process)
        return child

    def alive(self) -> list[Child]:
        """Those that run and are not paused."""
        return [c for c in self.children.values() if c.alive and not c.paused]

    def kill(self, child: Child, how: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal; SIGKILL is waited for."""
        child.asked = True
        child.process.send_signal(how)
        if how == signal.SIGKILL:
            child.process.wait()
            child.held.clear()
            self._tell_reaper("-", child.process.pid)

    def pause(self, child: Child) -> None:
        """Stop it in its tracks."""
        child.paused = True
        child.process.send_signal(signal.SIGSTOP)

    def resume(self, child: Child) -> None:
        """Let it go on."""
        child.paused = False
        child.process.send_signal(signal.SIGCONT)

    async def leave(self, child: Child, wait_s: float = LEAVE_S) -> bool:
        """Ask it to go; whether it went by itself and in order."""
        self.kill(child, signal.SIGTERM)
        deadline = time.monotonic() + wait_s
        while child.alive and time.monotonic() < deadline:
            self.look()
            await asyncio.sleep(POLL_S)
        went = not child.alive and child.process.returncode == 0
        self.kill(child)
        return went

    async def until(self, true: Callable[[], bool], what: str, wait_s: float) -> None:
        """Look until something is so. Raises `AssertionError`."""
        deadline = time.monotonic() + wait_s
        while True:
            self.look()
            if true():
                return
            assert time.monotonic() < deadline, f"{what}: not within {wait_s:.0f} s; {self.brief()}"
            await asyncio.sleep(POLL_S)

    async def ready(self, *children: Child) -> None:
        """Until they work, or stand by."""
        await self.until(lambda: all(c.ready or not c.alive for c in children), "a start", START_S)
        for child in children:
            assert child.alive, f"{child.name} ended at its start: {self.output(child)}"

    def output(self, child: Child) -> str:
        """What it wrote outside of its events, where all went well nothing."""
        return (self._folder / f"{child.name}.out").read_text(errors="replace")[:3000]

    def look(self) -> None:
        """Read what is new. Raises `AssertionError` where a process has ended by itself."""
        for child in self.children.values():
            assert child.alive or child.asked, f"{child.name} ended by itself: {self.output(child)}"
            for line in child.lines():
                self._take(child, json.loads(line))

    def close(self) -> None:
        """End all of them."""
        for child in self.children.values():
            if child.alive:
                self.kill(child)
        assert self._reaper.stdin is not None
        self._reaper.stdin.close()
        self._reaper.wait(10)

    def count(self, event: str) -> int:
        """How often something was told."""
        return sum(1 for one in self.told if one.event == event)

    def alarms(self) -> list[Told]:
        """Gaps, overlaps and hanging transactions that were noticed."""
        return [one for one in self.told if one.event in ALARMS]

    def amounts(self, topic: str) -> Counter[tuple[str, int]]:
        """Of a topic: how much was noticed to be missing, or to be there again, by alarm and partition."""
        sums: Counter[tuple[str, int]] = Counter()
        for one in self.alarms():
            if one.fields.get("topic") == topic:
                sums[one.event, int(one.fields["partition"])] += int(one.fields["amount"])
        return sums

    def brief(self) -> str:
        """Where everything stands, for a message."""
        held = {c.name: sorted(c.held) for c in self.children.values() if c.alive}
        return f"held {held}, positions {self.positions}, last {[tuple(t) for t in self.told[-5:]]}"

    def _take(self, child: Child, line: dict[str, Any]) -> None:
        at = datetime.fromisoformat(line.pop("timestamp")).timestamp()
        one = Told(at, child.name, line.pop("event"), line)
        level, seat = line.get("level"), one.seat
        if one.event == "worker_stepped" and seat is not None:
            self._stepped(child, seat, at, line["position"])
        elif one.event == "worker_opened" and seat is not None:
            child.held.add(seat)
            self.tenures.opened(seat, child.name, at, line["position"])
        elif one.event in {"worker_fenced", "worker_failed", "seat_released"} and seat is not None:
            child.held.discard(seat)
        elif one.event == "chaos_ready":
            child.ready = True
        if level != "debug":
            self.told.append(one)

    def _stepped(self, child: Child, seat: SeatName, at: float, position: int) -> None:
        self.steps[seat[0]] += 1
        before = self.stepped.get(seat)
        if before is not None:
            self.longest[seat[0]] = max(self.longest.get(seat[0], 0.0), at - before[0])
        self.stepped[seat] = (at, child.name)
        self.tenures.stepped(seat, child.name, at, position)
        child.stepped_at = max(child.stepped_at, at)
        self.positions[seat] = max(self.positions.get(seat, -1), position)

    def _tell_reaper(self, sign: str, pid: int) -> None:
        assert self._reaper.stdin is not None
        self._reaper.stdin.write(f"{sign}{pid}\n")
        self._reaper.stdin.flush()

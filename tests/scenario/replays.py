"""Runs `warn replay` as a process, the way a person would, and reads what it wrote."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from warn.model.mention import Item

WARN = (sys.executable, "-m", "warn")


class Replayed(NamedTuple):
    """The bytes of the alerts file, and the state hash."""

    alerts: bytes
    state: str

    def incidents(self) -> set[str]:
        return {json.loads(line)["incident"] for line in self.alerts.splitlines()}

    def named(self) -> str:
        """Short, for messages: two runs that differ are told by it."""
        return f"{len(self.alerts)} bytes {hashlib.sha256(self.alerts).hexdigest()[:12]}, state {self.state[:12]}"


def rules_for(folder: Path, brands: dict[str, list[str]]) -> Path:
    """A folder of rule files as `warn rules new` writes them."""
    folder.mkdir(exist_ok=True)
    for i, (brand, terms) in enumerate(brands.items()):
        spelt = [x for term in terms for x in ("--term", term)]
        text = subprocess.run(
            [*WARN, "rules", "new", "--brand", brand, *spelt], check=True, capture_output=True, timeout=60
        ).stdout
        (folder / f"{i}.yaml").write_bytes(text)
    return folder


def replay(recording: Path, rules: Path, out: Path, *flags: str, hash_seed: str = "0") -> Replayed:
    """One run to its end."""
    env = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(
        [*WARN, "replay", str(recording), "--rules", str(rules), "--alerts", str(out), "--state-hash", *flags],
        check=False, capture_output=True, text=True, env=env, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return Replayed(out.read_bytes(), done.stdout.strip().splitlines()[-1])


def replay_killed(
    recording: Path, rules: Path, out: Path, data: Path, *, seconds: float, kills: int, seed: int
) -> int:
    """Runs that are SIGKILLed at random moments of the `seconds` that a whole run takes; how many were hit alive."""
    rng, hit = random.Random(seed), 0
    command = [
        *WARN,
        "replay",
        str(recording),
        "--rules",
        str(rules),
        "--alerts",
        str(out),
        "--data",
        str(data),
    ]
    for _ in range(kills):
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + rng.uniform(0.1, 1.0) * seconds
        while time.monotonic() < deadline and running.poll() is None:
            time.sleep(0.01)
        if running.poll() is None:
            running.send_signal(signal.SIGKILL)
            hit += 1
        running.wait(timeout=30)
    return hit


def record(items: Iterable[Item], path: Path) -> Path:
    """Items as lines that `warn replay` reads."""

    def iso(ms: int) -> str:
        return (
            datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        )

    with path.open("wb") as out:
        for item in items:
            line = {k: v for k, v in msgspec.to_builtins(item).items() if v is not None}
            line["created_at"] = iso(line.pop("created_ms"))
            if "seen_ms" in line:
                line["seen_at"] = iso(line.pop("seen_ms"))
            if "engagement" in line:
                line["engagement"] = dict(
                    zip(("likes", "replies", "shares", "views"), line["engagement"], strict=True)
                )
            out.write(msgspec.json.encode(line) + b"\n")
    return path

"""`warn run` as processes on a real broker: each with a folder, a port and a log of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2

ROOT = Path(__file__).resolve().parents[2]
WARN = [sys.executable, "-m", "warn"]
KEY = "0123456789abcdef0123456789abcdef"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TOWN = {"town": {"type": "simulate", "crisis_after": 2, "doubling": 3, "rate": 60}}
RULES = """\
version: 1
brand: Acme
mode: live
topics: {acme: {any: [Acme]}}
groups:
  - name: acme
    rules:
      - alert: AcmeMany
        topic: acme
        watch: [mentions]
        detector: {threshold: {above: 5, window: 10m}}
        at_least: [{mentions: 3, authors: 1}]
        severity: page
"""


class Process:
    """One `warn run`; `connectors` in place of the made-up town."""

    def __init__(
        self,
        folder: Path,
        bootstrap: str,
        prefix: str,
        *arguments: str,
        key: str = KEY,
        connectors: Mapping[str, Mapping[str, object]] = TOWN,
    ) -> None:
        self.folder, self.arguments = folder, arguments
        (folder / "rules").mkdir(parents=True)
        (folder / "rules" / "acme.yaml").write_text(RULES)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        kafka = {
            "bootstrap": bootstrap, "prefix": prefix, "replication": 1, "min_insync": 1, "allow_unsafe": True,
        }  # fmt: skip
        settings = {
            "web": {"port": self.port},
            "log": {"format": "json"},
            "hash_key": key,
            "bus": {"kafka": kafka, "mentions": 2, "signals": 2, "collect": 2},
            "connectors": connectors,
            # Live rules want two of different providers; the second is never asked, since the first never fails.
            "notifiers": {
                "terminal": {"type": "console"},
                "hook": {
                    "type": "webhook",
                    "url": "http://127.0.0.1:9/in",
                    "secret": SECRET,
                    "inside": ["127.0.0.1:9"],
                },
            },
        }
        (folder / "warn.yaml").write_text(json.dumps(settings))
        self.log = folder / "log.jsonl"
        self.process: subprocess.Popen[str] | None = None

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another command with these settings, to its end."""
        return subprocess.run(
            [*WARN, *arguments], cwd=self.folder, env=_environ(), capture_output=True, text=True, timeout=50, check=False
        )  # fmt: skip

    def start(self) -> None:
        """Begin; it is ready some seconds later."""
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [*WARN, "run", *self.arguments], cwd=self.folder, env=_environ(), stdout=subprocess.DEVNULL, stderr=log,
                text=True,
            )  # fmt: skip

    def get(self, path: str) -> httpx2.Response:
        """What it answers, or a 503 that it does not."""
        try:
            return httpx2.get(f"http://127.0.0.1:{self.port}{path}", trust_env=False)
        except httpx2.TransportError:
            return httpx2.Response(503)

    @property
    def ready(self) -> bool:
        return self.get("/-/ready").status_code == 200

    def incidents(self) -> list[dict[str, Any]]:
        """As its web knows them."""
        answer = self.get("/api/incidents")
        found: list[dict[str, Any]] = answer.json() if answer.status_code == 200 else []
        return found

    def until(self, seen: Callable[[], object], seconds: float = 60) -> None:
        """Wait for something, for as long as the process lives."""
        end = time.monotonic() + seconds
        while not seen():
            assert self.process is not None
            assert self.process.poll() is None, self.tail()
            assert time.monotonic() < end, self.tail()
            time.sleep(0.1)

    def send(self, number: signal.Signals) -> float:
        """A signal; when it was sent."""
        assert self.process is not None
        at = time.time()
        self.process.send_signal(number)
        return at

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Its exit code, and how long its end took."""
        at = self.send(number)
        assert self.process is not None
        return self.process.wait(30), time.time() - at

    def gone(self) -> int:
        """Wait for its end; its exit code."""
        assert self.process is not None
        return self.process.wait(30)

    def kill(self) -> None:
        """Be rid of it, if it is still there."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)

    def events(self, name: str, since: float = 0.0) -> list[dict[str, Any]]:
        """Lines of its log."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [one for one in lines if one.get("event") == name and at(one) >= since]

    def holds(self) -> set[tuple[str, int]]:
        """The seats that it is to hold, by its metrics."""
        lines = [one for one in self.get("/metrics").text.splitlines() if one.startswith("warn_seats{")]
        found = [dict(part.split("=") for part in one[11:].split("}")[0].split(",")) for one in lines]
        return {(one["stage"].strip('"'), int(one["partition"].strip('"'))) for one in found}

    def tail(self) -> str:
        """The end of its log."""
        return self.log.read_text()[-4000:]


def at(event: dict[str, Any]) -> float:
    """When it was logged, in seconds since the epoch."""
    return datetime.fromisoformat(str(event["timestamp"])).timestamp()


def _environ() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}

"""For real: `warn run` as a process, an outside monitor with a period of 60 s and a grace of 180 s, and a process that stands still."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PERIOD_S, GRACE_S = 60.0, 180.0
RULES = """\
version: 1
brand: Acme
topics: {acme: {any: [Acme]}}
groups: [{name: acme, rules: [{alert: Many, topic: acme, detector: spike}]}]
"""


class Monitor:
    """Keeps when it was asked for."""

    def __init__(self) -> None:
        self.pings: list[float] = []
        pings = self.pings

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                pings.append(time.monotonic())
                self.send_response(200)
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/ping"

    def until(self, seen: Callable[[], bool], seconds: float) -> None:
        end = time.monotonic() + seconds
        while not seen():
            assert time.monotonic() < end
            time.sleep(0.2)


@pytest.fixture
def monitor() -> Iterator[Monitor]:
    made = Monitor()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.mark.chaos  # five and a half minutes of waiting: the same in virtual time is in tests/scenario/test_going_deaf.py
@pytest.mark.timeout(900)
def test_a_process_that_stands_still_is_noticed_within_four_minutes(tmp_path: Path, monitor: Monitor) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "acme.yaml").write_text(RULES)
    (tmp_path / "warn.yaml").write_text(
        f"web: {{port: {port}}}\nlog: {{format: json}}\nheartbeat: {{urls: ['{monitor.url}'], every: 60 s}}\n"
        "connectors:\n  town: {type: simulate, rate: 60}\n"
    )
    with (tmp_path / "log.jsonl").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "warn", "run"], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL, stderr=log,
        )  # fmt: skip
    try:
        monitor.until(lambda: len(monitor.pings) >= 3, 250.0)
        assert monitor.pings[-1] - monitor.pings[-2] < PERIOD_S + 10
        process.send_signal(signal.SIGSTOP)
        stopped = time.monotonic()
        monitor.until(lambda: time.monotonic() - monitor.pings[-1] > PERIOD_S + GRACE_S, 300.0)
        assert time.monotonic() - stopped <= PERIOD_S + GRACE_S + 1.0
        told = len(monitor.pings)
        process.send_signal(signal.SIGCONT)
        monitor.until(lambda: len(monitor.pings) > told, 150.0)
    finally:
        process.kill()
        process.wait(10)

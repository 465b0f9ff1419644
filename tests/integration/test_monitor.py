"""For real: `warn run` as a process, an outside monitor with the period and the grace that docs/operations.md recommends, and
a process that stands still, or whose event loop does.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[2]
PERIOD_S, GRACE_S = 60.0, 120.0
FOUR_MINUTES_S = 240.0
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


BLOCKER = """\
import asyncio, pathlib, time
from typing import Literal
from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Batch
from warn.ingest.kind import Kind

class Config(ConnectorConfig):
    type: Literal["blocker"] = "blocker"

class Blocker:
    def __init__(self, config):
        self.name, self.source = config.name, config.origin

    async def batches(self, cursor):
        while not pathlib.Path("block").exists():
            yield Batch()
            await asyncio.sleep(0.5)
        time.sleep(3_600)

KIND = Kind(Config, Blocker)
"""


def blocker(folder: Path) -> Path:
    """A package of somebody else's, installed here: its connector blocks the event loop once there is a file `block`."""
    site, about = folder / "site", folder / "site" / "blocker-1.dist-info"
    about.mkdir(parents=True)
    (site / "blocker.py").write_text(BLOCKER)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: blocker\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[warn.connectors]\nblocker = blocker:KIND\n")
    return site


@contextmanager
def running(folder: Path, monitor: Monitor) -> Iterator[subprocess.Popen[bytes]]:
    """`warn run` with a town and the blocker, called for by nobody when it ends; its log is in `log.jsonl`."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (folder / "rules").mkdir()
    (folder / "rules" / "acme.yaml").write_text(RULES)
    (folder / "warn.yaml").write_text(
        f"web: {{port: {port}}}\nlog: {{format: json}}\nheartbeat: {{urls: ['{monitor.url}'], every: 60 s, inside: ['{urlsplit(monitor.url).netloc}']}}\n"
        "connectors:\n  town: {type: simulate, rate: 60}\n  theirs: {type: blocker}\n"
    )
    path = os.pathsep.join([str(blocker(folder)), str(ROOT)])
    with (folder / "log.jsonl").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "warn", "run"], cwd=folder, env={**os.environ, "PYTHONPATH": path},
            stdout=subprocess.DEVNULL, stderr=log,
        )  # fmt: skip
    try:
        monitor.until(lambda: len(monitor.pings) >= 3, 250.0)
        assert monitor.pings[-1] - monitor.pings[-2] < PERIOD_S + 10
        yield process
    finally:
        process.kill()
        process.wait(10)


def rings_in_time(monitor: Monitor, since: float) -> None:
    """Within a period and the grace after the last call, which came before `since`."""
    monitor.until(lambda: time.monotonic() - monitor.pings[-1] > PERIOD_S + GRACE_S, 300.0)
    assert monitor.pings[-1] <= since + 1.0
    assert time.monotonic() - since <= PERIOD_S + GRACE_S + 1.0 < FOUR_MINUTES_S


# Four and a half minutes of waiting each: the same in virtual time is in tests/scenario/test_going_deaf.py.
@pytest.mark.chaos
@pytest.mark.timeout(900)
def test_a_process_that_stands_still_is_noticed_within_four_minutes(tmp_path: Path, monitor: Monitor) -> None:
    with running(tmp_path, monitor) as process:
        process.send_signal(signal.SIGSTOP)
        rings_in_time(monitor, time.monotonic())
        told = len(monitor.pings)
        process.send_signal(signal.SIGCONT)
        monitor.until(lambda: len(monitor.pings) > told, 150.0)


@pytest.mark.chaos
@pytest.mark.timeout(900)
def test_an_event_loop_that_is_blocked_is_noticed_within_four_minutes(
    tmp_path: Path, monitor: Monitor
) -> None:
    """By a connector that waits the wrong way. The watchdog ends the process, and says where it stood."""
    with running(tmp_path, monitor) as process:
        (tmp_path / "block").touch()
        began = time.monotonic()
        assert process.wait(60) == 1
        assert 29 <= time.monotonic() - began <= 45
        said = (tmp_path / "log.jsonl").read_text()
        assert "stuck: the event loop has not turned for 30 s" in said
        assert "blocker.py" in said and "time.sleep(3_600)" in said
        rings_in_time(monitor, began)

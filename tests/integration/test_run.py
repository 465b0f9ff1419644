"""The daemon as a process: it pages, reads its rules again, ends in order, and goes on where it was."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

ROOT = Path(__file__).resolve().parents[2]
WARN = [sys.executable, "-m", "warn"]
RULES = """\
version: 1
brand: Acme
mode: {mode}
topics: {{acme: {{any: [Acme]}}}}
groups:
  - name: acme
    rules:
      - alert: AcmeMany
        topic: acme
        watch: [mentions]
        detector: {{threshold: {{above: 5, window: 10m}}}}
        at_least: [{{mentions: 3, authors: 1}}]
        severity: page
"""
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Hook:
    """A place that is told: keeps what it was sent."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        told = self.told

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                told.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/in"


class Daemon:
    """A warn with a folder of its own."""

    def __init__(self, folder: Path, hook: Hook) -> None:
        self.folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        (folder / "rules").mkdir()
        self.rules("live")
        (folder / "warn.yaml").write_text(
            f"web: {{port: {self.port}}}\n"
            "log: {format: json}\n"
            "connectors:\n  town: {type: simulate, crisis_after: 2, doubling: 3, rate: 60}\n"
            f"notifiers:\n  hook: {{type: webhook, url: '{hook.url}', secret: {SECRET}, inside: ['{urlsplit(hook.url).netloc}']}}\n  terminal: {{type: console}}\n"
        )
        self.process: subprocess.Popen[str] | None = None
        self.log = folder / "log.jsonl"

    def rules(self, mode: str) -> None:
        (self.folder / "rules" / "acme.yaml").write_text(RULES.format(mode=mode))

    def start(self) -> None:
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [*WARN, "run"], cwd=self.folder, env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=subprocess.DEVNULL, stderr=log, text=True,
            )  # fmt: skip
        self.until(lambda: self.get("/-/ready").status_code == 200)

    def get(self, path: str) -> httpx2.Response:
        try:
            return httpx2.get(self.url + path, trust_env=False)
        except httpx2.TransportError:
            return httpx2.Response(503)

    def post(self, path: str) -> httpx2.Response:
        return httpx2.post(self.url + path, trust_env=False)

    def incidents(self) -> list[dict[str, Any]]:
        answer = self.get("/api/incidents")
        found: list[dict[str, Any]] = answer.json() if answer.status_code == 200 else []
        return found

    def until(self, seen: Callable[[], object], seconds: float = 45) -> None:
        end = time.monotonic() + seconds
        while not seen():
            assert self.process is not None
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end, self.log.read_text()[-3000:]
            time.sleep(0.1)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        assert self.process is not None
        started = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(25), time.monotonic() - started

    def events(self, name: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("event") == name]


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def daemon(tmp_path: Path, hook: Hook) -> Iterator[Daemon]:
    made = Daemon(tmp_path, hook)
    yield made
    if made.process is not None and made.process.poll() is None:
        made.process.kill()
        made.process.wait(10)


@pytest.mark.timeout(150)
def test_from_a_source_to_a_pager_and_back(daemon: Daemon, hook: Hook) -> None:
    """A crisis reaches the hook once; the page shows it; SIGKILL and SIGTERM lose nothing and page nobody twice."""
    daemon.start()
    daemon.until(lambda: hook.told)
    [incident] = daemon.incidents()
    assert incident["brand"] == "Acme"
    assert "Acme" in hook.told[0]["summary"] if "summary" in hook.told[0] else json.dumps(hook.told[0])
    daemon.until(lambda: daemon.events("delivery"))
    assert daemon.get(f"/incidents/{incident['id']}").status_code == 200
    metrics = daemon.get("/metrics").text
    assert 'warn_deliveries_total{notifier="hook",outcome="delivered"} 1.0' in metrics
    assert "warn_rules 1.0" in metrics

    assert daemon.stop(signal.SIGKILL)[0] == -signal.SIGKILL
    daemon.start()
    daemon.until(daemon.incidents)
    assert [one["id"] for one in daemon.incidents()] == [incident["id"]]

    code, seconds = daemon.stop()
    assert code == 0, daemon.log.read_text()[-3000:]
    assert seconds < 20
    assert daemon.events("daemon_stopped")
    assert len([t for t in hook.told if "opened" in json.dumps(t) or "trigger" in json.dumps(t)]) == 1
    assert "Traceback" not in daemon.log.read_text()


@pytest.mark.timeout(90)
def test_a_bad_rule_file_stops_nothing(daemon: Daemon) -> None:
    """By POST, SIGHUP or a change of the file: mistakes are told with their place, and the last good set stays."""
    daemon.start()
    file = daemon.folder / "rules" / "acme.yaml"
    good = file.read_text()
    file.write_text(good.replace("topics:", "topiks:"))
    answer = daemon.post("/-/reload")
    assert answer.status_code == 500
    assert "acme.yaml:4:1" in answer.text
    assert "topiks" in answer.text
    assert daemon.get("/-/ready").status_code == 200
    assert "warn_rules_last_reload_successful 0.0" in daemon.get("/metrics").text
    assert daemon.process is not None
    before = len(daemon.events("rules_refused"))
    daemon.process.send_signal(signal.SIGHUP)
    daemon.until(lambda: len(daemon.events("rules_refused")) > before)

    reloads = len(daemon.events("rules_reloaded"))
    file.write_text(good.replace("AcmeMany", "AcmeALot"))
    daemon.until(lambda: len(daemon.events("rules_reloaded")) > reloads)
    assert daemon.get("/-/ready").status_code == 200
    assert daemon.post("/-/reload").status_code == 200
    assert daemon.get("/-/reload").status_code == 405


@pytest.mark.timeout(60)
def test_live_rules_need_two_ways_to_wake_somebody(daemon: Daemon) -> None:
    """A live rule that could page through one provider only is refused, with the remedy."""
    config = daemon.folder / "warn.yaml"
    config.write_text(config.read_text().replace("  terminal: {type: console}\n", ""))
    done = subprocess.run(
        [*WARN, "run"], cwd=daemon.folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        timeout=50, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "a page needs two notifiers of different providers" in done.stderr
    assert "mode: shadow" in done.stderr
    assert SECRET not in done.stderr


@pytest.mark.timeout(60)
def test_two_daemons_do_not_share_a_folder(daemon: Daemon) -> None:
    """The second one says who has the folder and what to do."""
    daemon.start()
    done = subprocess.run(
        [*WARN, "run"], cwd=daemon.folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        timeout=50, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "in use by process" in done.stderr
    assert "Traceback" not in done.stderr

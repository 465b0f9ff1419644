"""What warn exports and what the dashboard asks, against a real Prometheus (Debian's 2.42 is the oldest we promise)."""

import json
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from grafana.build import OUT
from warn.telemetry import events, metrics

ROOT = Path(__file__).resolve().parents[2]
NEED = "Debian: apt-get install prometheus prometheus-alertmanager"

pytestmark = pytest.mark.real


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no {name}: {NEED}")
    return found


def expressions() -> list[str]:
    """What the dashboard asks, with Grafana's macros and variables put in."""
    board = json.loads(OUT.read_text(encoding="utf-8"))
    asked = [t["expr"] for p in board["panels"] for t in p.get("targets", ())]
    asked += [mark["expr"] for mark in board["annotations"]["list"]]
    words = {"$__rate_interval": "1m", "$__interval": "1m", "$job": ".+", "$instance": ".+"}
    for word, value in words.items():
        asked = [expression.replace(word, value) for expression in asked]
    return asked


def exercise() -> None:
    """Something for every panel."""
    metrics.touch(connectors=["town"], notifiers=["console"], stages=["match", "detect"], sources=["town"])
    events.connector_batch("town", items=3, published=1, now=time.time())
    events.door_dropped("town", "unmatched", 2)
    events.worker_stepped("detect", 0, seconds=0.01, records=1, position=1, lag=0)
    events.clock_passed("detect", int(time.time()))
    events.disk_free(10**9)
    events.bus_hanging("match", 0, 0)


def test_promtool_accepts_the_exposition() -> None:
    """Names, types and units are as Prometheus wants them."""
    exercise()
    done = subprocess.run(
        [program("promtool"), "check", "metrics"],
        input=metrics.exposition("")[1],
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()


def test_promtool_accepts_every_expression(tmp_path: Path) -> None:
    """The oldest Prometheus that we promise can read what the dashboard asks."""
    rules = [{"record": f"asked:{i}", "expr": e} for i, e in enumerate(expressions())]
    file = tmp_path / "asked.yml"
    file.write_text(json.dumps({"groups": [{"name": "asked", "rules": rules}]}), encoding="utf-8")
    command = [program("promtool"), "check", "rules", "--lint=none", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["promtool", "check", "config", "prometheus.yml"],
        ["promtool", "check", "config", "prometheus.embedded.yml"],
        ["promtool", "check", "rules", "alerts/warn.yml"],
        ["promtool", "test", "rules", "alerts/warn.test.yml"],
        ["amtool", "check-config", "alertmanager.yml"],
    ],
    ids=" ".join,
)
def test_what_compose_mounts_is_accepted(command: list[str]) -> None:
    """Configurations are read, and each alarm fires at its fault and at nothing else."""
    given = [program(command[0]), *command[1:]]
    done = subprocess.run(
        given, cwd=ROOT / "grafana", capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


class Exported(BaseHTTPRequestHandler):
    """Answers as warn's /metrics does."""

    def do_GET(self) -> None:
        kind, body = metrics.exposition(self.headers.get("Accept", ""))
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        pass


@pytest.fixture
def exported() -> Iterator[int]:
    """A port of this machine where our metrics are."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Exported)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture
def prometheus(exported: int, tmp_path: Path) -> Iterator[str]:
    """A real Prometheus with a configuration of compose, asking `exported` every second."""
    config = YAML(typ="safe").load((ROOT / "grafana" / "prometheus.embedded.yml").read_text("utf-8"))
    del config["rule_files"], config["alerting"]
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    (config["scrape_configs"][0],) = [j for j in config["scrape_configs"] if j["job_name"] == "warn"]
    config["scrape_configs"] = config["scrape_configs"][:1]
    config["scrape_configs"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{exported}"]}]
    (tmp_path / "prom.yml").write_text(json.dumps(config), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        program("prometheus"),
        f"--config.file={tmp_path / 'prom.yml'}",
        f"--storage.tsdb.path={tmp_path / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (tmp_path / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(20)


def ask(address: str, expression: str) -> list[dict[str, Any]]:
    query = urllib.parse.urlencode({"query": expression})
    with urllib.request.urlopen(f"{address}/api/v1/query?{query}", timeout=5) as answer:
        found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
    return found


def wait_for(address: str, expression: str, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if ask(address, expression):
                return
        except (urllib.error.URLError, ConnectionError):
            pass
        time.sleep(0.2)
    pytest.fail(f"nothing for {expression} after {seconds} s")


def test_prometheus_scrapes_us_and_answers_the_dashboard(prometheus: str) -> None:
    """Every panel of numbers, lags and ages has something to show once a town has spoken."""
    exercise()
    wait_for(prometheus, 'up{job="warn"} == 1')
    wait_for(prometheus, 'count_over_time(warn_build_info{job="warn"}[1m]) >= 3')
    empty = [e for e in expressions() if not ask(prometheus, e)]
    # Nothing was opened, stalled, refused or delivered: these have no series before their first event.
    may_be_empty = (
        "changes(",
        "warn_stage_stalled",
        "_errors_total",
        "_failed_total",
        "warn_worker_failures",
        "warn_dead_letters",
        "warn_notifications_total",
        # Nobody sends to us, no source was ever silent, nothing costs money, and there is no outside monitor.
        "warn_pushes_total",
        "warn_source_silent",
        "warn_connector_spent",
        "warn_heartbeat",
        "warn_bus_input_held_up",
    )
    assert [e for e in empty if not any(word in e for word in may_be_empty)] == []

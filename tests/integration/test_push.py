"""What is pushed to the daemon over real sockets: counted once whatever dies, and nothing that is sent stops the rest."""

import asyncio
import base64
import contextlib
import gzip
import hashlib
import hmac
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from warn.bus.embedded import EmbeddedBus
from warn.model.flow import SIGNALS
from warn.model.records import Signals
from warn.model.wire import decode_signals

ROOT = Path(__file__).resolve().parents[2]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
KEY = base64.b64decode(SECRET.removeprefix("whsec_"))
RULES = """\
version: 1
brand: Acme
mode: shadow
topics: {acme: {any: [Acme]}}
groups:
  - name: acme
    rules:
      - {alert: AcmeMany, topic: acme, watch: [mentions], detector: {threshold: {above: 500, window: 10m}},
         at_least: [{mentions: 3, authors: 1}], severity: page}
"""


class Daemon:
    """A warn that is sent to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        (folder / "rules").mkdir()
        (folder / "rules" / "acme.yaml").write_text(RULES)
        (folder / "warn.yaml").write_text(
            f"web: {{port: {self.port}}}\nlog: {{format: json, level: debug}}\nconnectors:\n"
            f"  hook: {{type: webhook, secrets: [{SECRET}]}}\n"
            "  calls: {type: webhook, scheme: token, secrets: [a-token-of-ours], mapping: call_centre, topic: Acme/acme}\n"
        )
        self.process: subprocess.Popen[str] | None = None
        self.log = folder / "log.jsonl"

    def start(self) -> None:
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "warn", "run"], cwd=self.folder,
                env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL, stderr=log, text=True,
            )  # fmt: skip
        self.until(lambda: self.get("/-/ready").status_code == 200)

    def get(self, path: str) -> httpx2.Response:
        try:
            return httpx2.get(self.url + path, trust_env=False, timeout=5)
        except httpx2.TransportError:
            return httpx2.Response(503)

    def push(self, name: str, body: bytes, headers: dict[str, str]) -> httpx2.Response:
        return httpx2.post(
            f"{self.url}/in/{name}", content=body, headers=headers, trust_env=False, timeout=20
        )

    def counted(self, metric: str, **labels: str) -> float:
        wanted = metric + ("{" + ",".join(f'{k}="{v}"' for k, v in labels.items()) + "} " if labels else " ")
        lines = [line for line in self.get("/metrics").text.splitlines() if line.startswith(wanted)]
        return float(lines[0].rpartition(" ")[2]) if lines else 0.0

    def until(self, seen: Callable[[], object], seconds: float = 45) -> None:
        end = time.monotonic() + seconds
        while not seen():
            assert self.process is not None
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            assert time.monotonic() < end, self.log.read_text()[-3000:]
            time.sleep(0.1)

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(25) == 0

    def memory_mb(self) -> float:
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    made = Daemon(tmp_path)
    yield made
    if made.process is not None and made.process.poll() is None:
        made.process.kill()
        made.process.wait(10)


async def counted(folder: Path) -> tuple[int, int]:
    """Mentions and calls waiting that match has counted, by what it says itself."""
    bus = await EmbeddedBus.start(folder, partitions={"mentions": 1, "signals": 1})
    mentions = care = 0
    try:
        reader = await bus.follow(SIGNALS)
        while some := await reader.read(1000, 0):
            for _, _, _, value in some:
                told = decode_signals(value)
                for partial in told.partials if isinstance(told, Signals) else ():
                    mentions, care = mentions + partial.mentions, care + partial.care
    finally:
        await bus.close()
    return mentions, care


def signed(name: str, body: bytes, at: float | None = None) -> dict[str, str]:
    stamp = int(time.time() if at is None else at)
    mac = hmac.new(KEY, f"{name}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": name,
        "webhook-timestamp": str(stamp),
        "webhook-signature": "v1," + base64.b64encode(mac).decode(),
    }


def said(*numbers: int, **more: Any) -> bytes:
    data = [
        {"id": f"m{n}", "author": f"Marker Person {n}", "text": f"Acme kettle {n}", **more} for n in numbers
    ]
    return json.dumps({"type": "mention.created", "timestamp": "2026-01-01T00:00:00Z", "data": data}).encode()


@pytest.mark.timeout(120)
def test_what_is_sent_counts_once_whatever_dies(daemon: Daemon) -> None:
    """Answered 2xx, then SIGKILL, then the same again: one mention each; forged calls and unknown names change nothing."""
    daemon.start()
    body = said(1, 2, 3)
    headers = signed("msg_1", body)
    answer = daemon.push("hook", body, headers)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"mentions": 3, "readings": 0, "refused": 0}
    daemon.kill()
    daemon.start()
    again = daemon.push("hook", body, headers)
    assert again.status_code == 200
    assert daemon.counted("warn_pushes_total", connector="hook", outcome="repeated") == 1
    other = said(3, 4)
    assert daemon.push("hook", other, signed("msg_2", other)).status_code == 200
    assert daemon.push("hook", body + b" ", headers).status_code == 401
    assert daemon.push("hook", body, signed("msg_1", body, time.time() - 400)).status_code == 401
    assert daemon.push("hook", b"{}", {}).status_code == 401
    assert daemon.push("nobody", body, headers).status_code == 404
    assert daemon.push("hook", b"[" * 100_000, signed("msg_3", b"[" * 100_000)).status_code == 400
    packed = gzip.compress(body)
    assert daemon.push("hook", packed, {**signed("m", packed), "content-encoding": "gzip"}).status_code == 415
    for method in ("HEAD", "OPTIONS", "PUT", "DELETE"):
        assert httpx2.request(method, f"{daemon.url}/in/hook", trust_env=False).status_code == 405

    calls = json.dumps({"queue": "main", "calls_waiting": 12}).encode()
    taken = daemon.push("calls", calls, {"authorization": "Bearer a-token-of-ours"})
    assert taken.json() == {"mentions": 0, "readings": 1, "refused": 0}
    daemon.until(lambda: daemon.counted("warn_door_published_total", connector="calls") >= 1)
    time.sleep(2)
    daemon.stop()
    assert asyncio.run(counted(daemon.folder / "data")) == (4, 12)
    log = daemon.log.read_text()
    assert "Marker Person" not in log
    assert "kettle" not in log
    assert SECRET not in log
    assert "a-token-of-ours" not in log
    assert "Traceback" not in log


@pytest.mark.timeout(60)
def test_a_reading_of_no_topic_is_told(daemon: Daemon) -> None:
    """In the log at the start, by doctor, and where it comes in: all with the topics that there are."""
    config = daemon.folder / "warn.yaml"
    config.write_text(config.read_text().replace("topic: Acme/acme", "topic: Acme/acne"))
    daemon.start()
    lines = [json.loads(line) for line in daemon.log.read_text().splitlines()]
    (warned,) = [line for line in lines if line["event"] == "push_topic_unknown"]
    assert (warned["level"], warned["connector"], warned["topic"]) == ("warning", "calls", "Acme/acne")
    warn = [sys.executable, "-m", "warn"]
    here = {**os.environ, "PYTHONPATH": str(ROOT)}
    body = {"queues": [{"queue": "cards", "calls_waiting": 12}]}
    sent = httpx2.post(
        f"{daemon.url}/in/calls", json=body, headers={"authorization": "Bearer a-token-of-ours"}
    )
    assert sent.status_code == 200 and sent.json()["readings"] == 1
    for verb in (["doctor"], ["connectors", "ls"]):
        done = subprocess.run(
            [*warn, *verb],
            cwd=daemon.folder,
            env=here,
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )
        (said,) = [line for line in done.stdout.splitlines() if "Acme/acne" in line]
        assert "count for nothing" in said and "Acme/acme; did you mean `Acme/acme`?" in said
        assert verb != ["doctor"] or done.returncode == 3


@pytest.mark.timeout(60)
@pytest.mark.skipif(not (shutil.which("openssl") and shutil.which("curl")), reason="needs openssl and curl")
def test_the_call_of_the_manual(daemon: Daemon) -> None:
    """The shell block of docs/webhooks.md, word for word but for the port."""
    daemon.start()
    text = (ROOT / "docs" / "webhooks.md").read_text()
    block = text.partition("```sh\n")[2].partition("```")[0].replace(":8080", f":{daemon.port}")
    done = subprocess.run(["bash", "-euc", block], capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout == '{"mentions":1,"readings":0,"refused":0}', done.stderr


def _answer(port: int, head: bytes, parts: Iterator[bytes]) -> bytes:
    """The first line of the answer to a request that goes on until it is cut off."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as s:
        s.sendall(head)
        with contextlib.suppress(ConnectionError):
            for part in parts:
                s.sendall(part)
        with contextlib.suppress(ConnectionError):
            return s.recv(4096).partition(b"\r\n")[0]
    return b""


@pytest.mark.timeout(120)
def test_slow_and_endless_senders_stop_nobody(daemon: Daemon) -> None:
    """Two gigabytes in chunks are cut at a mebibyte, and 200 sockets that say nothing keep nobody else out."""
    daemon.start()
    for number in range(20):
        body = said(number)
        assert daemon.push("hook", body, signed(f"first_{number}", body)).status_code == 200
    time.sleep(3)
    before = daemon.memory_mb()
    head = b"POST /in/hook HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    sent = 0

    def chunks() -> Iterator[bytes]:
        nonlocal sent
        piece = b"10000\r\n" + b"a" * 65_536 + b"\r\n"
        while sent < 2 * 1024**3:
            sent += 65_536
            yield piece

    line = _answer(daemon.port, head, chunks())
    assert b"413" in line, line
    assert sent < 64 * 1024**2

    slow = [socket.create_connection(("127.0.0.1", daemon.port), timeout=30) for _ in range(200)]
    try:
        for number, one in enumerate(slow):
            one.sendall(b"POST /in/hook HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: " if number % 2 else b"P")
        body = said(1)
        started = time.monotonic()
        assert daemon.push("hook", body, signed("msg_1", body)).status_code == 200
        assert time.monotonic() - started < 5
        time.sleep(6)
        for one in slow:
            one.settimeout(1)
            assert one.recv(10) == b""  # closed, without a word
    finally:
        for one in slow:
            one.close()
    assert daemon.memory_mb() - before < 20
    slow_body = b"POST /in/hook HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n"
    started = time.monotonic()
    line = _answer(daemon.port, slow_body, iter([b"a"]))
    assert b"408" in line, line
    assert 9 < time.monotonic() - started < 13

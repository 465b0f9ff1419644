"""Real Apache Kafka brokers for tests, without Docker: Java 17 or newer, and jars that Maven fetches once per version.

    with Brokers() as kafka:
        kafka.bootstrap; kafka.kill(1); kafka.start(1); kafka.pause(1); kafka.resume(1)

`python -m tests.kafka.brokers` keeps one up to try things on, until Ctrl-C. One node or three, each broker and controller
at once, on ports of 127.0.0.1 that were free. Brokers and data go away with `stop`, and also with the process that started
them, however that ends.
"""

import argparse
import base64
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple, Self

from tests.kafka.jars import VERSION, class_path, run

_FORMAT_S: Final = 60
_START_S: Final = 60
_JVM: Final = (
    # Starts in half the time, and in half the memory, of what a JVM would choose for a server.
    *("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-XX:+ExitOnOutOfMemoryError"),
    *("-Djava.awt.headless=true", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"),
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
)
_SMALL: Final = {
    "auto.create.topics.enable": "false",
    "unclean.leader.election.enable": "false",
    # Few threads and internal partitions: a test machine has two cores.
    "num.network.threads": "1",
    "num.io.threads": "2",
    "num.replica.fetchers": "1",
    "background.threads": "2",
    "group.coordinator.threads": "1",
    "log.cleaner.threads": "1",
    "log.cleaner.dedupe.buffer.size": "4194304",
    "log.segment.bytes": "16777216",
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.num.partitions": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    # Waits that are minutes by default, so that a test need not take minutes.
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "500",
}
_ONE: Final = {
    # A killed broker answers again 2.5 s after its start instead of 12.
    "broker.heartbeat.interval.ms": "200",
    "broker.session.timeout.ms": "1000",
}
_THREE: Final = {
    "default.replication.factor": "3",
    "min.insync.replicas": "2",
    # A broker's death is noticed within about three seconds.
    "broker.heartbeat.interval.ms": "500",
    "broker.session.timeout.ms": "3000",
    "controller.quorum.election.timeout.ms": "500",
    "controller.quorum.fetch.timeout.ms": "1000",
    "replica.lag.time.max.ms": "3000",
}
_REAPER: Final = """
import os, shutil, signal, sys
running = set()
for line in sys.stdin:
    (running.add if line[0] == "+" else running.discard)(int(line[1:]))
for pid in running:
    try: os.kill(pid, signal.SIGKILL)
    except ProcessLookupError: pass
shutil.rmtree(sys.argv[1], ignore_errors=True)
"""
"""Outlives the test process by a moment: when that ends, its end of the pipe closes."""


class Listener(NamedTuple):
    """A listener besides the plain one. `proxied`: clients are told another port, for a proxy to listen on."""

    name: str
    protocol: str = "PLAINTEXT"
    proxied: bool = False


def free_ports(count: int) -> list[int]:
    """TCP ports that nobody listens on now, from below the range that the kernel gives out by itself."""
    held: dict[int, socket.socket] = {}
    while len(held) < count:
        port = random.randrange(15_000, 32_000)
        try:
            held[port] = socket.create_server(("127.0.0.1", port))
        except OSError:
            continue
    for one in held.values():
        one.close()
    return list(held)


def answers(port: int) -> bool:
    """Whether a broker answers there: it is asked for its versions, which it does not tell before it can serve."""
    request = struct.pack(">hhih4s", 18, 0, 1, 4, b"test")
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as s:
            s.sendall(struct.pack(">i", len(request)) + request)
            return len(s.recv(10)) == 10
    except OSError:
        return False


class Brokers:
    """A cluster; node ids count from 1.

    `settings` are the broker's own and prevail. `transaction_version` 0 to 2; None: the release's default. `format_args`
    go to Kafka's StorageTool: ("--add-scram", "SCRAM-SHA-512=[name=warn,password=secret]"). `listener` adds one to the
    plain one; `bootstrap_of(listener.name)` is its address. Raises `NoKafkaError`.
    """

    def __init__(
        self,
        nodes: int = 1,
        *,
        version: str = VERSION,
        transaction_version: int | None = None,
        settings: Mapping[str, str] | None = None,
        format_args: Sequence[str] = (),
        listener: Listener | None = None,
        heap_mb: int = 256,
    ) -> None:
        self._class_path = class_path(version)
        self.version = version
        self.nodes = range(1, nodes + 1)
        self.dir = Path(tempfile.mkdtemp(prefix="warn-kafka-"))
        self._heap_mb = heap_mb
        self.listeners = (Listener("PLAINTEXT"), *([listener] if listener else []))
        self.ports = {one.name: self._free() for one in self.listeners}
        """Where each node listens, by listener."""
        self.advertised = {o.name: self._free() if o.proxied else self.ports[o.name] for o in self.listeners}
        """Where clients are told that it does."""
        self.bootstrap = self.bootstrap_of("PLAINTEXT")
        self._control = self._free()
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self._reaper = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _REAPER, self.dir],
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            for node in self.nodes:
                lines = (self._settings(node) | dict(settings or {})).items()
                self._file(node).write_text("".join(f"{k}={v}\n" for k, v in lines), encoding="utf-8")
            self._format(transaction_version, format_args)
        except BaseException:
            self.stop()
            raise

    def bootstrap_of(self, listener: str) -> str:
        """The bootstrap addresses of a listener, as clients are told them."""
        return ",".join(f"127.0.0.1:{port}" for port in self.advertised[listener].values())

    @property
    def pids(self) -> dict[int, int]:
        """Process ids of the nodes that run."""
        return {node: process.pid for node, process in self._running.items() if process.poll() is None}

    def log(self, node: int) -> str:
        """What a node has logged."""
        path = self.dir / f"node{node}.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def start(self, *nodes: int) -> None:
        """Start these nodes, or all, and wait until each answers."""
        for node in nodes or self.nodes:
            with (self.dir / f"node{node}.log").open("ab") as log:
                self._running[node] = subprocess.Popen(
                    [*self._java(self._heap_mb), "kafka.Kafka", self._file(node)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,  # Ctrl-C is for the tests
                )
            self._tell_reaper("+", self._running[node].pid)
        deadline = time.monotonic() + _START_S
        for node in nodes or self.nodes:
            while not answers(self.ports["PLAINTEXT"][node]):
                if self._running[node].poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"node {node} did not start:\n{self.log(node)[-4000:]}")
                time.sleep(0.05)

    def kill(self, node: int, how: signal.Signals = signal.SIGKILL) -> None:
        """End a node; SIGTERM lets it hand over its leaders first."""
        process = self._running[node]
        process.send_signal(how)
        process.wait()
        self._tell_reaper("-", process.pid)

    def pause(self, node: int) -> None:
        """Stop a node in its tracks: its sockets still take connections and bytes."""
        self._running[node].send_signal(signal.SIGSTOP)

    def resume(self, node: int) -> None:
        """Let a paused node go on."""
        self._running[node].send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End all nodes and remove their data."""
        for node in self.pids:
            self.kill(node)
        # With nothing left to kill, the reaper only removes the data.
        self._reaper.communicate()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _free(self) -> dict[int, int]:
        return dict(zip(self.nodes, free_ports(len(self.nodes)), strict=True))

    def _file(self, node: int) -> Path:
        return self.dir / f"node{node}.properties"

    def _java(self, heap_mb: int) -> list[str]:
        return ["java", f"-Xms{min(96, heap_mb)}m", f"-Xmx{heap_mb}m", *_JVM, "-cp", self._class_path]

    def _tell_reaper(self, sign: str, pid: int) -> None:
        assert self._reaper.stdin is not None
        self._reaper.stdin.write(f"{sign}{pid}\n")
        self._reaper.stdin.flush()

    def _settings(self, node: int) -> dict[str, str]:
        copies, in_sync = str(len(self.nodes)), str(min(2, len(self.nodes)))
        here = [f"{one.name}://127.0.0.1:{self.ports[one.name][node]}" for one in self.listeners]
        told = [f"{one.name}://127.0.0.1:{self.advertised[one.name][node]}" for one in self.listeners]
        protocols = [f"{one.name}:{one.protocol}" for one in self.listeners]
        return {
            "process.roles": "broker,controller",
            "node.id": str(node),
            "controller.quorum.voters": ",".join(f"{n}@127.0.0.1:{p}" for n, p in self._control.items()),
            "listeners": ",".join([*here, f"CONTROLLER://127.0.0.1:{self._control[node]}"]),
            "advertised.listeners": ",".join(told),
            "inter.broker.listener.name": "PLAINTEXT",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": ",".join([*protocols, "CONTROLLER:PLAINTEXT"]),
            "log.dirs": str(self.dir / f"data{node}"),
            "offsets.topic.replication.factor": copies,
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": in_sync,
            "share.coordinator.state.topic.replication.factor": copies,
            "share.coordinator.state.topic.min.isr": in_sync,
            **_SMALL,
            **(_THREE if len(self.nodes) == 3 else _ONE),
        }

    def _format(self, transaction_version: int | None, format_args: Sequence[str]) -> None:
        cluster = base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=").replace("-", "A")
        extra = list(format_args)
        if transaction_version is not None:
            extra += ["--feature", f"transaction.version={transaction_version}"]
        for node in self.nodes:
            tool = ("kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(self._file(node)))
            done = run([*self._java(64), *tool, *extra], _FORMAT_S)
            if done.returncode:
                raise RuntimeError(f"cannot format node {node}: {done.stdout[-4000:]}")


def _main() -> None:
    parser = argparse.ArgumentParser(description="A cluster to try things on, until Ctrl-C.")
    parser.add_argument("--nodes", type=int, choices=[1, 3], default=1)
    parser.add_argument("--version", default=VERSION)
    asked = parser.parse_args()
    with Brokers(asked.nodes, version=asked.version) as kafka:
        print(kafka.bootstrap, flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    _main()

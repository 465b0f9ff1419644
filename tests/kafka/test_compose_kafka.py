"""The Kafka of docker-compose.yml without a container engine: its variables, by the image's own translator, on a real broker.

`apache/kafka` turns its KAFKA_ variables into a server's properties by a program that is in the broker's jars. So what
compose writes is translated by it, formatted by it, and started, with only hosts, ports and the folder exchanged for
those of this machine. What is left to believe is the image's shell around it.
"""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.kafka.brokers import Brokers, free_ports
from tests.kafka.fixtures import topics_of
from tests.kafka.jars import NoKafkaError, run
from warn.app.kafka import kafka_config
from warn.bus.kafka import KafkaBus
from warn.bus.kafka.admin import check, create
from warn.settings import load

pytestmark = pytest.mark.real

COMPOSE = Path(__file__).resolve().parents[2] / "docker-compose.yml"

LOGGING = """\
Configuration:
  Properties: {}
  Appenders: {}
  Loggers: {Root: {level: INFO}, Logger: [{name: kafka, level: INFO}]}
"""


def service(name: str) -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load(COMPOSE.read_text(encoding="utf-8"))["services"][name]
    return found


class Composed(Brokers):
    """One broker, made of what compose says and of nothing else."""

    def _settings(self, node: int) -> dict[str, str]:
        self.host_port = free_ports(1)[0]
        exchanged = {
            "/var/lib/kafka/data": str(self.dir / "data1"),
            "@kafka:": "@127.0.0.1:",
            "//kafka:": "//127.0.0.1:",
            "://:": "://127.0.0.1:",
            ":9092": f":{self.ports['PLAINTEXT'][node]}",
            ":9093": f":{self._control[node]}",
            ":9094": f":{self.host_port}",
        }
        given = dict(service("kafka")["environment"])
        for name, value in given.items():
            for theirs, ours in exchanged.items():
                value = value.replace(theirs, ours)
            given[name] = value
        return self._translated(given)

    def _translated(self, given: dict[str, str]) -> dict[str, str]:
        """As the image's start does: defaults, mounted files (there are none), variables; then it formats."""
        folders = {name: self.dir / name for name in ("default", "mounted", "final")}
        for folder in folders.values():
            folder.mkdir()
        (folders["default"] / "server.properties").touch()
        for name in ("log4j2.yaml", "tools-log4j2.yaml"):
            (folders["default"] / name).write_text(LOGGING)
        command = [*self._java(64), "kafka.docker.KafkaDockerWrapper", "setup"]
        for letter, name in (("D", "default"), ("M", "mounted"), ("F", "final")):
            command += [f"-{letter}", str(folders[name])]
        done = run(command, 60, env={**os.environ, **given})
        assert done.returncode == 0, done.stdout
        lines = (folders["final"] / "server.properties").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def _format(self, *_: object) -> None:
        assert (self.dir / "data1" / "meta.properties").exists()


@pytest.fixture(scope="module")
def composed() -> Iterator[Composed]:
    try:
        kafka = Composed()
    except NoKafkaError as e:
        pytest.skip(str(e))
    with kafka:
        yield kafka


def test_every_variable_becomes_a_setting(composed: Composed) -> None:
    """None is misspelt past the translator, and none is dropped but what is not the broker's."""
    written = dict(
        line.split("=", 1) for line in (composed.dir / "node1.properties").read_text().splitlines() if line
    )
    given = service("kafka")["environment"].keys() - {"CLUSTER_ID", "KAFKA_HEAP_OPTS"}
    assert written.keys() == {name.removeprefix("KAFKA_").lower().replace("_", ".") for name in given}
    assert "Unknown" not in composed.log(1)


def ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


@pytest.mark.timeout(240)
def test_every_stage_gets_ready(composed: Composed, tmp_path: Path) -> None:
    """The services of warn as processes: init ends well, and then each stage says that it is ready, on the same data."""
    exchanged = {
        "/data": str(tmp_path),
        "/etc/warn/rules": str(COMPOSE.parent / "rules"),
        "0.0.0.0": "127.0.0.1",
    }
    exchanged |= {"kafka:9092": f"127.0.0.1:{composed.host_port}"}
    given = {k: exchanged.get(v, v) for k, v in service("init")["environment"].items()}
    outside = {k: v for k, v in os.environ.items() if not k.startswith("WARN_")}
    base = {**outside, **given, "WARN_BUS__KAFKA__PREFIX": "stack"}
    warn = [sys.executable, "-m", "warn"]
    done = run([*warn, *service("init")["command"]], 60, env=base)
    assert done.returncode == 0, done.stdout
    stages = ("collect", "match", "detect", "respond", "web")
    ports = dict(zip(stages, free_ports(len(stages)), strict=True))
    with ExitStack() as stack:
        for stage, port in ports.items():
            log = stack.enter_context((tmp_path / f"{stage}.log").open("wb"))
            command = [*warn, *service(stage)["command"]]
            environment = {**base, "WARN_WEB__PORT": str(port)}
            process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
            stack.callback(process.wait, 30)
            stack.callback(process.terminate)
        deadline = time.monotonic() + 120
        while waiting := [stage for stage, port in ports.items() if not ready(port)]:
            logs = "".join((tmp_path / f"{stage}.log").read_text()[-2000:] for stage in waiting)
            assert time.monotonic() < deadline, f"not ready: {waiting}\n{logs}"
            time.sleep(0.5)


async def test_warn_works_on_it(composed: Composed, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the settings that compose gives warn: init makes its topics, a start finds them right, a step commits."""
    for name, value in service("init")["environment"].items():
        monkeypatch.setenv(name, value)
    config = replace(kafka_config(load().settings), bootstrap=(f"127.0.0.1:{composed.host_port}",))
    made = await create(config)
    assert made.created and not made.failed and not made.refusals
    assert not (await check(config)).missing
    assert topics_of(config.bootstrap[0], config.prefix)[config.topic("mentions")] == 6
    bus = await KafkaBus.start(config)
    seat = await bus.open("match", 5)
    await seat.restore()
    await seat.commit([], {b"a": b"1"}, 0)
    await seat.close()
    await bus.close()

"""An input that nobody decides about holds up its stage, is told by name, and ends no process."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer

from tests.kafka.fixtures import Cluster
from tests.kafka.processes import WARN, Process

pytestmark = [pytest.mark.real, pytest.mark.timeout(240)]

STILL_S = 4.0
IMPATIENT = f"""
from warn.app import daemon, progress
progress.STILL_S, progress.CATCH_UP_S, daemon._LOOK_S = {STILL_S}, 1.0, 0.5
from warn.cli import main
main()
"""
"""warn whose watchdog gives a worker four seconds instead of a minute."""


@pytest.fixture
def process(
    tmp_path: Path, kafka: Cluster, kafka_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Process]:
    one = Process(tmp_path / "one", kafka.bootstrap, kafka_prefix)
    done = one.call("init")
    assert done.returncode == 0, done.stdout + done.stderr
    monkeypatch.setattr("tests.kafka.processes.WARN", [WARN[0], "-c", IMPATIENT])
    yield one
    one.kill()


@pytest.fixture
def foreign(kafka: Cluster, kafka_prefix: str) -> Producer:
    """Somebody else who may write to our Kafka topics, and is slow to decide."""
    producer = Producer(
        {
            "bootstrap.servers": kafka.bootstrap,
            "transactional.id": f"foreign.{kafka_prefix}",
            "transaction.timeout.ms": 300_000,
            "log_level": 0,
        }
    )
    producer.init_transactions(30)
    return producer


def value(process: Process, metric: str, stage: str, partition: int) -> float | None:
    begins = f'{metric}{{partition="{partition}",stage="{stage}"}} '
    other = f'{metric}{{stage="{stage}",partition="{partition}"}} '
    lines = process.get("/metrics").text.splitlines()
    return next((float(line.split()[-1]) for line in lines if line.startswith((begins, other))), None)


def test_an_undecided_input_is_an_alarm_and_no_death(
    process: Process, foreign: Producer, kafka_prefix: str
) -> None:
    """For much longer than a worker may be still: the process lives, the gauge and the log name the seat; when the
    transaction is aborted the alarm ends, and so does the wait.
    """
    process.start()
    process.until(lambda: process.ready and value(process, "warn_stage_position", "match", 0))
    foreign.begin_transaction()
    foreign.produce(f"{kafka_prefix}.mentions", b"\x00junk", b"x", 0)
    foreign.flush(10)
    opened = time.time()
    process.until(lambda: value(process, "warn_bus_input_held_up", "match", 0) == 1)
    print(f"told after {time.time() - opened:.1f} s")
    line = process.events("bus_input_held_up", opened)[0]
    assert (line["stage"], line["topic"], line["partition"]) == ("match", "mentions", 0)
    assert line["level"] == "error"
    assert line["behind"] > 0
    held = value(process, "warn_stage_position", "match", 0)
    assert held
    until = time.time() + 4 * STILL_S
    process.until(lambda: time.time() > until)
    assert process.ready, "it is not the process that is unwell"
    assert value(process, "warn_bus_input_held_up", "match", 1) in (None, 0), "the other partition goes on"
    assert value(process, "warn_stage_position", "match", 0) == held, "nothing undecided is read"
    foreign.abort_transaction(30)
    aborted = time.time()
    process.until(lambda: value(process, "warn_bus_input_held_up", "match", 0) == 0)
    process.until(lambda: (value(process, "warn_stage_position", "match", 0) or 0) > held + 3)
    print(f"over after {time.time() - aborted:.1f} s")
    assert process.events("bus_input_held_up", aborted)[-1]["behind"] == 0
    assert len(process.events("worker_opened")) == len({*process.holds()}), "no seat was opened twice"
    assert "stuck" not in process.log.read_text()
    assert process.stop()[0] == 0

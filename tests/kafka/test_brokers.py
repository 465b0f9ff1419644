"""The test brokers themselves: what tests rest on."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kafka.brokers import Brokers, answers
from tests.kafka.fixtures import Cluster, delete_topics, make_topics, topics_of

pytestmark = pytest.mark.real

ROOT = Path(__file__).resolve().parents[2]
ORPHAN = """
import os, signal
from tests.kafka.brokers import Brokers
kafka = Brokers()
kafka.start()
kafka.pause(1)
print(kafka.dir, kafka.ports["PLAINTEXT"][1], flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def until(true: Callable[[], bool]) -> None:
    """Wait for what must come true within 10 s."""
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except ConnectionRefusedError:
        return False
    return True


async def test_topics_of_a_test_come_and_go(kafka: Cluster, kafka_prefix: str) -> None:
    """They are made with the wanted partitions, and nothing of them is left for the next test."""
    await make_topics(kafka.bootstrap, kafka_prefix, {"mentions": 3, "signals": 2})
    made = topics_of(kafka.bootstrap, kafka_prefix)
    assert made[f"{kafka_prefix}.mentions"] == made[f"{kafka_prefix}.state.match"] == 3
    assert made[f"{kafka_prefix}.signals"] == made[f"{kafka_prefix}.state.detect"] == 2
    assert made[f"{kafka_prefix}.desk"] == 1
    delete_topics(kafka.bootstrap, kafka_prefix)
    until(lambda: not topics_of(kafka.bootstrap, kafka_prefix))


def test_a_node_can_be_killed_paused_and_started(make_kafka: Callable[..., Brokers]) -> None:
    """Killed it answers nobody, paused it takes connections and says nothing, and then it is there again."""
    kafka = make_kafka()
    port = kafka.ports["PLAINTEXT"][1]
    kafka.kill(1)
    assert not kafka.pids
    assert not answers(port)
    kafka.start(1)
    kafka.pause(1)
    assert kafka.pids
    assert not answers(port)
    kafka.resume(1)
    assert answers(port)


def test_brokers_do_not_outlive_the_tests() -> None:
    """Even if the process that started them is killed and they are paused."""
    orphaned = subprocess.run(
        [sys.executable, "-c", ORPHAN], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert orphaned.returncode == -signal.SIGKILL, orphaned.stderr
    folder, port = orphaned.stdout.split()
    until(lambda: not Path(folder).exists())
    until(lambda: not listens(int(port)))

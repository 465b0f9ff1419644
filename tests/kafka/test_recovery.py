"""What an operator reads when a stage cannot go on: the lines of the log and of readiness, and that docs/kafka.md has them."""

import asyncio
import io
import json
import logging
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.kafka.brokers import Brokers
from tests.kafka.buses import bus_of, made
from tests.kafka.fixtures import Cluster
from tests.kafka.test_bus_seat import mention, trim
from tests.unit.bus.test_kafka_documented import recovery
from warn.app.watching import WorkerHealth
from warn.bus.kafka import KafkaBus
from warn.model.flow import COLLECT, MATCH, MENTIONS
from warn.telemetry import logs
from warn.testing.tally import Tally
from warn.web.health import Health
from warn.worker import Worker

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]


async def seen(what: Callable[[], object]) -> None:
    """Wait for something for up to a minute."""
    for _ in range(3_000):
        if what():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it does not come")


class Terminal:
    """What the log and readiness say."""

    def __init__(self) -> None:
        self.out, self.health = io.StringIO(), Health()

    def messages(self, event: str) -> list[str]:
        """Those of an event, oldest first."""
        lines = [json.loads(line) for line in self.out.getvalue().splitlines()]
        return [str(line["message"]) for line in lines if line["event"] == event]

    async def until(self, event: str, words: str) -> str:
        """Wait for a line of the log; its message, which has to be in the manual."""
        await seen(lambda: any(words in one for one in self.messages(event)))
        found = [one for one in self.messages(event) if words in one]
        assert any(re.search(pattern, found[-1]) for pattern in recovery()), found[-1]
        return found[-1]


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    terminal = Terminal()
    logs.configure(form="json", level="info", stream=terminal.out)
    yield terminal
    root.handlers[:], root.level = handlers, level


@asynccontextmanager
async def working(bus: KafkaBus, terminal: Terminal) -> AsyncIterator[Worker]:
    """A worker of match's first seat, for the time of the block."""
    options: dict[str, Any] = {"wait_s": 0.2, "backoff_s": (0.05, 0.2), "wanted": lambda: False}
    worker = Worker(bus, MATCH, 0, Tally, watch=WorkerHealth(terminal.health), **options)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(worker.run())
        yield worker
        worker.stop()


async def worked(bus: KafkaBus, number: int) -> None:
    """So many mentions, each in a transaction, of which match has taken in the first."""
    collect, match = await bus.open(COLLECT, 0), await bus.open(MATCH, 0)
    for n in range(number):
        await collect.commit([mention(b"%d" % n)], {}, n + 1)
    first = (await match.read(1, 5.0))[0]
    await match.commit([], {}, first.position + 1)


async def test_trimmed_input(kafka: Cluster, kafka_prefix: str, terminal: Terminal) -> None:
    """Topic, partition, both positions, and the way out; the same in readiness."""
    async with bus_of(kafka.bootstrap, kafka_prefix) as bus:
        await worked(bus, 6)
        await trim(bus, MENTIONS, 0, 7)
        async with working(bus, terminal):
            said = await terminal.until("worker_failed", "begins at")
            assert said == (
                f"reading match/0: {kafka_prefix}.mentions partition 0 has to be read from 1, and begins at 7: retention has "
                "passed it by; start over with another bus.kafka.prefix (docs/kafka.md, Recovery)"
            )
            assert terminal.health.problems == (f"match 0 failed: {said}",)


async def test_a_log_that_ends_before_it(kafka: Cluster, kafka_prefix: str, terminal: Terminal) -> None:
    """A log that is shorter than what was taken in of it."""
    async with bus_of(kafka.bootstrap, kafka_prefix) as bus:
        match = await bus.open(MATCH, 0)
        await match.commit([], {}, 1_000)
        async with working(bus, terminal):
            said = await terminal.until("worker_failed", "ends before it")
            assert f"{kafka_prefix}.mentions partition 0 has to be read from 1000, and ends before it" in said
            assert "bring back the right one, or start over" in said
            assert terminal.health.problems == (f"match 0 failed: {said}",)


async def test_unreadable_state(kafka: Cluster, kafka_prefix: str, terminal: Terminal) -> None:
    """Seat and key; what lies there is not quoted."""
    async with bus_of(kafka.bootstrap, kafka_prefix) as bus:
        match: Any = await bus.open(MATCH, 0)
        await match.commit([], {b"other": b"1"}, 1)
        place = bus.cluster.state_of(MATCH, 0)
        await match._producer.begin_transaction()
        await (await match._producer.send(place.topic, b"canary of a stranger", b"bucket", place.partition))
        await match._producer.commit_transaction()
        async with working(bus, terminal):
            said = await terminal.until("worker_failed", "a state record")
            assert said.startswith(
                f"state of match/0, key {b'bucket'.hex()}: a state record without an envelope"
            )
            assert "look at who may write to its Kafka topic" in said
            assert terminal.health.problems == (f"match 0 failed: {said}",)
    assert "canary" not in terminal.out.getvalue()


async def test_a_fence(kafka: Cluster, kafka_prefix: str, terminal: Terminal) -> None:
    """Who took the seat nobody can say, but that it is taken, and what it means where it goes on."""
    async with bus_of(kafka.bootstrap, kafka_prefix) as bus:
        collect = await bus.open(COLLECT, 0)
        async with working(bus, terminal):
            await seen(lambda: "worker_opened" in terminal.out.getvalue())
            await bus.open(MATCH, 0)
            await collect.commit([mention(b"1")], {}, 1)
            said = await terminal.until("worker_fenced", "committing a step of match/0")
            assert "opened this seat" in said or "opens this seat" in said
            assert terminal.health.problems == ("another process has taken match 0",)


async def test_an_outage(make_kafka: Callable[..., Brokers], terminal: Terminal) -> None:
    """No broker: which is said, with where to look; and when it is over, readiness is well."""
    brokers = make_kafka()
    bus = await made(brokers.bootstrap)
    await worked(bus, 1)
    async with working(bus, terminal):
        await asyncio.to_thread(brokers.kill, 1)
        said = await terminal.until("worker_failed", "no broker can be reached")
        assert said.endswith("`warn doctor` says what is wrong")
        await seen(lambda: any("no broker can be reached" in one for one in terminal.health.problems))
        [problem] = terminal.health.problems
        assert problem.startswith("match 0 failed: ")
        await asyncio.to_thread(brokers.start, 1)
        await seen(lambda: not terminal.health.problems)
    await bus.close()

"""What is sent to an installation of several processes: any that holds a seat takes it, and it counts once."""

import asyncio
import base64
import hashlib
import hmac
import json
import signal
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.kafka.buses import another, values
from tests.kafka.fixtures import Cluster
from tests.kafka.processes import SECRET, Process
from warn.bus.kafka.admin import create
from warn.bus.kafka.config import KafkaConfig
from warn.model.flow import MENTIONS, SIGNALS
from warn.model.hashing import connector_seat
from warn.model.records import Parcel, Signals
from warn.model.wire import decode_mentions, decode_signals

pytestmark = [pytest.mark.real, pytest.mark.timeout(240)]

HOOK = {"hook": {"type": "webhook", "secrets": [SECRET]}}
OWN = ("collect", connector_seat("hook", 2))


@pytest.fixture
def processes(tmp_path: Path, kafka: Cluster, kafka_prefix: str) -> Iterator[list[Process]]:
    """Two with a seat of collect each, and one that does not collect, but counts."""
    stages = ("collect", "collect", "match")
    made = [
        Process(tmp_path / f"p{n}", kafka.bootstrap, kafka_prefix, "--stages", one, connectors=HOOK)
        for n, one in enumerate(stages)
    ]
    yield made
    for one in made:
        one.kill()


def push(process: Process, name: str, *data: dict[str, Any]) -> httpx2.Response:
    """A genuine call."""
    body, stamp = json.dumps({"type": "a", "data": data}).encode(), str(int(time.time()))
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    mac = hmac.new(key, f"{name}.{stamp}.".encode() + body, hashlib.sha256).digest()
    headers = {
        "webhook-id": name,
        "webhook-timestamp": stamp,
        "webhook-signature": "v1," + base64.b64encode(mac).decode(),
    }
    url = f"http://127.0.0.1:{process.port}/in/hook"
    return httpx2.post(url, content=body, headers=headers, trust_env=False, timeout=20)


def outcomes(process: Process, outcome: str) -> float:
    wanted = f'warn_pushes_total{{connector="hook",outcome="{outcome}"}} '
    lines = [one for one in process.get("/metrics").text.splitlines() if one.startswith(wanted)]
    return float(lines[0].rpartition(" ")[2]) if lines else 0.0


def config_of(bootstrap: str, prefix: str) -> KafkaConfig:
    """As the processes have it."""
    return KafkaConfig((bootstrap,), prefix=prefix, replication=1, min_insync=1, allow_unsafe=True,
                       partitions={"mentions": 2, "signals": 2, "collect": 2})  # fmt: skip


async def counted(config: KafkaConfig) -> tuple[list[str], int, int]:
    """Ids in `[mentions]`, and the mentions and calls waiting that match has counted of them."""
    bus = await another(config)
    try:
        parcels = [decode_mentions(value) for value in await values(bus, MENTIONS)]
        told = [decode_signals(value) for value in await values(bus, SIGNALS)]
    finally:
        await bus.close()
    ids = [mention.id for one in parcels if isinstance(one, Parcel) for mention in one.mentions]
    partials = [found for one in told if isinstance(one, Signals) for found in one.partials]
    return sorted(ids), sum(one.mentions for one in partials), sum(one.care for one in partials)


def test_whoever_holds_a_seat_takes_what_is_sent(
    processes: list[Process], kafka: Cluster, kafka_prefix: str
) -> None:
    """A call to the process that has the connector's own seat, to another, to one that does not collect; again elsewhere,
    and again after the first was killed: each mention and each reading counts once.
    """
    config = config_of(kafka.bootstrap, kafka_prefix)
    asyncio.run(create(config))
    for one in processes:
        one.start()
    for one in processes:
        one.until(partial(getattr, one, "ready"))
    *collecting, counts = processes
    counts.until(lambda: {len(one.holds()) for one in collecting} == {1})
    owner, other = sorted(collecting, key=lambda one: OWN not in one.holds())
    answer = push(counts, "early", {"id": "early", "text": "Acme"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")

    now = int(time.time())
    reading = {"topic": "Acme/acme", "signal": "care", "value": 12, "at": now}
    first = ({"id": "m1", "text": "Acme kettle"}, reading)
    second = ({"id": "m2", "text": "Acme kettle"}, {**reading, "value": 7, "at": now + 1})
    assert push(owner, "d1", *first).json() == {"mentions": 1, "readings": 1, "refused": 0}
    assert push(other, "d2", *second).status_code == 200
    assert push(owner, "d1", *first).status_code == push(other, "d2", *second).status_code == 200
    assert outcomes(owner, "repeated") == outcomes(other, "repeated") == 1
    # To the other one it is new: match tells it by (source, id), and the number by its time.
    assert push(other, "d1", *first).status_code == push(owner, "d2", *second).status_code == 200
    assert outcomes(owner, "taken") == outcomes(other, "taken") == 2
    # An answer without a word of ours finds its thread, which another seat has let through.
    answers = {"id": "m3", "text": "shame", "reply_to": "m1", "kind": "reply"}
    assert push(other, "d3", answers).status_code == 200

    owner.send(signal.SIGKILL)
    other.until(lambda: OWN in other.holds() and other.ready, 40)
    assert push(other, "d1", *first).status_code == 200
    assert outcomes(other, "repeated") == 2, "what the first had taken, its successor knows"
    time.sleep(2)
    ids, mentions, care = asyncio.run(counted(config))
    assert ids == ["m1", "m1", "m2", "m2", "m3"]
    assert (mentions, care) == (2, 19)

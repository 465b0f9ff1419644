"""At log level debug neither a password nor a post is in the log, though aiokafka would write both there."""

import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kafka.brokers import Brokers
from tests.kafka.fixtures import started
from tests.kafka.secure import grant, make_certs, secure, secure_config
from warn.bus.kafka import KafkaBus, KafkaConfig
from warn.bus.kafka.admin import create
from warn.bus.kafka.permissions import GRANTS
from warn.model.flow import DESK
from warn.stages.base import Out
from warn.telemetry import events, logs

pytestmark = pytest.mark.real

PASSWORD = "canary-password"
POST = "canary-post"


@pytest.fixture
def brokers(tmp_path: Path) -> Iterator[Brokers]:
    """PLAIN, so that the password itself is sent; the test itself uses the plain listener."""
    kafka = started(**secure(make_certs(tmp_path), {"warn": PASSWORD}, mechanisms="PLAIN"))
    yield kafka
    kafka.stop()


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that is logged, at level debug."""
    root, theirs = logging.getLogger(), logging.getLogger("aiokafka")
    before = root.handlers[:], root.level, theirs.level
    out = io.StringIO()
    logs.configure(form="json", level="debug", stream=out)
    yield out
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    theirs.setLevel(before[2])


async def exercised(config: KafkaConfig) -> None:
    """A post there and back."""
    bus = await KafkaBus.start(config)
    await bus.write([Out(DESK, 0, POST.encode(), POST.encode())])
    reader = await bus.follow(DESK)
    assert POST.encode() in [value for *_, value in await reader.read(5, 5.0)]
    await reader.close()
    await bus.close()


async def test_no_password_and_no_post(brokers: Brokers, tmp_path: Path, log: io.StringIO) -> None:
    """Neither is there; with aiokafka's own level put back to debug, both are."""
    await create(KafkaConfig((brokers.bootstrap,), allow_unsafe=True))
    config = secure_config(brokers, tmp_path, username="warn", password=PASSWORD, mechanism="PLAIN")
    for resource, operations in GRANTS.items():
        grant(brokers, "warn", resource.format(prefix="warn"), operations)
    await exercised(config)
    events.listening("127.0.0.1", 1)
    assert "web_listening" in log.getvalue()
    assert "canary" not in log.getvalue()
    logging.getLogger("aiokafka").setLevel(logging.DEBUG)
    await exercised(config)
    assert PASSWORD in log.getvalue()
    assert POST in log.getvalue()

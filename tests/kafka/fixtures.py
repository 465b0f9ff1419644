"""Where tests get real Kafka from: a pytest plugin.

In this order: the cluster that WARN_TEST_KAFKA=host:port names (plain, no password; `docker compose up --wait kafka` makes
one at 127.0.0.1:9094); brokers of our own, by Java and Maven (`brokers.py`); else the test is skipped, and says so. With
WARN_REQUIRE_REAL=1 that is a failure. A test that kills brokers, or wants a release or settings of its own, takes
`make_kafka`, which always starts its own.
"""

import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from tests.kafka.brokers import Brokers
from tests.kafka.jars import NoKafkaError
from warn.bus.kafka.admin import create
from warn.bus.kafka.config import KafkaConfig

_GIVEN: Final = os.environ.get("WARN_TEST_KAFKA", "")
"""Read now: during a test there are no WARN_ variables (conftest.py)."""
_ELSE: Final = "or start one and name it: docker compose up --wait kafka; WARN_TEST_KAFKA=127.0.0.1:9094"


class Cluster(NamedTuple):
    """A cluster to use and not to harm: others use it too."""

    bootstrap: str


def started(nodes: int = 1, **how: object) -> Brokers:
    """A cluster of one's own (arguments as `Brokers` takes them), to be stopped by whoever asked; skips the test."""
    try:
        brokers = Brokers(nodes, **how)
    except NoKafkaError as e:
        pytest.skip(f"{e}; {_ELSE}")
    try:
        brokers.start()
    except BaseException:
        brokers.stop()
        raise
    return brokers


@pytest.fixture(scope="session")
def kafka() -> Iterator[Cluster]:
    """One node for all tests of this session; keep apart by `kafka_prefix`."""
    if _GIVEN:
        yield Cluster(_GIVEN)
        return
    brokers = started()
    yield Cluster(brokers.bootstrap)
    brokers.stop()


@pytest.fixture
def kafka_prefix(kafka: Cluster) -> Iterator[str]:
    """Begins the names of this test's topics, groups and transactional ids; the topics are deleted after it."""
    prefix = f"t{secrets.token_hex(5)}"
    yield prefix
    delete_topics(kafka.bootstrap, prefix)


@pytest.fixture
def make_kafka() -> Iterator[Callable[..., Brokers]]:
    """Makes started clusters (arguments as `Brokers` takes them) that end with the test."""
    made: list[Brokers] = []

    def make(nodes: int = 1, **how: object) -> Brokers:
        made.append(started(nodes, **how))
        return made[-1]

    yield make
    for brokers in made:
        brokers.stop()


def topics_of(bootstrap: str, prefix: str) -> dict[str, int]:
    """The Kafka topics of a prefix, with how many partitions they have."""
    found = AdminClient({"bootstrap.servers": bootstrap}).list_topics(timeout=10).topics
    return {name: len(one.partitions) for name, one in found.items() if name.startswith(f"{prefix}.")}


def delete_topics(bootstrap: str, prefix: str) -> None:
    """Remove what a test has made, so that the broker does not carry thousands of partitions at the end."""
    if topics := list(topics_of(bootstrap, prefix)):
        admin = AdminClient({"bootstrap.servers": bootstrap})
        for done in admin.delete_topics(topics, operation_timeout=10).values():
            try:
                done.result(10)
            except KafkaException as e:
                # A broker may list for a moment what is gone.
                if e.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise


async def make_topics(bootstrap: str, prefix: str, counts: Mapping[str, int]) -> KafkaConfig:
    """Create all of warn's Kafka topics, as `warn init` does, and say how to reach them.

    `counts`: partitions of `mentions`, `signals` and `collect`; 1 where not given.
    """
    config = KafkaConfig(
        tuple(bootstrap.split(",")),
        prefix=prefix,
        partitions={"mentions": 1, "signals": 1, "collect": 1, **counts},
        allow_unsafe=True,  # one node keeps one copy
    )
    made = await create(config)
    assert not made.failed and not made.refusals, [*made.failed, *map(str, made.refusals)]
    return config

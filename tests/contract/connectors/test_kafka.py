"""A Kafka topic of somebody else's, as far as it goes without brokers; the rest is `tests/kafka/test_foreign_topic.py`.

The suite runs there, over real brokers: `check_connector(` needs a topic to read.
"""

import asyncio
from contextlib import aclosing

import pytest
from pydantic import ValidationError

from connectors.kafka_topic import KafkaTopicConfig, KafkaTopicConnector
from tests.contract.connectors.service import free_port, raw
from warn.ingest.connector import Cursor
from warn.model.errors import PermanentError, Reason, TemporaryError, WarnError

SECRET = "sesame"


async def error_of(config: KafkaTopicConfig, cursor: Cursor | None = None) -> WarnError:
    async def read() -> None:
        async with asyncio.timeout(30), aclosing(KafkaTopicConnector(config).batches(cursor)) as batches:
            async for _ in batches:
                pass

    with pytest.raises(WarnError) as caught:
        await read()
    assert SECRET not in f"{caught.value} {caught.value!r}"
    return caught.value


async def test_nobody_listens() -> None:
    tasks = asyncio.all_tasks()
    error = await error_of(
        KafkaTopicConfig(name="theirs", topic="posts", bootstrap=f"127.0.0.1:{free_port()}")
    )
    assert isinstance(error, TemporaryError)
    assert error.reason is Reason.NETWORK
    assert "refuses the connection" in str(error)
    assert asyncio.all_tasks() == tasks


async def test_what_answers_is_no_kafka() -> None:
    async def smtp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 who are you?\r\n")
        await writer.drain()
        await reader.read(100)

    async with raw(smtp) as address:
        error = await error_of(KafkaTopicConfig(name="theirs", topic="posts", bootstrap=address.inside))
    assert error.reason in {Reason.CONFIG, Reason.NETWORK}


async def test_a_broker_that_takes_connections_and_says_nothing() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65_536):
            pass

    async with raw(silent) as address:
        security = {"protocol": "sasl_plaintext", "username": "warn", "password": SECRET}
        error = await error_of(
            KafkaTopicConfig(name="theirs", topic="posts", bootstrap=address.inside, security=security)
        )
    assert (type(error).__mro__[1], error.reason) == (TemporaryError, Reason.TIMEOUT)


@pytest.mark.parametrize("cursor", ["nonsense", "[]", '{"0": 7}', '{"0": [-1, 0]}', '{"-1": [1, 0]}'])
async def test_a_foreign_cursor(cursor: str) -> None:
    config = KafkaTopicConfig(name="theirs", topic="posts", bootstrap="127.0.0.1:9")
    error = await error_of(config, Cursor(cursor))
    assert isinstance(error, PermanentError)
    assert error.reason is Reason.MALFORMED


def test_settings() -> None:
    with pytest.raises(ValidationError, match="not host:port"):
        KafkaTopicConfig(name="theirs", topic="posts", bootstrap="broker")
    with pytest.raises(ValidationError, match="sends the password as it is"):
        KafkaTopicConfig(
            name="theirs", topic="posts", bootstrap="b:9092",
            security={"protocol": "sasl_plaintext", "mechanism": "plain", "username": "u", "password": SECRET},
        )  # fmt: skip
    with pytest.raises(ValidationError, match="there is no mapping 'nobody'"):
        KafkaTopicConfig(name="theirs", topic="posts", bootstrap="b:9092", mapping="nobody")

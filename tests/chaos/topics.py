"""The Kafka topics of a chaos test, as `warn init` would make them."""

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.chaos.crew_child import config_of
from warn.bus.kafka.topics import wanted


async def made(bootstrap: str, prefix: str, replication: int = 1) -> None:
    """Create all of them. Raises `AssertionError` with the broker's answer."""
    config = config_of(bootstrap, prefix, replication)
    topics = [
        NewTopic(one.name, one.partitions, one.replication, topic_configs=dict(one.settings))
        for one in wanted(config)
    ]
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        answer = await admin.create_topics(topics)
        assert all(code == 0 for _, code, *_ in answer.topic_errors), answer
    finally:
        await admin.close()

"""Somebody else's Kafka topic, for connectors: they know neither the bus nor Kafka's client.

The client is loaded when a topic is opened, not when settings are read.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from warn.bus.access import Bootstrap, KafkaSecurity, brokers
from warn.bus.outside import Lost, Record

__all__ = ["Bootstrap", "KafkaSecurity", "Lost", "Record", "Topic", "opened"]


class Topic(Protocol):
    """A topic that is being read; `warn.bus.kafka.foreign` says how."""

    @property
    def positions(self) -> dict[int, int]:
        """By partition, the position after the last record that was handed out."""

    async def read(self, limit: int, wait_s: float) -> tuple[Sequence[Record], Sequence[Lost]]: ...

    async def refresh(self) -> Sequence[Lost]: ...


@asynccontextmanager
async def opened(
    bootstrap: str,
    security: KafkaSecurity,
    topic: str,
    positions: Mapping[int, int],
    *,
    earliest: bool,
) -> AsyncGenerator[tuple[Topic, Sequence[Lost]]]:
    """A topic at its positions, and what of them is not kept any more. Raises TemporaryError and PermanentError."""
    from warn.bus.kafka.config import KafkaConfig
    from warn.bus.kafka.foreign import ForeignTopic

    config = KafkaConfig(brokers(bootstrap), security=security.security())
    foreign = ForeignTopic(config, topic)
    try:
        yield foreign, await foreign.open(positions, earliest=earliest)
    finally:
        await foreign.close()

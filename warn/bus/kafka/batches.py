"""Records on their way out: encoded and measured before anything is sent, one batch per partition where it fits.

aiokafka's `send` costs some 20 microseconds a record (a coroutine, a future, a look at the metadata); a record appended to
a batch of one's own costs one. Within a transaction such a batch is what any other is.
"""

import asyncio
import time
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.structs import TopicPartition

from warn.bus.kafka.topics import MAX_MESSAGE_BYTES

MAX_RECORD: Final = MAX_MESSAGE_BYTES - 64 * 1024
"""Bytes of key, value and headers. What does not compress becomes a little larger in its batch."""


class Batches:
    """Records by partition, in order. Nothing is sent before `send`, so what cannot be sent is found before."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self._now = int(time.time() * 1000)
        self._open: dict[TopicPartition, BatchBuilder] = {}
        self._all: list[tuple[TopicPartition, BatchBuilder]] = []

    def add(
        self,
        place: TopicPartition,
        key: bytes,
        value: bytes | None,
        headers: list[tuple[str, bytes]] | None = None,
    ) -> None:
        """Append a record; None deletes its key. Raises `ValueError` for one that is too large."""
        batch = self._open.get(place)
        if batch is not None and batch.append(timestamp=self._now, key=key, value=value, headers=headers):
            return
        size = len(key) + len(value or b"") + sum(len(v) for _, v in headers or ())
        if size > MAX_RECORD:
            raise ValueError(
                f"a record of {size:,} bytes for {place.topic}, above the limit of {MAX_RECORD:,}"
            )
        # The first record of a batch is taken whatever its size.
        batch = self._open[place] = self._producer.create_batch()
        self._all.append((place, batch))
        batch.append(timestamp=self._now, key=key, value=value, headers=headers)

    async def send(self) -> None:
        """Send all, and wait until each is written. Raises aiokafka's errors; its caller sets the limit of time."""
        futures = []
        for place, batch in self._all:
            future = await self._producer.send_batch(batch, place.topic, partition=place.partition)
            future.add_done_callback(_seen)
            futures.append(future)
        for future in futures:
            await future


def _seen(future: "asyncio.Future[object]") -> None:
    """One error ends the wait for all: those of the others are seen here."""
    if not future.cancelled():
        future.exception()

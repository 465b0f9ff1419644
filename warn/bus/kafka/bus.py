"""The bus on Kafka: transactions, fencing and retention are Kafka's own, behind the port."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from aiokafka import AIOKafkaProducer

from warn.bus.kafka.admin import check
from warn.bus.kafka.batches import Batches
from warn.bus.kafka.clients import Clients
from warn.bus.kafka.cluster import Cluster
from warn.bus.kafka.config import KafkaConfig
from warn.bus.kafka.faults import fault
from warn.bus.kafka.offsets import Offsets
from warn.bus.kafka.reader import KafkaReader, KafkaStateReader, follow, follow_state
from warn.bus.kafka.seat import KafkaSeat, open_seat
from warn.bus.kafka.topics import wanted
from warn.bus.watch import BusWatch
from warn.stages.base import Out
from warn.telemetry import events

WRITE_S: Final = 5.5


class KafkaBus:
    """One process's bus on a cluster. Make one with `KafkaBus.start`; it belongs to that event loop."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._writer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()

    @classmethod
    async def start(cls, config: KafkaConfig, *, watch: BusWatch = events) -> "KafkaBus":
        """Connect, and see that everything is there that `warn init` makes.

        Raises `TemporaryError` where the brokers cannot be reached, `PermanentError` (reason `config`) where a Kafka
        topic is missing or has another number of partitions, (reason `auth`) where we may not read one.
        """
        clients = Clients(config, watch)
        offsets = Offsets(clients)
        try:
            there = (await check(config)).topics
            counts = {t.ours: t.partitions for t in wanted(config) if there[t.name]}
            cluster = Cluster(config, clients, offsets, counts, watch)
            # A topic that we may not read is silent for ever: asking where it ends is what tells.
            await offsets.committed(list(cluster.places.values()))
        except BaseException:
            await clients.close()
            raise
        return cls(cluster)

    def partitions(self, topic: str) -> int:
        """How many partitions a topic has."""
        return self.cluster.partitions(topic)

    def seats(self, stage: str) -> int:
        """How many seats a stage has: as many as its input has partitions."""
        return self.cluster.seats(stage)

    @property
    def stuck(self) -> bool:
        """So many clients would not end that only a new process gets rid of them: the watchdog's to look at."""
        return self.cluster.clients.stuck

    async def open(self, stage: str, partition: int) -> KafkaSeat:
        """Fence the predecessor and take the seat."""
        return await open_seat(self.cluster, stage, partition)

    async def write(self, outputs: Sequence[Out]) -> None:
        """Append records without a seat. Raises `LookupError`, `TemporaryError`, `PermanentError`."""
        places = [self.cluster.place(out.topic, out.partition) for out in outputs]
        if not outputs:
            return
        producer = await self._started()
        batches = Batches(producer)
        for place, out in zip(places, outputs, strict=True):
            batches.add(place, out.key, out.value)
        try:
            async with asyncio.timeout(WRITE_S):
                await batches.send()
        except BaseException as e:
            # What it still holds back could be written at any later time.
            if self._writer is producer:
                self._writer = None
                self.cluster.clients.let_go(producer)
            if isinstance(e, Exception):
                raise fault(e, "writing records") from e
            raise

    async def follow(self, topic: str, start: Mapping[int, int] | None = None) -> KafkaReader:
        """Read a topic from its first kept record, or from `start` where that is later."""
        return KafkaReader(await follow(self.cluster, topic, start or {}))

    async def follow_state(self, stage: str) -> KafkaStateReader:
        """Read what the seats of a stage save, from the start."""
        return await follow_state(self.cluster, stage)

    async def end(self, topic: str, partition: int) -> int:
        """The position after the last record, which a seat that has read everything reaches.

        It may lie after the last committed one: a commit is acknowledged before its markers are there, and records that
        nobody decides about are lag that has to be seen.
        """
        place = self.cluster.place(topic, partition)
        return (await self.cluster.offsets.last([place]))[place]

    async def decided(self, topic: str, partition: int) -> int:
        """The position before the first record of a transaction that nobody has decided yet: no reader gets further."""
        place = self.cluster.place(topic, partition)
        return (await self.cluster.offsets.committed([place]))[place]

    async def rewrite(self, topic: str, change: Callable[[bytes], bytes | None]) -> int | None:
        """None: what brokers hold nobody changes, it goes with its age."""
        return None

    async def expire(self, now: int) -> None:
        """Nothing: retention is the brokers' own."""

    async def close(self) -> None:
        """Let go of everything, in a limited time."""
        await self.cluster.clients.close()

    async def _started(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._writer is None:
                producer = self.cluster.clients.producer("write")
                self._writer = await self.cluster.clients.start(producer, "writing records")
            return self._writer

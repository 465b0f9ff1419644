"""Where partitions begin and end: asked of the brokers through two shared clients that fetch no record.

An end comes in two kinds. The *last record's* end lies behind everything that was ever written, the *committed* end
before the first record of a transaction that is not decided yet. A commit is acknowledged before its markers are in the
partitions that it wrote to, so for some milliseconds what is committed may lie beyond the committed end: whoever has to
know that nothing of it is missing takes the last record's end for a goal.
"""

import asyncio
from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from warn.bus.kafka.clients import Clients, Isolation
from warn.bus.kafka.faults import fault
from warn.model.errors import TemporaryError

ASK_S: Final = 4.0
"""A commit has its own limit, so this need not be within that of a step."""
SETTLE_STEP_S: Final = 0.01

Positions = Mapping[TopicPartition, int]


class End(NamedTuple):
    """Both ends of one partition."""

    committed: int
    last: int


class Offsets:
    """Asks for beginnings and ends. Belongs to one event loop."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._asking: dict[Isolation, AIOKafkaConsumer] = {}
        self._starting = asyncio.Lock()

    async def begins(self, places: Collection[TopicPartition]) -> Positions:
        """The first position that is kept."""
        return await self._ask("read_committed", places, end=False)

    async def committed(self, places: Collection[TopicPartition]) -> Positions:
        """The committed ends."""
        return await self._ask("read_committed", places, end=True)

    async def last(self, places: Collection[TopicPartition]) -> Positions:
        """The ends of the last records, whether they are committed, aborted or not decided."""
        return await self._ask("read_uncommitted", places, end=True)

    async def settled(self, place: TopicPartition, within_s: float) -> End:
        """Both ends, once all that was written before this call is decided; as they are when the time is up."""
        last = (await self.last([place]))[place]
        until = asyncio.get_running_loop().time() + within_s
        while True:
            committed = (await self.committed([place]))[place]
            if committed >= last or asyncio.get_running_loop().time() >= until:
                return End(committed, last)
            await asyncio.sleep(SETTLE_STEP_S)

    async def _ask(self, kind: Isolation, places: Collection[TopicPartition], *, end: bool) -> Positions:
        if self._clients.closed:
            raise RuntimeError("the bus is closed")
        try:
            return await self._once(kind, places, end=end)
        except TemporaryError:
            # The connection may have been dead for long without anybody knowing: a new client has a new one.
            return await self._once(kind, places, end=end)

    async def _once(self, kind: Isolation, places: Collection[TopicPartition], *, end: bool) -> Positions:
        consumer: AIOKafkaConsumer | None = None
        try:
            async with asyncio.timeout(ASK_S):  # also for others who start a client
                consumer = await self._client(kind)
                found: Positions = await (
                    consumer.end_offsets(list(places)) if end else consumer.beginning_offsets(list(places))
                )
        except Exception as e:
            # A client whose brokers have all moved never finds them again.
            if consumer is not None and self._asking.get(kind) is consumer:
                del self._asking[kind]
                self._clients.let_go(consumer)
            raise fault(e, f"asking where {_named(places)} {'end' if end else 'begin'}") from e
        return found

    async def _client(self, kind: Isolation) -> AIOKafkaConsumer:
        async with self._starting:
            if kind not in self._asking:
                consumer = self._clients.consumer(f"offsets.{kind}", kind)
                self._asking[kind] = await self._clients.start(consumer, "connecting to the brokers")
            return self._asking[kind]


def _named(places: Collection[TopicPartition]) -> str:
    topics = sorted({place.topic for place in places})
    return ", ".join(topics[:5]) + (f" and {len(topics) - 5} more" if len(topics) > 5 else "")

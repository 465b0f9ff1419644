"""A seat on Kafka: a transactional id of its own, whose start fences whoever had it; then state; then input.

The order is what makes it safe. Starting the producer ends the predecessor's open transaction and refuses all it may
still try; only what is read after that is the state as it will stay. The input's position is in the state, written in the
transaction that writes everything else, and never asked of a group.

A producer that has met any error is not used again, nor is its seat: what became of a transaction whose answer is missing
is known to the brokers alone, and they tell it by fencing and reading anew.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.structs import TopicPartition

from warn.bus.base import Restored
from warn.bus.codec import UnreadableStateError
from warn.bus.kafka.batches import Batches
from warn.bus.kafka.chain import HEADER, Break, Chain, Saved, saved
from warn.bus.kafka.cluster import Cluster
from warn.bus.kafka.faults import step_fault
from warn.bus.kafka.restore import (
    POSITION_KEY,
    StateLog,
    read_state,
    state_record,
    state_value,
    unreadable,
    unsealed,
)
from warn.bus.kafka.tail import Tail
from warn.stages.base import In, Out

COMMIT_S: Final = 5.5
"""A step has six seconds, its work included."""


class KafkaSeat:
    """One partition of one stage, held until somebody else opens it."""

    def __init__(self, cluster: Cluster, stage: str, partition: int, producer: AIOKafkaProducer) -> None:
        self._cluster = cluster
        self._name = f"{stage}/{partition}"
        self._stage = stage
        self._partition = partition
        self._producer: AIOKafkaProducer | None = producer
        self._state = cluster.state_of(stage, partition)
        self._input = cluster.input_of(stage, partition)
        self._chain: Chain | None = None
        self._committed = 0
        self._position: int | None = None
        self._tail: Tail | None = None
        self._read_to = -1
        """After the last record that was handed out."""
        self._dead = False

    async def restore(self) -> Restored:
        """All state of the seat. Raises `UnreadableStateError`."""
        log = await self._load()
        return Restored(await unsealed(log.values, self._name), self._committed)

    @property
    def position(self) -> int:
        """Where the next read goes on; 0 before the state has been read."""
        if self._tail is not None and self._input is not None:
            position: int = self._tail.positions[self._input]
            return position
        return self._position or 0

    def seek(self, position: int) -> None:
        """Where the next read goes on."""
        self._position = position
        if self._tail is not None and self._input is not None:
            self._tail.seek(self._input, position)

    async def read(self, limit: int, wait_s: float) -> Sequence[In]:
        """Up to `limit` records; waits at most `wait_s` for the first. Raises `TrimmedError`."""
        place = self._input
        if place is None:
            return ()
        chain = self._chain or await self._first_load()
        if self._tail is None:
            self._tail = Tail(self._cluster.clients, self._name, {place: self.position})
        loop = asyncio.get_running_loop()
        until = loop.time() + wait_s
        while True:
            found = (await self._tail.read(limit, max(0.0, until - loop.time()))).get(place, ())
            taken: list[In] = []
            broken: list[Break] = []
            for record in found:
                keep, wrong = chain.takes(record.offset, record.headers)
                if keep:
                    taken.append(In(record.offset, record.value or b""))
                if wrong is not None:
                    broken.append(wrong)
            if found:
                self._read_to = found[-1].offset + 1
            if broken:
                self._tell(place, broken)
            if taken or loop.time() >= until:
                return taken

    async def commit(
        self, outputs: Sequence[Out], state: Mapping[bytes, bytes | None], position: int
    ) -> None:
        """Outputs, state and position in one transaction. Raises `FencedError`, `TemporaryError`, `PermanentError`."""
        producer = self._producer
        if self._dead or producer is None:
            raise RuntimeError(f"a seat of {self._stage} was used after it had failed")
        self._dead = True
        try:
            chain = self._chain or await self._first_load()
            batches, committed = self._encoded(producer, chain, outputs, state, position)
            await self._send(producer, batches)
        except BaseException:
            self._release()
            raise
        self._committed = committed
        if self._input is not None:
            self._cluster.lag.stands(self._input, committed)
        self._dead = False

    async def close(self) -> None:
        """Let go."""
        self._dead = True
        self._release()
        if self._tail is not None:
            self._tail.close()

    async def _send(self, producer: AIOKafkaProducer, batches: Batches) -> None:
        try:
            async with asyncio.timeout(COMMIT_S):
                await producer.begin_transaction()
                await batches.send()
                await producer.commit_transaction()
        except Exception as e:
            raise step_fault(e, f"committing a step of {self._name}") from e

    def _encoded(
        self,
        producer: AIOKafkaProducer,
        chain: Chain,
        outputs: Sequence[Out],
        state: Mapping[bytes, bytes | None],
        position: int,
    ) -> tuple[Batches, int]:
        """Everything of a step, ready to be sent, and the position that it commits."""
        batches = Batches(producer)
        until = 0 if self._input is None else position
        for topic, partition, key, value in outputs:
            place = self._cluster.place(topic, partition)
            link = chain.link(topic, partition, until)
            batches.add(place, key, value, [(HEADER, link)])
        for key, body in state.items():
            if key == POSITION_KEY:
                raise ValueError(f"a state key of {self._stage} is the reserved one")
            batches.add(self._state, key, None if body is None else state_value(position, body))
        # What lies between the last record read and the position of the consumer are markers: a log that retention
        # has emptied begins after them, and a seat that has read all of it must not take that for a gap.
        committed = max(position, self.position) if position == self._read_to else position
        batches.add(self._state, POSITION_KEY, state_value(committed, chain.save(position)))
        return batches, committed

    async def _first_load(self) -> Chain:
        await self._load()
        assert self._chain is not None
        return self._chain

    async def _load(self) -> StateLog:
        """Read the state; the first time also where the seat stands."""
        log = await read_state(self._cluster, self._state, self._name)
        self._cluster.watch.bus_hanging(self._stage, self._partition, log.hanging)
        if self._chain is None:
            raw = log.values.get(POSITION_KEY)
            self._committed, before = await self._fresh() if raw is None else self._stood(raw)
            self._chain = Chain(self._name, before, self._committed)
            if self._position is None:
                self._position = self._committed
        return log

    def _stood(self, raw: bytes) -> tuple[int, Saved]:
        record = state_record(POSITION_KEY, raw, self._name)
        try:
            return record.position, saved(record.body)
        except UnreadableStateError as e:
            raise unreadable(self._name, POSITION_KEY, e) from None

    async def _fresh(self) -> tuple[int, Saved]:
        """A seat that has never committed begins with the first record that is kept."""
        if self._input is None:
            return 0, Saved()
        first = (await self._cluster.offsets.begins([self._input]))[self._input]
        return first, Saved(whole=first == 0)

    def _tell(self, place: TopicPartition, broken: Sequence[Break]) -> None:
        """Tell what breaks the chain, once per process, however often the seat is opened anew."""
        told = self._cluster.told
        if self._read_to <= told.get(place, 0):
            return
        told[place] = self._read_to
        topic = place.topic.removeprefix(f"{self._cluster.config.prefix}.")
        sums: dict[tuple[str, str, bool], int] = {}
        for one in broken:
            what = (one.kind, one.writer, one.dropped)
            sums[what] = sums.get(what, 0) + one.amount
        for (kind, writer, dropped), amount in sums.items():
            if kind == "gap":
                self._cluster.watch.bus_gap(topic, place.partition, writer=writer, amount=amount)
            else:
                self._cluster.watch.bus_overlap(
                    topic, place.partition, writer=writer, amount=amount, dropped=dropped
                )

    def _release(self) -> None:
        if self._producer is not None:
            self._cluster.clients.let_go(self._producer)
            self._producer = None


async def open_seat(cluster: Cluster, stage: str, partition: int) -> KafkaSeat:
    """Fence the predecessor and take the seat. Raises `LookupError`, and what the port raises."""
    cluster.state_of(stage, partition)
    transactional_id = f"{cluster.config.prefix}.{stage}.{partition}"
    producer = cluster.clients.producer(f"{stage}.{partition}", transactional_id)
    await cluster.clients.start(producer, f"taking the seat {stage}/{partition}")
    # Now, in one request, rather than topic by topic within the first transaction.
    producer.client.set_topics([cluster.config.topic(topic) for topic in cluster.counts])
    return KafkaSeat(cluster, stage, partition, producer)

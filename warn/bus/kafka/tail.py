"""Reading partitions from given positions on: what a seat's input, a restore and a follower have in common.

The positions here are the truth, not the consumer's: they move with what has been handed out, so a read that is
cancelled or fails goes on where the last one that succeeded ended. They also move over what holds no record (markers of
transactions, aborted records, what compaction took away).
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import OffsetOutOfRangeError
from aiokafka.structs import TopicPartition

from warn.bus.base import TrimmedError
from warn.bus.kafka.clients import AHEAD_BYTES, Clients
from warn.bus.kafka.faults import fault
from warn.model.errors import Reason, TemporaryError

SILENCE_S: Final = 15.0
"""A fetch is answered twice a second even where there is nothing; without one for so long the client is given up."""
EMPTY_ANSWERS: Final = 6
"""So many answers without a record, from a log that is decided up to there, mean that there is nothing."""
_SLICE_S: Final = 5.0
_START_OVER: Final = "start over with another bus.kafka.prefix (docs/kafka.md, Recovery)"

Fetched = Mapping[TopicPartition, Sequence[Any]]


class Tail:
    """One consumer over some partitions. One read at a time."""

    def __init__(
        self,
        clients: Clients,
        name: str,
        positions: Mapping[TopicPartition, int],
        *,
        ahead: int = AHEAD_BYTES,
    ) -> None:
        self._clients = clients
        self._name = name
        self._ahead = ahead
        self.positions = dict(positions)
        self._consumer: AIOKafkaConsumer | None = None
        self._astray = False
        self._silent_s = 0.0
        self._heard: dict[TopicPartition, int | None] = {}
        self._empty: dict[TopicPartition, int] = {}

    def seek(self, place: TopicPartition, position: int) -> None:
        """Where the next read of a partition goes on."""
        if self.positions[place] != position:
            self.positions[place] = position
            self._astray = True

    async def read(self, limit: int, wait_s: float) -> Fetched:
        """Up to `limit` records by partition; waits at most `wait_s` for the first, five seconds at a time.

        Raises `TrimmedError` where a position is not kept, and the port's errors where the brokers are silent.
        """
        wait_s = min(wait_s, _SLICE_S)
        consumer = self._consumer or await self._start()
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            if self._astray:
                await self._realign(consumer)
            self._astray = True  # until it is known what this read has moved
            found: Fetched = await consumer.getmany(timeout_ms=int(wait_s * 1000), max_records=limit)
            moved = self.positions.keys() if len(self.positions) > 1 or not found else found.keys()
            for place in moved:
                self.positions[place] = await consumer.position(place)
            self._astray = False
        except OffsetOutOfRangeError as e:
            raise await self._out_of_range(consumer, e) from e
        except Exception as e:
            self.close()
            raise fault(e, f"reading {self._name}") from e
        if found:
            self._silent_s = 0.0
            self._empty.clear()
        else:
            self._listen(consumer, loop.time() - began)
        return found

    def reached(self, goals: Mapping[TopicPartition, int]) -> bool:
        """Has everything before these positions been handed out? To be asked after a read that found nothing."""
        consumer = self._consumer
        return all(
            self.positions[place] >= goal
            or (
                consumer is not None
                and self._empty.get(place, 0) >= EMPTY_ANSWERS
                and (consumer.last_stable_offset(place) or 0) >= goal
            )
            for place, goal in goals.items()
        )

    def close(self) -> None:
        """Let go of the consumer; a later read starts a new one."""
        if self._consumer is not None:
            self._clients.let_go(self._consumer)
            self._consumer = None
        self._silent_s = 0.0
        self._empty.clear()
        self._heard.clear()

    async def _start(self) -> AIOKafkaConsumer:
        consumer = self._clients.consumer(self._name, ahead=self._ahead)
        await self._clients.start(consumer, f"starting to read {self._name}")
        consumer.assign(list(self.positions))
        # In the same turn of the loop: without a position the consumer would ask a group for one.
        for place, position in self.positions.items():
            consumer.seek(place, position)
        self._astray = False
        self._consumer = consumer
        return consumer

    async def _realign(self, consumer: AIOKafkaConsumer) -> None:
        for place, position in self.positions.items():
            if await consumer.position(place) != position:
                consumer.seek(place, position)

    def _listen(self, consumer: AIOKafkaConsumer, waited_s: float) -> None:
        """Nothing was found: have the brokers answered meanwhile?"""
        answered = False
        for place in self.positions:
            at = consumer.last_poll_timestamp(place)
            if at != self._heard.get(place):
                answered = True
                self._heard[place] = at
                self._empty[place] = self._empty.get(place, 0) + 1
        self._silent_s = 0.0 if answered else self._silent_s + waited_s
        if self._silent_s > SILENCE_S:
            self.close()
            raise TemporaryError(
                f"reading {self._name}: no broker has answered for {SILENCE_S:.0f} s", reason=Reason.NETWORK
            )

    async def _out_of_range(self, consumer: AIOKafkaConsumer, error: OffsetOutOfRangeError) -> Exception:
        places: Iterable[TopicPartition] = error.args[0]
        try:
            async with asyncio.timeout(_SLICE_S):
                first = await consumer.beginning_offsets(list(places))
        except Exception as e:  # noqa: BLE001 - mapped
            self.close()
            return fault(e, f"reading {self._name}")
        self._astray = True
        place = min(places)  # one is enough to act on: the line is for a person
        at, begins = self.positions[place], first[place]
        what = (
            f"reading {self._name}: {place.topic} partition {place.partition} has to be read from {at}, and "
        )
        if at < begins:
            return TrimmedError(f"{what}begins at {begins}: retention has passed it by; {_START_OVER}")
        return TrimmedError(
            f"{what}ends before it: its log was cut off or made anew; bring back the right one, or {_START_OVER}"
        )

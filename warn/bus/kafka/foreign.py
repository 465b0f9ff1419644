"""Reading a Kafka topic of somebody else's: every partition, what is committed, and nothing is written: no offset, no group.

Where reading stands is the caller's to keep, by partition. A position that the topic does not have any more, because
retention was faster or the topic was made anew, is told as lost, and reading goes on at the first record that is kept.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from aiokafka.structs import TopicPartition

from warn.bus.base import TrimmedError
from warn.bus.kafka import wire
from warn.bus.kafka.admin import bootstrap
from warn.bus.kafka.clients import Clients
from warn.bus.kafka.config import KafkaConfig
from warn.bus.kafka.offsets import Offsets
from warn.bus.kafka.tail import Tail
from warn.bus.outside import Lost, Record
from warn.bus.watch import BusWatch
from warn.model.errors import PermanentError, Reason, TemporaryError
from warn.telemetry import events

REACH_S: Final = 15.0
"""Finding a broker that answers, and asking it for the topic."""
READ_S: Final = 20.0
CLOSE_S: Final = 8.0
AHEAD_BYTES: Final = 1024 * 1024
_UNKNOWN_TOPIC: Final = 3
_INVALID_TOPIC: Final = 17
_FORBIDDEN: Final = 29


class ForeignTopic:
    """One topic, read from its positions on. Belongs to one event loop; `open` first, `close` at the end."""

    def __init__(self, config: KafkaConfig, topic: str, *, watch: BusWatch = events) -> None:
        self._config, self._topic = config, topic
        self._clients = Clients(config, watch)
        self._offsets = Offsets(self._clients)
        self._tail: Tail | None = None

    async def open(self, positions: Mapping[int, int], *, earliest: bool) -> Sequence[Lost]:
        """Find the topic and go to `positions`; a partition that is not in them begins at its start or at its end.

        Raises TemporaryError and PermanentError that say what a person can do.
        """
        return await self._assign(await self._partitions(), positions, earliest=earliest)

    async def refresh(self) -> Sequence[Lost]:
        """See whether there are more partitions now, and read those from their start."""
        found = await self._partitions()
        if len(found) <= len(self.positions):
            return ()
        return await self._assign(found, self.positions, earliest=True)

    @property
    def positions(self) -> dict[int, int]:
        """By partition, the position after the last record that was handed out."""
        return {} if self._tail is None else {p.partition: at for p, at in self._tail.positions.items()}

    async def read(self, limit: int, wait_s: float) -> tuple[Sequence[Record], Sequence[Lost]]:
        """Up to `limit` records in the order of each partition, and what was found to be lost; waits for the first."""
        if self._tail is None:
            raise RuntimeError("not open")
        try:
            async with asyncio.timeout(READ_S):
                found = await self._tail.read(limit, wait_s)
        except TrimmedError:
            return (), await self._assign(list(self._tail.positions), self.positions, earliest=True)
        except TimeoutError:
            raise TemporaryError(
                f"Kafka: reading {self._topic} took too long", reason=Reason.TIMEOUT
            ) from None
        except PermanentError as e:
            raise self._told(e) from None
        return [
            Record(r.partition, r.offset, r.timestamp, r.value or b"")
            for rows in found.values()
            for r in rows
        ], ()

    async def close(self) -> None:
        """Let go of everything, in a limited time. Never raises."""
        if self._tail is not None:
            self._tail.close()
        await self._clients.close(CLOSE_S)

    async def _partitions(self) -> list[TopicPartition]:
        try:
            async with asyncio.timeout(REACH_S):
                node = await bootstrap(self._config)
                try:
                    told = await node.ask(wire.AskMetadata([self._topic]))
                finally:
                    await node.close()
        except TimeoutError:
            raise TemporaryError("Kafka: no broker answered in time", reason=Reason.TIMEOUT) from None
        for code, name, _, partitions, bits in told.topics:
            if name == self._topic:
                self._judge(code, bits)
                if partitions:
                    return sorted(TopicPartition(self._topic, one[1]) for one in partitions)
        raise TemporaryError(f"Kafka: {self._topic} has no partition yet", reason=Reason.CONFIG)

    def _judge(self, code: int, bits: int) -> None:
        if code == _FORBIDDEN or (code == 0 and not wire.may(bits, "Read")):
            raise self._forbidden()
        if code in {_UNKNOWN_TOPIC, _INVALID_TOPIC}:
            raise PermanentError(
                f"Kafka: there is no topic {self._topic}: mend `topic`, or have it made", reason=Reason.CONFIG
            )

    def _forbidden(self) -> TemporaryError:
        user = self._config.security.username or "whoever connects without a name"
        return TemporaryError(
            f"Kafka: we may not read {self._topic}: grant Describe and Read on it to {user}",
            reason=Reason.AUTH,
        )

    def _told(self, error: PermanentError) -> Exception:
        """The same in words for a topic that `warn init` does not make."""
        if error.reason is Reason.AUTH:
            return self._forbidden()
        return TemporaryError(
            f"Kafka: {self._topic} cannot be read any more: is it gone?", reason=Reason.CONFIG
        )

    async def _assign(
        self, places: Sequence[TopicPartition], positions: Mapping[int, int], *, earliest: bool
    ) -> Sequence[Lost]:
        try:
            begins = await self._offsets.begins(places)
            ends = await self._offsets.last(places)
        except PermanentError as e:
            raise self._told(e) from None
        lost: list[Lost] = []
        go: dict[TopicPartition, int] = {}
        for place in places:
            wanted = positions.get(place.partition)
            if wanted is None:
                go[place] = begins[place] if earliest else ends[place]
                continue
            go[place] = wanted
            if not begins[place] <= wanted <= ends[place]:
                go[place] = begins[place]
                made_anew = wanted > ends[place]
                lost.append(Lost(place.partition, wanted, None if made_anew else begins[place]))
        if self._tail is not None:
            self._tail.close()
        self._tail = Tail(self._clients, f"foreign.{self._topic}", go, ahead=AHEAD_BYTES)
        return lost

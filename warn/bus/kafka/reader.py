"""Readers beside the seats: they follow a topic, or the state of a stage, over all its partitions, and see what is
committed.

A commit is acknowledged before its markers are everywhere, so an empty answer is given only after everything has been read
that was written before `follow` was called, decided or not.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka.structs import TopicPartition

from warn.bus.base import TrimmedError
from warn.bus.kafka.cluster import Cluster
from warn.bus.kafka.restore import POSITION_KEY, state_record
from warn.bus.kafka.tail import Tail
from warn.bus.kafka.topics import state_topic
from warn.model.errors import Reason, TemporaryError


class Follower:
    """Raw records of all partitions of a topic, from given positions on."""

    def __init__(self, cluster: Cluster, topic: str, tail: Tail, goals: Mapping[TopicPartition, int]) -> None:
        self._cluster = cluster
        self._topic = topic
        self._tail = tail
        self._goals = dict(goals)
        """Up to where everything has to be handed out before an answer may be empty."""

    async def read(self, limit: int, wait_s: float) -> list[Any]:
        """Up to `limit` records; waits at most `wait_s` for the first, and longer until its goals are reached."""
        loop = asyncio.get_running_loop()
        until = loop.time() + wait_s
        # A transaction that nobody ends is ended by the brokers.
        give_up = loop.time() + self._cluster.config.transaction_timeout_ms / 1000 + 15.0
        while True:
            catching_up = bool(self._goals)
            wait = max(0.0, until - loop.time())
            try:
                found = await self._tail.read(limit, max(wait, 0.2) if catching_up else wait)
            except TrimmedError:
                await self._skip()
                continue
            if found:
                return [record for records in found.values() for record in records]
            if self._goals and self._tail.reached(self._goals):
                self._goals.clear()
            if not self._goals and loop.time() >= until:
                return []
            if loop.time() >= give_up:
                raise TemporaryError(
                    f"[{self._topic}] cannot be read to its end: a transaction is not decided",
                    reason=Reason.TIMEOUT,
                )

    async def _skip(self) -> None:
        """Retention was faster: go on with what is kept."""
        begins = await self._cluster.offsets.begins(list(self._tail.positions))
        ends = await self._cluster.offsets.last(list(self._tail.positions))
        for place, position in list(self._tail.positions.items()):
            self._tail.seek(place, min(max(position, begins[place]), ends[place]))

    def close(self) -> None:
        """Let go."""
        self._tail.close()


class KafkaReader:
    """Follows one topic over all its partitions."""

    def __init__(self, follower: Follower) -> None:
        self._follower = follower

    async def read(self, limit: int, wait_s: float) -> Sequence[tuple[int, int, bytes, bytes]]:
        """(partition, position, key, value); waits at most `wait_s` for the first."""
        records = await self._follower.read(limit, wait_s)
        return [(r.partition, r.offset, r.key or b"", r.value or b"") for r in records]

    async def close(self) -> None:
        """Let go."""
        self._follower.close()


class KafkaStateReader:
    """Follows what the seats of one stage save."""

    def __init__(self, follower: Follower, stage: str) -> None:
        self._follower = follower
        self._stage = stage

    async def read(self, limit: int, wait_s: float) -> Sequence[tuple[int, bytes, bytes | None]]:
        """(partition, key, body), None for what was deleted. Raises `UnreadableStateError`."""
        while records := await self._follower.read(limit, wait_s):
            found = [
                (
                    r.partition,
                    r.key,
                    None
                    if r.value is None
                    else state_record(r.key, r.value, f"{self._stage}/{r.partition}").body,
                )
                for r in records
                if r.key is not None and r.key != POSITION_KEY
            ]
            if found:
                return found
        return ()

    async def close(self) -> None:
        """Let go."""
        self._follower.close()


async def follow(cluster: Cluster, topic: str, start: Mapping[int, int]) -> Follower:
    """A follower of a topic of ours. Raises `LookupError`, and what the port raises."""
    places = [cluster.place(topic, partition) for partition in range(cluster.partitions(topic))]
    last = await cluster.offsets.last(places)
    begins = await cluster.offsets.begins(places)
    # A position beyond the end is of a log that was made anew.
    positions = {p: min(max(start.get(p.partition, 0), begins[p]), max(last[p], begins[p])) for p in places}
    goals = {p: last[p] for p in places if positions[p] < last[p]}
    return Follower(cluster, topic, Tail(cluster.clients, f"{topic}.follow", positions), goals)


async def follow_state(cluster: Cluster, stage: str) -> KafkaStateReader:
    """A reader of a stage's state, from its start. Raises `LookupError`, and what the port raises."""
    cluster.seats(stage)
    return KafkaStateReader(await follow(cluster, state_topic(stage), {}), stage)

"""Positions for lag tools: written to a group of its own, outside transactions, and read by nothing of warn's.

What a seat has taken in lies in its state, where tools that watch consumer groups do not look. A plain OffsetCommit
without a member does for them. It is done beside the steps, at most one at a time, and may fail.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import for_code
from aiokafka.protocol.commit import OffsetCommitRequest
from aiokafka.structs import TopicPartition

from warn.bus.kafka.clients import Clients
from warn.bus.kafka.faults import fault
from warn.bus.watch import BusWatch

EVERY_S: Final = 10.0
TELL_S: Final = 5.0
_DOING: Final = "telling lag tools"
_KEEP: Final = -1
"""How long: as the brokers keep offsets."""


class LagTools:
    """Tells lag tools where the seats of this process stand. Belongs to one event loop."""

    def __init__(self, clients: Clients, watch: BusWatch) -> None:
        self._clients = clients
        self._watch = watch
        self._positions: dict[TopicPartition, int] = {}
        self._due = 0.0

    def stands(self, place: TopicPartition, position: int) -> None:
        """A seat has taken in its input up to here."""
        self._positions[place] = position
        now = asyncio.get_running_loop().time()
        if now >= self._due:
            self._due = now + EVERY_S
            positions, self._positions = self._positions, {}
            self._clients.beside(self._tell(positions))

    async def _tell(self, positions: Mapping[TopicPartition, int]) -> None:
        admin = self._clients.admin("lag")
        try:
            async with asyncio.timeout(TELL_S):
                await self._clients.start(admin, _DOING)
                await self._commit(admin, positions)
        except Exception as e:  # noqa: BLE001 - told; the next one may do better
            self._watch.bus_lag_untold(fault(e, _DOING))
        finally:
            self._clients.let_go(admin)

    async def _commit(self, admin: AIOKafkaAdminClient, positions: Mapping[TopicPartition, int]) -> None:
        group = self._clients.config.topic("lag")
        topics: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
        for place, position in positions.items():
            topics[place.topic].append((place.partition, position, ""))
        request = OffsetCommitRequest(group, -1, "", _KEEP, list(topics.items()))
        node = await admin.find_coordinator(group)
        answer = await admin._send_request(request, node)  # noqa: SLF001 - there is no other way to send one
        for _, partitions in answer.topics:
            for _, code in partitions:
                if code:
                    raise for_code(code)

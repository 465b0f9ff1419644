"""A worker that keeps a diary, for tests of faults: every wait is timed, every error told, and after each it begins anew.

It works as `warn/worker.py` does: open, restore, read, commit; any error drops the seat.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from tests.kafka.mock import MockKafka
from warn.bus.base import FencedError, Seat
from warn.bus.kafka import KafkaBus
from warn.bus.kafka.clients import Clients, Isolation
from warn.bus.kafka.cluster import Cluster
from warn.bus.kafka.config import KafkaConfig
from warn.bus.kafka.offsets import Offsets
from warn.bus.kafka.topics import wanted
from warn.model.errors import WarnError
from warn.stages.base import Out
from warn.telemetry import events

T = TypeVar("T")

LIMITS: Final[Mapping[str, float]] = {"open": 9.0, "restore": 30.0, "read": 9.0, "commit": 9.0, "close": 3.0}
"""Seconds: what each call of a seat may take, whatever the brokers do: its own deadline, and 3 s for a busy machine."""
READ_S: Final = 0.5
BACKOFF_S: Final = 0.1


class _Unchecked(Clients):
    """Takes the mock cluster's commit markers, which have no checksum."""

    def _reading(self, isolation: Isolation) -> dict[str, Any]:
        return {**super()._reading(isolation), "check_crcs": False}


def mocked(mock: MockKafka, prefix: str = "t") -> KafkaBus:
    """A bus on a mock cluster. That has no admin requests, and makes each topic when it is first asked for."""
    config = KafkaConfig(
        tuple(mock.bootstrap.split(",")),
        prefix=prefix,
        partitions={"mentions": 2, "signals": 2, "collect": 2},
    )
    counts = {topic.ours: topic.partitions for topic in wanted(config)}
    clients = _Unchecked(config, events)
    return KafkaBus(Cluster(config, clients, Offsets(clients), counts, events))


@dataclass
class Trial:
    """One seat of match, worked through faults. `acknowledged` counts commits that were told to have succeeded.

    `pace_s`: time between two steps, so that a fault finds one to meet.
    """

    bus: KafkaBus
    pace_s: float = 0.0
    acknowledged: int = 0
    longest: dict[str, float] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)
    seat: Seat | None = None

    async def work(self, steps: int, within_s: float) -> None:
        """Commit so many steps of one record each. Fails where a call takes longer than it may, or all of it does."""
        goal = self.acknowledged + steps
        began = time.monotonic()
        while self.acknowledged < goal:
            assert time.monotonic() - began < within_s, f"no end after {within_s} s: {dict(self.errors)}"
            try:
                await self._step()
                await asyncio.sleep(self.pace_s)
            except (FencedError, WarnError) as e:
                self.errors[type(e).__name__ if isinstance(e, FencedError) else str(e.reason)] += 1
                await self.drop()
                await asyncio.sleep(BACKOFF_S)

    def told(self, what: str) -> str:
        """The longest wait of each kind of call so far, and what was raised how often."""
        longest = {name: round(took, 2) for name, took in self.longest.items()}
        return f"{what}: longest, s: {longest}; raised: {dict(self.errors)}"

    async def drop(self) -> None:
        """Let go of the seat."""
        if self.seat is not None:
            seat, self.seat = self.seat, None
            await self._timed("close", seat.close())

    async def _step(self) -> None:
        if self.seat is None:
            self.seat = await self._timed("open", self.bus.open("match", 0))
            restored = await self._timed("restore", self.seat.restore())
            # More than was acknowledged is right: a commit whose answer was lost may have succeeded.
            assert restored.committed >= self.acknowledged, "an acknowledged commit is gone"
            self.acknowledged = restored.committed
            self.seat.seek(restored.committed)
        seat = self.seat
        found = await self._timed("read", seat.read(1, READ_S))
        if not found:
            return
        position = found[-1].position + 1
        out = [Out("signals", position % 2, b"k", b"%d" % position)]
        await self._timed("commit", seat.commit(out, {b"state": b"%d" % position}, position))
        self.acknowledged = position

    async def _timed(self, name: str, call: Awaitable[T]) -> T:
        began = time.monotonic()
        try:
            async with asyncio.timeout(LIMITS[name] + 5.0):
                return await call
        finally:
            took = time.monotonic() - began
            self.longest[name] = max(self.longest.get(name, 0.0), took)
            assert took <= LIMITS[name], f"{name} took {took:.1f} s, {LIMITS[name]} allowed"

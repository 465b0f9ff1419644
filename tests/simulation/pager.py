"""Senders in a simulated process, and the pagers that they tell: one attempt for each claim, and a receipt for each."""

import asyncio
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal

from warn.model.alerts import Delivery, Receipt
from warn.model.errors import TemporaryError
from warn.model.flow import DESK
from warn.model.wire import encode
from warn.stages.base import Out
from warn.testing.pager_rules import PagerRules

if TYPE_CHECKING:
    from tests.simulation.process import Process

GIVE_UP_S: Final = 1.8
"""Seconds of the loop after a claim in which its attempt may begin (20 in `warn.notify.sender`). respond takes an attempt
for lost after 30 s of its own time, which passes 10 s at a clock here: that is two seconds of the loop at the least.
"""
_ROUTING: Final = "r" * 32


class Desk:
    """What all pagers of the world saw. `handed`: every (delivery, attempt) that a sender was given."""

    def __init__(self) -> None:
        self.rules: dict[str, PagerRules] = {}
        self.handed: list[tuple[str, int]] = []

    def tell(self, delivery: Delivery, now: float) -> int:
        """An attempt arrives; the pager's answer."""
        event = delivery.event
        body = {
            "routing_key": _ROUTING,
            "dedup_key": delivery.dedup_key,
            "event_action": "resolve" if delivery.action == "resolve" else "trigger",
            "payload": {"summary": event.summary or "-", "source": "warn", "severity": "critical"},
            "told": {"incident": event.incident, "sequence": event.sequence, "action": delivery.action},
        }
        rules = self.rules.setdefault(delivery.notifier, PagerRules())
        status, _ = rules.accept(json.dumps(body).encode(), now)
        return status


class Pager:
    """The senders of one process."""

    def __init__(self, process: "Process") -> None:
        self._process = process
        self._turns: dict[str, asyncio.Lock] = {}

    def offer(self, deliveries: Sequence[Delivery]) -> None:
        """Take claimed attempts; never waits."""
        for delivery in deliveries:
            self._process.sim.desk.handed.append((delivery.delivery, delivery.attempt))
            self._process.spawn(self._attempt(delivery))

    async def _attempt(self, delivery: Delivery) -> None:
        process, sim = self._process, self._process.sim
        arrived = sim.loop.time()
        # One at a time for each notifier, in the order of their claims: as the sender's queues have it.
        async with self._turns.setdefault(delivery.notifier, asyncio.Lock()):
            await asyncio.sleep(process.rng.choice((0.0, 0.1, 1.0)))
            await process.stand()
            receipt = self._tried(delivery, arrived)
        if receipt is not None:
            await self._report(receipt)

    def _tried(self, delivery: Delivery, arrived: float) -> Receipt | None:
        """Make the attempt, if there is still time; None where nobody is ever told of it."""
        process, sim = self._process, self._process.sim
        outcome: Literal["delivered", "retry", "refused"] = "retry"
        reason = "not_sent"
        trouble = 0.0 if sim.calm else process.rng.random()
        if sim.loop.time() - arrived < GIVE_UP_S and not 0.5 < trouble < 0.6:
            status = sim.desk.tell(delivery, sim.loop.time())
            if trouble > 0.9:
                reason = "timeout"  # it arrived, and nobody knows
            elif status == 202:
                outcome, reason = "delivered", ""
            else:
                reason = "server_error"
        if trouble > 0.97:
            return None
        return Receipt(
            now=int(sim.wall()),
            delivery=delivery.delivery,
            attempt=delivery.attempt,
            outcome=outcome,
            reason=reason,
        )

    async def _report(self, receipt: Receipt) -> None:
        for _ in range(5):
            try:
                await self._process.bus.write([Out(DESK, 0, receipt.delivery.encode(), encode(receipt))])
            except (ConnectionError, TemporaryError):
                await asyncio.sleep(0.5)
            else:
                return

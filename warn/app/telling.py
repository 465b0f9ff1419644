"""Telling people, in a process that runs respond: the senders, and the way of their receipts back to the desk.

They are there whether respond's seat is held here or not: what was claimed here is tried here, and its receipt finds
respond wherever it is by then.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from warn.app.desk import Desk
from warn.app.watching import Deliveries
from warn.bus.base import Bus
from warn.model.alerts import Receipt
from warn.notify.notifier import Notifier
from warn.notify.sender import Sender
from warn.telemetry import events

RETRY_S: Final = 5.0


class Telling:
    """Makes the attempts that respond claims. Whoever gave the notifiers closes them."""

    def __init__(self, bus: Bus, notifiers: Sequence[Notifier]) -> None:
        self._deliveries = Deliveries(Desk(bus))
        self._sender = Sender(notifiers, self._report, now=lambda: int(time.time()), hooks=self._deliveries)
        self._deliveries.connect(self._sender)
        self.claim = self._deliveries.claim

    async def _report(self, receipt: Receipt) -> None:
        """Until the engine has it. Without a receipt respond claims again, so what is said meanwhile is no less true."""
        while True:
            try:
                return await self._deliveries.report(receipt)
            except Exception as e:  # noqa: BLE001 - told, and tried again
                events.part_failed("senders", e, retry_in_s=RETRY_S)
                await asyncio.sleep(RETRY_S)

    async def run(self) -> None:
        """Until cancelled."""
        await self._sender.run()

    async def drain(self, within_s: float) -> None:
        """Take nothing more, and let what was taken be tried, for so long at most."""
        await self._sender.drain(within_s)

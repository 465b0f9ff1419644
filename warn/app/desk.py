"""From the senders back to respond: receipts as records of `[desk]`, and what telemetry hears of an attempt."""

import asyncio
from typing import Final

from warn.bus.base import Bus, Seat
from warn.model.alerts import Receipt
from warn.model.errors import TemporaryError
from warn.model.flow import DESK
from warn.model.wire import encode
from warn.stages.base import Out

SENDERS: Final = "senders"
"""The seat that receipts are written through; it reads nothing."""
_TRIES: Final = 5
_FIRST_WAIT_S: Final = 0.2


class Desk:
    """Writes receipts, one step each; the senders' tasks wait for one another."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._seat: Seat | None = None
        self._position = 0
        self._turn = asyncio.Lock()

    async def report(self, receipt: Receipt) -> None:
        """Until it is written. Raises what the bus raises when it has been tried for some seconds.

        A step whose outcome is unknown is tried again: a receipt that is there twice says the same twice.
        """
        record = Out(DESK, 0, receipt.delivery.encode(), encode(receipt))
        async with self._turn:
            for left in reversed(range(_TRIES)):
                try:
                    seat = await self._open()
                    self._position += 1
                    await seat.commit([record], {}, self._position)
                    return
                except TemporaryError:
                    await self._let_go()
                    if not left:
                        raise
                    await asyncio.sleep(_FIRST_WAIT_S * 2.0 ** (_TRIES - left))

    async def _open(self) -> Seat:
        if self._seat is None:
            self._seat = await self._bus.open(SENDERS, 0)
            self._position = (await self._seat.restore()).committed
        return self._seat

    async def _let_go(self) -> None:
        seat, self._seat = self._seat, None
        if seat is not None:
            await seat.close()

    async def close(self) -> None:
        """Let the seat go."""
        async with self._turn:
            await self._let_go()

"""From the senders back to respond: receipts as records of `[desk]`.

`[desk]` has many writers and rests on none of their order, so a receipt needs no seat: every process with senders
writes its own. (Until 0.1 there was a seat `senders`; a data folder that still holds its row is as good as any.)
"""

import asyncio
from typing import Final

from warn.bus.base import Bus
from warn.model.alerts import Receipt
from warn.model.errors import TemporaryError
from warn.model.flow import DESK
from warn.model.wire import encode
from warn.stages.base import Out

_TRIES: Final = 5
_FIRST_WAIT_S: Final = 0.2


class Desk:
    """Writes receipts, one at a time; the senders' tasks wait for one another."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._turn = asyncio.Lock()

    async def report(self, receipt: Receipt) -> None:
        """Until it is written. Raises what the bus raises when it has been tried for some seconds.

        A write whose outcome is unknown is tried again: a receipt that is there twice says the same twice.
        """
        record = Out(DESK, 0, receipt.delivery.encode(), encode(receipt))
        async with self._turn:
            for left in reversed(range(_TRIES)):
                try:
                    await self._bus.write([record])
                    return
                except TemporaryError:
                    if not left:
                        raise
                    await asyncio.sleep(_FIRST_WAIT_S * 2.0 ** (_TRIES - left))

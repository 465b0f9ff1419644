"""An end for a connector that has none."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Final

from warn.ingest.connector import Batch, Connector, Cursor

TURNS: Final = 20
"""In so many parts an idle time is waited."""


class Until:
    """The same connector, which ends after the batch for which `when` is true, or when none comes for `idle_s`.

    What it has open is closed then. `when` is asked once for each batch, in order; it may look at the stand-in for the
    service just as well.
    """

    def __init__(
        self,
        connector: Connector,
        when: Callable[[Batch], bool] = lambda _: False,
        *,
        idle_s: float | None = None,
    ) -> None:
        self._connector = connector
        self._when = when
        self._idle_s = idle_s

    @property
    def name(self) -> str:
        return self._connector.name

    @property
    def source(self) -> str:
        return self._connector.source

    async def batches(self, cursor: Cursor | None) -> AsyncGenerator[Batch, None]:
        """What it yields, to its new end."""
        async with aclosing(self._connector.batches(cursor)) as batches:
            while True:
                batch = await _within(anext(batches, None), self._idle_s)
                if batch is None:
                    return
                yield batch
                if self._when(batch):
                    return


async def _within(coming: Awaitable[Batch | None], idle_s: float | None) -> Batch | None:
    """The next batch, or None where there is none or it takes too long.

    The time is counted in short turns, one after the other: on a machine that is busy with other things the stand-in, which
    has its turns in the same loop, gets as many of them as on an idle one.
    """
    if idle_s is None:
        return await coming
    loop, patience = asyncio.get_running_loop(), asyncio.timeout(None)
    next_turn: asyncio.TimerHandle | None = None

    def turn(left: int) -> None:
        nonlocal next_turn
        if left:
            next_turn = loop.call_later(idle_s / TURNS, turn, left - 1)
        else:
            patience.reschedule(loop.time())

    try:
        async with patience:
            turn(TURNS)
            return await coming
    except TimeoutError:
        if not patience.expired():
            raise
        return None
    finally:
        if next_turn is not None:
            next_turn.cancel()

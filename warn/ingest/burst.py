"""A stream's events a handful at a time: what a connector yields as one batch becomes one step, and fills a parcel.

A connector goes on when what it yielded is on the bus. One that yielded every event alone would have a commit for each.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from warn.ingest.parcels import MOST

T = TypeVar("T")

LINGER_S: Final = 0.02


async def burst(
    receive: Callable[[], Awaitable[T]], *, most: int = MOST, linger_s: float = LINGER_S
) -> list[T]:
    """At least one event, waited for as long as it takes, and what comes within `linger_s` after it, up to `most`.

    `receive` must lose nothing when it is cancelled. Where it raises after the first event, that is raised by the next
    call, since it will be raised again.
    """
    events = [await receive()]
    try:
        async with asyncio.timeout(linger_s):
            while len(events) < most:
                events.append(await receive())
    except Exception:  # noqa: BLE001 - what came before it is good, and goes first
        return events
    return events

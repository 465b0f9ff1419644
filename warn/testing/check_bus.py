"""What every bus must keep, whatever lies behind it: run by `tests/contract` for each engine.

Nothing here knows how an engine does it: order within a partition, all or nothing, fencing, state that is complete
after a fence, readers that see what is committed and no more, an empty answer that means what it says, records and
followers beside the seats, waits that end, and the rule of reading again: whatever step a crash hits, what comes out is
what would have come out without it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from warn.bus.base import Bus
from warn.testing.bus_ahead import check_read_ahead
from warn.testing.bus_commits import (
    check_commit,
    check_fencing,
    check_many,
    check_order,
    check_race,
    check_refused,
)
from warn.testing.bus_handle import Handle, Reopen
from warn.testing.bus_reads import check_compacted, check_follow, check_waits
from warn.testing.bus_rewrite import check_rewrite
from warn.testing.bus_state import (
    check_follow_state,
    check_follow_state_live,
    check_honest,
    check_seats,
    check_write,
    check_write_beside,
)
from warn.testing.rereading import check_crashes, check_lost_reply, check_zombie

CHECKS: Sequence[Callable[[Handle], Awaitable[None]]] = (
    check_seats,
    check_order,
    check_commit,
    check_refused,
    check_fencing,
    check_race,
    check_many,
    check_follow,
    check_compacted,
    check_waits,
    check_honest,
    check_write,
    check_write_beside,
    check_follow_state,
    check_follow_state_live,
    check_rewrite,
    check_read_ahead,
    check_crashes,
    check_lost_reply,
    check_zombie,
)


async def check_bus(
    make: Callable[[], Awaitable[Bus]], reopen: Reopen, *, settle_s: float = 0.2, check_s: float = 60.0
) -> None:
    """Hold an engine to the port.

    `make` gives a bus over an empty store with two partitions of `[mentions]` and one of the others; `settle_s`: a read
    that finds nothing for so long has seen all that was committed before; `check_s`: a check that takes longer hangs.
    Raises `AssertionError` with what is not kept, `TimeoutError` where something hangs.
    """
    for check in CHECKS:
        async with asyncio.timeout(check_s):
            bus = Handle(await make(), reopen, settle_s)
            try:
                await check(bus)
            finally:
                await bus.close()

"""That whatever comes in holds nothing else up."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def pulse(most_s: float) -> AsyncIterator[None]:
    """What else the daemon does is never held up for longer than this."""
    worst = 0.0

    async def beat() -> None:
        nonlocal worst
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.005)
            worst = max(worst, time.perf_counter() - before - 0.005)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(beat())
        await asyncio.sleep(0)  # it has begun
        yield
        await asyncio.sleep(0.01)  # and has noticed the last
        task.cancel()
    assert worst < most_s, f"held up for {worst * 1000:.0f} ms"

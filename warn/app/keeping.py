"""What works beside the stages, and must not end with one failure: it is begun again, and says so."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from warn.model.errors import TemporaryError
from warn.telemetry import events
from warn.telemetry.told import words
from warn.web.health import Health

BACKOFF_S: Final = (0.5, 15.0)

T = TypeVar("T")


async def keep(part: str, work: Callable[[], Awaitable[None]], health: Health) -> None:
    """Do `work` until it returns, beginning again whenever it fails; not ready meanwhile. `part` names it."""
    failures, chance = 0, random.Random()
    loop = asyncio.get_running_loop()
    while True:
        began = loop.time()
        try:
            await work()
        except Exception as e:  # noqa: BLE001 - told, and begun again
            failures = 1 if loop.time() - began > 4 * BACKOFF_S[1] else failures + 1
            wait_s = _wait_s(failures, chance)
            events.part_failed(part, _first(e), retry_in_s=wait_s)
            health.failing(part, f"{part} failed: {words(_first(e))}")
            await asyncio.sleep(wait_s)
            health.well(part)
        else:
            return


async def until_it_works(ask: Callable[[], Awaitable[T]], health: Health) -> T:
    """What the engine answers in the end: while it cannot be reached, wait and ask again, a line each time.

    Raises what waiting does not mend.
    """
    failures, chance = 0, random.Random()
    while True:
        try:
            answer = await ask()
        except TemporaryError as e:
            failures += 1
            wait_s = _wait_s(failures, chance)
            events.bus_waited_for(e, retry_in_s=wait_s)
            health.failing("bus", words(e))
            await asyncio.sleep(wait_s)
        else:
            health.well("bus")
            return answer


def _wait_s(failures: int, chance: random.Random) -> float:
    low, high = BACKOFF_S
    return chance.uniform(low, min(high, low * 2.0 ** min(failures, 30)))


def _first(error: Exception) -> BaseException:
    """The error that a group of tasks ended with."""
    first: BaseException = error
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first

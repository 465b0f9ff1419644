"""That reading which may be much work, because somebody made it so, leaves all others their turn."""

import asyncio
from time import perf_counter
from typing import Final

TURN_S: Final = 0.005


class Turns:
    """Gives way to all others when 5 ms have passed."""

    def __init__(self) -> None:
        self._since = perf_counter()

    async def give_way(self) -> None:
        """Between two pieces of work."""
        if perf_counter() - self._since > TURN_S:
            await asyncio.sleep(0)
            self._since = perf_counter()

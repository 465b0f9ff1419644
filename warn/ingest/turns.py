"""That work which may be much, because somebody made it so, leaves all others their turn.

`Turns` goes by time, for what comes off the wire; `Portions` by how much there was to do, for steps, in which the same
records have to take the same turns on every machine.
"""

import asyncio
from time import perf_counter
from typing import Final

TURN_S: Final = 0.005
PORTION: Final = 5_000
"""Characters: made to be much work they take some 6 ms, and 25 usual texts half of one."""
LEAST: Final = 200
"""What anything counts for at least."""


class Turns:
    """Gives way to all others when 5 ms have passed."""

    def __init__(self) -> None:
        self._since = perf_counter()

    async def give_way(self) -> None:
        """Between two pieces of work."""
        if perf_counter() - self._since > TURN_S:
            await asyncio.sleep(0)
            self._since = perf_counter()


class Portions:
    """Gives way to all others when a portion of work is done."""

    def __init__(self) -> None:
        self._done = 0

    async def give_way(self, characters: int = 0) -> None:
        """Before a piece of work of so many characters."""
        self._done += max(LEAST, characters)
        if self._done > PORTION:
            await asyncio.sleep(0)
            self._done = 0

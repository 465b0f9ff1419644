"""That a step which may be much work, because somebody made it so, leaves all others their turn.

It goes by how much there is to do and not by time: the same records have to take the same turns on every machine.
"""

import asyncio
from typing import Final

PORTION: Final = 5_000
"""Characters: made to be much work they take some 6 ms, and 25 usual texts half of one."""
LEAST: Final = 200
"""What anything counts for at least."""


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

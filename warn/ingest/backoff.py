"""How long to leave a source alone after it failed."""

import random
from typing import Final

from warn.model.errors import PermanentError, Reason, TemporaryError

FIRST_S: Final = 1.0
LONGEST_S: Final = 300.0
PARKED_S: Final = 900.0
"""What a person has to mend is looked at again every 15 minutes, so that mending it is all there is to do."""
HEALTHY_S: Final = 600.0
MOST_PATIENCE_S: Final = 86_400.0


class Backoff:
    """Doubling waits with full jitter, from 1 s to 300 s; forgotten after ten minutes without a failure.

    Full jitter, because many daemons lose one source at the same moment and must not come back at the same moment.
    """

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._started = 0.0
        self.failures = 0

    def started(self, now: float) -> None:
        """The source is being read, since `now` (seconds of any clock that only goes forward)."""
        self._started = now

    def wait(self, error: BaseException, now: float) -> float:
        """Seconds to wait after this failure. The source's own word on when counts for more than ours."""
        if now - self._started >= HEALTHY_S:
            self.failures = 0
        self.failures += 1
        if isinstance(error, PermanentError):
            return PARKED_S
        auth = isinstance(error, TemporaryError) and error.reason is Reason.AUTH
        ceiling = min(PARKED_S if auth else LONGEST_S, FIRST_S * 2.0 ** min(self.failures, 20))
        drawn = max(FIRST_S, self._chance.uniform(0, ceiling))
        told = error.retry_after_s if isinstance(error, TemporaryError) else None
        if not told or told < 0:
            # "At once" is no word on when: a source that says so again and again would be asked without end.
            return drawn
        return min(told, MOST_PATIENCE_S) + self._chance.uniform(0, FIRST_S)

"""What a worker makes of its failures: which are told, which record is to blame, how long to wait, when to give up."""

import random
from typing import Final

from warn.bus.base import FencedError, TrimmedError
from warn.bus.codec import UnreadableStateError
from warn.bus.watch import Watch
from warn.stages.poison import Poison, StageFailedError

_MOST_DOUBLINGS: Final = 30


class Setbacks:
    """The failures of one seat's worker since its last commit.

    `backoff_s`: first and longest wait before the seat is opened anew; the actual one is drawn from zero up.
    `give_up_after`: failures in a row after which `failed` raises; None: never.
    """

    def __init__(
        self,
        stage: str,
        partition: int,
        watch: Watch,
        *,
        give_up_after: int | None,
        backoff_s: tuple[float, float],
        rng: random.Random,
    ) -> None:
        self.in_a_row = 0
        self.poison = Poison()
        self._stage, self._partition, self._watch = stage, partition, watch
        self._give_up_after, self._backoff_s, self._rng = give_up_after, backoff_s, rng
        self._alarmed = False

    def committed(self, position: int) -> None:
        """All before a position is done."""
        self.in_a_row = 0
        self.poison.committed(position)

    def fenced(self, error: FencedError) -> None:
        """Somebody else has opened the seat."""
        self.in_a_row += 1
        self._watch.worker_fenced(self._stage, self._partition, error)

    def failed(self, error: Exception) -> float:
        """Tell of a failure; seconds to wait before the seat is opened anew. Raises it where that is no use."""
        self.in_a_row += 1
        if isinstance(error, StageFailedError):
            self.poison.failed(error)
        # No trying mends what a person has to see to; the daemon goes on saying so, replay ends.
        hopeless = isinstance(error, UnreadableStateError | TrimmedError)
        if self._give_up_after is not None and (hopeless or self.in_a_row >= self._give_up_after):
            self._watch.worker_failed(self._stage, self._partition, error, retry_in_s=None)
            raise error
        wait = self._backoff_s[1] if hopeless else self.backoff()
        cause = error.__cause__ if isinstance(error, StageFailedError) and error.__cause__ else error
        self._watch.worker_failed(self._stage, self._partition, cause, retry_in_s=wait)
        return wait

    def stalled(self, missing: str) -> None:
        """A configuration does not come: an alarm, once until it does."""
        if not self._alarmed:
            self._alarmed = True
            self._watch.worker_stalled(self._stage, self._partition, missing)

    def resumed(self) -> None:
        """A step is through: what was missing is here."""
        if self._alarmed:
            self._alarmed = False
            self._watch.worker_resumed(self._stage, self._partition)

    def backoff(self) -> float:
        """Seconds, drawn from zero up to a bound that doubles with each failure in a row."""
        first, longest = self._backoff_s
        return self._rng.uniform(0.0, min(longest, first * 2.0 ** min(self.in_a_row, _MOST_DOUBLINGS)))

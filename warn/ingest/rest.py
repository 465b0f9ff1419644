"""Several places that one connector reads: what each has asked for, and which error tells that none can be read."""

from collections.abc import Iterable
from typing import Final

from warn.ingest.backoff import MOST_PATIENCE_S, PARKED_S
from warn.model.errors import PermanentError, Reason, TemporaryError, WarnError

_UNTOLD: Final = {Reason.AUTH: PARKED_S}
"""When an error may end that says nothing of it: a key that is refused not soon, anything else at any moment."""


class Rest:
    """Until when one of them is left alone, and why.

    It outlives a reading: when all places have failed the connector is started anew, and a word that one of them has
    given still holds then. Times are seconds of one clock that the caller keeps to.
    """

    def __init__(self) -> None:
        self._until = 0.0
        self._why: WarnError | None = None

    def told(self, error: WarnError, now: float) -> None:
        """It failed: where it said when to come back, it is left alone until then."""
        if isinstance(error, TemporaryError) and error.retry_after_s is not None:
            self.hold(error, error.retry_after_s, now)

    def hold(self, error: WarnError, seconds: float, now: float) -> None:
        """Leave it alone for so long."""
        self._why, self._until = error, now + min(max(seconds, 0.0), MOST_PATIENCE_S)

    def why(self, now: float) -> WarnError | None:
        """Why it must not be asked now, with the seconds that are left; None where it may be."""
        if self._why is None or now >= self._until:
            return None
        if isinstance(self._why, PermanentError):
            return PermanentError(str(self._why), reason=self._why.reason)
        return TemporaryError(str(self._why), reason=self._why.reason, retry_after_s=self._until - now)


def soonest(errors: Iterable[WarnError]) -> WarnError:
    """Of what all the places say, the one that may end first by itself: it alone decides when they are tried again."""
    found = list(errors)
    temporary = [one for one in found if isinstance(one, TemporaryError)]
    return min(temporary, key=_ends_s, default=found[0])


def _ends_s(error: TemporaryError) -> float:
    return _UNTOLD.get(error.reason, 0.0) if error.retry_after_s is None else error.retry_after_s

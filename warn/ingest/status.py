"""What is known of each connector: what `connectors ls`, the health page and the clock's list of the deaf read."""

from dataclasses import dataclass, field
from typing import Final, Literal

from msgspec import Struct

from warn.model.errors import WarnError

State = Literal["starting", "running", "waiting", "parked", "ended", "refused", "paused"]
DEAF_AFTER_S: Final = 60
"""A source whose connector has not been reading for so long is deaf."""
PULSES: Final = 4
"""A channel is deaf after this many times its expected pulse without anything: by chance alone 2 in 100."""
MOST_GAPS: Final = 100
DOWN: Final = frozenset({"waiting", "parked", "refused", "paused"})


class ConnectorState(Struct, frozen=True, kw_only=True):
    """One connector now; times in whole seconds, None where it has not happened.

    `running`; `waiting` to try again at `retry_at`; `parked` until somebody mends it, looked at again at `retry_at`;
    `ended`, at its source's end; `refused`, never to start as it is set up; `paused`, because the disk is full.
    Of what was `read`, some was `skipped` as read before, `refused` as no item, `dropped` as not about us; `mended` are
    repairs to what came in (words cut, totals below zero).
    """

    name: str
    source: str
    state: State
    since: int
    last_event: int | None = None
    last_error: str = ""
    reason: str = ""
    retry_at: int | None = None
    read: int = 0
    let_through: int = 0
    dropped: int = 0
    skipped: int = 0
    refused: int = 0
    mended: int = 0
    gaps: tuple[tuple[int, int], ...] = ()


def _zeros() -> dict[str, int]:
    return dict.fromkeys(("read", "let_through", "dropped", "skipped", "refused", "mended"), 0)


@dataclass
class Status:
    """The same while it changes. `quiet`: since when nothing shows that the connector reads; None where something did."""

    name: str
    source: str
    since: int
    quiet: int | None
    state: State = "starting"
    last_event: int | None = None
    last_error: str = ""
    reason: str = ""
    retry_at: int | None = None
    counts: dict[str, int] = field(default_factory=_zeros)
    gaps: list[tuple[int, int]] = field(default_factory=list)

    def turn(self, state: State, now: int, retry_at: int | None = None) -> None:
        """Enter a state."""
        if state in DOWN and (self.quiet is None or self._reads(now)):
            self.quiet = now
        if state != self.state:
            self.state, self.since = state, now
        self.retry_at = retry_at

    def heard(self) -> None:
        """A batch came through."""
        self.quiet = None

    def deaf(self, now: int) -> bool:
        """Not reading for a minute. One that fails as soon as it has started does not read."""
        if self.state == "ended" or self.quiet is None or self._reads(now):
            return False
        return now - self.quiet >= DEAF_AFTER_S

    def _reads(self, now: int) -> bool:
        return self.state == "running" and now - self.since >= DEAF_AFTER_S

    def failed(self, error: BaseException) -> None:
        """Remember why; of an error that is not ours only its type, because its message may quote what it read."""
        self.last_error = str(error)[:300] if isinstance(error, WarnError) else type(error).__name__
        self.reason = str(error.reason) if isinstance(error, WarnError) else "unexpected"

    def gap(self, start: int, end: int) -> None:
        """A time that the source cannot give us any more; the last hundred are kept."""
        self.gaps = [*self.gaps, (start, end)][-MOST_GAPS:]

    def snapshot(self) -> ConnectorState:
        """For others to read."""
        return ConnectorState(
            name=self.name,
            source=self.source,
            state=self.state,
            since=self.since,
            last_event=self.last_event,
            last_error=self.last_error,
            reason=self.reason,
            retry_at=self.retry_at,
            gaps=tuple(self.gaps),
            **self.counts,
        )

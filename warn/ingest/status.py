"""What is known of each connector: what `connectors ls`, the health page and the clock's list of the deaf read."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

from msgspec import Struct

from warn.ingest.lag import Lag
from warn.model.errors import WarnError

State = Literal["starting", "running", "waiting", "parked", "ended", "refused", "paused"]
DEAF_AFTER_S: Final = 60
"""A source whose connector has not been reading for so long is deaf."""
PULSES: Final = 4
"""A channel is deaf after this many times its expected pulse without anything: by chance alone 2 in 100."""
MOST_GAPS: Final = 100
MOST_BROUGHT: Final = 100
MOST_TROUBLES: Final = 100
MOST_HINTS: Final = 50
CUT_AFTER_S: Final = 900
"""A connector that has only failed for so long is cut off."""
TURNED_AWAY: Final = frozenset({"auth", "gone", "refused", "client_error", "config", "spend"})
"""Reasons that no waiting mends: whoever runs the source does not want us, or not like this."""
DOWN: Final = frozenset({"waiting", "parked", "refused", "paused"})


class ConnectorState(Struct, frozen=True, kw_only=True):
    """One connector now; times in whole seconds, None where it has not happened.

    `running`; `waiting` to try again at `retry_at`; `parked` until somebody mends it, looked at again at `retry_at`;
    `ended`, at its source's end; `refused`, never to start as it is set up; `paused`, because the disk is full.
    Of what was `read`, some was `skipped` as read before, `refused` as no item, `dropped` as not about us; `mended` are
    repairs to what came in (words cut, totals below zero). `silence`: how it is not heard as it should be (`deaf`, `cut`,
    `lagging`, or ""), `silent_since` when. `troubles`: (place, what is wrong with it), of the places that it reads.
    `spent` since `spent_since`, as its connector reckons. `lag_s`: how old its newest item was; `usual_lag_s`: 95 in 100
    are younger. `at`: when this was said, 0: now. `brings`: sources other than its own that its items carry, and when each was
    last heard. `hints`: (place, what its owner may wish to know).
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
    silence: str = ""
    silent_since: int = 0
    troubles: tuple[tuple[str, str], ...] = ()
    spent: float = 0.0
    spent_since: int = 0
    lag_s: int | None = None
    usual_lag_s: float = 0.0
    lag_batches: int = 0
    lag_first: int = 0
    critical: bool = False
    at: int = 0
    brings: tuple[tuple[str, int], ...] = ()
    hints: tuple[tuple[str, str], ...] = ()


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
    troubles: dict[str, str] = field(default_factory=dict)
    spent: float = 0.0
    spent_since: int = 0
    lag: Lag = field(default_factory=Lag)
    critical: bool = False
    brings: dict[str, int] = field(default_factory=dict)
    hints: dict[str, str] = field(default_factory=dict)
    silent_before: int | None = None
    """Since when it was silent in a process before this one, and not heard since."""

    def turn(self, state: State, now: int, retry_at: int | None = None) -> None:
        """Enter a state."""
        if state in DOWN and (self.quiet is None or self._reads(now)):
            self.quiet = now
        if state != self.state:
            self.state, self.since = state, now
        self.retry_at = retry_at

    def heard(self) -> None:
        """It has looked, and a batch came through, if there was one."""
        self.quiet = self.silent_before = None

    def brought(self, sources: Iterable[str], now: int) -> None:
        """Items of these sources came; those other than its own are told apart, the first hundred of them."""
        for source in sources:
            if source != self.source and (source in self.brings or len(self.brings) < MOST_BROUGHT):
                self.brings[source] = now

    def deaf(self, now: int) -> bool:
        """Not reading for a minute. One that fails as soon as it has started does not read."""
        if self.state == "ended" or self.quiet is None or self._reads(now):
            return False
        return now - self.quiet >= DEAF_AFTER_S

    def hears(self, now: int) -> bool:
        """Whether it reads at this very moment, as far as anybody can tell; at its end it has heard all."""
        return self.state == "ended" or (
            self.state == "running" and (self.quiet is None or now - self.since >= DEAF_AFTER_S)
        )

    def silence(self, now: int) -> tuple[str, int]:
        """How it is not heard as it should be, and since when; ("", 0) where it is."""
        if self.deaf(now):
            since = min(self.quiet or now, self.silent_before or now)
            return ("cut" if self._cut(now) else "deaf"), since
        lags = self.lag.since(now) if self.state == "running" else None
        return ("", 0) if lags is None else ("lagging", lags)

    def _cut(self, now: int) -> bool:
        """Whether waiting will not mend it, or has not for a quarter of an hour."""
        if self.state in {"parked", "refused"} or (self.state == "waiting" and self.reason in TURNED_AWAY):
            return True
        return self.state == "waiting" and self.quiet is not None and now - self.quiet >= CUT_AFTER_S

    def _reads(self, now: int) -> bool:
        return self.state == "running" and now - self.since >= DEAF_AFTER_S

    def failed(self, error: BaseException) -> None:
        """Remember why; of an error that is not ours only its type, because its message may quote what it read."""
        self.last_error = str(error)[:300] if isinstance(error, WarnError) else type(error).__name__
        self.reason = str(error.reason) if isinstance(error, WarnError) else "unexpected"

    def gap(self, start: int, end: int) -> None:
        """A time that the source cannot give us any more; the last hundred are kept."""
        self.gaps = [*self.gaps, (start, end)][-MOST_GAPS:]

    def trouble(self, where: str, message: str) -> None:
        """One of its places is unwell, or (message "") well again; the last hundred are kept."""
        self.troubles.pop(where, None)
        if message:
            self.troubles[where] = message[:300]
            while len(self.troubles) > MOST_TROUBLES:
                self.troubles.pop(next(iter(self.troubles)))

    def hint(self, where: str, message: str) -> None:
        """Something to know of one of its places, or (message "") not any more; the first fifty are kept."""
        if not message:
            self.hints.pop(where, None)
        elif where in self.hints or len(self.hints) < MOST_HINTS:
            self.hints[where] = message[:300]

    def recall(self, told: ConnectorState) -> None:
        """What was said of it before this process, as far as it still holds."""
        self.lag.usual_s, self.lag.batches, self.lag.first = (
            told.usual_lag_s,
            told.lag_batches,
            told.lag_first,
        )
        self.last_event = self.last_event or told.last_event
        self.brings = dict(told.brings) | self.brings
        self.silent_before = told.silent_since if told.silence in {"deaf", "cut"} else None

    def snapshot(self, now: int | None = None) -> ConnectorState:
        """For others to read; without `now` nothing is said of its silence."""
        silence, silent_since = ("", 0) if now is None else self.silence(now)
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
            silence=silence,
            silent_since=silent_since,
            troubles=tuple(self.troubles.items()),
            spent=self.spent,
            spent_since=self.spent_since,
            lag_s=self.lag.newest_s,
            usual_lag_s=round(self.lag.usual_s, 1),
            lag_batches=self.lag.batches,
            lag_first=self.lag.first,
            critical=self.critical,
            brings=tuple(sorted(self.brings.items())),
            hints=tuple(self.hints.items()),
            **self.counts,
        )

"""What warn hears at this second, and what it should hear and does not: for the clock, and for the canary.

A source is silent where a connector of it is down, where its pulse is missing (as its rule file expects it, or as it was
learned), or where what it brings is old. The first seat knows of all seats; another one of its own connectors alone.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from warn.ingest.config import ConnectorConfig
from warn.ingest.notices import ALIVE_S, SILENT_S, SeatNotice, deaf_elsewhere
from warn.ingest.pulse import Pulses
from warn.ingest.status import PULSES, ConnectorState, Status
from warn.model.records import Silent
from warn.model.wire import encode
from warn.telemetry import events

START_S: Final = 180
"""Nothing is told before warn has listened for so long: connectors begin, and most of them fail once."""
SILENT_KEY: Final = b"silent"
_WORSE: Final = ("lagging", "deaf", "cut")

Own = Sequence[tuple[ConnectorConfig, Status]]


class Heard(NamedTuple):
    """`deaf`: sources that are not heard; `silent`: those to be told of, and why; `alive`: whether warn hears at all."""

    deaf: tuple[str, ...] = ()
    silent: tuple[Silent, ...] = ()
    alive: bool = True


HEARS: Final = Heard()
"""Everything is heard."""


class View(NamedTuple):
    """What is known at second `now`: `heard`: source to when it last was, `expects`: source to its pulse in seconds;
    `notices` and `reports` are the other seats'.
    """

    now: int
    heard: Mapping[str, int]
    expects: Mapping[str, int]
    notices: Mapping[int, SeatNotice]
    reports: Mapping[str, ConnectorState]


class Hearing:
    """`own` are this seat's connectors, `elsewhere` the other seats', `pushed` the places that are sent to."""

    def __init__(
        self,
        own: Own,
        elsewhere: Mapping[int, Sequence[ConnectorConfig]],
        pushed: Sequence[ConnectorConfig],
        *,
        started: int,
    ) -> None:
        self._own = own
        self._elsewhere = elsewhere
        self._sources = {seat: {config.origin for config in configs} for seat, configs in elsewhere.items()}
        everywhere = [config for configs in elsewhere.values() for config in configs]
        all_ = (*(config for config, _ in own), *everywhere, *pushed)
        self._critical = {config.origin for config in all_ if config.critical}
        self._started = started
        self._told: dict[str, str] = {}
        self._written: tuple[Silent, ...] | None = None
        self._now: tuple[Silent, ...] = ()
        self.pulses = Pulses()

    def restore(self, records: Mapping[bytes, bytes]) -> None:
        """Take what was committed (`keeper.Keeper`)."""
        self._written = None
        self.pulses.restore(records)

    def changes(self, now: int) -> dict[bytes, bytes | None]:
        """What was learned, and what is silent now, for the register."""
        changed = self.pulses.changes(now)
        if self._now != self._written:
            self._written = self._now
            changed[SILENT_KEY] = encode(self._now)
        return changed

    def down(self, now: int) -> tuple[str, ...]:
        """Sources of this seat's connectors that are not reading."""
        return tuple(sorted({config.origin for config, status in self._own if status.deaf(now)}))

    def look(self, view: View) -> Heard:
        """Everything, as the first seat sees it."""
        now = view.now
        heard = _latest(view)
        down = set(self.down(now)) | deaf_elsewhere(self._sources, view.notices, self._started, now)
        self.pulses.look(now, heard, down)
        silent: dict[str, Silent] = {}
        for one in (*self._connectors(view, down), *self._channels(view, heard)):
            held = silent.get(one.source)
            if held is None or _WORSE.index(one.state) > _WORSE.index(held.state):
                silent[one.source] = one
        deaf = tuple(sorted(name for name, one in silent.items() if one.state != "lagging"))
        self._now = tuple(one for _, one in sorted(silent.items()))
        told = self._now if now - self._started >= START_S else ()
        self._tell(told)
        return Heard(deaf, told, self._alive(now, deaf))

    def _tell(self, silent: Sequence[Silent]) -> None:
        """What is new, and what is over, once."""
        states = {one.source: one.state for one in silent}
        for source, state in self._told.items():
            if states.get(source) != state:
                events.source_heard(source, state)
        for one in silent:
            if self._told.get(one.source) != one.state:
                events.source_silent(
                    one.source, one.state, since=one.since, why=one.why, critical=one.critical
                )
        self._told = states

    def _silent(self, source: str, state: str, since: int, usual_s: int = 0, why: str = "") -> Silent:
        return Silent(source, state, since, usual_s, why, source in self._critical)

    def _connectors(self, view: View, down: set[str]) -> list[Silent]:
        """Those whose connector is not well, of all seats; `down`: every source that has one which is not."""
        found = []
        for config, status in self._own:
            state, since = status.silence(view.now)
            if state:
                found.append(self._silent(config.origin, state, since, why=_why(state, status.reason)))
        told: set[str] = set()
        for seat, configs in self._elsewhere.items():
            notice = view.notices.get(seat, SeatNotice())
            gone = view.now - max(notice.at, self._started) >= SILENT_S
            for config in configs:
                at = view.reports.get(config.name)
                if gone:  # nobody runs them
                    found.append(self._silent(config.origin, "deaf", max(notice.at, self._started)))
                elif at is not None and at.silence in _WORSE:
                    why = _why(at.silence, at.reason)
                    found.append(self._silent(config.origin, at.silence, at.silent_since, why=why))
                else:
                    continue
                told.add(config.origin)
        rest = down - told - {one.source for one in found}
        return [*found, *(self._silent(source, "deaf", self._since(source, view)) for source in rest)]

    def _since(self, source: str, view: View) -> int:
        """Of a source of which only is known that its seat calls it deaf."""
        last = max((at for n in view.notices.values() for name, at in n.heard if name == source), default=0)
        return last or self._started

    def _channels(self, view: View, heard: Mapping[str, int]) -> list[Silent]:
        """Those whose pulse is missing."""
        found = []
        for source, pulse in view.expects.items():
            last = heard.get(source, self._started)
            if view.now - last > PULSES * pulse:
                found.append(self._silent(source, "deaf", last, pulse))
        for source in self.pulses.sources:
            if source in view.expects:
                continue  # a person knows better
            usual = self.pulses.silent(source)
            if usual is not None:
                found.append(self._silent(source, "deaf", heard.get(source, self._started), usual))
        return found

    def _alive(self, now: int, deaf: Sequence[str]) -> bool:
        """Whether warn hears: not without what is critical, and not where nothing of all that it reads is heard.

        By what is known at this moment: who asks has no time to wait until a source counts as deaf.
        """
        reads = [(config, status.hears(now)) for config, status in self._own]
        reads += [
            (config, config.origin not in deaf) for configs in self._elsewhere.values() for config in configs
        ]
        if any(config.critical and not well for config, well in reads) or self._critical & set(deaf):
            return False
        return not reads or any(well and config.origin not in deaf for config, well in reads)


def _latest(view: View) -> dict[str, int]:
    """When each source was last heard, on whatever seat."""
    heard = dict(view.heard)
    for notice in view.notices.values():
        for source, at in notice.heard:
            # Said once a minute, so it may have been heard for as long after that.
            heard[source] = max(heard.get(source, 0), at + ALIVE_S)
    return heard


def _why(state: str, reason: str) -> str:
    return "" if state == "lagging" else reason

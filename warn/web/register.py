"""The register: every channel as it is governed, and whether warn hears it, for every web process alike.

What is known comes from the state of collect, which is followed, so that a process that runs no connector knows it too;
owners and risks come from the rule set in force.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from msgspec import msgpack
from msgspec.structs import replace

from warn.ingest.hearing import SILENT_KEY
from warn.ingest.ledger import CONNECTOR, kept
from warn.ingest.pulse import PREFIX as PULSE
from warn.ingest.pulse import Pulse, learned
from warn.ingest.remedies import remedy, remedy_of_pulse
from warn.ingest.reports import PREFIX as REPORT
from warn.ingest.reports import report
from warn.ingest.status import ConnectorState
from warn.model.records import Silent
from warn.model.rules import Channel

STALE_S: Final = 180
"""A connector says something of itself each minute; what is older is said to be."""
_silent = msgpack.Decoder(tuple[Silent, ...]).decode

Gaps = tuple[tuple[int, int], ...]
Channels = Callable[[], Sequence[tuple[str, Channel]]]
"""(brand, channel) of the rule set in force."""


class Place(NamedTuple):
    """A connector: as it last was, until when it is known to have read, and its gaps."""

    state: ConnectorState
    read_at: int
    gaps: Gaps


class Row(NamedTuple):
    """A channel. `state`: hearing, deaf, cut, lagging, or unheard where no connector has brought anything of it; `since` and
    `why` of it, in the connector's own words, and `reason`, a word of the closed set.
    `expect_s` is what the rule files expect, `usual_s` what was learned; 0: not known. `heard_at`: 0: never.
    """

    source: str
    brands: tuple[str, ...]
    owner: str
    deputy: str
    role: str
    risk: tuple[str, ...]
    expect_s: int
    usual_s: int
    heard_at: int
    state: str
    since: int
    why: str
    reason: str
    remedy: str
    gaps: Gaps
    connectors: tuple[str, ...]


class Known:
    """What the state of collect says. Written by the follower, read by the server's threads; each value is whole."""

    def __init__(self) -> None:
        self._reports: dict[str, ConnectorState] = {}
        self._read: dict[str, tuple[int, Gaps]] = {}
        self._pulses: dict[str, Pulse] = {}
        self.silent: tuple[Silent, ...] = ()

    def take(self, key: bytes, body: bytes | None) -> None:
        """One change; what this release cannot read is left out."""
        if key == SILENT_KEY:
            self.silent = () if body is None else _decoded(body)
        elif key.startswith(REPORT):
            _put(self._reports, key.removeprefix(REPORT), None if body is None else report(body))
        elif key.startswith(CONNECTOR):
            _put(self._read, key.removeprefix(CONNECTOR), None if body is None else _stands(body))
        elif key.startswith(PULSE):
            found = None if body is None else learned(body)
            _put(self._pulses, key.removeprefix(PULSE), None if found is None else Pulse(found))

    def usual_s(self, source: str, now: int) -> int:
        """Within how many seconds something of a source usually comes at this hour; 0: not known."""
        pulse = self._pulses.get(source)
        return 0 if pulse is None else pulse.usual_s(now // 3600)

    def places(self, live: Iterable[ConnectorState], named: Mapping[str, str]) -> list[Place]:
        """All connectors by name. `live`: those that this process runs itself; `named`: of the settings, with their
        sources: what is not in them any more is left out, where there are settings.
        """
        states = {one.name: one for one in list(self._reports.values())} | {one.name: one for one in live}
        for name, source in named.items():
            states.setdefault(name, ConnectorState(name=name, source=source, state="starting", since=0))
        found = []
        for name, state in sorted(states.items()):
            read_at, gaps = self._read.get(name, (0, ()))
            if not named or name in named:
                found.append(Place(state, read_at, tuple(sorted({*gaps, *state.gaps}))))
        return found


class Register:
    """`channels`, `live` and `home` (language and time zone of the rule files) are asked each time; `named`: connectors of
    the settings and their sources; `pushed`: those that are sent to.
    """

    def __init__(
        self,
        known: Known,
        *,
        channels: Channels = tuple,
        home: Callable[[], tuple[str, str]] = lambda: ("en", "UTC"),
        live: Callable[[], Sequence[ConnectorState]] = tuple,
        named: Mapping[str, str] | None = None,
        pushed: Iterable[str] = (),
    ) -> None:
        self._known, self._channels, self._live = known, channels, live
        self._named, self._pushed = named or {}, frozenset(pushed)
        self.home = home

    def places(self) -> list[Place]:
        """Every connector, by name."""
        return self._known.places(self._live(), self._named)

    def heard_at(self, place: Place) -> int:
        """When something last came of it; 0: never. What is sent to us is heard when it comes."""
        sent = place.read_at if place.state.name in self._pushed else 0
        return max(place.state.last_event or 0, sent)

    def _heard_of(self, place: Place, source: str) -> int:
        """The same of one of its sources."""
        return self.heard_at(place) if source == place.state.source else dict(place.state.brings)[source]

    def gaps(self, start: int, end: int) -> list[tuple[str, int, int]]:
        """(source, from, to) of what could not be heard between two seconds, in order of time."""
        found = {
            (place.state.source, gap[0], gap[1])
            for place in self.places()
            for gap in place.gaps
            if gap[0] < end and gap[1] > start
        }
        return sorted(found, key=lambda gap: (gap[1], gap[0], gap[2]))

    def rows(self, now: int, language: str = "en") -> list[Row]:
        """Every channel of the rule set and every source that is read, what is wrong first, then by name; with what
        helps in this language.
        """
        channels: dict[str, list[tuple[str, Channel]]] = {}
        for brand, channel in self._channels():
            channels.setdefault(channel.source, []).append((brand, channel))
        places: dict[str, list[Place]] = {}
        for place in self.places():
            for read in (place.state.source, *(brought for brought, _ in place.state.brings)):
                places.setdefault(read, []).append(place)
        silent = {one.source: one for one in self._known.silent}
        rows = [
            self._row(
                source,
                channels.get(source, []),
                places.get(source, []),
                _how(places.get(source, []), silent.get(source), language),
                now,
            )
            for source in {*channels, *places}
        ]
        return sorted(rows, key=lambda row: (row.state == "hearing", row.source))

    def _row(
        self,
        source: str,
        channels: Sequence[tuple[str, Channel]],
        places: Sequence[Place],
        how: tuple[str, int, str, str, str],
        now: int,
    ) -> Row:
        state, since, why, reason, helps = how
        return Row(
            source,
            tuple(sorted({brand for brand, _ in channels})),
            _first(c.owner for _, c in channels),
            _first(c.deputy for _, c in channels),
            _first(c.role for _, c in channels),
            tuple(dict.fromkeys(risk for _, c in channels for risk in c.risk)),
            max((c.expect_s or 0 for _, c in channels), default=0),
            self._known.usual_s(source, now),
            max((self._heard_of(place, source) for place in places), default=0),
            state,
            since,
            why,
            reason,
            helps,
            tuple(sorted({gap for place in places for gap in place.gaps}))[-10:],
            tuple(place.state.name for place in places),
        )


def _how(places: Sequence[Place], silent: Silent | None, language: str) -> tuple[str, int, str, str, str]:
    """(state, since, why, reason, remedy) of a source: the first seat's word, else that of its worst connector."""
    worst = min(places, key=lambda p: ("cut", "deaf", "lagging", "").index(p.state.silence), default=None)
    if worst is None:
        if silent is None:
            return "unheard", 0, "", "", ""
        return silent.state, silent.since, "", silent.why, remedy_of_pulse(None, language)
    state = worst.state
    if silent is not None:
        if silent.state == "lagging" or state.silence:
            helps = remedy(state if state.silence else replace(state, silence=silent.state), language)
        else:  # of a connector that is well it can only be the pulse that is missing
            helps = remedy_of_pulse(state, language)
        why, reason = (state.last_error, state.reason) if state.silence else ("", "")
        return silent.state, silent.since, why, reason, helps
    if state.silence:
        return state.silence, state.silent_since, state.last_error, state.reason, remedy(state, language)
    return "hearing", 0, "", "", ""


def _first(values: Iterable[str]) -> str:
    return next((value for value in values if value), "")


def _put(into: dict[str, Any], name: bytes, value: object) -> None:
    if value is None:
        into.pop(name.decode(), None)
    else:
        into[name.decode()] = value


def _decoded(body: bytes) -> tuple[Silent, ...]:
    try:
        return _silent(body)
    except ValueError:
        return ()


def _stands(body: bytes) -> tuple[int, Gaps] | None:
    try:
        one = kept(body)
    except ValueError:
        return None
    return one.at, one.gaps

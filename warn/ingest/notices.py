"""What the seats of collect tell one another, as records of their state: how they are, and which rules there are.

Nobody else is asked: who follows `[state.collect]` has heard it. A seat's notice is written when something in it has
changed that others act on, and once a minute as a sign of life; so it costs next to nothing.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import msgspec

from warn.model.wire import encode

SEAT_KEY: Final = b"seat"
RULES_KEY: Final = b"rules"
ALIVE_S: Final = 60
"""How often a seat, and a connector that reads, gives a sign of life."""
SILENT_S: Final = 2 * ALIVE_S + 10
"""A seat that has not given one for so long is not there: a step may be late, and clocks of machines differ."""
MOST_HEARD: Final = 500
"""Sources in a notice."""

_seat = msgspec.msgpack.Decoder(
    tuple[int, int, tuple[str, ...], tuple[tuple[str, int], ...], tuple[str, ...]]
)
_rules = msgspec.msgpack.Decoder(tuple[int, tuple[str, ...], str])


class SeatNotice(NamedTuple):
    """One seat at second `at`: its sources that are deaf, when each source was last heard, the rule sets it filters by.

    What a seat has said that it filters by, it and all who hold it later go on filtering by until the rules' notice
    names it no more.
    """

    at: int = 0
    deaf: tuple[str, ...] = ()
    heard: tuple[tuple[str, int], ...] = ()
    rules: frozenset[str] = frozenset()

    def alike(self, other: "SeatNotice") -> bool:
        """Whether nothing has changed that others act on at once."""
        return (self.deaf, self.rules) == (other.deaf, other.rules)

    def to_bytes(self) -> bytes:
        """The state record under `SEAT_KEY`."""
        return encode((1, self.at, self.deaf, self.heard[:MOST_HEARD], tuple(sorted(self.rules))))


class RulesNotice(NamedTuple):
    """What the owner of the first seat says: the rule sets that the clock names, the newest last, and the one to come."""

    named: tuple[str, ...] = ()
    announced: str = ""

    @property
    def newest(self) -> str:
        """Hash of the newest, in force or to come; "" where there is none."""
        return self.announced or (self.named[-1] if self.named else "")

    def to_bytes(self) -> bytes:
        """The state record under `RULES_KEY`."""
        return encode((1, self.named, self.announced))


def seat_notice(body: bytes) -> SeatNotice:
    """The inverse of `to_bytes`. Raises ValueError."""
    version, at, deaf, heard, rules = _seat.decode(body)
    _known(SEAT_KEY, version)
    return SeatNotice(at, deaf, heard, frozenset(rules))


def rules_notice(body: bytes) -> RulesNotice:
    """The inverse of `to_bytes`. Raises ValueError."""
    version, named, announced = _rules.decode(body)
    _known(RULES_KEY, version)
    return RulesNotice(named, announced)


def _known(key: bytes, version: int) -> None:
    if version != 1:
        raise ValueError(f"{key.decode()}: version {version}, which this release does not know")


def deaf_elsewhere(
    sources: Mapping[int, Iterable[str]], notices: Mapping[int, SeatNotice], started: int, now: int
) -> set[str]:
    """Sources, given by seat, that are not being heard: their seat says so, or says nothing any more.

    `started`: since when we listen; nobody is silent before we have listened for long enough.
    """
    deaf: set[str] = set()
    for partition, ones in sources.items():
        notice = notices.get(partition, SeatNotice())
        silent = now - max(notice.at, started) >= SILENT_S
        deaf.update(ones if silent else notice.deaf)
    return deaf

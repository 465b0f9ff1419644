"""What a seat of collect says of its connectors, as records of its state: for other seats, and for every web process.

A connector's record is written when something in it has changed, once a minute at most.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import msgpack
from msgspec.structs import replace

from warn.ingest.notices import ALIVE_S
from warn.ingest.status import ConnectorState, Status

PREFIX: Final = b"status/"
MOST_TROUBLES: Final = 20
"""Of a connector's places that are unwell, in its record."""

_decode = msgpack.Decoder(ConnectorState).decode


def report(body: bytes) -> ConnectorState | None:
    """What a record says; None where it is one of another release that cannot be read."""
    try:
        return _decode(body)
    except ValueError:
        return None


class Reports:
    """A keeper of the seat's state (`keeper.Keeper`). `names`: all connectors that there are, on whatever seat."""

    def __init__(self, statuses: Sequence[Status], names: Sequence[str]) -> None:
        self._statuses = statuses
        self._names = frozenset(names)
        self._told: dict[str, ConnectorState] = {}
        self._gone: set[str] = set()
        self._recalled = False

    def restore(self, records: Mapping[bytes, bytes]) -> None:
        """Take what was committed: what was said before this process is remembered of each connector."""
        found = {
            key.removeprefix(PREFIX).decode(): report(body)
            for key, body in records.items()
            if key.startswith(PREFIX)
        }
        self._told = {name: one for name, one in found.items() if one is not None}
        self._gone = set(found) - self._names
        if not self._recalled:
            for status in self._statuses:
                if (told := self._told.get(status.name)) is not None:
                    status.recall(told)
        self._recalled = True

    def changes(self, now: int) -> dict[bytes, bytes | None]:
        """The records to write."""
        changed: dict[bytes, bytes | None] = {PREFIX + name.encode(): None for name in self._gone}
        self._gone.clear()
        for status in self._statuses:
            told = self._told.get(status.name)
            if told is not None and 0 <= now - told.at < ALIVE_S:
                continue
            state = status.snapshot(now)
            state = replace(state, at=now, troubles=state.troubles[-MOST_TROUBLES:], gaps=())
            if told is not None and replace(state, at=told.at) == told:
                continue
            self._told[status.name] = state
            changed[PREFIX + status.name.encode()] = msgpack.encode(state)
        return changed

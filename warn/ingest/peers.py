"""What this process knows of the other seats of collect: it follows the state of all of them.

One such view serves every seat that a process holds. Before a seat's connectors start it is read anew, from the start
to the end of what was committed until then: so whoever takes a seat over knows all that the seat's former owner can
have been told. After that it is kept up with before every step. It is a view and no more: nothing that it holds is
written anywhere.
"""

import asyncio
from collections.abc import Iterable
from typing import Final

from warn.bus.base import Bus, StateReader
from warn.bus.rulesets import RuleSets
from warn.ingest.copies import Copies
from warn.ingest.memory import PREFIX, Memory
from warn.ingest.notices import RULES_KEY, SEAT_KEY, RulesNotice, SeatNotice, rules_notice, seat_notice
from warn.ingest.reports import PREFIX as REPORT
from warn.ingest.reports import report
from warn.ingest.status import ConnectorState
from warn.model.flow import COLLECT
from warn.stages.base import MissingConfigError
from warn.stages.base import RuleSets as Get

_READ: Final = 100
"""Changes between two looks at the event loop: a few milliseconds of work."""


class _View:
    """All that was told so far."""

    def __init__(self, seats: int) -> None:
        self.copies = Copies(seats)
        self.notices: dict[int, SeatNotice] = {}
        self.rules = RulesNotice()
        self.reports: dict[str, ConnectorState] = {}

    def take(self, partition: int, key: bytes, body: bytes | None) -> None:
        if key.startswith(PREFIX):
            self.copies.take(partition, key, body)
        elif key == SEAT_KEY and body is not None:
            self.notices[partition] = seat_notice(body)
        elif key == RULES_KEY and body is not None:
            self.rules = rules_notice(body)
        elif key.startswith(REPORT):
            told = None if body is None else report(body)
            if told is None:
                self.reports.pop(key.removeprefix(REPORT).decode(), None)
            else:
                self.reports[told.name] = told


class Peers:
    """Follows `[state.collect]`. May be shared by the supervisors of a process; whoever made it closes it."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.seats: Final = bus.seats(COLLECT)
        self._view = _View(self.seats)
        self._reader: StateReader | None = None
        self._turn = asyncio.Lock()
        self._asked = self._served = 0
        self._bodies = RuleSets(bus)

    @property
    def copies(self) -> Copies:
        """Threads of what each seat let through."""
        return self._view.copies

    @property
    def notices(self) -> dict[int, SeatNotice]:
        """What each seat said last of itself."""
        return self._view.notices

    @property
    def reports(self) -> dict[str, ConnectorState]:
        """What was said last of each connector, by name."""
        return self._view.reports

    @property
    def rules(self) -> RulesNotice:
        """What the owner of the first seat said last."""
        return self._view.rules

    async def complete(self) -> None:
        """Until everything that was committed before this call is known. Raises what the bus raises, ValueError."""
        self._asked += 1
        ticket = self._asked
        async with self._turn:
            if self._served < ticket:  # else somebody began to follow after we had asked
                await self._anew()

    async def take(self, now: int) -> None:
        """What has come since. `now`: this second, by which what is too old is forgotten. Raises as `complete` does."""
        async with self._turn:
            if self._reader is None:
                await self._anew()
            else:
                await self._read(self._reader, self._view)
        self._view.copies.pass_time(now)

    async def _anew(self) -> None:
        """Follow from the start, beside what is known, which is replaced once that is complete."""
        await self._let_go()
        served, view = self._asked, _View(self.seats)
        self._reader = await self._bus.follow_state(COLLECT)
        await self._read(self._reader, view)
        self._view, self._served = view, served

    async def _read(self, reader: StateReader, view: _View) -> None:
        try:
            while changes := await reader.read(_READ, 0.0):
                for change in changes:
                    view.take(*change)
                await asyncio.sleep(0)
        except BaseException:
            await self._let_go()
            raise

    async def _let_go(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            await reader.close()

    async def rulesets(self, names: Iterable[str]) -> Get:
        """Finds rule sets by hash, these for certain. Raises MissingConfigError where the body of one is not there."""
        try:
            for name in names:
                self._bodies.get(name)
        except MissingConfigError:
            self._bodies = await bodies(self._bus)
            for name in names:
                self._bodies.get(name)
        return self._bodies.get

    async def close(self) -> None:
        """Let go of the reader."""
        async with self._turn:
            await self._let_go()


async def bodies(bus: Bus) -> RuleSets:
    """All rule sets that lie in `[config]` now."""
    found = RuleSets(bus)
    try:
        await found.load()
    finally:
        await found.close()
    return found


class Known:
    """The thread of every post that any seat let through, as one seat sees it.

    Two seats that let one post through at the same moment may have put it into two threads. From when they know of each
    other the seat with the lower number is right, for both.
    """

    def __init__(self, own: Memory, partition: int, peers: Peers) -> None:
        self._own = own
        self._peers = peers
        self._lower = range(partition)
        self._higher = range(partition + 1, peers.seats)

    def get(self, key: int) -> int | None:
        """The thread of a post, or None where nobody knows it."""
        copies = self._peers.copies
        for partition in self._lower:
            if (thread := copies.get(partition, key)) is not None:
                return thread
        if (thread := self._own.get(key)) is not None:
            return thread
        for partition in self._higher:
            if (thread := copies.get(partition, key)) is not None:
                return thread
        return None

    def __contains__(self, key: int) -> bool:
        return self.get(key) is not None

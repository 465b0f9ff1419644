"""What one seat of collect remembers: where each connector stands, what it read lately, and what was let through.

Everything here lives in the seat's state. After a step that may or may not have taken effect nothing in memory can be
trusted, so a ledger is never mended: a new one is restored from what was committed.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from warn.ingest.clock import Wall
from warn.ingest.connector import Batch, Cursor, Departure, Refused
from warn.ingest.departures import is_ours, kept_of
from warn.ingest.door import Door, Terms, stricter
from warn.ingest.entry import RefusedError
from warn.ingest.notices import ALIVE_S, MOST_HEARD
from warn.ingest.overlap import Overlap, item_hash, reading_hash
from warn.ingest.turns import Portions
from warn.model.audit import Deleted, Departed
from warn.model.errors import Reason
from warn.model.flow import AUDIT, DEADLETTERS
from warn.model.hashing import keyed
from warn.model.mention import COUNTS_ONLY, Item, Mention, Reading, takes_back
from warn.model.records import DeadLetter
from warn.model.wire import encode
from warn.stages.base import Out

CONNECTOR: Final = b"connector/"
SPENT: Final = b"spent/"
PAYLOAD: Final = 4_096
MOST_DELIVERIES: Final = 65_536
"""Of one name, remembered so that a repeat counts once: ten minutes of a hundred a second, days of what is usual."""

_body = msgspec.msgpack.Decoder(tuple[int, str | None, int, tuple[tuple[int, int], ...]])
_spent = msgspec.msgpack.Decoder(tuple[float, int])
_NOTHING_SPENT: Final = encode((0.0, 0))


class Kept(NamedTuple):
    """What the seat remembers of a connector: where it stands, until when it is known to have read, its gaps, and what
    reading it has cost since when.
    """

    cursor: Cursor | None = None
    at: int = 0
    gaps: tuple[tuple[int, int], ...] = ()
    spent: float = 0.0
    spent_since: int = 0


def kept(body: bytes) -> Kept:
    """What the state record of a connector says, without its costs. Raises ValueError."""
    version, cursor, at, gaps = _body.decode(body)
    if version != 1:
        raise ValueError(f"version {version}, which this release does not know")
    return Kept(None if cursor is None else Cursor(cursor), at, gaps)


class Intake(NamedTuple):
    """A batch to be taken in, by which connector and on what terms. `once`: what its sender calls it by, if it was sent.
    `days`: over how many what it costs is summed.
    """

    connector: str
    batch: Batch
    terms: Terms
    once: str = ""
    days: int = 30


class Taken(NamedTuple):
    """What became of it. `newest_ms`: creation of the newest item read, 0 where there was none."""

    counts: Counter[str]
    newest_ms: int = 0


class Step:
    """What one step is going to commit."""

    def __init__(self) -> None:
        self.mentions: list[Mention] = []
        self.readings: list[Reading] = []
        self.letters: list[Out] = []
        self.refused_by: list[str] = []


class Ledger:
    """Takes batches in through the door, and keeps what was read. `key` is the installation's secret."""

    def __init__(self, key: bytes, door: Door, wall: Wall) -> None:
        self._key = key
        self._wall = wall
        self._turns = Portions()
        self._overlaps: dict[str, Overlap] = {}
        self._sent: dict[str, Overlap] = {}
        self.door = door
        self.kept: dict[str, Kept] = {}
        self.heard: dict[str, int] = {}
        """Source to the second in which something of it was last read."""

    def restore(self, records: Mapping[bytes, bytes]) -> None:
        """Take what was committed. Raises ValueError."""
        self.door.memory.restore(records.items())
        for key, body in records.items():
            if key.startswith(CONNECTOR):
                name = key.removeprefix(CONNECTOR).decode()
                spent, since = _spent.decode(records.get(SPENT + key.removeprefix(CONNECTOR), _NOTHING_SPENT))
                self.kept[name] = kept(body)._replace(spent=spent, spent_since=since)
                self._overlap(name).restore(records.items())
                self._deliveries(name).restore(records.items())

    def alive(self, reading: Sequence[str]) -> set[str]:
        """Connectors of which it is worth a record, once a minute, that they were reading."""
        now = self._wall.now()
        late = {name for name in reading if name in self.kept and now - self.kept[name].at >= ALIVE_S}
        for name in late:
            self.kept[name] = self.kept[name]._replace(at=now)
        return late

    def changes(self, names: Iterable[str]) -> dict[bytes, bytes | None]:
        """State records of the door's memory and of these connectors."""
        state = self.door.memory.changes()
        for name in names:
            kept = self.kept[name]
            state[CONNECTOR + name.encode()] = encode((1, kept.cursor, kept.at, kept.gaps))
            if kept.spent_since:
                state[SPENT + name.encode()] = encode((kept.spent, kept.spent_since))
            state |= self._overlap(name).changes()
            if name in self._sent:
                state |= self._sent[name].changes()
        return state

    def _overlap(self, name: str) -> Overlap:
        if name not in self._overlaps:
            self._overlaps[name] = Overlap(name)
        return self._overlaps[name]

    def _deliveries(self, name: str) -> Overlap:
        """What was sent to this name lately; no connector is called so."""
        if name not in self._sent:
            self._sent[name] = Overlap(f"~{name}", limit=MOST_DELIVERIES)
        return self._sent[name]

    def _repeated(self, intake: Intake) -> bool:
        """Whether this delivery was taken in before; from now on it was."""
        told = keyed(self._key, "delivery", intake.connector, intake.once)
        sent = self._deliveries(intake.connector)
        if told in sent:
            return True
        sent.add(told)
        return False

    async def take_in(self, step: Step, intake: Intake) -> Taken:
        """Through the door with a batch; what passes is put into the step."""
        name, batch = intake.connector, intake.batch
        if intake.once and self._repeated(intake):
            self.kept.setdefault(name, Kept())
            return Taken(Counter(repeated=1))
        overlap, now_ms = self._overlap(name), int(self._wall() * 1000)
        counts: Counter[str] = Counter(read=len(batch.items) + len(batch.readings))
        newest = 0
        for item in batch.items:
            # A text may be made to be much work to fold; nobody has looked yet whether it is one.
            await self._turns.give_way(len(item.text) if isinstance(item.text, str) else 0)
            newest = max(newest, self._take(step, overlap, counts, item, now_ms, intake))
        for reading in batch.readings:
            await self._turns.give_way()
            told = reading_hash(self._key, reading)
            if told in overlap:
                counts["skipped"] += 1
                continue
            overlap.add(told)
            step.readings.append(reading)
            counts["let_through"] += 1
            self._hear(reading.source)
        for departure in batch.departed:
            await self._turns.give_way()
            self._part(step, counts, departure, now_ms // 1000, intake)
        for one in batch.refused:
            await self._turns.give_way()
            counts["refused"] += 1
            self._put_aside(step, name, one._replace(payload=b"") if self._counts_only(intake) else one)
        was = self.kept.get(name, Kept())
        gaps = (*was.gaps, *((gap.start, gap.end) for gap in batch.gaps))[-100:]
        cursor = was.cursor if batch.cursor is None else batch.cursor
        spent, since = was.spent, was.spent_since
        if batch.spent and (now_ms // 1000 - since) >= intake.days * 86_400:
            spent, since = 0.0, now_ms // 1000  # another period begins with the first of its costs
        self.kept[name] = Kept(cursor, now_ms // 1000, gaps, spent + batch.spent, since)
        for (what, _), number in self.door.counts.items():
            counts[what] += number
        self.door.counts.clear()
        return Taken(counts, newest)

    def _take(
        self, step: Step, overlap: Overlap, counts: Counter[str], item: Item, now_ms: int, intake: Intake
    ) -> int:
        """Take one item in; returns when it was created, 0 where it tells nothing new."""
        if not intake.batch.exact:
            told = item_hash(self._key, item)
            if told in overlap:
                counts["skipped"] += 1
                return 0
            overlap.add(told)
        try:
            mention = self.door.admit(item, now_ms=now_ms, terms=intake.terms)
        except RefusedError as e:
            counts["refused"] += 1
            self._put_aside(step, intake.connector, self._refused(intake, item, str(e)))
            return 0
        except Exception as e:  # noqa: BLE001 - ours, not the source's; but one item must not stop all the rest for ever
            counts["refused"] += 1
            message = f"the door failed on it: {type(e).__name__}"
            self._put_aside(step, intake.connector, self._refused(intake, item, message))
            return 0
        self._hear(item.source)
        if mention is not None:
            step.mentions.append(mention)
            if mention.author and self.door.past.writers is not None:
                self.door.past.writers.add(mention.author)
            if takes_back(mention.kind, mention.text):
                gone = Deleted(self._wall.now(), mention.key)
                step.letters.append(Out(AUDIT, 0, b"", encode(gone)))
        return item.created_ms

    def _part(self, step: Step, counts: Counter[str], one: Departure, now: int, intake: Intake) -> None:
        """An account is gone: where something of it may be kept, that is to go, too."""
        try:
            kept = kept_of(self._key, self.door, one, intake.terms, now)
        except RefusedError as e:
            counts["refused"] += 1
            self._put_aside(step, intake.connector, Refused(f"{intake.connector}, who left", str(e), b""))
            return
        self._hear(one.source)
        step.letters += [Out(AUDIT, 0, b"", encode(Departed(now, author))) for author in kept]
        counts["departed"] += bool(kept)
        counts["departed_ours"] += is_ours(self._key, self.door, one)

    def _refused(self, intake: Intake, item: Item, why: str) -> Refused:
        return Refused(f"{intake.connector} {item_hash(self._key, item):016x}", why, b"")

    def _hear(self, source: str) -> None:
        if source in self.heard or len(self.heard) < MOST_HEARD:
            self.heard[source] = self._wall.now()

    def _counts_only(self, intake: Intake) -> bool:
        """Whether staff or customers write there: then nothing of what could not be read is kept either."""
        source = intake.terms.source or intake.connector
        return stricter(intake.terms.role, self.door.policy.roles.get(source, "")) in COUNTS_ONLY

    def _put_aside(self, step: Step, connector: str, one: Refused) -> None:
        """Where it stood may name somebody (a file, a feed), so the letter says it, and the log does not."""
        letter = DeadLetter(
            one.where, str(Reason.MALFORMED), one.message, self._wall.now(), one.payload[:PAYLOAD]
        )
        step.letters.append(Out(DEADLETTERS, 0, b"", encode(letter)))
        step.refused_by.append(connector)

"""Replay's feed: recorded items through the same door onto the bus, in the order in which they were seen.

Time comes from the items. A clock is written before the first mention of each second of seen time, to every partition,
and one a day after the last: the result does not depend on how densely time is written, so ten years of a small brand
take seconds. How many items one step takes changes nothing either, and a feed that was killed goes on with the item
after the last one that is on the bus.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

import msgspec

from warn.bus.base import Bus, Seat
from warn.bus.rulesets import config_record
from warn.ingest.connector import Refused
from warn.ingest.door import OPEN, Door
from warn.ingest.entry import RefusedError
from warn.ingest.inforce import CLOCK_KEY, Compile, InForce
from warn.ingest.memory import Memory
from warn.ingest.order import seen_at
from warn.ingest.parcels import clocks, pack
from warn.model.errors import PermanentError, Reason
from warn.model.flow import COLLECT, DEADLETTERS, MENTIONS
from warn.model.hashing import content_hash
from warn.model.mention import Item, Mention
from warn.model.records import DeadLetter
from warn.model.rules import RuleSet
from warn.model.wire import encode
from warn.stages.base import Out

FEED_KEY: Final = b"feed"
MOST_RECORDS: Final = 5_000
"""Records in one step at most: a clock every second of a day is 86,400."""
PAYLOAD: Final = 4_096

_body = msgspec.msgpack.Decoder(tuple[int, str, int, int, int, bool])


class Fed(NamedTuple):
    """What became of a feed: items read in all; let through, dropped, refused and repairs in this run; the last second."""

    read: int
    let_through: int
    dropped: int
    refused: int
    last: int
    mended: int = 0


class Feed:
    """One run over a recording. `fingerprint` names it: a store that holds another recording is refused.

    `end_s`: how long after the last item the last clock is (0: none is written). `progress` is told how many items are
    through after each step.
    """

    def __init__(
        self,
        bus: Bus,
        ruleset: RuleSet,
        compiles: Compile,
        *,
        key: bytes,
        batch: int = 500,
        clock_every_second: bool = False,
        end_s: int = 86_400,
        fingerprint: str = "",
        progress: Callable[[int], None] | None = None,
    ) -> None:
        if batch < 1:
            raise ValueError(f"a step of {batch} items")
        self._bus = bus
        self._ruleset = ruleset
        self._force = InForce(key, compiles)
        self._door = Door(key, Memory())
        self._batch = batch
        self._every_second = clock_every_second
        self._end_s = end_s
        self._fingerprint = f"{fingerprint} {content_hash(encode(ruleset))}"
        self._progress = progress
        self._partitions = bus.partitions(MENTIONS)
        self._records: list[Out] = []
        self._pending: list[Mention] = []
        self._done = 0
        self._letters = 0
        self._last = 0
        self._finished = False
        self._position = 0
        self._counts: Counter[str] = Counter()

    async def run(self, items: Callable[[int], Iterable[Item]], refused: Sequence[Refused] = ()) -> Fed:
        """Feed `items(n)`, the items in order from index n on. `refused` become dead letters.

        Raises PermanentError where the store holds another recording, and what the bus raises.
        """
        seat = await self._bus.open(COLLECT, 0)
        try:
            await self._restore(seat)
            if not self._finished:
                await self._dead_letters(seat, refused)
                await self._items(seat, iter(items(self._done)))
        finally:
            await seat.close()
        counts = self._counts
        mended = sum(number for (what, _), number in self._door.counts.items() if what == "mended")
        return Fed(
            self._done, counts["let_through"], counts["dropped"], counts["refused"], self._last, mended
        )

    async def _restore(self, seat: Seat) -> None:
        restored = await seat.restore()
        records = {record.key: record.body for record in restored.records}
        self._position = restored.committed
        self._door.memory.restore(records.items())
        body = self._force.add(self._ruleset, 0)
        self._door.policy = self._force.policy()
        if FEED_KEY not in records:
            if body is not None:
                self._records.append(config_record(body))
            return
        version, fingerprint, self._done, self._letters, self._last, self._finished = _body.decode(
            records[FEED_KEY]
        )
        if version != 1:
            raise ValueError(f"feed: version {version}, which this release does not know")
        if fingerprint != self._fingerprint:
            raise PermanentError(
                "this folder holds a replay of other mentions or other rules: give it an empty one",
                reason=Reason.CONFIG,
            )
        self._force.restore(records[CLOCK_KEY], lambda _: self._ruleset)

    async def _items(self, seat: Seat, items: Iterator[Item]) -> None:
        while batch := list(islice(items, self._batch)):
            for item in batch:
                await self._take(seat, item)
            await self._commit(seat)
        if self._last and self._end_s:
            await self._pass(seat, self._last + self._end_s)
        self._finished = True
        await self._commit(seat)

    async def _take(self, seat: Seat, item: Item) -> None:
        seen_ms = seen_at(item)
        try:
            mention = self._door.admit(item, now_ms=seen_ms, terms=OPEN)
        except RefusedError as e:
            self._counts["refused"] += 1
            self._letter(Refused(f"{item.source!s} item {self._done}", str(e), b""))
            mention = None
        else:
            self._last = max(self._last, seen_ms // 1000)
            self._counts["dropped" if mention is None else "let_through"] += 1
        if mention is not None:
            await self._pass(seat, seen_ms // 1000)
            self._pending.append(mention)
        self._done += 1

    async def _pass(self, seat: Seat, second: int) -> None:
        """Write the clock of a second, and where asked of every second before it, behind what came before."""
        while second > self._force.now:
            self._flush()
            step = self._every_second and self._force.now > 0
            clock = self._force.clock(self._force.now + 1 if step else second)
            self._records += clocks(clock, self._partitions)
            if len(self._records) >= MOST_RECORDS:
                await self._commit(seat)

    def _flush(self) -> None:
        self._records += pack(self._pending, (), self._partitions)
        self._pending = []

    async def _dead_letters(self, seat: Seat, refused: Sequence[Refused]) -> None:
        for one in islice(refused, self._letters, None):
            self._letter(one)
            self._letters += 1
            if len(self._records) >= MOST_RECORDS:
                await self._commit(seat)

    def _letter(self, one: Refused) -> None:
        letter = DeadLetter(one.where, str(Reason.MALFORMED), one.message, self._last, one.payload[:PAYLOAD])
        self._records.append(Out(DEADLETTERS, 0, b"", encode(letter)))

    async def _commit(self, seat: Seat) -> None:
        """One step: what was read, how far, and what the door remembers, all at once."""
        self._flush()
        state = self._door.memory.changes()
        state[CLOCK_KEY] = self._force.to_bytes()
        state[FEED_KEY] = encode(
            (1, self._fingerprint, self._done, self._letters, self._last, self._finished)
        )
        self._position += 1
        await seat.commit(self._records, state, self._position)
        self._records = []
        if self._progress is not None:
            self._progress(self._done)

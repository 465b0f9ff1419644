"""A seat of collect: what connectors read goes through the door and onto the bus, one step after the other.

A step commits at once what it publishes, the connectors' cursors, the threads of what it let through, and hashes of all
that was read. After an error nothing in memory can be trusted, since the step may or may not have taken effect: the
seat is opened anew and everything is read back.

The first seat leads: it alone writes the clock, and its owner's rule files are those that count. Any other goes by what
the first has announced, and says what it filters by and how its connectors are.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from warn.bus.base import Bus, Seat
from warn.bus.rulesets import config_record
from warn.ingest.clock import Wall, canary_records, clock_records
from warn.ingest.door import NOTHING_YET, Door, Past
from warn.ingest.hearing import HEARS, Heard
from warn.ingest.inforce import CLOCK_KEY, Compile, InForce
from warn.ingest.keeper import Keeper
from warn.ingest.ledger import Intake, Ledger, Step, Taken
from warn.ingest.memory import Memory
from warn.ingest.notices import ALIVE_S, RULES_KEY, SEAT_KEY, RulesNotice, SeatNotice, rules_notice
from warn.ingest.parcels import pack
from warn.ingest.peers import Known, Peers, bodies
from warn.ingest.switch import Switch
from warn.ingest.text import Languages
from warn.model.errors import Reason
from warn.model.flow import COLLECT, MENTIONS
from warn.model.hashing import content_hash
from warn.model.rules import RuleSet
from warn.model.wire import encode
from warn.telemetry import events

DIFFER_S: Final = 60
"""Rule files of a process that are not those in force are told of after so long: a change takes some seconds."""


class Collector:
    """Holds a seat, the door and all that they remember. Used by one task; `open` first, and again after an error.

    `peers`: the other seats; None where there are none. `past`: what doors know of what came before. `keepers` share
    the seat's state.
    """

    def __init__(
        self,
        bus: Bus,
        *,
        key: bytes,
        compiles: Compile,
        wall: Wall,
        partition: int = 0,
        peers: Peers | None = None,
        past: Past = NOTHING_YET,
        keepers: Sequence[Keeper] = (),
    ) -> None:
        self._past = past
        self._keepers = keepers
        self._bus = bus
        self._key = key
        self._compiles = compiles
        self._wall = wall
        self._partition = partition
        self._peers = peers
        self._languages = Languages()
        self._partitions = bus.partitions(MENTIONS)
        self.force = InForce(key, compiles)
        self._ours: RuleSet | None = None
        self._unwritten: dict[str, bytes] = {}
        self._differ_since = 0
        self._differ_told = ""
        self._heard: dict[str, int] = {}  # of all seats held so far: who loses one has not gone deaf by that
        self._reset()

    def _reset(self) -> None:
        self._seat: Seat | None = None
        self._position = self._canaried = 0
        self._told = SeatNotice()
        self._rules_told = RulesNotice()
        self._switch = Switch(1 if self._peers is None else self._peers.seats)
        memory = Memory()
        known = memory if self._peers is None else Known(memory, self._partition, self._peers)
        door = Door(self._key, memory, self.force.policy(), known, self._languages, self._past)
        self.ledger = Ledger(self._key, door, self._wall)
        self.ledger.heard = self._heard

    @property
    def leads(self) -> bool:
        """Whether this is the first seat."""
        return self._partition == 0

    async def open(self) -> None:
        """Take the seat and read back everything. Raises what the bus raises, MissingConfigError, ValueError."""
        self._reset()
        seat = self._seat = await self._bus.open(COLLECT, self._partition)
        restored = await seat.restore()
        self._position = restored.committed
        records = {record.key: record.body for record in restored.records}
        self.ledger.restore(records)
        for keeper in self._keepers:
            keeper.restore(records)
        if self._peers is not None:
            await self._peers.complete()  # after the fence: nobody commits to this seat any more
        if self.leads:
            await self._restore_rules(records)
        else:
            await self.follow()
        self.ledger.door.policy = self.force.policy()
        self._canaried = self.force.now // 60
        events.worker_opened(COLLECT, self._partition, position=self._position, records=len(records))

    async def _restore_rules(self, records: Mapping[bytes, bytes]) -> None:
        """What the seat remembers; then the files of this process, if it has any."""
        if self._peers is not None:
            # What was in force for us need not be what others have heard of since.
            self.force = InForce(self._key, self._compiles)
            self._publish()
        if RULES_KEY in records:
            self._rules_told = rules_notice(records[RULES_KEY])
        if CLOCK_KEY in records:
            found = await bodies(self._bus)
            self.force.restore(records[CLOCK_KEY], found.get, self._rules_told.announced)
        if not self.force.notice.named:  # so nobody has started yet whom one would have to wait for
            self.force.come_into_force(self._wall.now())
        if self.force.notice == self._rules_told:
            self._switch.announced(self._rules_told.announced, self._wall())

    async def close(self) -> None:
        """Let the seat go."""
        if self._seat is not None:
            await self._seat.close()
            self._seat = None

    def publish(self, ruleset: RuleSet) -> str:
        """The rule files of this process say this; returns its hash.

        On the first seat: filter by it from now on, and name it as the newest, in the next clock or once all other
        seats filter by it too. On any other seat it counts for nothing, but it is told of where it stays different
        from what is in force.
        """
        self._ours = ruleset
        self._differ_since = self._wall.now()
        if not self.leads:
            return content_hash(encode(ruleset))
        self._publish()
        self.ledger.door.policy = self.force.policy()
        return self.force.newest

    def _publish(self) -> None:
        if self._ours is None:
            return
        now = max(self.force.now, self._wall.now())
        body = self.force.add(self._ours, now, announce=self._peers is not None)
        if body is not None:
            self._unwritten[self.force.newest] = body

    async def follow(self) -> None:
        """Catch up with the other seats, and go by the rules that they were told of. Raises what `open` raises."""
        if self._peers is None:
            return
        await self._peers.take(self._wall.now())
        if self.leads:
            await self._bring_into_force()
            return
        notice = self._peers.rules
        if notice != self._rules_told:
            get = await self._peers.rulesets([name for name in (*notice.named, notice.announced) if name])
            self.force.adopt(notice, get)
            self.ledger.door.policy = self.force.policy()
            self._rules_told, self._differ_since = notice, self._wall.now()
        self._compare_files()

    def _compare_files(self) -> None:
        """Tell, once, where the rule files of this process are not what is in force."""
        if self._ours is None or self._wall.now() - self._differ_since < DIFFER_S:
            return
        ours = content_hash(encode(self._ours))
        if self.force.newest and ours not in (self.force.newest, self._differ_told):
            self._differ_told = ours
            events.rules_differ(ours=ours, in_force=self.force.newest)

    async def _bring_into_force(self) -> None:
        """Let the next clock name what was announced, if every other seat filters by it, or cannot commit any more."""
        peers, switch = self._peers, self._switch
        if peers is None or not switch.name:
            return
        behind = switch.behind(peers.notices)
        if behind and not switch.overdue(self._wall()):
            return
        if behind:
            async with asyncio.TaskGroup() as group:
                for partition in behind:
                    group.create_task(self._fence(partition))
            if switch.behind(peers.notices):
                return
        self.force.come_into_force(max(self.force.now, self._wall.now()))
        switch.announced("", self._wall())

    async def _fence(self, partition: int) -> None:
        """What goes wrong here is tried again with the next turn; until then the old rules go on."""
        try:
            seat = await self._bus.open(COLLECT, partition)
        except Exception as e:  # noqa: BLE001 - told; it is no fault of the seat that is held
            events.worker_failed(COLLECT, partition, e, retry_in_s=1.0)
            return
        await seat.close()
        self._switch.fenced(partition)
        events.collect_seat_fenced(partition, self._switch.name)

    async def step(
        self,
        intakes: Sequence[Intake],
        *,
        heard: Heard = HEARS,
        reading: Sequence[str] = (),
        keep: bool = True,
    ) -> list[Taken]:
        """One step: the clock, if a second has begun, and what was read. After any error, `open` again.

        `reading`: connectors that are at it, even where they have nothing to say. `heard`: what is not heard, for the
        clock or for the first seat to know; a canary is let go each minute while warn hears. `keep=False` leaves all state alone: what a disk that is nearly full still takes.
        """
        if self._seat is None:
            raise RuntimeError("this seat of collect is not open")
        step = Step()
        notice = self._notice(heard.deaf)
        # Not all of them later: one may be published while this step is being committed.
        unwritten = dict(self._unwritten)
        records = [config_record(body) for body in unwritten.values()]
        rules = self.force.notice
        second = self._wall.due(self.force.now) if self.leads else None
        if second is not None:
            if self.force.retire(second):
                self.ledger.door.policy = self.force.policy()
                rules = self.force.notice
            records += clock_records(self.force.clock(second, heard.deaf, heard.silent), self._partitions)
            if keep and heard.alive and second // 60 > self._canaried:
                records += canary_records(second // 60 * 60, self._partitions)
                self._canaried = second // 60
        force = self.force.to_bytes()  # now: its bodies are those that were put into `records`
        if not records and not intakes and notice is None:
            return []
        taken = [await self.ledger.take_in(step, intake) for intake in intakes]
        records += pack(step.mentions, step.readings, self._partitions)
        state = self._state(intakes, reading, force, rules, notice) if keep else {}
        self._position += 1
        await self._seat.commit([*records, *step.letters], state, self._position)
        self._committed(unwritten, rules if keep else None, notice if keep else None)
        if second is not None:
            events.clock_passed(COLLECT, second)
        for connector in step.refused_by:
            events.dead_letter(COLLECT, str(Reason.MALFORMED), where=connector)
        return taken

    def _notice(self, deaf: tuple[str, ...]) -> SeatNotice | None:
        """What this seat has to tell the first one, if it is another and has not told it yet."""
        if self.leads or self._peers is None:
            return None
        rules = frozenset(name for name in (*self.force.notice.named, self.force.notice.announced) if name)
        notice = SeatNotice(self._wall.now(), deaf, tuple(self.ledger.heard.items()), rules)
        due = not notice.alike(self._told) or notice.at - self._told.at >= ALIVE_S
        return notice if due else None

    def _state(
        self,
        intakes: Sequence[Intake],
        reading: Sequence[str],
        force: bytes,
        rules: RulesNotice,
        notice: SeatNotice | None,
    ) -> dict[bytes, bytes | None]:
        names = {one.connector for one in intakes} | self.ledger.alive(reading)
        state = self.ledger.changes(names)
        for keeper in self._keepers:
            state |= keeper.changes(self._wall.now())
        if self.leads:
            state[CLOCK_KEY] = force
            if self._peers is not None and rules != self._rules_told:
                state[RULES_KEY] = rules.to_bytes()
        if notice is not None:
            state[SEAT_KEY] = notice.to_bytes()
        return state

    def _committed(
        self, written: Mapping[str, bytes], rules: RulesNotice | None, notice: SeatNotice | None
    ) -> None:
        for name in written:
            self._unwritten.pop(name, None)
        self._told = notice or self._told
        if self.leads and rules is not None:
            self._rules_told = rules
            self._switch.announced(rules.announced, self._wall())

"""detect: merges partials, judges series, drives alerts; one state machine per `[signals]` partition.

Tick T is evaluated once every match partition has announced a clock >= T, on exactly the partials known before T.
Only ticks on which a slice is due are gone through, in order of time; so neither the density of clocks, nor batches, nor
the interleaving of partitions can show in what comes out.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from warn.aggregate.series import TICK_S
from warn.model.alerts import Article, Beat, Passed
from warn.model.flow import DESK, HISTORY
from warn.model.hashing import PUBLIC_KEY, brand_partition
from warn.model.records import Canary, Partial, Signals
from warn.model.rules import RuleSet
from warn.model.wire import UnknownKindError, UnreadableError, decode_signals, encode
from warn.stages.base import Effects, In, RuleSets
from warn.stages.canaries import Canaries
from warn.stages.history import points
from warn.stages.numbers import alert_event, began_at
from warn.stages.silence import BRAND, Silence
from warn.stages.slice import BEAT_S, Change, Slice, due_tick
from warn.stages.slicestate import Build
from warn.stages.snapshots import Snapshots
from warn.stages.switch import switch

BREATH = 40
"""Slices between two yields: under 5 ms of work."""


class DetectStage:
    """The stage over one `[signals]` partition. `build` makes a detector of (rule, signal, start second). `key`: match's."""

    def __init__(
        self,
        partition: int,
        *,
        partitions: int,
        match_partitions: int,
        rulesets: RuleSets,
        build: Build,
        key: bytes = PUBLIC_KEY,
    ) -> None:
        self._key = key
        self.partition, self.partitions = partition, partitions
        self.rulesets, self.build = rulesets, build
        self.vector = dict.fromkeys(range(match_partitions), 0)
        self.newest = 0  # the latest clock seen of any partition
        self.last_tick = 0
        self.config = ""
        self.switches: list[tuple[int, str]] = []  # (clock, rule set) not gone through yet
        self.deaf: list[tuple[int, tuple[str, ...]]] = [(0, ())]
        self.silence = Silence() if brand_partition(BRAND, partitions) == partition else None
        self.canaries = Canaries(match_partitions)
        self.slices: dict[str, Slice] = {}
        self.strangers: defaultdict[str, list[tuple[int, Partial]]] = defaultdict(list)
        self.heap: list[tuple[int, str]] = []
        self.snapshots = Snapshots(self)

    # ---- the stage

    def restore(self, records: Iterable[tuple[bytes, int, bytes]], committed: int) -> None:
        self.snapshots.restore(records, committed)
        for name, one in self.slices.items():
            self._schedule(name, one.due())

    @property
    def resume_from(self) -> int | None:
        return self.snapshots.resume_from

    def step(self, batch: Sequence[In], effects: Effects) -> Iterator[None]:
        """Configs are looked up before anything changes: a missing one leaves the stage as it was."""
        read = [(one.position, record) for one in batch if (record := self._read(one, effects)) is not None]
        for _, record in read:
            for clock in record.clocks if isinstance(record, Signals) else ():
                if clock.config and clock.now > self.newest:
                    self.rulesets(clock.config[-1])
        for position, record in read:
            if isinstance(record, Canary):
                self._hand_on(record, effects)
                continue
            self._arrive(position, record)
            now = min(self.vector.values())
            while (tick := self._next()) is not None and tick <= now:
                yield from self._tick(tick, effects)
            self.last_tick = max(self.last_tick, now // TICK_S * TICK_S)
        yield

    def finish(self, effects: Effects) -> Iterator[None]:
        """Nothing: a step leaves nothing open."""
        return iter(())

    def offer(self, effects: Effects, position: int) -> None:
        self.snapshots.offer(effects, position)

    def entries(self) -> Iterator[tuple[bytes, bytes]]:
        yield from self.snapshots.entries(min(self.vector.values()))

    # ---- arrivals

    def _read(self, one: In, effects: Effects) -> Signals | Canary | None:
        try:
            return decode_signals(one.value)
        except UnknownKindError:
            effects.count("unknown_kind", "signals")
        except UnreadableError as e:
            effects.count("unreadable", "signals")
            effects.dead.append((f"signals/{self.partition}/{one.position}", "malformed", str(e), one.value))
        return None

    def _hand_on(self, canary: Canary, effects: Effects) -> None:
        """Once a minute's canary has come through all of match, and all that was known then is judged."""
        if self.canaries.hear(canary) and min(self.vector.values()) >= canary.minute:
            passed = Passed(minute=canary.minute, partition=self.partition)
            effects.emit(DESK, 0, b"canary", encode(passed))

    def _arrive(self, position: int, record: Signals) -> None:
        for clock in record.clocks:
            if clock.now <= self.newest:
                continue
            self.newest = clock.now
            if self.silence is not None:
                self.silence.hear(clock)
            in_force = self.switches[-1][1] if self.switches else self.config
            if clock.config and clock.config[-1] != in_force:
                self.switches.append((clock.now, clock.config[-1]))
            if clock.deaf != self.deaf[-1][1]:
                self.deaf.append((clock.now, clock.deaf))
        if record.clocks:
            self.vector[record.partition] = max(self.vector[record.partition], record.clocks[-1].now)
        for partial in record.partials:
            one = self.slices.get(partial.topic)
            if one is None:
                self.strangers[partial.topic].append((position, partial))
            elif self.snapshots.is_new(partial.topic, position):
                one.pending.append(partial)
                self.snapshots.touch(partial.topic)
                self._schedule(partial.topic, due_tick(partial.known_at))

    # ---- time

    def _schedule(self, name: str, tick: int | None) -> None:
        if tick is not None:
            heapq.heappush(self.heap, (tick, name))

    def _next(self) -> int | None:
        wants = [self.heap[0][0]] if self.heap else []
        if self.switches:
            wants.append(due_tick(self.switches[0][0]))
        if self.silence is not None and (due := self.silence.due()) is not None:
            wants.append(due)
        return min(wants) if wants else None

    def _tick(self, tick: int, effects: Effects) -> Iterator[None]:
        """Timers due before, then scores, then timers due at the tick; each by (due time, brand, rule)."""
        while self.switches and self.switches[0][0] < tick:
            self._switch(*self.switches.pop(0), tick, effects)
        due: set[str] = set()
        while self.heap and self.heap[0][0] <= tick:
            due.add(heapq.heappop(self.heap)[1])
        slices = [
            one
            for name in sorted(due)
            if (one := self.slices.get(name)) is not None
            and self.snapshots.is_ahead(name, tick)
            and (wanted := one.due()) is not None
            and wanted <= tick
        ]
        self._say([(s, c) for s in slices for c in s.timers(tick, with_it=False)], tick, effects)
        changes: list[tuple[Slice, Change]] = []
        for i, one in enumerate(slices, 1):
            changes += self._score(one, tick, effects)
            if i % BREATH == 0:
                yield
        self._say(changes, tick, effects)
        self._say([(s, c) for s in slices for c in s.timers(tick, with_it=True)], tick, effects)
        self._article(slices, tick, effects)
        self._beat(slices, tick, effects)
        if self.silence is not None:
            for told in self.silence.tick(tick, self.rulesets(self.config) if self.config else None):
                effects.emit(DESK, 0, told.brand.encode(), encode(told))
        for one in slices:
            one.settle(tick)
            self.snapshots.touch(one.topic.name)
            self._schedule(one.topic.name, one.due())
        self.last_tick = tick
        self._forget_strangers(tick)
        yield

    def _score(self, one: Slice, tick: int, effects: Effects) -> list[tuple[Slice, Change]]:
        one.take(tick)
        one.learn(tick)
        new_minute = tick // 60 > one.judged_minute
        changes = [(one, change) for change in one.visit(tick)]
        effects.count("evaluations", "", len(changes))
        # A chart of a page shows what paged: a firing is written down whenever it happens.
        if new_minute or any(c.happened == "firing" for _, c in changes):
            for point in points(one, tick):
                effects.emit(HISTORY, 0, point.brand.encode(), encode(point))
                effects.count("history_points")
        return changes

    def _say(self, changes: list[tuple[Slice, Change]], tick: int, effects: Effects) -> None:
        for one, change in sorted(changes, key=lambda c: (c[1].at, c[1].rule.brand, c[1].rule.id)):
            if not change.happened or (change.happened == "update" and tick % 60):
                continue
            effects.count("alerts", change.happened)
            if change.happened in ("pending", "quieted"):
                continue
            one.beat_until = max(one.beat_until, change.at + BEAT_S)
            if change.happened == "firing":
                one.began[change.rule.id] = began_at(one, change.judged, tick)
            event = alert_event(
                one, change, tick, self._deaf(tick), press_heard=self._press_heard(), key=self._key
            )
            effects.emit(DESK, 0, event.brand.encode(), encode(event))

    def _article(self, slices: Sequence[Slice], tick: int, effects: Effects) -> None:
        """What the press wrote while a brand is not at rest: it may come when the alert is over long ago."""
        for one in slices:
            if one.articles and one.beat_until >= tick:
                press_ms, seen_ms = min((p.press_ms, p.press_seen_ms) for p in one.articles)
                record = Article(
                    at=tick,
                    brand=one.topic.brand,
                    topic=one.topic.name,
                    articles=sum(p.press for p in one.articles),
                    press_ms=press_ms,
                    seen_ms=seen_ms,
                )
                effects.emit(DESK, 0, record.brand.encode(), encode(record))

    def _beat(self, slices: Sequence[Slice], tick: int, effects: Effects) -> None:
        if tick % 60 == 0:
            for brand in sorted({s.topic.brand for s in slices if s.beat_until >= tick}):
                effects.emit(DESK, 0, brand.encode(), encode(Beat(at=tick, brand=brand)))

    def _press_heard(self) -> bool:
        """Has some channel the role press? Else "no press yet" would be a lie."""
        return any(channel.role == "press" for _, channel in self.rulesets(self.config).channels)

    def _deaf(self, tick: int) -> tuple[str, ...]:
        while len(self.deaf) > 1 and self.deaf[1][0] <= tick:
            self.deaf.pop(0)
        return self.deaf[0][1]

    # ---- rule sets

    def _switch(self, clock: int, config: str, tick: int, effects: Effects) -> None:
        """Go over to a rule set, at the clock that named it: what is dropped resolves, what is new begins then."""
        rules = self.rulesets(config)
        self.config = config
        mine = self._mine(rules)
        # While re-reading, slices that were saved after this switch have been through it already.
        done = {name: one for name, one in self.slices.items() if not self.snapshots.is_ahead(name, tick)}
        old = {name: one for name, one in self.slices.items() if name not in done}
        slices, resolved = switch(old, rules, [name for name in mine if name not in done], clock, self.build)
        self._say(resolved, tick, effects)
        self.snapshots.replaced(old, slices)
        self.slices = {**slices, **done}
        for name in mine:
            for position, partial in self.strangers.pop(name, ()):
                # match counts a topic from the clock that names its rule set; what is older was another topic's.
                if partial.known_at >= clock and self.snapshots.is_new(name, position):
                    self.slices[name].pending.append(partial)
            self._schedule(name, self.slices[name].due())

    def _mine(self, rules: RuleSet) -> list[str]:
        """Topics that have rules, of the brands of this partition."""
        ruled = {r.topic for r in rules.rules}
        return [
            t.name
            for t in rules.topics
            if t.name in ruled and brand_partition(t.brand, self.partitions) == self.partition
        ]

    def _forget_strangers(self, tick: int) -> None:
        """What belongs to a topic that still nobody knows at its tick."""
        for name in list(self.strangers):
            left = [(pos, p) for pos, p in self.strangers[name] if due_tick(p.known_at) > tick]
            if left:
                self.strangers[name] = left
            else:
                del self.strangers[name]

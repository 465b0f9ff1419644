"""On one seat or on three, however they interleave and crash: what match wants is let through, and no thread is lost."""

import asyncio
import random
from collections.abc import AsyncGenerator, Coroutine, Sequence
from typing import Any

import looptime
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.msgpack import decode

from tests.property.test_ingest import conversations
from tests.unit.ingest.items import KEY, NOW_MS, item
from tests.unit.ingest.scripted import wall
from tests.unit.ingest.seats import ACME, compiles, named, wants
from warn.bus.base import FencedError
from warn.bus.memory import MemoryBus, MemoryStore, Point
from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Batch, Cursor
from warn.ingest.ledger import CONNECTOR
from warn.ingest.peers import Peers
from warn.ingest.supervisor import Supervisor
from warn.model.flow import COLLECT, MENTIONS
from warn.model.hashing import content_hash, post_hash
from warn.model.mention import Item, Mention
from warn.model.records import Clock, Parcel
from warn.model.rules import RuleSet
from warn.model.wire import decode_mentions, encode

HEARD_S = 1.5
"""What was committed so long before an item was read is known to every seat: they look at least once a second."""
Row = tuple[float, Mention | Clock]
Crash = tuple[int, Point, float]
"""At which call of which kind a process dies (or sleeps), and for how long."""


class Timed:
    """A source in which everything has its moment; from a little before the cursor on, it is all there at once."""

    def __init__(self, name: str, items: Sequence[tuple[float, Item]], overlap: int) -> None:
        self.name = name
        self.source = "forum"
        self.first: dict[int, float] = {}
        """Which item was first read when."""
        self._items = items
        self._overlap = overlap

    async def batches(self, cursor: Cursor | None) -> AsyncGenerator[Batch, None]:
        loop = asyncio.get_running_loop()
        at = max(0, (0 if cursor is None else int(cursor)) - self._overlap)
        for number in range(at, len(self._items)):
            due, one = self._items[number]
            await asyncio.sleep(max(0.0, due - loop.time()))
            self.first.setdefault(number, loop.time())
            yield Batch((one,), Cursor(str(number + 1)))

    def read(self) -> list[tuple[float, Item]]:
        """Everything, with the moment at which it was first read."""
        return [(self.first[number], one) for number, (_, one) in enumerate(self._items)]


class Cluster:
    """Processes over one store, each with its seats."""

    def __init__(self, seats: int, sources: Sequence[Timed]) -> None:
        self.store = MemoryStore({MENTIONS: 3}, clock=wall, collect=seats)
        self.sources = sources
        self.rules: RuleSet = ACME
        self.leading: Supervisor | None = None
        self._rows: list[Row] = []
        self.done: dict[tuple[str, int], float] = {}
        """By connector and number of the item."""

    async def process(self, partitions: Sequence[int], crashes: Sequence[Crash]) -> None:
        """One that dies now and then and is started again."""
        for nth, point, away_s in crashes:
            dying, left = asyncio.Event(), nth

            async def fault(here: Point, point: Point = point, dying: asyncio.Event = dying) -> None:
                nonlocal left
                left -= here == point
                if left <= 0:
                    dying.set()
                    await asyncio.Event().wait()  # the process is gone: nothing returns any more

            async with asyncio.TaskGroup() as group:
                running = group.create_task(self._run(partitions, MemoryBus(self.store, fault)))
                death = group.create_task(dying.wait())
                await asyncio.wait({running, death}, return_when=asyncio.FIRST_COMPLETED)
                running.cancel()
                death.cancel()
            await asyncio.sleep(away_s)
        await self._run(partitions, MemoryBus(self.store))

    async def _run(self, partitions: Sequence[int], bus: MemoryBus) -> None:
        peers = Peers(bus)
        async with asyncio.TaskGroup() as group:
            for partition in partitions:
                group.create_task(self.seat(partition, bus, peers))

    async def seat(self, partition: int, bus: MemoryBus, peers: Peers | None) -> None:
        """A supervisor, and another one when somebody else had its seat."""
        while True:
            pairs = [(ConnectorConfig(name=one.name), one) for one in self.sources]
            one = Supervisor(
                bus, pairs, key=KEY, compiles=compiles, partition=partition, peers=peers,
                wall=wall, chance=random.Random(partition),
            )  # fmt: skip
            one.publish_ruleset(self.rules)
            if partition == 0:
                self.leading = one
            try:
                await one.run()
            except FencedError:
                await asyncio.sleep(0.3)

    async def watch(self) -> None:
        """Note when everything in `[mentions]` was there."""
        reader = await MemoryBus(self.store).follow(MENTIONS)
        loop = asyncio.get_running_loop()
        while True:
            for _, _, _, value in await reader.read(100, 1e6):
                record = decode_mentions(value)
                if isinstance(record, Parcel):
                    self._rows += [(loop.time(), one) for one in record.mentions]
                elif isinstance(record, Clock):
                    self._rows.append((loop.time(), record))

    async def watch_cursors(self) -> None:
        """Note when every item was done with, let through or not."""
        reader = await MemoryBus(self.store).follow_state(COLLECT)
        loop = asyncio.get_running_loop()
        while True:
            for _, key, body in await reader.read(100, 1e6):
                if key.startswith(CONNECTOR) and body is not None:
                    name, cursor = key.removeprefix(CONNECTOR).decode(), int(decode(body)[1] or 0)
                    for number in range(cursor):
                        self.done.setdefault((name, number), loop.time())

    def mentions(self) -> list[tuple[float, Mention]]:
        return [(at, one) for at, one in self._rows if isinstance(one, Mention)]

    def named(self, config: str) -> float:
        """When a clock was there that names it."""
        return min(at for at, one in self._rows if isinstance(one, Clock) and config in one.config)


def run(cluster: Cluster, seconds: float, *work: Coroutine[Any, Any, None]) -> None:
    async def story() -> None:
        try:
            async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
                for one in (cluster.watch(), cluster.watch_cursors(), *work):
                    group.create_task(one)
        except TimeoutError:
            return

    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        runner.run(story())


crashes = st.lists(
    st.tuples(
        st.integers(1, 30),
        st.sampled_from(["commit", "committed", "state followed", "follow state", "restore"]),
        st.sampled_from([0.0, 0.5, 7.0]),
    ),
    max_size=2,
)


def held_to_account(cluster: Cluster) -> None:
    """Everything that names us is there, and whatever stands under a post that was known when it was read."""
    there = cluster.mentions()
    held = {(one.key, one.kind) for _, one in there}
    for source in cluster.sources:
        for read_at, one in source.read():
            key = post_hash(KEY, one.source, one.id)
            heard = {m.key for at, m in there if at + HEARD_S <= read_at}
            above = {one.id, one.thread, one.reply_to, one.reshare_of} - {None}
            under = heard & {post_hash(KEY, one.source, str(other)) for other in above}
            if under or "Acme" in (one.text or ""):
                kinds = {kind for found, kind in held if found == key}
                assert one.kind in kinds or {"reply", "repost"} & kinds, (one, under)


@settings(max_examples=60, deadline=None)
@given(
    conversations(),
    st.sampled_from([1, 3]),
    st.sampled_from([[[0], [1], [2]], [[0, 1, 2]], [[0, 2], [1]]]),
    st.lists(st.integers(0, 2), min_size=120, max_size=120),
    st.lists(st.sampled_from([0.0, 0.01, 0.3, 2.0]), min_size=120, max_size=120),
    st.tuples(crashes, crashes, crashes),
    st.integers(0, 3),
)
def test_nothing_that_match_wants_is_dropped(
    items: list[Item],
    seats: int,
    processes: list[list[int]],
    where: list[int],
    pauses: list[float],
    deaths: tuple[list[Crash], ...],
    overlap: int,
) -> None:
    spread: list[list[tuple[float, Item]]] = [[], [], []]
    due = 3.0
    for one, place, pause in zip(items, where, pauses, strict=False):
        due += pause
        spread[place].append((due, one))
    sources = [Timed(named(seat), spread[seat], overlap) for seat in range(3)]
    cluster = Cluster(seats, sources)
    held = processes if seats > 1 else [[0]]
    run(cluster, due + 150.0, *(cluster.process(*one) for one in zip(held, deaths, strict=False)))
    held_to_account(cluster)


@settings(max_examples=40, deadline=None)
@given(
    st.floats(1.0, 12.0),
    st.tuples(crashes, crashes, crashes),
    st.lists(st.tuples(st.integers(5, 60), st.floats(0.5, 15.0)), max_size=2),
)
def test_no_clock_names_rules_by_which_a_seat_does_not_filter(
    switch_at: float, deaths: tuple[list[Crash], ...], naps: list[tuple[int, float]]
) -> None:
    """Processes die, and one falls asleep in the midst of its steps and wakes up again. Whatever only the new rules want
    is there, if a step that began under the old ones was committed behind the clock that names the new.
    """
    sources = [Timed(named(seat), bolts(seat), 1) for seat in (1, 2)]
    cluster, calls, both = Cluster(3, sources), 0, wants("acme", "bolt")

    async def sleepy(here: Point) -> None:
        nonlocal calls
        calls += here in {"commit", "state followed"}
        for at, seconds in naps:
            if calls == at and here in {"commit", "state followed"}:
                await asyncio.sleep(seconds)

    async def switch() -> None:
        await asyncio.sleep(switch_at)
        cluster.rules = both
        if cluster.leading is not None:
            cluster.leading.publish_ruleset(both)

    run(
        cluster,
        200.0,
        cluster.process([0], deaths[0]),
        cluster.process([1], deaths[1]),
        cluster.seat(2, MemoryBus(cluster.store, sleepy), None),
        switch(),
    )
    since = cluster.named(content_hash(encode(both)))
    held = {one.id for _, one in cluster.mentions()}
    for source in sources:
        late = {one.id for n, (_, one) in enumerate(source.read()) if cluster.done[source.name, n] > since}
        assert late <= held


def bolts(seat: int) -> list[tuple[float, Item]]:
    """Posts that only the later rules want, one every 0.7 s."""
    made = [(number, NOW_MS + 700 * number) for number in range(50)]
    return [(0.7 * n, item(f"{seat}-{n}", "bolt", created_ms=ms, seen_ms=ms)) for n, ms in made]

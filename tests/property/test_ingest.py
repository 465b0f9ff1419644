"""Whatever commit a crash hits, and whatever the steps, what lands in `[mentions]` is what an unbroken run leaves."""

import asyncio
import random
from collections.abc import AsyncGenerator, Iterable
from itertools import islice

import looptime
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.ingest.items import KEY, NOW_MS, compiles
from tests.unit.ingest.log import mentions, rows
from tests.unit.ingest.scripted import wall
from warn.bus.memory import MemoryBus, MemoryStore, Point
from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Batch, Cursor
from warn.ingest.feed import Feed
from warn.ingest.order import order_key
from warn.ingest.supervisor import Supervisor
from warn.model.errors import Reason, TemporaryError
from warn.model.flow import MENTIONS
from warn.model.mention import Item, Mention
from warn.model.rules import RuleSet
from warn.testing.check_connector import landed


class CrashError(Exception):
    """The process dies here."""


def bus(store: MemoryStore, point: Point, at: int) -> MemoryBus:
    """A bus on which the n-th call of a kind is a crash, before or after it took effect."""
    left = at

    async def fault(here: Point) -> None:
        nonlocal left
        left -= here == point
        if left == 0 and here == point:
            raise CrashError

    return MemoryBus(store, fault)


@st.composite
def conversations(draw: st.DrawFn) -> list[Item]:
    """Posts, answers, updates, repeats and late things, of which some name us, in the order in which they are seen."""
    items: list[Item] = []
    kinds = st.sampled_from(["post", "post", "reply", "repost", "quote", "like", "update", "edit", "delete"])
    for number in range(draw(st.integers(1, 40))):
        kind, old = draw(kinds), draw(st.sampled_from([i.id for i in items] or ["none"]))
        answers = (
            {"reply": "reply_to"}.get(kind, "reshare_of")
            if kind in {"reply", "repost", "quote", "like"}
            else ""
        )
        seen = NOW_MS + draw(st.integers(0, 30)) * draw(st.sampled_from([100, 1000, 3_600_000]))
        item = Item(
            source="forum",
            id=old if kind in {"update", "edit", "delete"} else str(number),
            kind=kind,
            created_ms=seen - draw(st.integers(0, 5)) * 1000,
            seen_ms=seen,
            text=draw(st.sampled_from(["Acme burns", "shame", None])),
            author=draw(st.sampled_from(["a", "b", None])),
            engagement=(number, 0, 0, 0) if kind == "update" else None,
            thread=draw(st.sampled_from([None, None, old])),
            **({answers: old} if answers else {}),
        )
        items += [item] * draw(st.sampled_from([1, 1, 1, 2]))
    return sorted(items, key=order_key)


async def feed(one: MemoryBus, items: list[Item], batch: int) -> None:
    def start_at(start: int) -> Iterable[Item]:
        return islice(items, start, None)

    await Feed(one, RuleSet(), compiles, key=KEY, batch=batch).run(start_at)


def log(store: MemoryStore) -> list[list[object]]:
    return [list(rows(store, p)) for p in range(store.counts[MENTIONS])]


@given(
    conversations(),
    st.integers(1, 7),
    st.integers(1, 7),
    st.integers(1, 12),
    st.sampled_from(["commit", "committed"]),
)
def test_a_feed_that_crashed_at_any_commit_and_was_resumed_leaves_the_same_log(
    items: list[Item], batch: int, other: int, at: int, point: Point
) -> None:
    async def story() -> None:
        whole, broken = MemoryStore({MENTIONS: 3}), MemoryStore({MENTIONS: 3})
        await feed(MemoryBus(whole), items, batch)
        try:
            await feed(bus(broken, point, at), items, batch)
        except CrashError:
            await feed(MemoryBus(broken), items, other)
        assert log(broken) == log(whole)

    asyncio.run(story())


@given(conversations(), st.sampled_from([1, 2, 3, 6]), st.integers(1, 50))
def test_partitions_and_steps_change_no_mention(items: list[Item], partitions: int, batch: int) -> None:
    """Each mention gets the same thread, hashes and time however the bus is laid out."""

    async def story() -> None:
        one, other = MemoryStore(), MemoryStore({MENTIONS: partitions})
        await feed(MemoryBus(one), items, 1)
        await feed(MemoryBus(other), items, batch)
        by_key = sorted(mentions(other), key=_whole)
        assert by_key == sorted(mentions(one), key=_whole)

    asyncio.run(story())


def _whole(mention: Mention) -> str:
    return repr(mention)


class Page:
    """A source that is read in batches, from a little before the cursor on."""

    name = source = "forum"

    def __init__(self, items: list[Item], size: int, overlap: int) -> None:
        self._items, self._size, self._overlap = items, size, overlap

    async def batches(self, cursor: Cursor | None) -> AsyncGenerator[Batch, None]:
        at = max(0, (0 if cursor is None else int(cursor)) - self._overlap)
        while at < len(self._items):
            few = tuple(self._items[at : at + self._size])
            at += len(few)
            yield Batch(items=few, cursor=Cursor(str(at)))
            await asyncio.sleep(0.4)


async def supervise(one: MemoryBus, source: Page) -> None:
    """Until the source is read to its end; what the bus raises ends it."""
    supervisor = Supervisor(
        one,
        [(ConnectorConfig(name="forum"), source)],
        key=KEY,
        compiles=compiles,
        wall=lambda: wall() + 10**6,
        chance=random.Random(1),
    )
    supervisor.publish_ruleset(RuleSet())
    async with asyncio.timeout(10_000), asyncio.TaskGroup() as group:
        running = group.create_task(supervisor.run())
        while supervisor.states()[0].state != "ended":  # noqa: ASYNC110 (a daemon has no event for it)
            await asyncio.sleep(0.2)
        running.cancel()


@settings(max_examples=60)
@given(
    conversations(),
    st.integers(1, 6),
    st.integers(0, 4),
    st.lists(st.tuples(st.integers(1, 14), st.sampled_from(["commit", "committed"])), max_size=3),
)
def test_connectors_that_crashed_at_any_commit_lose_and_double_nothing(
    items: list[Item], size: int, overlap: int, crashes: list[tuple[int, Point]]
) -> None:
    """The daemon dies, starts again, reads with overlap: the same mentions, in the same threads, each as often."""

    async def story() -> None:
        whole, broken = MemoryStore({MENTIONS: 3}), MemoryStore({MENTIONS: 3})
        await supervise(MemoryBus(whole), Page(items, size, 0))
        for at, point in crashes:
            dying = asyncio.Event()
            left = at

            async def fault(here: Point, point: Point = point, dying: asyncio.Event = dying) -> None:
                nonlocal left
                left -= here == point
                if left <= 0:
                    dying.set()
                    await asyncio.Event().wait()  # the process is gone: nothing returns any more

            async with asyncio.TaskGroup() as group:
                running = group.create_task(supervise(MemoryBus(broken, fault), Page(items, size, overlap)))
                death = group.create_task(dying.wait())
                await asyncio.wait({running, death}, return_when=asyncio.FIRST_COMPLETED)
                running.cancel()
                death.cancel()
        await supervise(MemoryBus(broken), Page(items, size, overlap))
        assert landed(broken) == landed(whole)

    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        runner.run(story())


@settings(max_examples=30)
@given(conversations(), st.integers(1, 6), st.lists(st.integers(2, 15), min_size=1, max_size=3))
def test_commits_that_fail_under_a_living_supervisor_lose_and_double_nothing(
    items: list[Item], size: int, failing: list[int]
) -> None:
    async def story() -> None:
        whole, broken = MemoryStore({MENTIONS: 3}), MemoryStore({MENTIONS: 3})
        number = 0

        async def fault(here: Point) -> None:
            nonlocal number
            number += here in {"commit", "committed"}
            if number in failing and here in {"commit", "committed"}:
                raise TemporaryError("the bus is away", reason=Reason.TIMEOUT)

        await supervise(MemoryBus(whole), Page(items, size, 0))
        await supervise(MemoryBus(broken, fault), Page(items, size, 2))
        assert landed(broken) == landed(whole)

    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        runner.run(story())

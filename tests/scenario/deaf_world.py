"""All of warn but its sockets, on time that costs none, with an outside monitor; and ways to make it deaf."""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, Final

import looptime
from msgspec.structs import replace

from warn.app.pipeline import Pipeline
from warn.bus.base import Seat
from warn.bus.memory import MemoryBus, MemoryStore
from warn.bus.rulesets import RuleSets
from warn.incident.route import Route, Target
from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Batch, Cursor
from warn.ingest.supervisor import Supervisor
from warn.model.alerts import Delivery, Receipt
from warn.model.errors import Reason, TemporaryError
from warn.model.flow import COLLECT, DESK, MENTIONS, SIGNALS
from warn.model.mention import Item
from warn.model.rules import Channel, Rule, RuleSet, Term, Topic
from warn.model.wire import encode
from warn.notify.heartbeat import Heartbeat
from warn.stages.base import Out
from warn.stages.matchers import Matchers

START: Final = 1_790_000_040
KEY: Final = b"a key of this test, long enough to be one"
PERIOD_S: Final = 60
RULES: Final = RuleSet(
    topics=(Topic("Acme/acme", "Acme", any=(Term("acme"),)),),
    rules=(Rule("Acme/Many", "Many", "Acme", "Acme/acme", mode="live"),),
)


class Living:
    """A source that says something every five seconds, until it does not."""

    def __init__(self, name: str, source: str) -> None:
        self.name, self.source = name, source
        self.hangs = False
        self.silence_s: float | None = None
        """After so long without a byte it gives up by itself, as every stream of ours does; None: never."""
        self.error: BaseException | None = None

    async def batches(self, cursor: Cursor | None) -> AsyncGenerator[Batch, None]:
        n = int(cursor or 0)
        while True:
            await asyncio.sleep(5.0)
            if self.error is not None:
                raise self.error
            if self.hangs:
                await _hang(self.silence_s)
            n += 1
            now = START + asyncio.get_running_loop().time()
            item = Item(source=self.source, id=f"{self.name} {n}", created_ms=int(now * 1000), text="hello")
            yield Batch((item,), Cursor(str(n)))


async def _hang(silence_s: float | None) -> None:
    if silence_s is None:
        await asyncio.Event().wait()
        return
    await asyncio.sleep(silence_s - 5.0)  # of which it has waited for five
    raise TemporaryError(f"nothing came for {silence_s:g} s", reason=Reason.TIMEOUT)


class FaultyBus(MemoryBus):
    """A bus on which commits of a stage, or of one seat of it ("detect 1"), hang or fail, once they are told to."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store)
        self.hangs: set[str] = set()
        self.full: set[str] = set()

    async def open(self, stage: str, partition: int) -> Any:
        return _FaultySeat(self, stage, partition, await super().open(stage, partition))


class _FaultySeat:
    def __init__(self, bus: FaultyBus, stage: str, partition: int, seat: Seat) -> None:
        self._bus, self._stage, self._held = bus, stage, seat
        self._names = {stage, f"{stage} {partition}"}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._held, name)

    async def commit(
        self, outputs: Sequence[Out], state: Mapping[bytes, bytes | None], position: int
    ) -> None:
        if self._names & self._bus.hangs:
            await asyncio.Event().wait()
        # As the embedded bus has it: the clock alone is still taken.
        if self._stage in self._bus.full and (state or self._stage != COLLECT):
            raise TemporaryError("the disk is full", reason=Reason.DISK)
        await self._held.commit(outputs, state, position)


class World:
    """Sources `a` (of a channel that should be heard every `expect_s`, and critical) and `b`; two monitors."""

    def __init__(self, *, signals: int = 3, mentions: int = 2, expect_s: int | None = 15) -> None:
        self._rules = replace(RULES, channels=(("Acme", Channel("forum", expect_s=expect_s)),))
        self.back_s = 0.0
        self.store = MemoryStore({MENTIONS: mentions, SIGNALS: signals}, clock=self.wall)
        self.bus = FaultyBus(self.store)
        self.sources = [Living("a", "forum"), Living("b", "news")]
        self.network = True
        self.pings: dict[str, list[float]] = {"one": [], "two": []}
        self.matchers = Matchers(KEY)
        self.heartbeat = Heartbeat(list(self.pings), wall=self.wall, ask=self._ask)
        self.rulesets = RuleSets(self.bus)
        route = Route(
            name="all", notifiers=(Target("x", "x"), Target("y", "y")), severities=("page", "ticket")
        )
        self.told: list[Delivery] = []
        self.pipeline = Pipeline(
            self.bus, self.rulesets, key=KEY, matchers=self.matchers, routes=[route],
            deliver=self._deliver, alive=self.heartbeat.beat,
        )  # fmt: skip
        self.tasks: dict[str, asyncio.Task[Any]] = {}

    def wall(self) -> float:
        try:
            return START + asyncio.get_running_loop().time() - self.back_s
        except RuntimeError:
            return START

    async def _ask(self, url: str) -> None:
        if not self.network:
            await asyncio.sleep(9.0)
            raise TemporaryError("no answer", reason=Reason.NETWORK)
        self.pings[url].append(asyncio.get_running_loop().time())

    async def _deliver(self, deliveries: Sequence[Delivery]) -> None:
        self.told += deliveries
        now = int(self.wall())
        receipts = [
            Receipt(now=now, delivery=d.delivery, attempt=d.attempt, outcome="delivered") for d in deliveries
        ]
        await self.bus.write([Out(DESK, 0, b"", encode(one)) for one in receipts])

    def supervisor(self) -> Supervisor:
        pairs = [
            (ConnectorConfig(name=s.name, source=s.source, critical=s.name == "a"), s) for s in self.sources
        ]
        one = Supervisor(
            self.bus, pairs, key=KEY, compiles=self.matchers.filter, wall=self.wall, chance=random.Random(1)
        )
        one.publish_ruleset(self._rules)
        return one

    async def run(self, seconds: float, *acts: tuple[float, Callable[[], object]]) -> None:
        """For so long; each act happens at its second."""
        async with asyncio.TaskGroup() as group:
            works: dict[str, Coroutine[Any, Any, None]] = {
                "collect": self.supervisor().run(),
                "stages": self.pipeline.run(),
                "rulesets": self.rulesets.run(),
                "heartbeat": self.heartbeat.run(),
            }
            self.tasks = {name: group.create_task(_quiet(work)) for name, work in works.items()}
            for at, act in acts:
                await asyncio.sleep(at - asyncio.get_running_loop().time())
                act()
            await asyncio.sleep(seconds - asyncio.get_running_loop().time())
            self.kill()

    def kill(self, *names: str) -> None:
        """End these, or all, as if their process were gone."""
        for name in names or self.tasks:
            self.tasks[name].cancel()

    def alarm_at(self, grace_s: float, end: float) -> float | None:
        """When a monitor with this grace rings first; None: not before `end`."""
        pings = self.pings["one"]
        for before, after in zip([pings[0], *pings], [*pings, end], strict=True):
            if after - before > PERIOD_S + grace_s:
                return before + PERIOD_S + grace_s
        return None


async def _quiet(work: Awaitable[None]) -> None:
    try:
        await work
    except asyncio.CancelledError:
        return


def virtually(work: Coroutine[Any, Any, None]) -> None:
    """On a loop whose time jumps to the next thing to do."""
    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        runner.run(work)

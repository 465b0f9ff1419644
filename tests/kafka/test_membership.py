"""Membership on a real broker: seats are shared out, given back, kept through an outage, and given up when they must be."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import pytest

from tests.kafka.brokers import Brokers
from tests.kafka.fixtures import Cluster, make_topics
from warn.bus.base import Seats
from warn.bus.kafka.clients import Clients
from warn.bus.kafka.config import KafkaConfig
from warn.bus.kafka.membership import UNWELL_S, Membership
from warn.model.flow import COLLECT, DETECT, MATCH, RESPOND
from warn.telemetry import events

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]

STAGES = (COLLECT, MATCH, DETECT, RESPOND)
COUNTS = {"mentions": 4, "signals": 3, "collect": 2}
ALL: Seats = frozenset(
    (stage, n) for stage, count in ((COLLECT, 2), (MATCH, 4), (DETECT, 3), (RESPOND, 1)) for n in range(count)
)


class Member:
    """A membership with clients of its own, as a process has, and a clock that can be made to jump."""

    def __init__(self, bootstrap: str, prefix: str, *stages: str) -> None:
        self.clients = Clients(KafkaConfig((bootstrap,), prefix=prefix), events)
        self.jumped = 0.0
        self.rounds: list[Counter[str]] = []
        self.failures: list[str] = []
        self.membership = Membership(
            self.clients, stages or STAGES, self, now=lambda: time.monotonic() + self.jumped
        )

    def membership_joining(self) -> None:
        self.joining = True

    def membership_assigned(self, seats: Mapping[str, int]) -> None:
        self.rounds.append(Counter(seats))

    def membership_failed(self, error: BaseException, *, retry_in_s: float) -> None:
        self.failures.append(str(error))

    @property
    def wanted(self) -> Seats:
        return self.membership.wanted

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator["Member"]:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.membership.run())
            try:
                yield self
            finally:
                self.membership.stop()
        await self.clients.close()

    async def has(self, seats: Seats, within_s: float = 30) -> float:
        """Wait until exactly these are wanted; how long that took."""
        began = time.monotonic()
        async with asyncio.timeout(within_s):
            while (now := self.wanted) != seats:
                await self.membership.changed(now, 1.0)
        return time.monotonic() - began


async def until(seen: Callable[[], object], within_s: float = 60) -> None:
    async with asyncio.timeout(within_s):
        while not seen():  # noqa: ASYNC110 - what is seen does not know who looks
            await asyncio.sleep(0.05)


@pytest.fixture
async def prefix(kafka: Cluster, kafka_prefix: str) -> str:
    await make_topics(kafka.bootstrap, kafka_prefix, COUNTS)
    return kafka_prefix


async def test_seats_are_shared_and_given_back(kafka: Cluster, prefix: str) -> None:
    """All go to the first, half of each stage to the second, and back within about a second when it leaves."""
    async with Member(kafka.bootstrap, prefix).at_work() as one:
        await one.has(ALL)
        async with Member(kafka.bootstrap, prefix).at_work() as two:
            await until(lambda: one.wanted | two.wanted == ALL and two.wanted and not one.wanted & two.wanted)
            assert Counter(stage for stage, _ in two.wanted) >= Counter({COLLECT: 1, MATCH: 2, DETECT: 1})
            for member in (one, two):
                consumer = member.membership._consumer
                assert consumer.paused() == consumer.assignment(), "it never fetches"
        assert not two.wanted
        print(f"the other's seats were back after {await one.has(ALL):.2f} s")
        assert not one.failures
        assert not two.failures


async def test_each_process_asks_for_its_own_stages(kafka: Cluster, prefix: str) -> None:
    """A stage goes to those that run it; one that nobody runs goes to nobody."""
    async with (
        Member(kafka.bootstrap, prefix, MATCH).at_work() as one,
        Member(kafka.bootstrap, prefix, MATCH, RESPOND).at_work() as two,
    ):
        await until(lambda: one.wanted and two.wanted and not one.wanted & two.wanted)
        await until(lambda: one.wanted | two.wanted == {s for s in ALL if s[0] in (MATCH, RESPOND)})
        assert (RESPOND, 0) in two.wanted
        assert Counter(stage for stage, _ in one.wanted) == {MATCH: 2}


async def test_a_process_that_stood_still_gives_up_its_seats_and_joins_again(
    kafka: Cluster, prefix: str
) -> None:
    """Longer than a session: others have them by now, whatever this process remembers."""
    async with Member(kafka.bootstrap, prefix).at_work() as one:
        await one.has(ALL)
        one.jumped += 10.0
        assert not one.wanted, "at once, before anything else has had a turn"
        await until(lambda: one.failures)
        assert "stood still for 1" in one.failures[0]
        await one.has(ALL)


async def test_seats_that_are_taken_again_and_again_are_asked_for_anew(kafka: Cluster, prefix: str) -> None:
    """Fences of seats that nobody has shared out anew mean that somebody was not told something: join again."""
    async with Member(kafka.bootstrap, prefix).at_work() as one:
        await one.has(ALL)
        rounds = len(one.rounds)
        for _ in range(3):
            one.membership.doubt(COLLECT, 9)  # not ours: no wonder
        await asyncio.sleep(1.5)
        for _ in range(3):
            one.membership.doubt(MATCH, 0)
        await until(lambda: len(one.rounds) > rounds)
        assert one.failures == ["others hold seats that were given to us"]
        await one.has(ALL)


async def test_nothing_is_given_up_while_kafka_is_away(make_kafka: Callable[..., Brokers]) -> None:
    """Longer than a consumer is believed in: it goes on with what it has, under a new one when the broker is back."""
    broker = make_kafka()
    await make_topics(broker.bootstrap, "away", COUNTS)
    async with Member(broker.bootstrap, "away").at_work() as one:
        await one.has(ALL)
        await asyncio.to_thread(broker.kill, 1)
        seen: set[Seats] = set()
        end = time.monotonic() + UNWELL_S + 10
        while time.monotonic() < end:
            seen.add(one.wanted)
            await asyncio.sleep(0.1)
        assert seen == {ALL}
        assert one.failures
        rounds = len(one.rounds)
        await asyncio.to_thread(broker.start, 1)
        await until(lambda: len(one.rounds) > rounds)
        assert one.wanted == ALL
        assert not one.clients.stuck

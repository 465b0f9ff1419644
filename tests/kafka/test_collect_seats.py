"""Collect on several seats, over real brokers: threads, rules and time are shared as they are over the bus in memory."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.kafka.buses import another, config_for, values
from tests.kafka.fixtures import Cluster
from tests.unit.ingest.items import KEY, item
from tests.unit.ingest.scripted import Act, Scripted
from tests.unit.ingest.seats import ACME, compiles, wants
from warn.bus.base import Bus, FencedError
from warn.bus.kafka.admin import create
from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Batch, Cursor
from warn.ingest.supervisor import Supervisor
from warn.model.flow import COLLECT, MENTIONS
from warn.model.hashing import connector_seat, content_hash
from warn.model.mention import Mention
from warn.model.records import Clock, Parcel
from warn.model.wire import decode_mentions, encode

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]

SEATS = 2


def on(seat: int, *acts: Act) -> Scripted:
    """A connector that belongs to a seat."""
    name = next(name for name in (f"c{n}" for n in range(99)) if connector_seat(name, SEATS) == seat)
    return Scripted(name, acts)


def post(id_: str, text: str = "Acme", **more: object) -> Batch:
    now_ms = int(time.time() * 1000)
    return Batch((item(id_, text, created_ms=now_ms, seen_ms=now_ms, **more),), Cursor(id_))


def on_seat(bus: Bus, partition: int, *connectors: Scripted) -> Supervisor:
    pairs = [(ConnectorConfig(name=one.name, source=one.source), one) for one in connectors]
    supervisor = Supervisor(
        bus, pairs, key=KEY, compiles=compiles, partition=partition, chance=random.Random(partition)
    )
    supervisor.publish_ruleset(ACME)
    return supervisor


@asynccontextmanager
async def two_processes(kafka: Cluster, prefix: str) -> AsyncIterator[tuple[Bus, Bus]]:
    config = config_for(kafka.bootstrap, prefix)
    await create(config)
    one, other = await another(config), await another(config)
    try:
        yield one, other
    finally:
        await one.close()
        await other.close()


async def run_for(seconds: float, *supervisors: Supervisor) -> None:
    """Run them and stop them in order; what one raises fails the test."""
    async with asyncio.TaskGroup() as group:
        for supervisor in supervisors:
            group.create_task(supervisor.run())
        await asyncio.sleep(seconds)
        for supervisor in supervisors:
            supervisor.stop()


async def lying(bus: Bus) -> tuple[list[Mention], list[Clock]]:
    """What lies in `[mentions]`."""
    records = [decode_mentions(value) for value in await values(bus, MENTIONS)]
    found = [one for record in records if isinstance(record, Parcel) for one in record.mentions]
    return found, [record for record in records if isinstance(record, Clock)]


async def test_what_one_process_let_through_the_other_knows(kafka: Cluster, kafka_prefix: str) -> None:
    """An answer without a word of ours is let through by another process, also by one that has only just begun."""
    async with two_processes(kafka, kafka_prefix) as (one, other):
        asks = on(0, post("1"))
        answers = on(1, 4.0, post("2", "shame", reply_to="1"), post("3", "weather"))
        await run_for(9.0, on_seat(one, 0, asks, answers), on_seat(other, 1, asks, answers))
        again = on(1, post("4", "indeed", reply_to="2"), post("5", "weather"))
        await run_for(4.0, on_seat(other, 1, asks, again))
        found, clocks = await lying(one)
    assert again.cursors == [Cursor("3")]
    assert sorted(mention.id for mention in found) == ["1", "2", "4"]
    assert len({mention.thread for mention in found}) == 1
    seconds = [clock.now for clock in clocks]
    assert len(seconds) == len(set(seconds)) * 2  # one into each partition


async def test_new_rules_are_named_once_every_process_filters_by_them(
    kafka: Cluster, kafka_prefix: str
) -> None:
    bolt = wants("acme", "bolt")
    async with two_processes(kafka, kafka_prefix) as (one, other):
        stream = on(1, *(act for n in range(40) for act in (post(f"{n:02}", "bolt"), 0.25)))
        first = on_seat(one, 0, stream)
        async with asyncio.TaskGroup() as group:
            group.create_task(run_for(13.0, first, on_seat(other, 1, stream)))
            await asyncio.sleep(5.0)
            asked_at = time.time()
            first.publish_ruleset(bolt)
        found, clocks = await lying(one)
    named_at = min(clock.now for clock in clocks if content_hash(encode(bolt)) in clock.config)
    took_s = named_at - asked_at
    print(f"named {took_s:.1f} s after it was asked for")
    assert took_s < 5
    assert {m.id for m in found} == {f"{n:02}" for n in range(40 - len(found), 40)}
    assert 15 <= len(found) < 40


async def test_who_is_fenced_ends_and_a_successor_goes_on(kafka: Cluster, kafka_prefix: str) -> None:
    async with two_processes(kafka, kafka_prefix) as (one, other):
        busy = on(1, *(act for n in range(200) for act in (post(f"{n:03}"), 0.1)))
        async with asyncio.TaskGroup() as group:
            group.create_task(run_for(8.0, on_seat(one, 0)))
            old = group.create_task(_until_fenced(on_seat(one, 1, busy)))
            await asyncio.sleep(4.0)
            await (await other.open(COLLECT, 1)).close()
            await old
        found, _ = await lying(one)
        ids = sorted(mention.id for mention in found)
        heir = on(1, post("x"))
        await run_for(3.0, on_seat(one, 0), on_seat(other, 1, heir))
    assert ids == [f"{n:03}" for n in range(len(ids))]
    assert heir.cursors == [Cursor(ids[-1])]


async def _until_fenced(supervisor: Supervisor) -> None:
    with pytest.raises(FencedError):
        await supervisor.run()

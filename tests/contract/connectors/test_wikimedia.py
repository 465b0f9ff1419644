"""Wikimedia: over real sockets, against a stand-in for EventStreams."""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.wikimedia import WikimediaConfig, WikimediaConnector
from tests.contract.connectors.faults import STREAM, check_faults
from tests.contract.connectors.faults import inside as inside_of
from tests.contract.connectors.recentchange import START_MS, Event, EventStreams, change, event_id
from tests.contract.connectors.service import Address, raw, serve
from warn.bus.memory import MemoryBus, MemoryStore
from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Batch, Connector, Cursor, Gap
from warn.ingest.supervisor import Supervisor
from warn.model.errors import PermanentError, Reason, TemporaryError, WarnError
from warn.model.flow import MENTIONS
from warn.model.hashing import PUBLIC_KEY
from warn.model.mention import Item
from warn.model.rules import RuleSet
from warn.testing.check_connector import Until, check_connector, everything, landed

ARTICLES = ({"wiki": "nlwiki", "title": "Acme"}, {"wiki": "enwiki", "title": "acme_(brand)"})
SECRETS = ["marked", "203.0.113.9"]


def made(n: int = 60) -> list[Event]:
    """Every third is about us; bots, canaries and what others do among them."""
    events = []
    for i in range(n):
        if i % 3 == 0:
            events.append(change(i, user=("marked", "203.0.113.9")[i % 2]))
        elif i % 10 == 4:
            events.append(change(i, bot=True))
        elif i % 10 == 7:
            events.append(change(i, meta={"domain": "canary", "dt": "2026-06-01T00:00:00Z", "id": "c"}))
        else:
            events.append(change(i, "Borealis"))
    return [*events, change(n)]


def config_at(address: Address, **more: Any) -> WikimediaConfig:
    settings = {"articles": ARTICLES, **more}
    return WikimediaConfig.model_validate(
        {"name": "wiki", "url": f"{address.url}/v2/stream/recentchange", "inside": [address.inside], **settings}
    )  # fmt: skip


def connector(config: WikimediaConfig, healthy_s: float = 60.0) -> WikimediaConnector:
    return WikimediaConnector(config, silence_s=0.6, healthy_s=healthy_s, tell_s=0.05)


def has(n: int) -> Callable[[Batch], bool]:
    return lambda batch: any(item.id == f"nlwiki:{1_000 + n}" for item in batch.items)


async def read(
    one: Connector, until: Callable[[Batch], bool], cursor: Cursor | None = None
) -> tuple[list[Batch], WarnError | None]:
    found: list[Batch] = []
    try:
        async with aclosing(Until(one, until, idle_s=2.0).batches(cursor)) as batches:
            async for batch in batches:
                found.append(batch)  # noqa: PERF401 - what came before a failure counts
    except WarnError as e:
        return found, e
    return found, None


def items_of(batches: Sequence[Batch]) -> list[Item]:
    return [item for batch in batches for item in batch.items]


def gaps_of(batches: Sequence[Batch]) -> list[Gap]:
    return [gap for batch in batches for gap in batch.gaps]


async def test_the_contract() -> None:
    server = EventStreams(made())
    async with serve(server.app()) as address:

        def make() -> tuple[ConnectorConfig, Connector]:
            config = config_at(address)
            return config, Until(connector(config), has(60))

        await check_connector(make, secrets=SECRETS)
    assert any(server.asked) and not all(server.asked)


async def test_faults() -> None:
    def make(url: str) -> Connector:
        return connector(
            WikimediaConfig.model_validate(
                {
                    "name": "wiki",
                    "url": f"{url}/v2/stream/recentchange",
                    "inside": [inside_of(url)],
                    "terms": ["Acme"],
                }
            )
        )

    await check_faults(make, place="wikimedia", remedy="", but=STREAM)


async def test_a_stream_that_ends_again_and_again_loses_and_doubles_nothing() -> None:
    """Short ones are failures and wait; by the real supervisor, over one store."""
    whole, store = MemoryStore({MENTIONS: 3}), MemoryStore({MENTIONS: 3})
    server = EventStreams(made())
    async with serve(server.app()) as address:
        await _supervise(whole, config_at(address), server)
        server.cuts = [13, 22, 9]
        await _supervise(store, config_at(address), server)
    assert not server.cuts
    assert landed(store) == landed(whole) and landed(whole).total() == 21


async def _supervise(store: MemoryStore, config: WikimediaConfig, server: EventStreams) -> None:
    ended = asyncio.Event()

    def last(batch: Batch) -> bool:
        if has(60)(batch):
            ended.set()
        return False

    supervisor = Supervisor(
        MemoryBus(store), [(config, Until(connector(config), last))], key=PUBLIC_KEY, compiles=everything,
        chance=random.Random(1),
    )  # fmt: skip
    supervisor.publish_ruleset(RuleSet())
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        running = group.create_task(supervisor.run())
        await ended.wait()
        await asyncio.sleep(0.1)
        running.cancel()


async def test_a_stream_that_ends_after_a_healthy_time_is_opened_again_at_once() -> None:
    server = EventStreams(made(), cuts=[30, 15], slow=0.005)
    async with serve(server.app()) as address:
        batches, error = await read(connector(config_at(address), healthy_s=0.05), has(60))
    assert error is None and server.cuts == []
    assert server.asked == ["", event_id(29), event_id(43)]
    # What it was resumed with comes once more, and is skipped by the supervisor.
    assert {item.id for item in items_of(batches)} == {f"nlwiki:{1_000 + n}" for n in range(0, 61, 3)}
    assert gaps_of(batches) == []


async def test_a_stream_that_does_not_last_is_an_error() -> None:
    async with serve(EventStreams(made(), cuts=[5]).app()) as address:
        batches, error = await read(connector(config_at(address)), has(60))
    assert isinstance(error, TemporaryError) and error.reason is Reason.NETWORK
    assert len(items_of(batches)) == 2


async def test_what_is_told() -> None:
    events = [
        change(0, comment="/* Brand */ zie [[Acme fire]]"),
        change(1, "Overleg:Acme", namespace=1, parsedcomment="<a>why</a> &amp; how"),
        change(2, "Acme (brand)", wiki="enwiki", type="new"),
        change(3, "Acme", wiki="dewiki"), change(4, type="log"), change(5, "Acmeism"), change(6, bot=True),
        change(7, user=None),
    ]  # fmt: skip
    async with serve(EventStreams(events).app()) as address:
        batches, _ = await read(connector(config_at(address)), has(7))
    assert items_of(batches)[0] == Item(
        source="wiki", id="nlwiki:1000", created_ms=START_MS, author="marked", text="Acme\nBrand zie Acme fire", lang="nl",
        url="https://nl.wikipedia.org/w/index.php?diff=1000", thread="nlwiki:Acme",
    )  # fmt: skip
    assert [(item.id, item.thread) for item in items_of(batches)[1:]] == [
        ("nlwiki:1001", "nlwiki:Acme"), ("enwiki:1002", "enwiki:Acme (brand)"), ("nlwiki:1007", "nlwiki:Acme"),
    ]  # fmt: skip
    assert items_of(batches)[1].text == "Acme\nwhy & how"


async def test_a_cursor_that_is_too_old_is_a_gap() -> None:
    server = EventStreams([change(n) for n in range(301)], floor=250)
    async with serve(server.app()) as address:
        batches, error = await read(connector(config_at(address)), has(300), Cursor(event_id(20)))
    assert error is None and server.asked == [event_id(20)]
    assert gaps_of(batches) == [Gap(START_MS // 1000 + 20, START_MS // 1000 + 250)] and batches[0].gaps


async def test_a_cursor_that_is_refused_is_a_gap_and_then_live() -> None:
    server = EventStreams([change(n) for n in range(301)], floor=250, refuses_ids=True)
    async with serve(server.app()) as address:
        batches, error = await read(connector(config_at(address)), has(300), Cursor(event_id(20)))
    assert error is None and server.asked == [event_id(20), ""]
    assert gaps_of(batches) == [Gap(START_MS // 1000 + 20, START_MS // 1000 + 250)]


async def test_a_refused_cursor_is_a_gap_however_short() -> None:
    server = EventStreams([change(n) for n in range(100)], floor=60, refuses_ids=True)
    async with serve(server.app()) as address:
        batches, _ = await read(connector(config_at(address)), has(99), Cursor(event_id(20)))
    assert gaps_of(batches) == [Gap(START_MS // 1000 + 20, START_MS // 1000 + 60)]


async def test_the_cursor_moves_where_nothing_is_about_us() -> None:
    server = EventStreams([change(n, "Borealis") for n in range(200)], slow=0.01)
    async with serve(server.app()) as address:
        batches, _ = await read(connector(config_at(address)), lambda batch: batch.cursor == event_id(199))
    assert items_of(batches) == [] and 3 < len(batches) < 70


async def test_garbage_is_put_aside_and_stops_nothing() -> None:
    broken = ["{", "[]", "5", '{"meta": 5}', "{}", "[" * 5_000]
    server = EventStreams(
        [*(change(n) for n in range(3)), change(3, revision=5), change(4, meta={"dt": "soon"}), change(5)]
    )
    server.raw[2] = [f"event: message\ndata: {one}\n\n" for one in broken]
    async with serve(server.app()) as address:
        batches, error = await read(connector(config_at(address)), has(5))
    refused = [one for batch in batches for one in batch.refused]
    assert error is None and len(refused) == len(broken) + 2
    assert all(one.where.startswith("wikimedia, behind 1") and one.message and one.payload for one in refused)
    assert [item.id for item in items_of(batches)] == [
        "nlwiki:1000",
        "nlwiki:1001",
        "nlwiki:1002",
        "nlwiki:1005",
    ]


async def test_an_error_in_the_stream() -> None:
    server = EventStreams(made(), raw={9: ['event: error\ndata: {"message": "marked"}\n\n']})
    async with serve(server.app()) as address:
        _, error = await read(connector(config_at(address)), has(60))
    assert isinstance(error, TemporaryError) and error.reason is Reason.SERVER and "marked" not in str(error)


async def test_half_open() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n:ok\n\n")
        await reader.read()

    async with raw(silent) as address:
        _, error = await read(connector(config_at(address), healthy_s=0.0), has(60))
    assert isinstance(error, TemporaryError) and error.reason is Reason.TIMEOUT


@pytest.mark.parametrize("cursor", ["nonsense", "[]", '{"a": 1}', "[5]", '[{"topic": "\n"}]', '[{"é": 1}]'])
async def test_a_foreign_cursor(cursor: str) -> None:
    with pytest.raises(PermanentError) as caught:
        await anext(connector(config_at(Address(9))).batches(Cursor(cursor)))
    assert caught.value.reason is Reason.MALFORMED


@pytest.mark.parametrize("more", [{"articles": ()}, {"articles": (), "terms": ["--"]}, {"wikis": ["NL!"]}])
def test_settings_that_are_none(more: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        config_at(Address(9), **more)

"""Bluesky: over real sockets, against a stand-in that speaks both versions of Jetstream."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Final

import pytest

from connectors.bluesky import BlueskyConfig, BlueskyConnector
from connectors.bluesky.events import POST
from tests.contract.connectors.faults import STREAM, check_faults, inside
from tests.contract.connectors.jetstream import SECOND_US, START_US, Event, Jetstream, commit, second
from tests.contract.connectors.service import Address, raw, serve
from tests.shared import SHARED, needs_shared
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

MARKED: Final = "did:plc:markedperson"


def uri(did: str, rkey: str, collection: str = POST) -> str:
    return f"at://{did}/{collection}/{rkey}"


def made(n: int = 48) -> list[Event]:
    """Posts, replies, likes, reposts, edits, deletes, and news of accounts among them; by seed."""
    rng = random.Random(7)
    events: list[Event] = []
    for i in range(n):
        did, kind = f"{MARKED}{i % 9}", rng.random()
        target = {"uri": uri(f"{MARKED}0", f"r{rng.randrange(max(1, i))}"), "cid": "c"}
        if kind < 0.4 or i == 0:
            events.append(commit(i, did, POST, f"r{i}", {"text": f"Acme kettle number {i}"}))
        elif kind < 0.5:
            reply = {"root": target, "parent": target}
            events.append(commit(i, did, POST, f"r{i}", {"text": "shame on you", "reply": reply}))
        elif kind < 0.65:
            events.append(commit(i, did, "app.bsky.feed.like", f"r{i}", {"subject": target}))
        elif kind < 0.75:
            events.append(commit(i, did, "app.bsky.feed.repost", f"r{i}", {"subject": target}))
        elif kind < 0.82:
            events.append(commit(i, did, POST, f"r{i - 1}", {"text": f"edited {i}"}, "update"))
        elif kind < 0.9:
            events.append(commit(i, did, POST, f"r{i - 1}", None, "delete"))
        else:
            event = commit(i, did, POST, "", None)
            events.append({"did": did, "time_us": event["time_us"], "kind": "identity",
                           "identity": {"did": did, "handle": "marked.example", "seq": i}})  # fmt: skip
    return [*events, commit(n, f"{MARKED}0", POST, "last", {"text": "Acme: the last one"})]


@asynccontextmanager
async def jetstream(stands_in: Jetstream) -> AsyncIterator[Address]:
    async with serve(stands_in.app()) as address:
        yield address


def config_at(*addresses: Address, **more: object) -> BlueskyConfig:
    return BlueskyConfig.model_validate(
        {"name": "bluesky", "hosts": [one.ws for one in addresses], "inside": [one.inside for one in addresses], **more}
    )  # fmt: skip


LAST_US: Final = made()[-1]["time_us"]


def is_last(batch: Batch) -> bool:
    """Whether it is as far as the last event; what is resumed behind that says so too."""
    return batch.cursor is not None and json.loads(batch.cursor)["us"] >= LAST_US


async def read(
    connector: Connector, cursor: Cursor | None = None, *, idle_s: float = 1.0
) -> tuple[list[Batch], WarnError | None]:
    """All until the last event, until nothing comes, or until it fails."""
    batches: list[Batch] = []
    try:
        async with aclosing(Until(connector, is_last, idle_s=idle_s).batches(cursor)) as coming:
            async for batch in coming:
                batches.append(batch)  # noqa: PERF401 - those before an error are wanted
    except WarnError as e:
        return batches, e
    return batches, None


def items_of(batches: Sequence[Batch]) -> list[Item]:
    return [item for batch in batches for item in batch.items]


def last_cursor(batches: Sequence[Batch]) -> Cursor:
    return next(batch.cursor for batch in reversed(batches) if batch.cursor)


def gaps_of(batches: Sequence[Batch]) -> list[Gap]:
    return [gap for batch in batches for gap in batch.gaps]


@pytest.mark.parametrize("versions", [(2, 1), (1,)])
async def test_the_contract(versions: tuple[int, ...]) -> None:
    server = Jetstream(made(), versions)
    async with jetstream(server) as address:

        def make() -> tuple[ConnectorConfig, Connector]:
            config = config_at(address)
            return config, Until(BlueskyConnector(config), is_last)

        await check_connector(make, secrets=[MARKED])
    assert {version for version, _ in server.asked} == ({2} if 2 in versions else {2, 1})


async def test_faults() -> None:
    await check_faults(
        lambda url: BlueskyConnector(
            BlueskyConfig(name="bluesky", hosts=(url,), inside=(inside(url),)), silence_s=0.4
        ),
        place="bluesky",
        remedy="",
        but=STREAM,
    )


@pytest.mark.parametrize("versions", [(2, 1), (1,)])
async def test_a_connection_that_breaks_again_and_again_loses_and_doubles_nothing(
    versions: tuple[int, ...],
) -> None:
    """By the real supervisor, over one store: each run goes on from what was committed."""
    whole, store = MemoryStore({MENTIONS: 3}), MemoryStore({MENTIONS: 3})
    server = Jetstream(made(), versions)
    async with jetstream(server) as address:
        await _supervise(whole, config_at(address), 1.5)
        for cut in (17, 23, 15, 29, 19, None):
            server.cut = cut
            await _supervise(store, config_at(address), 1.0)
    assert landed(store) == landed(whole)
    assert landed(whole).total() > 30


async def _all_items(versions: tuple[int, ...]) -> list[Item]:
    async with jetstream(Jetstream(made(), versions)) as address:
        batches, error = await read(BlueskyConnector(config_at(address)))
    assert error is None
    return items_of(batches)


async def _supervise(store: MemoryStore, config: BlueskyConfig, seconds: float) -> None:
    supervisor = Supervisor(
        MemoryBus(store), [(config, BlueskyConnector(config))], key=PUBLIC_KEY, compiles=everything, chance=random.Random(1)
    )  # fmt: skip
    supervisor.publish_ruleset(RuleSet())
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        running = group.create_task(supervisor.run())
        await asyncio.sleep(seconds)
        running.cancel()


async def test_what_the_versions_say_is_the_same() -> None:
    first, second_ = await _all_items((1,)), await _all_items((2,))
    assert first == second_ and len(first) > 40
    assert {item.kind for item in first} == {"post", "reply", "like", "repost", "edit", "delete"}


@pytest.mark.parametrize(("versions", "clamps"), [((2, 1), False), ((1,), True)])
async def test_a_cursor_that_is_too_old_is_a_gap_and_then_live(
    versions: tuple[int, ...], clamps: bool
) -> None:
    events = made()
    later = [{**one, "time_us": one["time_us"] + 3600 * SECOND_US} for one in made(60)[40:]]
    async with jetstream(Jetstream(events[:20], versions)) as address:
        before, _ = await read(BlueskyConnector(config_at(address)))
    server = Jetstream([*events[:20], *later], versions, floor=20, live=25)
    async with jetstream(server) as address:
        after, error = await read(BlueskyConnector(config_at(address)), _moved(last_cursor(before), address))
    assert error is None
    heard_last, heard_first = events[19]["time_us"], server.events[20 if clamps else 25]["time_us"]
    assert gaps_of(after) == [Gap(heard_last // SECOND_US, heard_first // SECOND_US)]
    assert after[0].gaps, "told with the first that came after it"


def _moved(cursor: Cursor, address: Address) -> Cursor:
    """The same place, as if it had been this host's."""
    return Cursor(json.dumps({**json.loads(cursor), "host": address.ws}))


async def test_a_host_that_numbers_anew_is_a_gap() -> None:
    async with jetstream(Jetstream(made()[:30])) as address:
        before, _ = await read(BlueskyConnector(config_at(address)))
    later = [{**one, "time_us": one["time_us"] + 40 * SECOND_US} for one in made(10)]
    async with jetstream(Jetstream(later, first_seq=1)) as address:
        after, _ = await read(BlueskyConnector(config_at(address)), _moved(last_cursor(before), address))
    assert len(gaps_of(after)) == 1
    assert len(items_of(after)) > 5, "and it goes on with what comes"


async def test_a_resume_without_a_gap_tells_of_none() -> None:
    async with jetstream(Jetstream(made())) as address:
        before, _ = await read(BlueskyConnector(config_at(address)))
        after, _ = await read(BlueskyConnector(config_at(address)), before[0].cursor)
    assert gaps_of(after) == []
    assert items_of(before[:1]) + items_of(after) == items_of(before)


async def test_another_host_is_read_from_a_little_before_and_says_nothing_twice() -> None:
    """The first breaks off; the second has other numbers, another clock, and the same events."""
    first = Jetstream(made(), cut=25)
    other = Jetstream(made(), (1,), skew_us=400_000)
    async with jetstream(first) as one, jetstream(other) as two:
        connector = BlueskyConnector(config_at(one, two))
        before, error = await read(connector)
        assert isinstance(error, TemporaryError) and error.reason is Reason.NETWORK
        first.versions = ()  # it is gone
        after, error = await read(connector, last_cursor(before))
    assert error is None and gaps_of(after) == []
    whole = await _all_items((2,))
    ids = [(item.id, item.kind) for item in items_of([*before, *after])]
    assert Counter(ids) == Counter((item.id, item.kind) for item in whole)
    assert json.loads(last_cursor(after))["host"] == two.ws


async def test_what_was_not_committed_is_read_again_from_another_host() -> None:
    """A batch that was yielded and lost with its step is none that may be skipped."""
    first = Jetstream(made())
    async with jetstream(first) as one, jetstream(Jetstream(made(), (1,))) as two:
        connector = BlueskyConnector(config_at(one, two))
        async with aclosing(connector.batches(None)) as batches:
            committed = await anext(batches)
            lost = await anext(batches)
        first.versions = ()
        again, _ = await read(connector, committed.cursor)
    assert lost.items
    assert items_of([committed, *again]) == await _all_items((2,))


async def test_too_slow_is_said_in_clear_words() -> None:
    end = json.dumps({"$type": "error", "error": "ConsumerTooSlow", "message": MARKED})
    async with jetstream(Jetstream(made(), extra={30: [end]})) as address:
        batches, error = await read(BlueskyConnector(config_at(address)))
    assert isinstance(error, TemporaryError) and error.reason is Reason.RATE_LIMITED
    assert "too slowly" in str(error) and MARKED not in str(error)
    assert len(items_of(batches)) > 20, "what came before it is not lost"


async def test_an_error_of_the_server_quotes_nothing() -> None:
    end = json.dumps({"$type": "error", "error": MARKED, "message": MARKED})
    async with jetstream(Jetstream(made(), extra={3: [end]})) as address:
        _, error = await read(BlueskyConnector(config_at(address)))
    assert isinstance(error, TemporaryError) and error.reason is Reason.SERVER and MARKED not in str(error)


async def test_an_advice_that_the_cursor_is_outdated_is_a_gap() -> None:
    info = json.dumps(
        {"$type": "message", "payload": {"$type": "x.subscribeEvents#info", "name": "OutdatedCursor"}}
    )
    async with jetstream(Jetstream(made(), extra={11: [info]})) as address:
        at = json.dumps({"host": address.ws, "us": START_US + SECOND_US, "seq": 1_011})
        batches, _ = await read(BlueskyConnector(config_at(address)), Cursor(at))
    assert gaps_of(batches) == [
        Gap(START_US // SECOND_US + 1, (START_US + 11 * SECOND_US * 2 // 5) // SECOND_US)
    ]
    assert items_of(batches)


@pytest.mark.parametrize("versions", [(2, 1), (1,)])
async def test_garbage_is_put_aside_with_its_place_and_stops_nothing(versions: tuple[int, ...]) -> None:
    broken = commit(3, "did:plc:x", POST, "r", {"text": 5})
    garbage = [
        "{", "[]", "null", '"text"', "\x00", '{"kind": 1}', '{"did": "a", "time_us": "1", "kind": "commit"}',
        json.dumps(broken if versions == (1,) else second(broken, 1_009)),
        '{"$type": "message"}', "[" * 5_000,
    ]  # fmt: skip
    server = Jetstream(made(), versions, extra={10: garbage})
    async with jetstream(server) as address:
        batches, error = await read(BlueskyConnector(config_at(address)))
    refused = [one for batch in batches for one in batch.refused]
    assert error is None and len(refused) == len(garbage)
    assert all(one.where.startswith("bluesky, behind 1") and one.message and one.payload for one in refused)
    assert items_of(batches) == await _all_items(versions)


async def test_half_open() -> None:
    """It answers the handshake, and then never says anything."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        while await reader.read(1_000):
            pass

    server = Jetstream([], (2,))
    async with raw(silent) as one, jetstream(server) as two:
        with pytest.raises(TemporaryError) as caught:
            await anext(BlueskyConnector(config_at(two), silence_s=0.2).batches(None))
        assert caught.value.reason is Reason.TIMEOUT
        _, error = await read(BlueskyConnector(config_at(one)), idle_s=0.2)
        assert error is None, "it is still waiting"


async def test_a_foreign_cursor() -> None:
    with pytest.raises(PermanentError) as caught:
        await anext(BlueskyConnector(BlueskyConfig(name="bluesky")).batches(Cursor("nonsense")))
    assert caught.value.reason is Reason.MALFORMED


@pytest.mark.parametrize(
    "host", ["", "ftp://x", "wss://", "wss://a:b@x", "x/path", "wss://x?y=1", "x#y", "://x", "a b://x"]
)
def test_what_is_no_host(host: str) -> None:
    with pytest.raises(ValueError, match="hosts"):
        BlueskyConfig(name="bluesky", hosts=(host,))


@needs_shared
@pytest.mark.parametrize(("name", "items"), [("golden_v1.jsonl", 3), ("via_repost_like_2025-11-21.jsonl", 2)])
async def test_recorded(name: str, items: int) -> None:
    assert SHARED is not None
    lines = (SHARED / "data" / "payloads" / "bluesky_jetstream" / name).read_text().splitlines()
    server = Jetstream([json.loads(line) for line in lines], (1,))
    async with jetstream(server) as address:
        connector = BlueskyConnector(config_at(address))
        batches, error = await read(connector)
    assert error is None and not [one for batch in batches for one in batch.refused]
    assert len(items_of(batches)) == items
    assert all(item.author and item.created_ms > 1_700_000_000_000 for item in items_of(batches))

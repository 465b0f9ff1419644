"""Bluesky: over real sockets, against a stand-in that speaks both versions of Jetstream."""

import asyncio
import json
import random

import pytest

from connectors.bluesky import BlueskyConfig, BlueskyConnector
from connectors.bluesky.events import POST
from tests.contract.connectors.bluesky_reading import (
    MARKED,
    all_items,
    config_at,
    is_last,
    items_of,
    jetstream,
    made,
    read,
)
from tests.contract.connectors.faults import STREAM, check_faults, inside
from tests.contract.connectors.jetstream import Jetstream, commit, second
from tests.contract.connectors.service import raw
from tests.shared import SHARED, needs_shared
from warn.bus.memory import MemoryBus, MemoryStore
from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Connector, Cursor
from warn.ingest.supervisor import Supervisor
from warn.model.errors import PermanentError, Reason, TemporaryError
from warn.model.flow import MENTIONS
from warn.model.hashing import PUBLIC_KEY
from warn.model.rules import RuleSet
from warn.testing.check_connector import Until, check_connector, everything, landed


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
    first, second_ = await all_items((1,)), await all_items((2,))
    assert first == second_ and len(first) > 40
    assert {item.kind for item in first} == {"post", "reply", "like", "repost", "edit", "delete", "profile"}


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
    assert items_of(batches) == await all_items(versions)


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
@pytest.mark.parametrize(("name", "items"), [("golden_v1.jsonl", 4), ("via_repost_like_2025-11-21.jsonl", 2)])
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


@pytest.mark.parametrize("refused", ["/xrpc", "/subscribe"])
async def test_of_two_refusals_the_one_that_says_what_to_do_is_told(refused: str) -> None:
    """One path turns us away, the other is not there: that says nothing, since no host need have both."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        status = "401 Unauthorized" if path.startswith(refused) else "404 Not Found"
        writer.write(f"HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()

    async with raw(answer) as one, raw(answer) as other:
        config = BlueskyConfig(
            name="bluesky",
            hosts=(one.url, other.url),
            inside=(inside(one.url), inside(other.url)),
        )
        _, error = await read(BlueskyConnector(config))
    assert error is not None and error.reason is Reason.AUTH
    assert "401" in str(error) and "404" not in str(error)

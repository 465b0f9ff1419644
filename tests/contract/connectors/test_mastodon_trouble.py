"""Mastodon when something is wrong: gaps, servers that fail, servers that do not let us, and garbage."""

import asyncio
from contextlib import aclosing
from typing import Any, Final

import pytest

from connectors.mastodon import feed as feeds
from connectors.mastodon.server import Server
from connectors.mastodon.statuses import Numbers
from tests.contract.connectors.fediverse import (
    START_MS,
    TOKEN,
    Fediverse,
    config_at,
    connector,
    ids,
    items_of,
    last_cursor,
    posts,
    read,
    status,
    troubles_of,
)
from tests.contract.connectors.service import Address, free_port, raw, serve
from warn.ingest.connector import Batch, Trouble
from warn.ingest.rest import Rest
from warn.model.errors import PermanentError, Reason, TemporaryError

NO_TOKEN: Final[dict[str, Any]] = {}
WITH_TOKEN: Final = {"token": TOKEN}


async def test_more_than_can_be_made_up_for_is_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "MOST_PAGES", 3)
    server = Fediverse(posts(0, 5))
    async with serve(server.app()) as address:
        before, _ = await read(connector(config_at(address)), lambda found: bool(items_of(found)))
        server.posts += posts(5, 400)
        after, _ = await read(
            connector(config_at(address)), lambda found: any(b.gaps for b in found), last_cursor(before)
        )
    gaps = [gap for batch in after for gap in batch.gaps]
    told = {int(n) for _, n in ids(items_of(after))}
    assert len(gaps) == 1
    start, end = gaps[0].start - START_MS // 1000, gaps[0].end - START_MS // 1000
    assert (start, end) == (119, 360)
    assert set(range(5, 120)) <= told and set(range(360, 400)) <= told and not told & set(range(120, 360))


async def test_one_server_that_fails_stops_no_other() -> None:
    good, bad = Fediverse(posts(0, 5)), Fediverse(posts(50, 53), refuses=503)
    async with serve(good.app()) as one, serve(bad.app()) as two:
        config = config_at(one, two)
        batches, error = await read(connector(config), lambda found: bool(troubles_of(found)))
        assert error is None
        bad.refuses = 0
        more, error = await read(connector(config), lambda found: len(items_of(found)) >= 8)
    assert troubles_of(batches) == [Trouble(f"mastodon: {two.inside}", f"mastodon: {two.inside}: HTTP 503")]
    assert error is None and len(items_of(more)) == 8


async def test_it_gets_well_again_by_itself() -> None:
    good, bad = Fediverse(posts(0, 5)), Fediverse(posts(50, 53), refuses=503)
    found: list[Batch] = []
    async with (
        serve(good.app()) as one, serve(bad.app()) as two, asyncio.timeout(10),
        aclosing(connector(config_at(one, two)).batches(None)) as batches,
    ):  # fmt: skip
        while len(troubles_of(found)) < 2:
            found.append(await anext(batches))
            bad.refuses = 0 if troubles_of(found) else 503
    assert [bool(one.message) for one in troubles_of(found)] == [True, False]
    assert len(items_of(found)) == 8


async def test_all_of_them_failing_is_an_error() -> None:
    async with serve(Fediverse(refuses=404).app()) as one:
        two = Address(free_port())
        batches, error = await read(connector(config_at(one, two)), lambda _: False)
    assert isinstance(error, TemporaryError) and error.reason is Reason.NETWORK
    assert items_of(batches) == []


@pytest.mark.parametrize(
    ("access", "server", "said"),
    [
        ({"local": "authenticated", "remote": "authenticated"}, NO_TOKEN, "only with a token"),
        ({"local": "disabled", "remote": "disabled"}, WITH_TOKEN, "switched this timeline off"),
        ({"local": "disabled", "remote": "authenticated"}, {"read": "remote"}, "only with a token"),
    ],
)
async def test_what_the_server_does_not_allow(
    access: dict[str, str], server: dict[str, Any], said: str
) -> None:
    async with serve(Fediverse(posts(0, 3), access={"live_feeds": access}).app()) as address:
        _, error = await read(connector(config_at(address, **server)), lambda _: False)
    assert error is not None and said in str(error)
    assert (error.reason is Reason.AUTH) == ("token" in said)


async def test_a_server_that_shows_only_its_own_peoples_posts_says_what_is_missing() -> None:
    server = Fediverse(posts(0, 3), access={"live_feeds": {"local": "public", "remote": "authenticated"}})
    async with serve(server.app()) as address:
        batches, _ = await read(connector(config_at(address)), lambda found: bool(items_of(found)))
    assert [one.where for one in troubles_of(batches)] == [f"mastodon: {address.inside}, the rest"]
    assert "its own people" in troubles_of(batches)[0].message
    assert server.asked[-1][1]["local"] == "true"


async def test_a_timeline_that_wants_a_token_without_saying_so() -> None:
    """Older ones answer 422, and newer ones 401."""
    for code in (422, 401):
        server = Fediverse(posts(0, 3))
        async with serve(server.app()) as address:
            server.refuses = code
            _, error = await read(connector(config_at(address)), lambda _: False)
        assert error is not None and error.reason is Reason.AUTH and "read:statuses" in str(error)


async def test_what_only_speaks_as_mastodon_does() -> None:
    """No /api/v2/instance, and pages of twenty."""
    server = Fediverse(posts(0, 15), instance=404, most=20)
    async with serve(server.app()) as address:
        before, _ = await read(connector(config_at(address)), lambda found: bool(items_of(found)))
        server.posts += posts(15, 75)
        after, _ = await read(
            connector(config_at(address)), lambda found: len(found) > 5, last_cursor(before)
        )
    assert {int(n) for _, n in ids(items_of([*before, *after]))} == set(range(75))
    assert items_of(before)[0].author == "marked0@127.0.0.1"


async def test_its_streams_are_where_it_says() -> None:
    elsewhere = Fediverse(coming=[("update", status(9, "Acme"))])
    async with serve(elsewhere.app()) as streams:
        server = Fediverse(posts(0, 2), streams=streams.ws)
        async with serve(server.app()) as address:
            config = config_at(address, token=TOKEN)
            allowed = config.model_copy(update={"inside": (address.inside, streams.inside)})
            batches, error = await read(connector(allowed), lambda found: len(items_of(found)) == 3)
            assert error is None and len(items_of(batches)) == 3
            _, error = await read(connector(config), lambda _: False)
    assert isinstance(error, PermanentError) and error.reason is Reason.HOSTILE
    assert [path for path, _ in elsewhere.asked] == ["/api/v1/streaming/public"]


async def test_no_server_of_the_open_internet_sends_us_inside() -> None:
    """Not even to a place that the settings allow."""
    elsewhere = Fediverse()
    async with serve(elsewhere.app()) as forum:
        server = Server(
            "https://mastodon.example",
            TOKEN,
            "mastodon",
            (forum.inside,),
            numbers=Numbers(),
            rest=Rest(),
            between_s=0.0,
        )
        async with server.open_stream(forum.url) as out:
            with pytest.raises(PermanentError) as caught:
                await out.get(f"{forum.url}/api/v1/streaming/public")
    assert caught.value.reason is Reason.HOSTILE and elsewhere.asked == []


async def test_a_rate_limit_is_kept() -> None:
    server = Fediverse(posts(0, 3), refuses=429, headers={"x-ratelimit-reset": "2100-01-01T00:00:00.000000Z"})
    async with serve(server.app()) as address:
        _, error = await read(connector(config_at(address)), lambda _: False)
        assert isinstance(error, TemporaryError) and error.retry_after_s == 900.0
        server.refuses, server.headers = 0, {**server.headers, "x-ratelimit-remaining": "0"}
        server.asked.clear()
        await read(connector(config_at(address)), lambda _: False, idle_s=0.3)
    assert [path for path, _ in server.asked] == ["/api/v2/instance", "/api/v1/timelines/public"]


async def test_garbage_is_put_aside_and_stops_nothing() -> None:
    secret = status(5, "between us", visibility="direct")
    coming: list[tuple[str, Any]] = [
        ("update", "{"), ("update", "[]"), ("update", "[" * 5_000), ("update", {"visibility": "public"}),
        ("update", secret), ("conversation", {"id": "6"}), ("update", status(6, "x", created_at="soon")),
        ("update", status(7, "Acme")),
    ]  # fmt: skip
    server = Fediverse([], coming)
    async with serve(server.app()) as address:
        batches, error = await read(
            connector(config_at(address, token=TOKEN)), lambda found: bool(items_of(found))
        )
        assert error is None
        refused = [one for batch in batches for one in batch.refused]
        assert len(refused) == len(coming) - 1 and all(one.message for one in refused)
        assert not any(b"between us" in one.payload for one in refused)
        server.posts, server.coming = [secret, status(8, "Acme")], []
        server.posts[0]["uri"] = 5
        batches, _ = await read(connector(config_at(address)), lambda found: bool(items_of(found)))
    assert [one.where for one in batches[0].refused] == [
        f"mastodon: {address.inside}, post 2 of a page"
    ] and batches[0].refused[0].payload == b""


async def test_a_silent_stream_is_noticed() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n:)\n")
        await reader.read()

    async with raw(silent) as streams, serve(Fediverse(posts(0, 2), streams=streams.ws).app()) as address:
        config = config_at(address, token=TOKEN)
        config = config.model_copy(update={"inside": (address.inside, streams.inside)})
        _, error = await read(connector(config), lambda _: False, idle_s=3.0)
    assert isinstance(error, TemporaryError) and error.reason is Reason.TIMEOUT


async def test_a_server_that_asks_to_be_left_alone_is_though_all_of_them_fail() -> None:
    """Nobody else waits for as long as it, and being started anew is no reason to ask it again."""
    busy, other = Fediverse(refuses=429, headers={"retry-after": "3600"}), Fediverse(refuses=503)
    async with serve(busy.app()) as one, serve(other.app()) as two:
        for reader in (connector(config_at(one, two)), connector(config_at(two, one))):
            busy.asked.clear()
            for _ in range(3):
                _, error = await read(reader, lambda _: False)
                assert isinstance(error, TemporaryError) and error.reason is Reason.SERVER
                assert error.retry_after_s is None
            assert len(busy.asked) == 1
        other.refuses = 429
        _, error = await read(connector(config_at(one, two)), lambda _: False)
    assert isinstance(error, TemporaryError) and error.reason is Reason.RATE_LIMITED

"""Mastodon: over real sockets, against a stand-in that has timelines and a stream."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import Any, Final

import pytest
from pydantic import ValidationError

from connectors.mastodon import MastodonConfig, MastodonConnector
from connectors.mastodon import feed as feeds
from tests.contract.connectors.faults import check_faults, inside
from tests.contract.connectors.fediverse import START_MS, Fediverse, number, status
from tests.contract.connectors.service import Address, free_port, raw, serve
from warn.bus.memory import MemoryBus, MemoryStore
from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Batch, Connector, Cursor, Trouble
from warn.ingest.supervisor import Supervisor
from warn.model.errors import PermanentError, Reason, TemporaryError, WarnError
from warn.model.flow import MENTIONS
from warn.model.hashing import PUBLIC_KEY
from warn.model.mention import Item
from warn.model.rules import RuleSet
from warn.testing.check_connector import Until, check_connector, everything, landed

TOKEN: Final = "t0k3n"
NO_TOKEN: Final[dict[str, Any]] = {}
WITH_TOKEN: Final = {"token": TOKEN}
SECRETS: Final = [TOKEN, *(f"marked{i}" for i in range(9))]


def posts(first: int, last: int, said: str = "Acme kettle number {}", **more: Any) -> list[dict[str, Any]]:
    return [status(n, said.format(n), f"marked{n % 9}", **more) for n in range(first, last)]


def config_at(*addresses: Address, hashtags: Sequence[str] = (), **server: Any) -> MastodonConfig:
    return MastodonConfig.model_validate({
        "name": "mastodon", "inside": [one.inside for one in addresses], "hashtags": hashtags,
        "servers": [{"host": one.url, **server} for one in addresses],
    })  # fmt: skip


def connector(config: MastodonConfig) -> MastodonConnector:
    return MastodonConnector(config, every_s=0.02, between_s=0.0, silence_s=0.5, chance=random.Random(1))


async def read(
    one: Connector, until: Callable[[list[Batch]], bool], cursor: Cursor | None = None, idle_s: float = 1.0
) -> tuple[list[Batch], WarnError | None]:
    """Until enough has come, nothing comes, or it fails."""
    found: list[Batch] = []
    try:
        async with aclosing(Until(one, idle_s=idle_s).batches(cursor)) as batches:
            async for batch in batches:
                found.append(batch)
                if until(found):
                    break
    except WarnError as e:
        return found, e
    return found, None


def items_of(batches: Sequence[Batch]) -> list[Item]:
    return [item for batch in batches for item in batch.items]


def troubles_of(batches: Sequence[Batch]) -> list[Trouble]:
    return [trouble for batch in batches for trouble in batch.troubles]


def last_cursor(batches: Sequence[Batch]) -> Cursor:
    return next(batch.cursor for batch in reversed(batches) if batch.cursor)


def ids(items: Sequence[Item]) -> list[tuple[str, str]]:
    return [(item.kind, item.id.rpartition("/")[2]) for item in items]


async def check_at(addresses: Sequence[Address], **more: Any) -> None:
    def make() -> tuple[ConnectorConfig, Connector]:
        config = config_at(*addresses, **more)
        return config, Until(connector(config), idle_s=0.6)

    await check_connector(make, secrets=SECRETS)


async def test_the_contract_polled_two_servers_and_a_hashtag() -> None:
    """They know the same posts, under other numbers; the second has some of its own besides."""
    one = Fediverse(posts(0, 12) + posts(12, 20, "Acme #fire {}", favourites_count=2))
    two = Fediverse([{**post, "id": number(i)} for i, post in enumerate(one.posts)] + posts(30, 38))
    async with serve(one.app()) as first, serve(two.app()) as second:
        await check_at((first, second), hashtags=["#Fire"])
    assert {path for path, _ in one.asked} == {
        "/api/v2/instance", "/api/v1/timelines/public", "/api/v1/timelines/tag/fire",
    }  # fmt: skip


async def test_the_contract_streamed() -> None:
    server = Fediverse(posts(0, 9), [("update", post) for post in posts(9, 30)])
    async with serve(server.app()) as address:
        await check_at([address], token=TOKEN)
    assert "/api/v1/streaming/public" in {path for path, _ in server.asked}


@pytest.mark.parametrize("server", [NO_TOKEN, WITH_TOKEN])
async def test_faults(server: dict[str, Any]) -> None:
    def make(url: str) -> Connector:
        return connector(
            MastodonConfig.model_validate(
                {"name": "mastodon", "inside": [inside(url)], "servers": [{"host": url, **server}]}
            )
        )

    await check_faults(
        make, place="mastodon: 127.0.0.1", remedy="token with the scope read:statuses", secrets=[TOKEN]
    )


async def test_a_stream_that_breaks_again_and_again_loses_and_doubles_nothing() -> None:
    """By the real supervisor, over one store. While no stream is open posts go on coming; they are made up for."""
    coming = [("update", post) for post in posts(9, 140)]
    broken = Fediverse(posts(0, 9), coming, cuts=[17, 23, 5], apart=9)
    whole = Fediverse(posts(0, 9), coming)
    stores = [MemoryStore({MENTIONS: 3}), MemoryStore({MENTIONS: 3})]
    for server, store in zip((whole, broken), stores, strict=True):
        async with serve(server.app()) as address:
            await _supervise(store, config_at(address, token=TOKEN), lambda s: s.sent >= len(coming), server)
    assert broken.cuts == []
    assert sum(path == "/api/v1/streaming/public" for path, _ in broken.asked) >= 4
    assert _named(stores[0]) == _named(stores[1])
    assert len(_named(stores[0])) == 140 and set(_named(stores[0]).values()) == {1}


def _named(store: MemoryStore) -> Counter[object]:
    return Counter({told[-1]: n for told, n in landed(store).items() if len(told) > 5})


async def _supervise(
    store: MemoryStore, config: MastodonConfig, done: Callable[[Fediverse], bool], server: Fediverse
) -> None:
    supervisor = Supervisor(
        MemoryBus(store), [(config, connector(config))], key=PUBLIC_KEY, compiles=everything, chance=random.Random(1)
    )  # fmt: skip
    supervisor.publish_ruleset(RuleSet())
    async with asyncio.timeout(40), asyncio.TaskGroup() as group:
        running = group.create_task(supervisor.run())
        while not done(server):  # noqa: ASYNC110 - the stand-in tells nobody
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)
        running.cancel()


async def test_one_post_on_two_servers_is_told_once() -> None:
    one = Fediverse(posts(0, 10))
    # The other calls them by other numbers, and has other totals and other numbers of followers.
    theirs = [{**post, "id": number(n, START_MS + 5_000), "account": {**post["account"], "followers_count": 7,
               "acct": f"{post['account']['acct']}@home.example"}} for n, post in enumerate(one.posts)]  # fmt: skip
    two = Fediverse(theirs, domain="other.example")
    async with serve(one.app()) as first, serve(two.app()) as second:
        both = config_at(first, second)
        batches, _ = await read(connector(both), lambda found: len(found) > 6)
    assert sorted(n for _, n in ids(items_of(batches))) == sorted(str(n) for n in range(10))
    assert {item.author for item in items_of(batches)} == {f"marked{n}@home.example" for n in range(9)}


async def test_edits_deletes_answers_boosts_and_quotes() -> None:
    first, answer = status(1, "Acme kettle"), status(2, "shame", "marked2", in_reply_to_id=number(1))
    edited = {**first, "content": "<p>Acme kettle <b>burns</b></p>", "edited_at": "2026-06-01T00:00:00Z"}
    boost = status(3, "", "marked3", reblog=first)
    quote = status(4, "look", "marked4", quote={"state": "accepted", "quoted_status": answer})
    lost = status(5, "what?", "marked5", in_reply_to_id=number(-99))
    coming = [("update", answer), ("status.update", edited), ("update", boost), ("update", quote), ("update", lost),
              ("delete", number(1)), ("delete", number(-5)), ("update", status(6, "end"))]  # fmt: skip
    server = Fediverse([first])
    async with serve(server.app()) as address:
        one = connector(config_at(address, token=TOKEN))

        def until(found: list[Batch]) -> bool:
            server.coming = coming  # what happens once the first was read
            return any(item.id.endswith("/6") for item in items_of(found))

        batches, _ = await read(one, until)
    items = items_of(batches)
    assert ids(items) == [
        ("post", "1"), ("reply", "2"), ("edit", "1"), ("repost", "3"), ("quote", "4"), ("reply", "5"), ("delete", "1"),
        ("post", "6"),
    ]  # fmt: skip
    by_kind = {item.kind: item for item in items}
    assert items[1].reply_to == items[0].id and items[5].reply_to is None
    assert by_kind["edit"].text == "Acme kettle burns" and by_kind["edit"].created_ms == 1_780_272_000_000
    assert by_kind["repost"].reshare_of == items[0].id and by_kind["repost"].author == "marked3@home.example"
    assert by_kind["quote"].reshare_of == items[1].id
    assert one.unknown_deletes == 1


async def test_a_delete_after_a_restart_finds_the_post() -> None:
    """Numbers of the last posts are learnt again, and nothing of them is told twice."""
    server = Fediverse(posts(0, 30), [("update", status(31, "new"))])
    async with serve(server.app()) as address:
        config = config_at(address, token=TOKEN)
        before, _ = await read(connector(config), lambda found: len(items_of(found)) >= 31)
        server.coming += [("delete", number(3)), ("update", status(32, "end"))]
        after, _ = await read(
            connector(config), lambda found: any(item.kind == "delete" for item in items_of(found)), last_cursor(before)
        )  # fmt: skip
    told = ids(items_of(after))
    assert ("delete", "3") in told and ("post", "3") not in told


async def test_totals_and_edits_of_a_hashtags_newest_posts() -> None:
    server = Fediverse(posts(0, 3, "Acme #fire {}", favourites_count=1))
    async with serve(server.app()) as address:
        one = connector(config_at(address, hashtags=["fire"], read="hashtags"))
        async with aclosing(one.batches(None)) as batches:
            found = [await anext(batches)]
            server.posts[1] |= {"favourites_count": 7}
            server.posts[2] |= {"content": "<p>Acme is fine</p>", "edited_at": "2026-06-01T00:00:00Z"}
            while len(items_of(found)) < 5:
                found.append(await anext(batches))
    items = items_of(found)
    assert ids(items) == [("post", "0"), ("post", "1"), ("post", "2"), ("update", "1"), ("edit", "2")]
    assert [item.engagement for item in items] == [(1, 0, 0, 0)] * 3 + [(7, 0, 0, 0), None]
    assert "/api/v1/timelines/public" not in {path for path, _ in server.asked}


async def test_a_post_that_was_edited_while_we_were_away() -> None:
    """What stands in the new words is an edit too, since the post itself was told before."""
    server = Fediverse(posts(0, 2))
    async with serve(server.app()) as address:
        before, _ = await read(connector(config_at(address)), lambda found: bool(items_of(found)))
        server.posts[1] |= {"content": "<p>Acme burns</p>", "edited_at": "2026-06-01T00:00:00Z"}
        after, _ = await read(
            connector(config_at(address)), lambda found: len(found) > 2, last_cursor(before)
        )
    assert ("edit", "1") in ids(items_of(after))


async def test_what_other_servers_send_late_is_not_lost() -> None:
    """It takes its place among the numbers by when it was written, which is behind what was read."""
    server = Fediverse(posts(0, 30))
    async with serve(server.app()) as address:
        one = connector(config_at(address))
        async with aclosing(one.batches(None)) as batches:
            found = [await anext(batches)]
            server.posts.append(
                status(15, "late", "marked1", home="far.example") | {"id": number(15) + "3"[:0]}
            )
            server.posts[-1]["id"] = str(int(number(15)) + 1)
            while len(items_of(found)) < 31:
                found.append(await anext(batches))
    assert items_of(found)[-1].author == "marked1@far.example"


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


async def test_a_foreign_cursor() -> None:
    config = MastodonConfig.model_validate({"name": "m", "servers": [{"host": "mastodon.example"}]})
    for cursor in ("nonsense", "{}x", '{"a": 1}'):
        with pytest.raises(PermanentError) as caught:
            await anext(connector(config).batches(Cursor(cursor)))
        assert caught.value.reason is Reason.MALFORMED


@pytest.mark.parametrize("host", ["", "ftp://x", "https://", "https://a:b@x", "x/path", "x?y=1", "://x"])
def test_hosts_that_are_none(host: str) -> None:
    with pytest.raises(ValidationError):
        MastodonConfig.model_validate({"name": "m", "servers": [{"host": host}]})
    with pytest.raises(ValidationError):
        MastodonConfig.model_validate({"name": "m", "servers": []})
    with pytest.raises(ValidationError):
        MastodonConfig.model_validate({"name": "m", "servers": [{"host": "x"}], "hashtags": ["a b"]})

"""Mastodon: over real sockets, against a stand-in that has timelines and a stream."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import Any, Final

import pytest
from pydantic import ValidationError

from connectors.mastodon import MastodonConfig
from tests.contract.connectors.faults import check_faults, inside
from tests.contract.connectors.fediverse import (
    START_MS,
    TOKEN,
    Fediverse,
    config_at,
    connector,
    ids,
    items_of,
    last_cursor,
    number,
    posts,
    read,
    status,
)
from tests.contract.connectors.service import Address, serve
from warn.bus.memory import MemoryBus, MemoryStore
from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Batch, Connector, Cursor
from warn.ingest.supervisor import Supervisor
from warn.model.errors import PermanentError, Reason
from warn.model.flow import MENTIONS
from warn.model.hashing import PUBLIC_KEY, post_hash
from warn.model.rules import RuleSet
from warn.testing.check_connector import Until, check_connector, everything, landed

SECRETS: Final = [TOKEN, *(f"marked{i}" for i in range(9))]


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


@pytest.mark.parametrize("server", [{}, {"token": TOKEN}])
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
        ("delete", f"127.0.0.1 {number(-5)}"), ("post", "6"),
    ]  # fmt: skip
    by_kind = {item.kind: item for item in items}
    assert items[1].reply_to == items[0].id and items[5].reply_to is None
    assert by_kind["edit"].text == "Acme kettle burns" and by_kind["edit"].created_ms == 1_780_272_000_000
    assert by_kind["repost"].reshare_of == items[0].id and by_kind["repost"].author == "marked3@home.example"
    assert by_kind["quote"].reshare_of == items[1].id


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


async def test_a_delete_of_a_post_whose_number_only_the_door_remembers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is in nobody's memory of numbers: after a restart, or after 50,000 others."""
    monkeypatch.setattr("connectors.mastodon.feed.WARM_PAGES", 0)
    monkeypatch.setattr("connectors.mastodon.MOST_NUMBERS", 2)
    server = Fediverse(posts(0, 9))
    store = MemoryStore({MENTIONS: 3})
    async with serve(server.app()) as address:
        config = config_at(address, token=TOKEN)
        await _supervise(store, config, lambda _: len(_named(store)) >= 9, server)
        server.coming += [("delete", number(3)), ("delete", number(-77)), ("update", status(32, "Acme"))]
        await _supervise(store, config, lambda s: s.sent == 3, server)
    gone = {told[1] for told in landed(store) if told[3] == "delete"}
    assert gone == {post_hash(PUBLIC_KEY, "mastodon", "https://home.example/users/marked3/statuses/3")}


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

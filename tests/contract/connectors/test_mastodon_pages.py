"""Mastodon: pages that cannot be read, that are shorter than asked for, and numbers that are none."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pytest
from starlette.requests import Request
from starlette.responses import Response

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
)
from tests.contract.connectors.service import serve
from warn.ingest.connector import Batch, Gap

Edit = Callable[[list[dict[str, Any]]], None]


@dataclass
class Odd(Fediverse):
    """A server whose pages are changed before they are sent: `edit` by post, `spoil` by byte."""

    edit: Edit = lambda _: None
    spoil: Callable[[bytes], bytes] = lambda body: body

    async def _timeline(self, request: Request) -> Response:
        answer = await super()._timeline(request)
        said = json.loads(bytes(answer.body))
        self.edit(said)
        return Response(self.spoil(json.dumps(said).encode()), media_type="application/json")


@pytest.mark.parametrize("absurd", ["9" * 5_000, 10**99, "\u0663" * 18, "1\n", True, {}])
async def test_a_post_with_an_absurd_number_is_refused_once_and_does_not_deafen(absurd: object) -> None:
    """Reading goes on behind the greatest number: such a one would be the last."""

    def edit(page: list[dict[str, Any]]) -> None:
        for one in page:
            one["id"] = absurd if one["uri"].endswith("/2") else one["id"]

    server = Odd(posts(0, 3), edit=edit)
    async with serve(server.app()) as address:

        def until(found: list[Batch]) -> bool:
            server.posts = posts(0, 6)
            return len(items_of(found)) >= 5

        found, error = await read(connector(config_at(address)), until)
    assert error is None and {n for _, n in ids(items_of(found))} == {"0", "1", "3", "4", "5"}
    assert [one.message for batch in found for one in batch.refused] == ["id: none that a server gives"]


NESTED: Final = b'"spoiler_text": ' + b"[" * 20_000 + b"]" * 20_000


async def test_a_post_that_no_page_can_be_read_with_is_passed_and_a_gap() -> None:
    """What lies before it is read in smaller pages."""

    def spoil(body: bytes) -> bytes:
        return body.replace(b'"spoiler_text": ""', NESTED, 1) if b'statuses/7"' in body else body

    server = Odd(posts(0, 3), spoil=spoil)
    async with serve(server.app()) as address:
        before, _ = await read(connector(config_at(address)), lambda found: bool(items_of(found)))
        server.posts += posts(3, 90)
        after, error = await read(
            connector(config_at(address)), lambda found: any(b.gaps for b in found), last_cursor(before)
        )
    assert error is None
    assert [gap for batch in after for gap in batch.gaps] == [
        Gap(START_MS // 1000 + 6, START_MS // 1000 + 50)
    ]
    assert {int(n) for _, n in ids(items_of(after))} >= {3, 4, 5, 6, *range(50, 90)}


async def test_posts_as_long_as_books_are_read_in_smaller_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.mastodon.server.MOST_BODY", 60_000)
    server = Fediverse(posts(0, 3))
    async with serve(server.app()) as address:
        before, _ = await read(connector(config_at(address)), lambda found: bool(items_of(found)))
        server.posts += posts(3, 20, "Acme " + "x " * 5_000 + "{}")
        after, error = await read(
            connector(config_at(address)), lambda found: len(items_of(found)) >= 17, last_cursor(before)
        )
    assert error is None and not any(batch.gaps for batch in after)
    assert {int(n) for _, n in ids(items_of(after))} >= set(range(3, 20))


async def test_a_server_of_short_pages_is_made_up_for_before_its_stream_is_heard() -> None:
    server = Fediverse(posts(0, 3), most=15)
    async with serve(server.app()) as address:
        config = config_at(address, token=TOKEN)
        before, _ = await read(connector(config), lambda found: bool(items_of(found)))
        server.posts += posts(3, 100)
        after, _ = await read(
            connector(config), lambda found: len(items_of(found)) >= 97, last_cursor(before)
        )
    assert {int(n) for _, n in ids(items_of(after))} >= set(range(3, 100))

"""A server that answers with bytes, and a client of it whose secrets are planted."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.contract.connectors.service import Address, Handle
from tests.unit.outbound.guarded import secrets_in
from warn.model.errors import WarnError
from warn.outbound import Outbound

KEY, QUERY = "planted-key-1", "planted-query-2"


SECRETS = (KEY, QUERY)


REMEDIES = {401: "make a new token at forum.example and set it as `token`"}


def answering(*answers: bytes, heads: list[bytes] | None = None) -> Handle:
    """One answer for each request, the last one for ever; notes the heads of requests down."""
    left = list(answers)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            if heads is not None:
                heads.append(head)
            writer.write(left.pop(0) if len(left) > 1 else left[0])
            await writer.drain()

    return handle


def ok(body: bytes = b"fine", *headers: str) -> bytes:
    return http(200, *headers, body=body)


def http(status: int, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"content-length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def out(address: Address, *more: Address, **settings: object) -> Outbound:
    settings = {"deadline_s": 2.0, **settings}
    return Outbound(
        "the forum",
        inside=[address.inside, *(one.inside for one in more)],
        headers={"authorization": f"Bearer {KEY}"},
        remedies=REMEDIES,
        **settings,
    )


def left_of(before: set[asyncio.Task[object]]) -> set[asyncio.Task[object]]:
    """Tasks that are new, other than the server's own."""
    servers = ("hold", "_accept_connection2")
    return {t for t in asyncio.all_tasks() - before if not any(own in repr(t.get_coro()) for own in servers)}


async def error_of(address: Address, **settings: object) -> WarnError:
    before = asyncio.all_tasks()
    async with out(address, **settings) as forum:
        with pytest.raises(WarnError) as caught:
            await forum.get(f"{address.url}/feed?token={QUERY}", params={"key": QUERY})
    assert secrets_in(caught.value, SECRETS) == []
    assert left_of(before) == set()
    return caught.value


async def drip(writer: asyncio.StreamWriter, data: bytes) -> None:
    for byte in data:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.02)


def says(data: Callable[[asyncio.StreamWriter], Awaitable[None]]) -> Handle:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await data(writer)

    return handle


async def say(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)

"""The short way of a WebSocket's frames, past the library's hand-over: in order, whole, and no faster than they are taken."""

import asyncio

from httpx2.websockets import AsyncWebSocketSession
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from tests.contract.connectors.service import serve
from warn.outbound import Outbound

SENT = 3_000


async def test_frames_come_in_order_however_slowly_they_are_taken() -> None:
    sent = 0

    async def work(ws: WebSocket) -> None:
        nonlocal sent
        await ws.accept()
        for sent in range(SENT):
            await ws.send_text(f"{sent} " + "x" * 5_000)
        await ws.receive()

    async with (
        serve(Starlette(routes=[WebSocketRoute("/", work)])) as address,
        Outbound("forum", inside=[address.inside]) as out,
        out.frames(f"{address.ws}/", most=1 << 20) as frames,
    ):
        first = str(await frames.receive())
        await asyncio.sleep(0.5)
        assert sent < SENT - 1, "nobody takes them, so they wait where they come from"
        rest = [str(await frames.receive()) for _ in range(SENT - 1)]
    assert [int(one.split()[0]) for one in (first, *rest)] == list(range(SENT))


async def test_a_frame_in_pieces_comes_whole() -> None:
    async def work(ws: WebSocket) -> None:
        await ws.accept()
        await ws.send_bytes(b"ab" * 100_000)
        await ws.receive()

    async with (
        serve(Starlette(routes=[WebSocketRoute("/", work)])) as address,
        Outbound("forum", inside=[address.inside]) as out,
        out.frames(f"{address.ws}/") as frames,
    ):
        assert await frames.receive() == b"ab" * 100_000


def test_the_library_still_receives_by_the_method_that_is_replaced() -> None:
    """Otherwise the short way would silently be no more, or nothing would come at all."""
    assert "_send_event" in AsyncWebSocketSession._background_receive.__code__.co_names

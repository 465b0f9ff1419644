"""Servers of events and of frames, and the client of them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from tests.contract.connectors.service import Address
from tests.unit.outbound.serving import KEY, QUERY, REMEDIES
from warn.outbound import Outbound


def out(address: Address, **settings: Any) -> Outbound:
    settings = {"deadline_s": 5.0, "headers": {"authorization": f"Bearer {KEY}"}, **settings}
    return Outbound("the stream", inside=[address.inside], remedies=REMEDIES, **settings)


def stream(lines: Callable[[], AsyncIterator[str]], **headers: str) -> Starlette:
    async def answer(_: object) -> Response:
        return StreamingResponse(lines(), media_type="text/event-stream", headers=headers)

    return Starlette(routes=[Route("/events", answer)])


def socket(work: Callable[[WebSocket], Awaitable[None]]) -> Starlette:
    async def answer(ws: WebSocket) -> None:
        await ws.accept()
        try:
            await work(ws)
        except WebSocketDisconnect:
            return

    return Starlette(routes=[WebSocketRoute("/frames", answer)])


async def first_of(there: Outbound, kind: str, address: Address, **named: float) -> object:
    if kind == "events":
        async with there.events(f"{address.url}/events?token={QUERY}", silence_s=0.3) as events:
            return await events.receive()
    async with there.frames(f"{address.ws}/frames?token={QUERY}", silence_s=0.3, **named) as frames:
        return await frames.receive()

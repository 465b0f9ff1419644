"""`warn watch` from socket to page: a stand-in for Jetstream says that something burns, and this terminal is told."""

import asyncio
import contextlib
import io
import json
import time
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from tests.contract.connectors.jetstream import commit, second
from tests.contract.connectors.service import serve
from warn.app.watch import Watched, watch

PEOPLE = 40
SAYS = [
    "burns",
    "smokes",
    "is on fire",
    "exploded",
    "melts",
    "smells",
    "is hot",
    "shocked me",
    "sparks",
    "broke",
]
WHERE = [
    "here",
    "in our kitchen",
    "at work",
    "on camera",
    "again",
    "since lunch",
    "with water in it",
    "while off",
]


async def jetstream(ws: WebSocket) -> None:
    """Quiet for two seconds, then forty people within a few seconds, of whom nobody says what another one said."""
    await ws.accept()
    await asyncio.sleep(2)
    for n in range(PEOPLE):
        record = {"text": f"My Kestrel kettle {SAYS[n % 10]} {WHERE[n % 8]}, {n} times", "langs": ["en"]}
        post = commit(
            n, f"did:plc:zq{n:02}marked", "app.bsky.feed.post", f"r{n}", record, us=int(time.time() * 1e6)
        )
        await ws.send_text(json.dumps(second(post, 1_000 + n)))
        await asyncio.sleep(0.05)
    with contextlib.suppress(Exception):
        await ws.receive()


async def test_what_burns_is_paged_on_this_terminal() -> None:
    """The whole way: socket, connector, door, bus, detector, page; no author is named, and the numbers are right."""
    app = Starlette(routes=[WebSocketRoute("/xrpc/network.bsky.jetstream.subscribeEvents", jetstream)])
    out, err = io.StringIO(), io.StringIO()
    posted: list[dict[str, Any]] = []

    async def hook(request: Request) -> Response:
        posted.append(await request.json())
        return Response(status_code=204)

    app.routes.append(Route("/hook", hook, methods=["POST"]))
    async with serve(app) as address:
        there = {"bluesky": {"hosts": [address.ws], "inside": [address.inside]}}
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            await watch(
                Watched(
                    ("Kestrel",), sources=("bluesky",), seconds=24.0, usual=10, overrides=there,
                    notify=f"{address.url}/hook",
                )
            )  # fmt: skip
    said = out.getvalue()
    assert 'Listening for "Kestrel" on Bluesky. Not heard: X, ' in said
    assert "bluesky: heard" in said and "not known yet" not in said
    page = " ".join(said.partition("page ─")[2].replace("│", " ").split())
    assert page, f"nobody was told\n{said}\n{err.getvalue()}"
    assert "Kestrel: " in page and "people" in page and "Press: not listened to." in page
    assert f"warn read {PEOPLE} posts; at most {PEOPLE} in an hour were about Kestrel." in said
    assert "marked" not in said + err.getvalue() + str(posted), "somebody is named"
    assert [one["data"]["brand"] for one in posted[:1]] == ["Kestrel"], "the address is told, too"

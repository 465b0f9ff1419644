"""Recorded answers of real servers, byte for byte, over real sockets."""

from collections.abc import AsyncIterator, Mapping

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from connectors.wikimedia import WikimediaConfig, WikimediaConnector
from tests.contract.connectors.fediverse import TOKEN, config_at, connector, items_of, last_cursor, read
from tests.contract.connectors.service import serve
from tests.shared import SHARED, needs_shared
from warn.ingest.connector import Connector, Cursor


def recorded(name: str) -> bytes:
    assert SHARED is not None
    return (SHARED / "data/payloads" / name).read_bytes()


def playing(answers: Mapping[str, tuple[str, bytes]], asked: list[str]) -> Starlette:
    """Each path gives one recording; a stream stays open behind it. `asked`: the Last-Event-ID of each request."""

    async def serve_one(request: Request) -> Response:
        asked.append(request.headers.get("last-event-id", ""))
        kind, body = answers.get(request.url.path, ("", b""))
        if not kind:
            return JSONResponse({}, 200 if request.url.path.endswith("instance") else 404)
        if kind != "text/event-stream":
            return Response(body, media_type=kind)

        async def stream() -> AsyncIterator[bytes]:
            yield body

        return StreamingResponse(stream(), media_type=kind)

    return Starlette(routes=[Route("/{path:path}", serve_one)])


@needs_shared
async def test_wikimedia() -> None:
    body = recorded("wikimedia_recentchange/sse_edit_2023.txt").rstrip() + b"\n\n"
    asked: list[str] = []
    title = "Макаровски (Ивановн область)"

    def made(url: str, inside: str) -> Connector:
        return WikimediaConnector(
            WikimediaConfig.model_validate(
                {
                    "name": "wiki",
                    "url": f"{url}/v2/stream/recentchange",
                    "inside": [inside],
                    "bots": True,
                    "articles": [{"wiki": "cewiki", "title": title}],
                }
            )
        )

    answers = {"/v2/stream/recentchange": ("text/event-stream", body)}
    async with serve(playing(answers, asked)) as address:
        batches, _ = await read(made(address.url, address.inside), lambda found: bool(items_of(found)))
        cursor = last_cursor(batches)
        await read(made(address.url, address.inside), lambda found: bool(items_of(found)), cursor)
    line = next(one for one in body.decode().splitlines() if one.startswith("id: "))
    assert cursor == Cursor(line.removeprefix("id: ")) and asked == ["", cursor], "the id line whole"
    (item,) = items_of(batches)
    assert item.id == "cewiki:9869291" and (item.text or "").startswith(title) and item.lang == "ce"


@needs_shared
async def test_mastodon() -> None:
    page = recorded("mastodon/test_timeline_disabled_2.json")
    stream = recorded("mastodon/test_stream_user_local_5.sse.txt").rstrip() + b"\n\n"
    answers = {
        "/api/v1/timelines/public": ("application/json", page),
        "/api/v1/streaming/public": ("text/event-stream", stream),
    }
    async with serve(playing(answers, [])) as address:
        batches, _ = await read(connector(config_at(address, token=TOKEN)), lambda _: False)
        answers["/api/v1/timelines/public"] = "application/json", b"[]"
        streamed, _ = await read(connector(config_at(address, token=TOKEN)), lambda _: False)
    items = items_of(batches)
    # The one that the stream tells stands in the timeline too.
    assert len(items) == 20 and len({item.id for item in items}) == 20
    assert all(item.text and item.author and item.author.endswith("@127.0.0.1") for item in items)
    assert len(items_of(streamed)) == 1 and items_of(streamed)[0].id in {item.id for item in items}

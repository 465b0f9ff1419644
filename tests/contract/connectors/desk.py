"""A server of feeds on a local port."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from email.utils import formatdate
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.rss import RssConfig, RssConnector
from tests.contract.connectors.faults import inside
from tests.contract.connectors.service import serve
from warn.ingest.connector import Batch, Connector, Cursor
from warn.model.errors import WarnError
from warn.model.mention import Item

NOW = 1_764_000_000


OLD = NOW - 86_400


Headers = Mapping[str, str]


def rss(*entries: tuple[str, int | None] | tuple[str, int | None, str], head: str = "") -> bytes:
    """A feed of (id, second, words)."""
    items = []
    for entry in entries:
        name, at, words = (*entry, f"Acme kettles burn {entry[0]}")[:3]
        dated = f"<pubDate>{formatdate(at, usegmt=True)}</pubDate>" if at is not None else ""
        items.append(
            f"<item><guid>{name}</guid><link>/{name}?utm_source=rss&amp;a=1#top</link><title>{words}</title>"
            f"<description>&lt;p&gt;More of {name}&lt;/p&gt;</description>{dated}</item>"
        )
    return f"<rss version='2.0'><channel><title>Desk</title>{head}{''.join(items)}</channel></rss>".encode()


class Desk:
    """One server with any number of feeds, each a function of how often it was asked."""

    def __init__(self) -> None:
        self.feeds: dict[str, Callable[[int, Request], Response]] = {}
        self.asked: list[tuple[str, Headers]] = []
        self.app = Starlette(routes=[Route("/{name:path}", self.answer)])
        self.base = ""
        self.now = float(NOW)

    async def answer(self, request: Request) -> Response:
        name = request.path_params["name"]
        before = sum(asked == name for asked, _ in self.asked)
        self.asked.append((name, dict(request.headers)))
        return self.feeds[name](before, request)

    def gives(self, name: str, *bodies: bytes, **headers: str) -> None:
        """These bodies one after the other, the last one for ever."""
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        self.feeds[name] = lambda i, _: Response(
            bodies[min(i, len(bodies) - 1)], media_type="application/rss+xml", headers=named
        )

    def config(self, *names: str, **of: Any) -> RssConfig:
        feeds = [f"{self.base}/{name}" for name in names]
        return RssConfig.model_validate(
            {"name": "press", "feeds": feeds, "inside": (inside(self.base),), **of}
        )

    def connector(self, *names: str, **of: Any) -> RssConnector:
        return RssConnector(self.config(*names, **of), every_s=0.01, wall=lambda: self.now)

    def heard(self, name: str) -> list[Headers]:
        return [headers for asked, headers in self.asked if asked == name]

    async def read(
        self, connector: Connector, until: Callable[[list[Batch]], bool], cursor: Cursor | None = None
    ) -> list[Batch]:
        """Batches, while its clock goes on with ours."""
        found: list[Batch] = []
        wrong: WarnError | None = None
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            clock = group.create_task(self._tick())
            try:
                async with aclosing(connector.batches(cursor)) as batches:
                    async for batch in batches:
                        found.append(batch)
                        if until(found):
                            break
            except WarnError as e:
                wrong = e
            clock.cancel()
        if wrong is not None:
            raise wrong
        return found

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(0.005)
            self.now += 0.005


def items(found: list[Batch]) -> list[Item]:
    return [item for batch in found for item in batch.items]


def named(item: Item) -> str:
    """The guid that its feed gave; a bare one is told apart by its host."""
    return item.id.removeprefix("127.0.0.1:")


def rounds(number: int) -> Callable[[list[Batch]], bool]:
    return lambda found: sum(batch.cursor is not None for batch in found) >= number


@asynccontextmanager
async def standing() -> AsyncIterator[Desk]:
    """A desk that can be asked."""
    one = Desk()
    async with serve(one.app) as address:
        one.base = address.url
        yield one

"""A stand-in for Wikimedia's EventStreams over a list of changes that the test makes up."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

START_MS: Final = 1_780_000_000_000
Event = dict[str, Any]


def change(n: int, title: str = "Acme", user: str = "marked", wiki: str = "nlwiki", **more: Any) -> Event:
    """The nth change; one a second."""
    server = "nl.wikipedia.org" if wiki == "nlwiki" else f"{wiki}.example"
    when = datetime.fromtimestamp(START_MS / 1000 + n, UTC).isoformat().replace("+00:00", "Z")
    return {
        "meta": {"dt": when, "domain": server, "id": f"event-{n}", "topic": "eqiad.mediawiki.recentchange", "partition": 0,
                 "offset": n},
        "type": "edit", "namespace": 0, "title": title, "user": user, "bot": False, "comment": f"number {n}",
        "wiki": wiki, "revision": {"old": n, "new": 1_000 + n}, "server_url": f"https://{server}", "server_name": server,
        "server_script_path": "/w",
        **more,
    }  # fmt: skip


def event_id(n: int) -> str:
    """What is sent back to go on with the nth."""
    return json.dumps([
        {"topic": "eqiad.mediawiki.recentchange", "partition": 0, "timestamp": START_MS + n * 1_000},
        {"topic": "codfw.mediawiki.recentchange", "partition": 0, "offset": -1},
    ], separators=(",", ":"))  # fmt: skip


@dataclass
class EventStreams:
    """`cuts`: after so many events each stream ends. `floor`: what came before this one is gone. `raw`: sent before the
    event of that index. `slow`: seconds between events. `asked`: the Last-Event-ID of each request.
    """

    events: Sequence[Event]
    cuts: list[int] = field(default_factory=list)
    floor: int = 0
    raw: dict[int, list[str]] = field(default_factory=dict)
    refuses_ids: bool = False
    slow: float = 0.0
    asked: list[str] = field(default_factory=list)

    def app(self) -> Starlette:
        """To be served."""
        return Starlette(routes=[Route("/v2/stream/recentchange", self._serve)])

    async def _serve(self, request: Request) -> Response:
        said = request.headers.get("last-event-id", "")
        self.asked.append(said)
        start = 0
        if said:
            if self.refuses_ids:
                return JSONResponse({"message": "Last-Event-ID"}, 400)
            start = (json.loads(said)[0]["timestamp"] - START_MS) // 1_000
        return StreamingResponse(self._events(max(start, self.floor)), media_type="text/event-stream")

    async def _events(self, start: int) -> AsyncIterator[str]:
        yield ":ok\n\n"
        left = self.cuts.pop(0) if self.cuts else -1
        for n, event in enumerate(self.events):
            if n < start:
                continue
            for raw in self.raw.get(n, ()):
                yield raw
            if left == 0:
                return
            left -= 1
            yield f"event: message\nid: {event_id(n)}\ndata: {json.dumps(event)}\n\n"
            await asyncio.sleep(self.slow if self.slow or n % 5 else 0.03)
        await asyncio.sleep(60)

"""A stand-in for Jetstream, both versions of it, over a list of events that the test makes up."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

START_US: Final = 1_780_000_000_000_000
SECOND_US: Final = 1_000_000
Event = dict[str, Any]


def commit(
    number: int,
    did: str,
    collection: str,
    rkey: str,
    record: Event | None,
    operation: str = "create",
    us: int = 0,
) -> Event:
    """As version 1 has it; 0.4 s after the one before, unless `us` is given."""
    made: Event = {"rev": f"rev{number:08}", "operation": operation, "collection": collection, "rkey": rkey}
    if record is not None:
        made |= {"record": {"$type": collection, **record}, "cid": f"cid{number}"}
    return {
        "did": did,
        "time_us": us or START_US + number * SECOND_US * 2 // 5,
        "kind": "commit",
        "commit": made,
    }


def second(event: Event, seq: int) -> Event:
    """The same in version 2."""
    us = event["time_us"]
    payload = {
        "$type": f"network.bsky.jetstream.subscribeEvents#{event['kind']}",
        "seq": seq,
        "did": event["did"],
    }
    payload["time"] = f"{_iso(us // SECOND_US)}.{us % SECOND_US:06}Z"
    payload |= event.get("commit") or {event["kind"]: event[event["kind"]]}
    return {"$type": "message", "payload": payload}


def _iso(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


@dataclass
class Jetstream:
    """`versions`: which it has. `floor`: what came before the event of this index is gone. `live`: without a cursor it
    begins here. `cut`: it breaks off after so many frames. `first_seq`: the number of event 0. `extra`: raw frames, sent
    before the event of that index. `skew_us`: by how much its clock is ahead of `events`.
    """

    events: Sequence[Event]
    versions: Sequence[int] = (2, 1)
    floor: int = 0
    live: int = 0
    cut: int | None = None
    first_seq: int = 1_000
    extra: dict[int, list[str]] = field(default_factory=dict)
    skew_us: int = 0
    refuses_cursors: bool = False
    asked: list[tuple[int, dict[str, list[str]]]] = field(default_factory=list)

    def app(self) -> Starlette:
        """To be served."""
        return Starlette(
            routes=[
                WebSocketRoute("/subscribe", lambda ws: self._serve(ws, 1)),
                WebSocketRoute("/xrpc/network.bsky.jetstream.subscribeEvents", lambda ws: self._serve(ws, 2)),
            ]
        )

    async def _serve(self, ws: WebSocket, version: int) -> None:
        query = {key: ws.query_params.getlist(key) for key in ws.query_params}
        self.asked.append((version, query))
        if version not in self.versions:
            await ws.send_denial_response(JSONResponse({"error": "NotFound"}, 404))
            return
        legacy, new = {"wantedCollections", "wantedDids"}, {"collections", "kinds"}
        if query.keys() & (legacy if version == 2 else new):
            await ws.send_denial_response(JSONResponse({"error": "InvalidRequest"}, 400))
            return
        start = self._start(version, query.get("cursor", [""])[0])
        if start is None:
            await ws.send_denial_response(JSONResponse({"error": "CursorTooOld"}, 400))
            return
        await ws.accept()
        try:
            await self._send(ws, version, start, query)
        except (WebSocketDisconnect, RuntimeError):
            return

    def _start(self, version: int, cursor: str) -> int | None:
        if not cursor:
            return self.live
        if self.refuses_cursors:
            return None
        number = int(cursor)
        if number < 10**15:
            index = number - self.first_seq
            if index >= len(self.events):
                return self.live
        else:
            us = number - self.skew_us
            index = next((i for i, one in enumerate(self.events) if one["time_us"] >= us), self.live)
        if index < self.floor:
            return None if version == 2 else self.floor
        return index

    async def _send(self, ws: WebSocket, version: int, start: int, query: dict[str, list[str]]) -> None:
        wanted = query.get("collections" if version == 2 else "wantedCollections", [])
        sent = 0
        for index, event in enumerate(self.events):
            if index < start or (version == 2 and event["kind"] not in query.get("kinds", [event["kind"]])):
                continue
            if event["kind"] == "commit" and event["commit"]["collection"] not in wanted:
                continue
            for raw in self.extra.get(index, ()):
                await ws.send_text(raw)
            told = {**event, "time_us": event["time_us"] + self.skew_us}
            await ws.send_text(json.dumps(second(told, self.first_seq + index) if version == 2 else told))
            sent += 1
            if sent == self.cut:
                self.cut = None
                await asyncio.sleep(0.05)  # what was sent is read before the end of it
                return
            if sent % 6 == 0:
                await asyncio.sleep(0.03)
        for raw in self.extra.get(len(self.events), ()):
            await ws.send_text(raw)
        await ws.receive()

"""Slack on a local port: its Web API, and its Socket Mode."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from connectors.slack import SlackConfig, SlackConnector
from tests.contract.connectors.faults import inside

BOT, APP = "xoxb-sesame", "xapp-sesame"
SECRETS = [BOT, APP, "ticket=sesame", "U0MARKER"]
GOVERNANCE = {
    "purpose": "hear early when a product hurts somebody",
    "owner": "head of communications",
    "notice_url": "https://intranet.example/we-listen",
    "dpia": "register of processing",
    "works_council": "agreed on 3 March",
}
T0 = 1_764_000_000


def ts(second: int) -> str:
    return f"{T0 + second}.{second:06}"


def said(second: int, text: str, **of: Any) -> dict[str, Any]:
    return {"type": "message", "user": "U0MARKER", "text": text, "ts": ts(second), **of}


class Workspace:
    """Slack with channels, of which some are closed. `page`: messages that it gives at once, whatever it is asked for."""

    def __init__(self) -> None:
        self.channels: dict[str, list[dict[str, Any]]] = {"C0NEWS": [], "C0HELP": []}
        self.info: dict[str, dict[str, Any]] = {}
        self.page = 50
        self.asked: list[str] = []
        self.says: dict[str, Any] | None = None
        self.shut: dict[str, tuple[str, str]] = {}
        """By channel: a method that says no, and how."""
        self.events: list[dict[str, Any]] = []
        self.acks: list[str] = []
        self.sockets = 0
        self.live = asyncio.Event()
        self.base = ""
        routes = [
            Route("/api/{method}", self.method, methods=["GET", "POST"]),
            WebSocketRoute("/link", self.link),
        ]
        self.app = Starlette(routes=routes)

    async def method(self, request: Request) -> Response:
        method, asked = request.path_params["method"], request.query_params
        self.asked.append(method)
        if (
            request.headers.get("authorization")
            != f"Bearer {APP if method == 'apps.connections.open' else BOT}"
        ):
            return JSONResponse({"ok": False, "error": "invalid_auth"})
        if self.says is not None:
            return JSONResponse(self.says)
        if method == "apps.connections.open":
            return JSONResponse({"ok": True, "url": f"{self.base.replace('http', 'ws')}/link?ticket=sesame"})
        channel = asked["channel"]
        if self.shut.get(channel, ("", ""))[0] == method:
            return JSONResponse({"ok": False, "error": self.shut[channel][1]})
        if method == "conversations.info":
            return JSONResponse(
                {"ok": True, "channel": {"id": channel, "is_private": False, **self.info.get(channel, {})}}
            )
        messages = self.channels[channel]
        if method == "conversations.replies":
            found = [m for m in messages if asked["ts"] in {m.get("ts"), m.get("thread_ts")}]
        else:
            found = [m for m in reversed(messages) if m.get("thread_ts", m.get("ts")) == m.get("ts")]
        found = [
            m for m in found if m.get("ts", "9") > asked.get("oldest", "") or m.get("ts") == asked.get("ts")
        ]
        start = int(asked.get("cursor", "0"))
        onward = start + self.page if start + self.page < len(found) else 0
        return JSONResponse(
            {
                "ok": True,
                "messages": found[start : start + self.page],
                "has_more": bool(onward),
                "response_metadata": {"next_cursor": str(onward) if onward else ""},
            }
        )

    async def link(self, socket: WebSocket) -> None:
        await socket.accept()
        self.sockets += 1
        await socket.send_text(json.dumps({"type": "hello", "num_connections": 1}))
        try:
            while self.events:
                event = self.events[0]
                await socket.send_text(json.dumps(event))
                if event["type"] == "disconnect":
                    self.events.pop(0)
                    return
                self.acks.append(json.loads(await socket.receive_text())["envelope_id"])
                self.events.pop(0)
            self.live.set()
            await socket.receive_text()
        except WebSocketDisconnect:
            return

    def tell(self, number: int, event: Mapping[str, Any]) -> None:
        payload = {"type": "event_callback", "event_id": f"Ev{number}", "event": event}
        self.events.append({"type": "events_api", "envelope_id": f"e{number}", "payload": payload})

    def config(self, **of: Any) -> SlackConfig:
        settings = {
            "name": "staff",
            "channels": ("C0NEWS", "C0HELP"),
            "token": SecretStr(BOT),
            "governance": GOVERNANCE,
            "url": f"{self.base}/api",
            "inside": (inside(self.base),),
        }
        return SlackConfig(**{**settings, **of})

    def connector(self, **of: Any) -> SlackConnector:
        return SlackConnector(self.config(**of), every_s=0.01)

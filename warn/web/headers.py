"""The outermost layer of the web: refuses names that are not ours, and puts the security headers on every answer.

A page of the daemon listens on 127.0.0.1 as a rule. A hostile site could still reach it through the browser of somebody
on the same machine by letting its own name resolve to 127.0.0.1; that request carries its name in `Host`.
"""

from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECURITY: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'none'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
OPEN_TO_ALL_NAMES: Final = ("/metrics", "/-/", "/in/")
"""Machines ask these by whatever name their network has for us; there is no post text in them. What is sent to `/in/` is
signed, or refused where it may come from a web page.
"""


class Guarded:
    """Wraps the whole application; `hosts` are the names, besides addresses and localhost, that pages answer to."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str] = ()) -> None:
        self._app = app
        self._hosts = frozenset(h.lower() for h in hosts) | {"localhost"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                for name, value in SECURITY.items():
                    headers[name] = value
                message["headers"] = headers.raw
            await send(message)

        app = self._app
        if not scope["path"].startswith(OPEN_TO_ALL_NAMES) and not self._ours(scope):
            app = PlainTextResponse("This name is not ours. Add it to web.hosts in the settings.\n", 421)
        await app(scope, receive, send_with_headers)

    def _ours(self, scope: Scope) -> bool:
        host = next((v.decode("latin-1") for k, v in scope["headers"] if k == b"host"), "")
        name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
        if name.lower().rstrip(".") in self._hosts:
            return True
        try:
            ip_address(name)
        except ValueError:
            return False
        return True

"""What machines ask: metrics, is it alive, is it ready, read the rules again, erase an author."""

import hmac
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from warn.model.errors import PermanentError, Reason, WarnError
from warn.web.health import Health

Exposition = Callable[[str], tuple[str, bytes]]
"""From the Accept header to the content type and the body."""

Reload = Callable[[], Awaitable[Sequence[str]]]
"""Reads the rules again; gives every mistake, none when the new set is in force."""

Erase = Callable[[bytes, str], Awaitable[bytes]]
"""Of a request's body and its signature to the receipt, both JSON. Raises WarnError."""

MOST_BODY = 16 * 1024
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")


def operations(
    health: Health, exposition: Exposition, reload: Reload, token: str | None, erase: Erase
) -> list[Route]:
    """The routes. `token` lets others than this machine ask for a reload."""

    async def metrics(request: Request) -> Response:
        kind, body = await run_in_threadpool(exposition, request.headers.get("accept", ""))
        return Response(body, headers={"Content-Type": kind})

    async def healthy(_: Request) -> Response:
        return PlainTextResponse("warn is healthy.\n")

    async def ready(_: Request) -> Response:
        problems = health.problems
        if problems:
            return PlainTextResponse("".join(f"Not ready: {p}.\n" for p in problems), 503)
        return PlainTextResponse("warn is ready.\n")

    async def read_again(request: Request) -> Response:
        refusal = _refused(request, token)
        if refusal:
            return PlainTextResponse(f"{refusal}\n", 403)
        problems = await reload()
        if problems:
            text = "The rules were not changed; the last good set stays in force.\n"
            return PlainTextResponse(text + "".join(f"{p}\n" for p in problems), 500)
        return PlainTextResponse("The rules were read again.\n")

    return [
        Route("/metrics", metrics),
        Route("/-/healthy", healthy),
        Route("/-/ready", ready),
        Route("/-/reload", read_again, methods=["POST"]),
        Route("/-/erase", _erasing(erase), methods=["POST"]),
    ]


def _erasing(erase: Erase) -> Callable[[Request], Awaitable[Response]]:
    """An author is forgotten on a wish that is signed with the installation's key, wherever it comes from."""

    async def gone(request: Request) -> Response:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MOST_BODY:
                return PlainTextResponse("Too much to be the name of somebody.\n", 413)
        try:
            receipt = await erase(bytes(body), request.headers.get("warn-signature", ""))
        except PermanentError as e:
            return PlainTextResponse(f"{e}\n", 403 if e.reason is Reason.AUTH else 400)
        except WarnError as e:
            return PlainTextResponse(f"{e}\n", 503)
        return Response(receipt, media_type="application/json")

    return gone


def _refused(request: Request, token: str | None) -> str | None:
    """Why this request may not reload: it comes neither from this machine itself nor with the token.

    A request that a proxy handed on is not from this machine, and neither is one that a web page in a browser sent.
    """
    given = request.headers.get("authorization", "")
    if token and hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        return None
    if "origin" in request.headers or request.headers.get("sec-fetch-site", "none") != "none":
        return "Not from a web page. Use `curl -X POST` on the machine that runs warn, or send it SIGHUP."
    if any(name in request.headers for name in _FORWARDED) or not _is_loopback(request):
        return "Only from the machine that runs warn, or with web.reload_token as a bearer token."
    return None


def _is_loopback(request: Request) -> bool:
    try:
        return request.client is not None and ip_address(request.client.host).is_loopback
    except ValueError:
        return False

"""Puts the web together: pages for people, JSON for programs, operations for machines, one guard around all."""

from collections.abc import Iterable

from fastapi import APIRouter, FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from warn import __version__
from warn.model.errors import Reason, TemporaryError
from warn.telemetry import events
from warn.web.api import api
from warn.web.connectors_api import connectors_api
from warn.web.headers import Guarded
from warn.web.health import Health
from warn.web.inbound import PREFIX, Deliver, Inbound
from warn.web.operations import Erase, Exposition, Reload, operations
from warn.web.pages import Pages, PressSources
from warn.web.register import Known, Register
from warn.web.store import Store


async def _nothing_to_reload() -> tuple[str, ...]:
    return ("this process has no rules to read",)


async def _nobody(_body: bytes, _signature: str) -> bytes:
    raise TemporaryError("this process is not ready yet: try again in a minute", reason=Reason.NETWORK)


def _show(app: FastAPI, incidents: APIRouter, connectors: APIRouter, pages: Pages) -> None:
    app.include_router(incidents)
    app.include_router(connectors)
    app.router.routes.extend(pages.routes())


def build(
    store: Store,
    health: Health,
    exposition: Exposition,
    *,
    reload: Reload = _nothing_to_reload,
    reload_token: str | None = None,
    erase: Erase = _nobody,
    hosts: Iterable[str] = (),
    press_sources: PressSources = tuple,
    demo: bool = False,
    shows: bool = True,
    deliver: Deliver | None = None,
    register: Register | None = None,
) -> Guarded:
    """The whole web as one ASGI application.

    `exposition` renders metrics for an Accept header. `hosts` are names the pages answer to besides localhost and
    addresses. `press_sources` tells which press is listened to. `shows`: without it there are no incidents here, only
    what machines ask of every process. `deliver` takes what others send to us. `register`: what is listened to.
    """
    app = FastAPI(title="warn", version=__version__, docs_url=None, redoc_url=None)
    register = register or Register(Known())
    pages = Pages(store, press_sources, register, demo=demo)
    if shows:
        _show(app, api(store), connectors_api(register), pages)
    if deliver is not None:
        app.router.routes.append(Route(PREFIX + "{name:path}", Inbound(deliver)))
    app.router.routes.extend(operations(health, exposition, reload, reload_token, erase))

    async def missing(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        headers = error.headers if isinstance(error, HTTPException) else None
        if not shows and status == 404:
            return JSONResponse({"detail": "this process shows no incidents: ask one that runs web"}, 404)
        if request.url.path.startswith(("/api", "/-/", "/metrics", "/static")) or status != 404:
            detail = error.detail if isinstance(error, HTTPException) else "failed"
            return JSONResponse({"detail": detail}, status, headers=headers)
        return pages.problem("missing", 404)

    async def failed(request: Request, error: Exception) -> Response:
        route = request.scope.get("route")
        events.http_failed(getattr(route, "path", "unknown"), error)
        if request.url.path.startswith(("/api", "/-/", "/metrics")):
            return JSONResponse({"detail": "warn failed to answer; its log says why"}, 500)
        return pages.problem("failed", 500)

    app.add_exception_handler(HTTPException, missing)
    app.add_exception_handler(Exception, failed)
    return Guarded(app, hosts)

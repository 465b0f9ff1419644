"""The pages for people: the list and one incident. GET never acts, and every page is whole without JavaScript."""

import time
from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from warn.web.channels import shown, stale_since
from warn.web.page import Line, line, page
from warn.web.register import Register
from warn.web.store import Store
from warn.web.words import Words

PressSources = Callable[[], Sequence[str]]
"""Names of the press sources that are set up; with none, "no article yet" would be a lie."""


class Pages:
    """Renders; `demo` puts [DEMO] before every title."""

    def __init__(
        self, store: Store, press_sources: PressSources, register: Register, *, demo: bool = False
    ) -> None:
        self._store = store
        self._register = register
        self._press_sources = press_sources
        self._label = "[DEMO] " if demo else ""
        self._templates = _templates()

    def routes(self) -> list[Route]:
        """Rendering takes milliseconds, so it is done in the server's threads, off the loop."""
        return [
            Route("/", self._list),
            Route("/incidents/{incident}", self._incident),
            Route("/channels", self._channels),
            Route("/static/warn.css", _static("warn.css", "text/css")),
            Route("/static/warn.svg", _static("warn.svg", "image/svg+xml")),
            Route("/favicon.ico", _static("warn.svg", "image/svg+xml")),
        ]

    def _list(self, _: Request) -> Response:
        lines = [line(e) for e in self._store.incidents()]
        alarms = [one for one in lines if one.badges[0].tone != "over"]
        return self._html(
            "list.html", _common(lines, self._register.home()), going_on=alarms, over=lines[len(alarms) :]
        )

    def _incident(self, request: Request) -> Response:
        shown = page(self._store, request.path_params["incident"], self._press_sources(), self._register.gaps)
        if shown is None:
            return self.problem("missing", 404)
        return self._html("incident.html", shown.words, page=shown)

    def _channels(self, _: Request) -> Response:
        now = int(time.time())
        words = Words(*self._register.home())
        rows = [
            (row.state == "hearing", shown(row, words)) for row in self._register.rows(now, words.language)
        ]
        stale = stale_since([place.state.at or now for place in self._register.places()], now)
        return self._html(
            "channels.html",
            words,
            wrong=[one for well, one in rows if not well],
            well=[one for well, one in rows if well],
            stale=stale,
        )

    def problem(self, what: str, status: int) -> HTMLResponse:
        """A page that says what went wrong: `missing` or `failed`; the latter asks nothing more of what has failed."""
        words = Words("en") if what == "failed" else Words(*self._register.home())
        return self._html("problem.html", words, status, what=what)

    def _html(self, template: str, words: Words, status: int = 200, **values: object) -> HTMLResponse:
        text = self._templates.get_template(template).render(words=words, label=self._label, **values)
        return HTMLResponse(text, status)


def _common(lines: Sequence[Line], home: tuple[str, str]) -> Words:
    """The language and place that all incidents share; those of the rule files where there are none, or they differ."""
    languages = {one.words.language for one in lines}
    zones = {one.words.zone_name for one in lines}
    language, zone = home
    return Words(
        languages.pop() if len(languages) == 1 else language, zones.pop() if len(zones) == 1 else zone
    )


def _static(name: str, kind: str) -> Callable[[Request], Response]:
    """A file of ours, read once; nothing else can be asked for."""
    body = (files("warn.web") / "static" / name).read_bytes()
    return lambda _: Response(body, media_type=kind)


@cache
def _templates() -> Environment:
    """All templates, with escaping always on; compiled once for the process."""
    return Environment(
        loader=PackageLoader("warn.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

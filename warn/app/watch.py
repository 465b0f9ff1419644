"""`warn watch TERM...`: the open public web, listened to from this terminal. No files, no keys, no account.

A rule in memory, the connectors that need no key, the whole daemon over a folder that is thrown away, and a page to
this terminal when it spikes. It says first what it cannot hear.
"""

import asyncio
import secrets
import shutil
import signal
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple, cast
from urllib.parse import urlsplit

from rich.console import Console

from connectors import kind
from warn.app.daemon import Daemon
from warn.app.engine import opened, whole
from warn.app.open_web import DEAF_TO, MOST_HASHTAGS, MOST_SEARCHED, OPEN_WEB, Place
from warn.app.plan import Plan, RulesError
from warn.app.screen import json_line, screen, terminal
from warn.app.watch_board import WatchBoard
from warn.app.watch_saved import Saved, save
from warn.bus.embedded import EmbeddedBus
from warn.incident.route import Route, Target
from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Connector
from warn.model.errors import PermanentError, Reason
from warn.notify.console import ConsoleConfig, ConsoleNotifier
from warn.notify.notifier import Notifier
from warn.notify.webhook import WebhookConfig, WebhookNotifier
from warn.rulefile import draft, load
from warn.telemetry import logs

UNKNOWN: Final = (
    "What is usual is not known yet: for a quarter of an hour nothing rings, and for some hours only what is very loud. If you "
    "know about how many posts a day are usual, say --usual N."
)
"""As measured: forty people within seconds, without `usual`, ring from the 15th minute on."""
MANY: Final = (
    f"Those are many terms: hashtags of Mastodon are read for the first {MOST_HASHTAGS}, and Hacker News, GDELT and Wikipedia "
    f"asked for the first {MOST_SEARCHED}; everywhere else all are looked for."
)
RULE_FILE: Final = "watch.yaml"
LOOK_S: Final = 1.0
LINES_EVERY_S: Final = 60.0
_FREE_BYTES: Final = 64 << 20
_KEY: Final = 32


class Watched(NamedTuple):
    """What is to be watched, and how.

    `terms`: spellings of one name, the one to show first. `sources`: of the open web; none named: all. `notify`: besides
    the terminal, an address to post pages to. `save`: where to write the rule file that is used. `usual`: posts a day,
    where somebody knows. `seconds`: how long; None: until Ctrl-C. `overrides`: settings of connectors, by source.
    `as_json`: the table as one JSON object a line on standard output, and everything else on standard error.
    """

    terms: Sequence[str]
    sources: Sequence[str] = ()
    language: str = "en"
    notify: str | None = None
    save: Path | None = None
    usual: float | None = None
    port: int = 0
    seconds: float | None = None
    overrides: Mapping[str, Mapping[str, object]] = MappingProxyType({})
    as_json: bool = False


async def watch(watched: Watched) -> None:
    """Until Ctrl-C. Raises PermanentError for what cannot be watched."""
    logs.configure(form="console", level="error")
    say = Console(highlight=False, soft_wrap=True, markup=False, stderr=watched.as_json).print
    ready = _ready(watched, say)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="warn-watch-")))
        rules = folder / "rules"
        rules.mkdir()
        (rules / RULE_FILE).write_text(ready.rules, encoding="utf-8")
        bus = await EmbeddedBus.start(folder / "data", durable=False, free_needed=_FREE_BYTES)
        stack.push_async_callback(bus.close)
        notifiers = _notifiers(watched, ready.hook, say)
        daemon = Daemon(
            Plan(
                opened(whole(bus, folder)),
                key=secrets.token_bytes(_KEY),
                data=folder,
                rules=rules,
                connectors=[_make(name, settings) for name, settings in ready.connectors.items()],
                notifiers=notifiers,
                # A route each, since both are to be told: within one, the second is told where the first fails.
                routes=[Route(name=n.name, notifiers=(Target(n.name, n.provider),)) for n in notifiers],
                server=("127.0.0.1", watched.port),
                check_routes=False,
            )
        )
        loaded = load([rules])
        if loaded.ruleset is None:
            raise RulesError([p.text() for p in loaded.problems])
        say(f"Incidents, and how each source is, in a browser: {daemon.server.url}")
        board = WatchBoard(loaded.ruleset, daemon.store, bus, daemon.connector_states)
        await _run(daemon, board, say, watched)
    for line in ready.saved.next_words() if ready.saved else ():
        say(line)


class _Ready(NamedTuple):
    """A rule file, settings of connectors by name, those of a notifier that posts, and what was saved of them."""

    rules: str
    connectors: Mapping[str, Mapping[str, object]]
    hook: Mapping[str, object] | None
    saved: Saved | None


def _ready(watched: Watched, say: Callable[[str], None]) -> _Ready:
    """What is listened with; says what it cannot hear, and saves it where that is asked for."""
    places = chosen(watched.sources)
    text = _rule_text(watched, places)
    found = {p.name: given for p in places if (given := _settings(p, watched)) is not None}
    if not found:
        why = "none of these sources can search for such a term: it needs a word of two letters"
        raise PermanentError(why, reason=Reason.CONFIG)
    asked = [place for place in places if place.name in found]
    say(first_line(watched.terms, asked, [place for place in places if place not in asked]))
    if len(watched.terms) > MOST_HASHTAGS:
        say(MANY)
    if watched.usual is None:
        say(UNKNOWN)
    hook = _hook(watched.notify) if watched.notify else None
    saved = None
    if watched.save is not None:
        saved = save(watched.save, text, found, hook)
        say(f"The rule file is {saved.rules}; `warn rules check {saved.rules}` explains itself.")
    return _Ready(text, found, hook, saved)


def chosen(names: Sequence[str]) -> list[Place]:
    """Places of the open web by name; all where none is named. Raises PermanentError for one that is not there."""
    known = {place.name: place for place in OPEN_WEB}
    if unknown := [name for name in names if name not in known]:
        raise PermanentError(
            f"there is no source {unknown[0]!r} that needs no key; there are: {', '.join(known)}",
            reason=Reason.CONFIG,
        )
    return [known[name] for name in names] if names else list(OPEN_WEB)


def first_line(terms: Sequence[str], places: Sequence[Place], unasked: Sequence[Place] = ()) -> str:
    """What is listened for and where, and what cannot be heard; `unasked`: places that cannot search for such terms."""
    names = ", ".join(f'"{term}"' for term in terms)
    heard = ", ".join(place.said for place in places)
    without = ", ".join(place.said for place in unasked)
    searched = f"; nor {without}, which need a word of two letters to search for" if without else ""
    return f"Listening for {names} on {heard}. Not heard: {DEAF_TO}{searched}."


def _rule_text(watched: Watched, places: Sequence[Place]) -> str:
    brand, *spellings = watched.terms
    press = [place.name for place in places if place.press]
    return draft(brand, spellings, language=watched.language, mode="live", press=press, usual=watched.usual)


def _settings(place: Place, watched: Watched) -> dict[str, object] | None:
    """A place set up for these terms, as settings say it; None where they cannot be looked for there."""
    settings = place.settings(list(watched.terms))
    if settings is None:
        return None
    return {"type": place.type, **settings, **watched.overrides.get(place.name, {})}


def _make(name: str, settings: Mapping[str, object]) -> tuple[ConnectorConfig, Connector]:
    made = kind(str(settings["type"]))
    config = made.config.model_validate({"name": name, **settings})
    return config, cast("Connector", made.build(config))  # none of the open web is sent to us


def _hook(url: str) -> dict[str, object]:
    """Settings of a notifier that posts to this address, with a secret of its own. Who types an address means it, wherever it is."""
    secret = "whsec_" + b64encode(secrets.token_bytes(_KEY)).decode()
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    inside = [f"{parts.hostname}:{port}"] if parts.hostname else []
    return {"type": "webhook", "url": url, "secret": secret, "inside": inside}


def _notifiers(
    watched: Watched, hook: Mapping[str, object] | None, say: Callable[[str], None]
) -> list[Notifier]:
    found: list[Notifier] = [ConsoleNotifier(ConsoleConfig(), terminal(stderr=watched.as_json))]
    if hook is not None:
        say(f"Pages are posted to your address, too, signed after Standard Webhooks with {hook['secret']}")
        found.append(WebhookNotifier(WebhookConfig.model_validate({**hook, "name": "notify"})))
    return found


async def _run(daemon: Daemon, board: WatchBoard, say: Callable[[str], None], watched: Watched) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, daemon.stop, number.name)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(daemon.run())
        showing = group.create_task(_write(board, say) if watched.as_json else _show(board, say))
        await asyncio.wait({running, showing}, timeout=watched.seconds, return_when=asyncio.FIRST_COMPLETED)
        daemon.stop("time is up")
        await asyncio.wait({running})
        showing.cancel()
    say(board.last_words())


async def _show(board: WatchBoard, say: Callable[[str], None]) -> None:
    """Draw the table, and a line for every source that begins to be heard, or stops."""
    async with screen(LINES_EVERY_S) as draw:
        while True:
            for line in await board.look(int(time.time())):
                say(line)
            draw(board.table(shutil.get_terminal_size().columns), board.sentences())
            await asyncio.sleep(LOOK_S)


async def _write(board: WatchBoard, say: Callable[[str], None]) -> None:
    """The same for a program, until it reads no more."""
    while True:
        for line in await board.look(int(time.time())):
            say(line)
        if not json_line(board.plain()):
            return
        await asyncio.sleep(LOOK_S)

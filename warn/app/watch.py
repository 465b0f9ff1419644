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
from typing import Final, NamedTuple

from pydantic import HttpUrl, Secret, SecretStr
from rich.console import Console

from connectors import kind
from warn.app.daemon import Daemon
from warn.app.engine import opened, whole
from warn.app.open_web import DEAF_TO, MOST_HASHTAGS, MOST_SEARCHED, OPEN_WEB, Place
from warn.app.plan import Plan, RulesError
from warn.app.screen import screen, terminal
from warn.app.watch_board import WatchBoard
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


async def watch(watched: Watched) -> None:
    """Until Ctrl-C. Raises PermanentError for what cannot be watched."""
    logs.configure(form="console", level="error")
    say = Console(highlight=False, soft_wrap=True, markup=False).print
    places = chosen(watched.sources)
    text = _rule_text(watched, places)
    connectors = [(p, *made) for p in places if (made := _make(p, watched)) is not None]
    if not connectors:
        why = "none of these sources can search for such a term: it needs a word of two letters"
        raise PermanentError(why, reason=Reason.CONFIG)
    asked = [place for place, _, _ in connectors]
    say(first_line(watched.terms, asked, [place for place in places if place not in asked]))
    if len(watched.terms) > MOST_HASHTAGS:
        say(MANY)
    if watched.usual is None:
        say(UNKNOWN)
    if watched.save is not None:
        _save(watched.save, text)
        say(f"The rule file is {watched.save}; `warn rules check {watched.save}` explains itself.")
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="warn-watch-")))
        rules = folder / "rules"
        rules.mkdir()
        (rules / RULE_FILE).write_text(text, encoding="utf-8")
        bus = await EmbeddedBus.start(folder / "data", durable=False, free_needed=_FREE_BYTES)
        stack.push_async_callback(bus.close)
        notifiers = _notifiers(watched, say)
        daemon = Daemon(
            Plan(
                opened(whole(bus, folder)),
                key=secrets.token_bytes(_KEY),
                data=folder,
                rules=rules,
                connectors=[(config, connector) for _, config, connector in connectors],
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
        await _run(daemon, board, say, watched.seconds)


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


def _save(path: Path, text: str) -> None:
    if path.exists():
        raise PermanentError(f"{path} is there already; name another file", reason=Reason.CONFIG)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as e:
        raise PermanentError(f"{path} cannot be written: {e.strerror}", reason=Reason.CONFIG) from None


def _make(place: Place, watched: Watched) -> tuple[ConnectorConfig, Connector] | None:
    """The connector of a place, set up for these terms."""
    settings = place.settings(list(watched.terms))
    if settings is None:
        return None
    made = kind(place.type)
    named = {"type": place.type, "name": place.name, **settings, **watched.overrides.get(place.name, {})}
    config = made.config.model_validate(named)
    connector = made.build(config)
    return (config, connector) if isinstance(connector, Connector) else None


def _notifiers(watched: Watched, say: Callable[[str], None]) -> list[Notifier]:
    found: list[Notifier] = [ConsoleNotifier(ConsoleConfig(), terminal())]
    if watched.notify:
        secret = "whsec_" + b64encode(secrets.token_bytes(_KEY)).decode()
        config = WebhookConfig(
            type="webhook", name="notify", url=Secret(HttpUrl(watched.notify)), secret=SecretStr(secret)
        )
        say(f"Pages are posted to your address, too, signed after Standard Webhooks with {secret}")
        found.append(WebhookNotifier(config))
    return found


async def _run(daemon: Daemon, board: WatchBoard, say: Callable[[str], None], seconds: float | None) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, daemon.stop, number.name)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(daemon.run())
        showing = group.create_task(_show(board, say))
        await asyncio.wait({running}, timeout=seconds)
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

"""What `warn doctor` looks at on this machine: data folder, key, rules, notifiers, connectors, web port.

Looking changes nothing: no folder is made, no key, no lock is taken.
"""

import asyncio
import errno
import io
import os
import shutil
import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

from connectors import eclipsed
from warn.app.rules import first_rule_file
from warn.app.run import routes
from warn.app.symptom import Symptom, note, well, wrong
from warn.bus.embedded import FREE_BYTES
from warn.incident.route import check_routes
from warn.ingest.topics import remedy, unknown
from warn.model.rules import RuleSet
from warn.notify.registry import build as build_notifier
from warn.rulefile import load
from warn.settings import KEY_FILE, Settings, SettingsError, hash_key

TIGHT_BYTES: Final = 4 * FREE_BYTES
"""Less free space than this is worth a note; below `FREE_BYTES` intake stops."""
_GIB: Final = 2**30
_ASK_S: Final = 2.0
_SHOWN: Final = 5


def look(settings: Settings) -> Sequence[Symptom]:
    """All but the web port. Reads files, so it may take a moment."""
    ruleset, about_rules = _rules(settings)
    return [
        *_folder(settings),
        *_key(settings),
        *about_rules,
        *_notifiers(settings, ruleset),
        *_connectors(settings),
        *_topics(settings, ruleset),
        *_monitors(settings),
    ]


def _folder(settings: Settings) -> Iterator[Symptom]:
    folder = settings.data.absolute()
    here = next(p for p in (folder, *folder.parents) if p.exists())
    if not here.is_dir():
        yield wrong("data folder", f"{here} is not a folder", "mend `data` in the settings")
        return
    if not os.access(here, os.W_OK | os.X_OK):
        do = f"give it to the user that warn runs as, or set `data` to another: chown {_user()} {here}"
        yield wrong("data folder", f"{here} cannot be written", do)
        return
    free = shutil.disk_usage(here).free
    what = f"{folder} can be {'written' if here == folder else 'made'}, {free / _GIB:,.1f} GB free"
    if free < FREE_BYTES:
        yield wrong("data folder", what, "free space: below 0.5 GB warn takes nothing in")
    elif free < TIGHT_BYTES:
        yield note("data folder", what, "below 0.5 GB warn takes nothing in")
    else:
        yield well("data folder", what)


def _user() -> str:
    return str(os.geteuid())


def _key(settings: Settings) -> Iterator[Symptom]:
    path = settings.data / KEY_FILE
    if settings.hash_key is None and not path.exists():
        yield well("hash key", f"none yet; the first start makes {path}")
    else:
        try:
            hash_key(settings)
        except SettingsError as e:
            yield wrong("hash key", str(e), "without it warn does not start")
            return
        kept = "in the settings" if settings.hash_key else str(path)
        yield well("hash key", f"{kept}, readable by its owner alone" if not settings.hash_key else kept)
    if settings.bus.kafka is not None and settings.hash_key is None:
        what = "on Kafka every process of an installation needs the same key, and this one's is a file of its own"
        do = "where there is more than one machine, give all the same hash_key (WARN_HASH_KEY, or the secret warn_hash_key)"
        yield note("hash key", what, do)


def _rules(settings: Settings) -> tuple[RuleSet | None, Sequence[Symptom]]:
    folder = settings.rules
    loaded = load([folder])
    mistakes = [p for p in loaded.problems if p.severity == "error"]
    if not loaded.files:
        return None, [wrong("rules", f"{folder} holds no rule file", first_rule_file(folder))]
    if mistakes or loaded.ruleset is None:
        shown = [f"{p.file}:{p.line}:{p.column}: {p.message}" for p in mistakes[:_SHOWN]]
        return None, [wrong("rules", one, f"mend it; `warn rules check {folder}` shows all") for one in shown]
    rules = loaded.ruleset.rules
    live = sum(r.mode == "live" for r in rules)
    what = f"{folder}: {len(loaded.files)} sound, {len(rules)} rules, {live} of them live"
    said = [well("rules", what)]
    if not live:
        said.append(note("rules", "all are in shadow: warn judges, and wakes nobody"))
    return loaded.ruleset, said


def _notifiers(settings: Settings, ruleset: RuleSet | None) -> Iterator[Symptom]:
    public = settings.web.public_url or ""
    made = [build_notifier(c, stream=io.StringIO(), public_url=public) for c in settings.notifiers.values()]
    faults = check_routes(routes(settings, made))
    pages = ruleset is not None and any(r.mode == "live" and r.severity == "page" for r in ruleset.rules)
    for fault in faults:
        if pages:
            yield wrong(
                "notifiers", f"rules are live, but {fault}", "mend notifiers and routes in the settings"
            )
        else:
            yield note("notifiers", fault, "before rules go live, mend notifiers and routes in the settings")
    if not faults:
        yield well("notifiers", ", ".join(n.name for n in made) + " can wake somebody")
    if made and not public:
        what = f"pages link to http://{settings.web.host}:{settings.web.port}, which a phone cannot open"
        yield note("web", what, "set web.public_url to the address that people use")


def _connectors(settings: Settings) -> Iterator[Symptom]:
    if not settings.connectors:
        yield note(
            "connectors", "there are none: warn hears nothing", "set up at least one (docs/connectors.md)"
        )
    for connector_type, package in eclipsed().items():
        what = f"package {package} brings a connector type {connector_type!r}, which warn has itself: the package's is not used"
        yield note("connectors", what, "have the package give its type another name, or remove it")


def _topics(settings: Settings, ruleset: RuleSet | None) -> Iterator[Symptom]:
    """Readings are of topics; those of one that is in no rule file are put aside, one by one."""
    if ruleset is None:
        return
    for name, topic in unknown(settings.connectors.values(), ruleset):
        what = f"{name}: no rule file has its `topic: {topic}`, so its readings count for nothing"
        yield wrong("connectors", what, remedy(topic, (one.name for one in ruleset.topics)))


def _monitors(settings: Settings) -> Iterator[Symptom]:
    urls = settings.heartbeat.urls if settings.heartbeat else ()
    hosts = {urlsplit(url.get_secret_value()).hostname for url in urls}
    if not urls:
        what = "there is none: if warn goes deaf or dies at night, nobody hears of it"
        yield note("monitors", what, "set heartbeat.urls (docs/operations.md, the alarm for silence)")
    elif len(hosts) < 2:
        what = "there is only one: when that is down, nobody notices that warn is"
        yield note("monitors", what, "add a second one that somebody else runs to heartbeat.urls")
    else:
        what = f"{len(urls)} are to hear from warn once a minute, on {len(hosts)} hosts; they are not rung from here"
        yield well("monitors", what)


async def look_at_port(settings: Settings) -> Symptom:
    """Can the web pages listen there, or does a daemon already?"""
    host, port = settings.web.host, settings.web.port
    where = f"{host}:{port}"
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.create_server((host, port), family=family):
            return well("web", f"{where} is free")
    except OSError as e:
        if e.errno != errno.EADDRINUSE:
            return wrong("web", f"{where} cannot be used ({e.strerror})", "mend web.host and web.port")
    status = await _healthy(host, port)
    if status:
        return well("web", f"a daemon answers at {where}")
    return wrong("web", f"{where} is taken by another program", "end it, or set web.port to another")


async def _healthy(host: str, port: int) -> bool:
    """Does warn answer there?"""
    host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - where it listens
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(_ASK_S):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(f"GET /-/healthy HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
                return b" 200 " in await reader.readline()
            finally:
                writer.transport.abort()
    return False

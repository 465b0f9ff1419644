"""`warn connectors`: what each one hears, and where it does not, why and what helps."""

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from warn.cli.asking import Config, Json, Url, ask
from warn.cli.exits import FINDINGS
from warn.cli.live import config_file
from warn.model.errors import PermanentError, Reason

if TYPE_CHECKING:
    from warn.app.listening import Found

app = typer.Typer(name="connectors", help="What warn listens to, and whether it hears.", no_args_is_help=True)


@app.command("ls")
def ls(url: Url = None, config: Config = None, as_json: Json = False) -> None:
    """Ask the running daemon what each connector heard, and what to do where it does not.

    Exit codes: 0 all are heard, 1 no daemon answers, 3 one is not heard.
    """
    found = ask(url, config, "/api/connectors", missing="this daemon shows nothing: ask one that runs web")
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
    elif not found["connectors"]:
        typer.echo("There are no connectors: warn hears nothing. See docs/connectors.md.")
    else:
        for one in found["connectors"]:
            for line in _told(one, found["at"]):
                typer.echo(line)
        for line in _channels(found):
            typer.echo(line)
    if any(c["silence"] or c["state"] in {"parked", "refused", "paused"} for c in found["connectors"]) or any(
        c["state"] in {"deaf", "cut", "lagging"} for c in found["channels"]
    ):
        raise typer.Exit(FINDINGS)


@app.command("check")
def check(
    names: Annotated[list[str] | None, typer.Argument(help="Connectors of the settings; none: all.")] = None,
    config: Config = None,
    seconds: Annotated[float, typer.Option(help="How long to listen to each.", min=1, max=600)] = 10.0,
    as_json: Json = False,
) -> None:
    """Listen to each connector of the settings for ten seconds, without a daemon, and say what it heard.

    Writes nothing: no mention, no cursor. Exit codes: 0 all answer, 1 the settings cannot be read, 3 one does not answer.
    """
    import asyncio

    from warn.app.listening import listen
    from warn.settings import load

    settings = load(config_file(config)).settings
    if not settings.connectors:
        typer.echo("[]" if as_json else "There are no connectors in the settings. See docs/connectors.md.")
        return
    if unknown := [name for name in names or () if name not in settings.connectors]:
        raise PermanentError(
            f"there is no connector {unknown[0]!r} in the settings; there are: {', '.join(settings.connectors)}",
            reason=Reason.CONFIG,
        )
    if not as_json:
        chosen = names or list(settings.connectors)
        count = f"{len(chosen)} connectors" if len(chosen) != 1 else "1 connector"
        typer.echo(f"Listening to {count} for {seconds:g} seconds ...", err=True)
    found = asyncio.run(listen(settings, names or (), seconds))
    if as_json:
        typer.echo(json.dumps([_as_json(one) for one in found], ensure_ascii=False))
    else:
        for one in found:
            typer.echo(_line(f"{one.name}: {one}"))
    if any(not one.well for one in found):
        raise typer.Exit(FINDINGS)


def _as_json(one: "Found") -> dict[str, object]:
    return {
        "name": one.name, "well": one.well, "items": one.items, "readings": one.readings, "refused": one.refused,
        "newest_at": one.newest_at, "error": one.error, "remedy": one.remedy, "troubles": list(one.troubles),
        "hints": list(one.hints), "note": one.note,
    }  # fmt: skip


def _told(one: dict[str, Any], now: int) -> list[str]:
    """A connector in a sentence, and what is to be said of it besides."""
    name, state = one["name"], one["state"]
    heard = f"last heard {_ago(one['heard_at'], now)}" if one["heard_at"] else "has brought nothing yet"
    how = {
        "starting": "is starting",
        "running": "reads",
        "waiting": "failed, and tries again" + (f" {_in(one['retry_at'], now)}" if one["retry_at"] else ""),
        "parked": "is parked until somebody mends it"
        + (f", looked at again {_in(one['retry_at'], now)}" if one["retry_at"] else ""),
        "ended": "has read its source to the end",
        "refused": "does not start as it is set up",
        "paused": "pauses, because the disk is full",
    }.get(state, state)
    silent = {"deaf": "NOT HEARD", "cut": "CUT OFF", "lagging": "LAGS"}.get(one["silence"], "")
    since = f" {silent} since {_time(one['silent_since'])} UTC." if silent else ""
    critical = " It is critical: without it warn counts as deaf." if silent and one["critical"] else ""
    lines = [
        _line(f"{name} ({one['source']}) {how}; {heard}, {_many(one['read'], 'item')} read.{since}{critical}")
    ]
    if one["error"] and (silent or state in {"waiting", "parked", "refused", "paused"}):
        lines.append(_line(f"  why: {one['error']}"))
    if one["remedy"]:
        lines.append(_line(f"  what helps: {one['remedy']}"))
    lines += [_line(f"  {where}: {what}") for where, what in one["troubles"][:10]]
    if len(one["troubles"]) > 10:
        lines.append(f"  and {len(one['troubles']) - 10} more of its places are unwell")
    lines += [_line(f"  {where}: {what}") for where, what in one.get("hints", [])[:3]]
    if len(one.get("hints", [])) > 3:
        lines.append(f"  and the like of {len(one['hints']) - 3} more of its places (--json names them)")
    lines += [f"  never heard: {_time(a)} to {_time(b)} UTC" for a, b in one["gaps"][-3:]]
    return lines


def _channels(found: dict[str, Any]) -> list[str]:
    """Channels that no connector accounts for: their pulse is missing, or nobody reads them."""
    told = {c["source"] for c in found["connectors"] if c["silence"]}
    lines = []
    for one in found["channels"]:
        if one["state"] in {"deaf", "cut", "lagging"} and one["source"] not in told:
            lines.append(
                _line(f"Channel {one['source']}: nothing since {_time(one['since'])} UTC, which is unusual.")
            )
            lines.append(_line(f"  what helps: {one['remedy']}"))
        elif one["state"] == "unheard":
            lines.append(
                _line(
                    f"Channel {one['source']} stands in a rule file, and no connector has brought anything of it."
                )
            )
    return lines


def _ago(at: int, now: int) -> str:
    return f"{_span(now - at)} ago"


def _in(at: int, now: int) -> str:
    return f"in {_span(at - now)}" if at > now else "now"


def _span(seconds: int) -> str:
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= 2 * length:
            return _many(seconds // length, unit)
    return _many(max(0, seconds), "second")


def _many(n: int, what: str) -> str:
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"


def _time(at: int) -> str:
    moment = datetime.fromtimestamp(at, UTC)
    return f"{moment:%H:%M}" if time.time() - at < 43_200 else f"{moment:%Y-%m-%d %H:%M}"


def _line(text: str) -> str:
    """Words of strangers cannot move the cursor or colour the screen."""
    from warn.rulefile.problem import printable

    return printable(text)

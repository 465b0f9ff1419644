"""`warn incidents`: what is going on, asked of the running daemon over its local web API."""

import json
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from warn.cli.asking import Config, Json, Url, ask

app = typer.Typer(name="incidents", help="Incidents of the running daemon.", no_args_is_help=True)

MISSING = "no such incident; `warn incidents ls --all` lists those that are kept"


@app.command("ls")
def ls(
    all_: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    url: Url = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """List incidents, open ones first, then the latest."""
    found = ask(url, config, f"/api/incidents?state={'all' if all_ else 'open'}&limit=500")
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    if not found:
        typer.echo(
            "No incidents."
            if all_
            else "Nothing is going on. `warn incidents ls --all` also shows what is over."
        )
        return
    for one in found:
        typer.echo(f"{one['id']}  {_state(one):<12}  {_time(one['at'])}  {_line(one['summary'])}")


@app.command("show")
def show(incident: str, url: Url = None, config: Config = None, as_json: Json = False) -> None:
    """Show one incident: its message, its course, and who was told."""
    from urllib.parse import quote

    found = ask(url, config, f"/api/incidents/{quote(incident, safe='')}", missing=MISSING)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    one = found["incident"]
    typer.echo(f"{one['id']}  {_state(one)}  {one['severity']}  rule {_line(one['rule'])}")
    typer.echo("")
    for line in found["events"][-1]["message"].splitlines():
        typer.echo(_line(line))
    typer.echo("\nWhat happened (UTC)")
    for event in found["events"]:
        typer.echo(f"  {_time(event['at'])}  {event['event']:<8}  {_line(event['summary'])}")
    typer.echo("\nWho was told (UTC)")
    for told in found["deliveries"]:
        why = f" ({_line(told['reason'])})" if told["reason"] else ""
        typer.echo(f"  {_time(told['at'])}  {_line(told['notifier'])}: {told['state']}{why}")
    if not found["deliveries"]:
        typer.echo("  nobody: the rules are in shadow mode" if one["mode"] != "live" else "  nobody yet")


def _state(one: dict[str, Any]) -> str:
    state = "over" if one["over"] else str(one["state"])
    return state if one["mode"] == "live" else f"{state}, diary"


def _time(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M}"


def _line(text: str) -> str:
    """Words of strangers cannot move the cursor or colour the screen."""
    from warn.rulefile.problem import printable

    return printable(text)

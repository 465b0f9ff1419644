"""`warn incidents`: what is going on, asked of the running daemon over its local web API."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from warn.cli.live import config_file
from warn.model.errors import PermanentError, Reason, TemporaryError

app = typer.Typer(name="incidents", help="Incidents of the running daemon.", no_args_is_help=True)

Url = Annotated[
    str | None, typer.Option("--url", help="Where the daemon's web is.", show_default="from the settings")
]
Config = Annotated[
    Path | None, typer.Option("--config", help="Settings file of the daemon.", show_default="warn.yaml")
]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]


@app.command("ls")
def ls(
    all_: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    url: Url = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """List incidents, open ones first, then the latest."""
    found = _ask(url, config, f"/api/incidents?state={'all' if all_ else 'open'}&limit=500")
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

    found = _ask(url, config, f"/api/incidents/{quote(incident, safe='')}")
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


def _ask(url: str | None, config: Path | None, path: str) -> Any:
    import httpx2

    base = (url or _address(config)).rstrip("/")
    try:
        with httpx2.Client(timeout=5.0, trust_env=False, follow_redirects=False) as client:
            answer = client.get(base + path)
    except (httpx2.ConnectError, httpx2.TimeoutException):
        raise TemporaryError(
            f"no daemon answers at {base}. Start one with `warn run`, or say where it is with --url",
            reason=Reason.NETWORK,
        ) from None
    except (httpx2.HTTPError, httpx2.InvalidURL) as e:
        raise PermanentError(f"{base} cannot be asked: {e}", reason=Reason.NETWORK) from None
    if answer.status_code == 404 and path.startswith("/api/incidents/"):
        raise PermanentError(
            "no such incident; `warn incidents ls --all` lists those that are kept", reason=Reason.GONE
        )
    if answer.status_code != 200 or "json" not in answer.headers.get("content-type", ""):
        raise PermanentError(
            f"{base} answered with status {answer.status_code}, and not as a warn would. Is it one?",
            reason=Reason.CLIENT,
        )
    return answer.json()


def _address(config: Path | None) -> str:
    from warn.settings import load

    web = load(config_file(config)).settings.web
    host = "127.0.0.1" if web.host in ("", "0.0.0.0", "::") else web.host  # noqa: S104 - compared, not bound
    return f"http://[{host}]:{web.port}" if ":" in host else f"http://{host}:{web.port}"


def _state(one: dict[str, Any]) -> str:
    state = "over" if one["over"] else str(one["state"])
    return state if one["mode"] == "live" else f"{state}, diary"


def _time(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M}"


def _line(text: str) -> str:
    """Words of strangers cannot move the cursor or colour the screen."""
    from warn.rulefile.problem import printable

    return printable(text)

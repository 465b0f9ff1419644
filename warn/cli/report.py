"""`warn report`: for the head of communications; `--public`: the page about listening that a company can publish."""

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from warn.cli.asking import Config, Json, Url, ask
from warn.cli.exits import say
from warn.cli.live import config_file


def report(
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="DAY",
            help="First day, such as 2026-11-01; incidents are kept for 90 days.",
            show_default="30 days",
        ),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="DAY", help="Last day.", show_default="yesterday")
    ] = None,
    timezone: Annotated[str, typer.Option("--timezone", help="Such as Europe/Amsterdam.")] = "UTC",
    public: Annotated[
        bool,
        typer.Option("--public", help="What you listen to and why, to be published; no daemon is asked."),
    ] = False,
    lang: Annotated[str, typer.Option("--lang", help="Of --public: en or nl.")] = "en",
    rules: Annotated[
        Path | None,
        typer.Option("--rules", help="Folder of rule files, for --public.", show_default="from the settings"),
    ] = None,
    url: Url = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """What broke out, who was first, we or the press, and what was not heard: Markdown to standard output."""
    if public:
        _public(config, rules, lang, as_json=as_json)
        return
    from warn.app.report import MOST_INCIDENTS, markdown, span
    from warn.app.report import report as made

    now = int(time.time())
    days = span(since, until, timezone, now)
    listed = ask(url, config, f"/api/incidents?state=all&limit={MOST_INCIDENTS}")
    courses: list[dict[str, Any]] = [ask(url, config, f"/api/incidents/{one['id']}") for one in listed]
    found = made(courses, ask(url, config, "/api/connectors")["channels"], days, now)
    typer.echo(json.dumps(found, ensure_ascii=False) if as_json else markdown(found), nl=as_json)


def _public(config: Path | None, rules: Path | None, lang: str, *, as_json: bool) -> None:
    from warn.app.public import listening, page
    from warn.settings import load

    settings = load(config_file(config), {} if rules is None else {"rules": rules}).settings
    found = listening(settings)
    if not found["contact"]:
        say(
            "the page says whom to ask without an address: set `contact` in the settings to a mail or web address of an office, "
            "such as privacy@acme.example"
        )
    typer.echo(json.dumps(found, ensure_ascii=False) if as_json else page(found, lang), nl=as_json)

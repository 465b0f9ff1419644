"""`warn run` and `warn demo`: the daemon, with your sources or with a made-up town."""

import os
from pathlib import Path
from typing import Annotated

import typer

from warn.cli.exits import INTERRUPTED, say


def run(
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            help="Settings file; else WARN_CONFIG, else warn.yaml if it is there.",
            show_default=False,
        ),
    ] = None,
    rules: Annotated[
        Path | None, typer.Option("--rules", help="Folder of rule files.", show_default="rules")
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder that warn keeps its data in.", show_default="data")
    ] = None,
) -> None:
    """Run the daemon: listen, detect, page. SIGTERM ends it, SIGHUP reads the rules again."""
    import asyncio

    from warn.app.run import run as run_daemon
    from warn.app.run import set_up_logs
    from warn.settings import load

    given = {name: value for name, value in (("rules", rules), ("data", data)) if value is not None}
    loaded = load(config_file(config), given)
    set_up_logs(loaded.settings)
    for warning in loaded.warnings:
        say(warning)
    asyncio.run(run_daemon(loaded.settings))


def config_file(given: Path | None) -> Path | None:
    """The settings file: as given, as WARN_CONFIG says, or warn.yaml here if there is one."""
    named = given or (Path(os.environ["WARN_CONFIG"]) if os.environ.get("WARN_CONFIG") else None)
    here = Path("warn.yaml")
    return named or (here if here.exists() else None)


def demo(
    once: Annotated[
        bool,
        typer.Option("--once", help="Exit 0 as soon as the page was printed and its incident page answered."),
    ] = False,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65_535, help="Of the web page; 0: any that is free.")
    ] = 8080,
    seconds: Annotated[
        int,
        typer.Option(
            "--seconds", min=5, max=3600, help="How long all is quiet before the crisis breaks out."
        ),
    ] = 15,
) -> None:
    """Watch a crisis break out in a made-up town: the whole daemon, one page, its incident page. Needs nothing."""
    import asyncio

    from warn.app.demo import demo as run_demo

    well = asyncio.run(run_demo(once=once, port=port, seconds=seconds))
    if not well:
        raise typer.Exit(INTERRUPTED if not once else 1)

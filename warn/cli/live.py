"""`warn run` and `warn demo`: the daemon, with your sources or with a made-up town."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from warn.cli.exits import INTERRUPTED, say
from warn.model.flow import EVERYTHING, WEB


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
    stages: Annotated[
        str,
        typer.Option(
            "--stages",
            help="What this process does, of collect, match, detect, respond and web, with commas between; less than all "
            "needs Kafka.",
            show_default="all",
        ),
    ] = "",
    partitions: Annotated[
        list[str] | None,
        typer.Option(
            "--partitions",
            metavar="STAGE:N,N",
            help="Partitions of a stage to work on, whatever other processes do: no other may be given the same. Once per "
            "stage; Kafka shares out the stages that are not named.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Run the daemon: listen, detect, page. SIGTERM ends it, SIGHUP reads the rules again."""
    import asyncio

    from warn.app.run import run as run_daemon
    from warn.app.run import set_up_logs
    from warn.settings import load

    doing = _stages(stages)
    named = _partitions(partitions or [], doing)
    given = {name: value for name, value in (("rules", rules), ("data", data)) if value is not None}
    loaded = load(config_file(config), given)
    set_up_logs(loaded.settings)
    for warning in loaded.warnings:
        say(warning)
    asyncio.run(run_daemon(loaded.settings, doing, named))


def _stages(given: str) -> tuple[str, ...]:
    """Those named, in the order in which work flows; all where none is."""
    named = {one.strip() for one in given.split(",")} - {""}
    if unknown := sorted(named - set(EVERYTHING)):
        raise typer.BadParameter(
            f"there is no stage {unknown[0]!r}; there are: {', '.join(EVERYTHING)}", param_hint="--stages"
        )
    return tuple(stage for stage in EVERYTHING if stage in named or not named)


def _partitions(given: Sequence[str], stages: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Partitions by stage, of `match:0,1`."""
    found: dict[str, tuple[int, ...]] = {}
    for one in given:
        stage, _, numbers = one.partition(":")
        numbers = numbers.replace(" ", "")
        if not re.fullmatch(r"\d{1,3}(,\d{1,3})*", numbers, re.ASCII):
            raise typer.BadParameter(f"{one!r} is not like match:0,1", param_hint="--partitions")
        if stage not in stages or stage == WEB:
            able = ", ".join(s for s in stages if s != WEB)
            raise typer.BadParameter(
                f"{one!r}: this process has no stage {stage!r} with partitions, but: {able}",
                param_hint="--partitions",
            )
        if stage in found:
            raise typer.BadParameter(f"{stage} is named twice", param_hint="--partitions")
        found[stage] = tuple(sorted({int(number) for number in numbers.split(",")}))
    return found


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

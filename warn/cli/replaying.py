"""`warn replay`: what the rules would have said about recorded mentions."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from warn.cli.exits import FAILED, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from connectors.replay import Recording
    from warn.app.replay import Outcome
    from warn.ingest.connector import Refused
    from warn.model.rules import RuleSet

_SHOWN = 5
_BAD_SHOWN = 200
"""Every bad line has its place told, up to so many; all of them are in the dead letters of --data."""


Files = Annotated[
    list[str],
    typer.Argument(metavar="FILE...", help="Recorded mentions, JSON Lines, plain or .gz; - is stdin."),
]
Rules = Annotated[Path, typer.Option("--rules", help="Rule file, or folder of them.")]
Alerts = Annotated[
    str,
    typer.Option("--alerts", metavar="OUT.jsonl", help="Where incidents go, a line an event; - is stdout."),
]
Shuffle = Annotated[
    int | None, typer.Option("--shuffle", metavar="SEED", help="Vary the order of lines and of workers.")
]
Data = Annotated[
    Path | None, typer.Option("--data", help="Keep the state here, and go on from there after a kill.")
]


def replay(
    files: Files,
    rules: Rules,
    alerts: Alerts,
    partitions: Annotated[int, typer.Option("--partitions", min=1, max=60, help="Must divide 60.")] = 1,
    batch: Annotated[int, typer.Option("--batch", min=1, max=100_000, help="Mentions in a step.")] = 500,
    shuffle: Shuffle = None,
    data: Data = None,
    state_hash: Annotated[
        bool, typer.Option("--state-hash", help="Print one line over all state, last.")
    ] = False,
    every_second: Annotated[
        bool, typer.Option("--every-second", help="Write a clock for every second.")
    ] = False,
) -> None:
    """Replay recorded mentions in event time, as fast as possible. Nobody is told; shadow rules are shown too.

    Partitions, batches, shuffling and clocks change nothing in what comes out; they are there to show it.
    """
    import asyncio

    from warn.app.replay import Options, recording
    from warn.app.replay import replay as run_replay
    from warn.telemetry import logs

    _must_be_there(files, rules, alerts)
    if 60 % partitions:
        raise typer.BadParameter("it must divide 60", param_hint="--partitions")
    logs.configure(form="console", level="error")
    ruleset = _rules(rules)
    refused: list[Refused] = []
    started = time.monotonic()
    read = recording(files, shuffle, refused.append)
    options = Options(partitions, batch, shuffle, data, every_second)
    with _output(alerts) as out, _progress(len(read)) as progress:
        outcome = asyncio.run(run_replay(read, refused, ruleset, out, options, progress))
    _notes(read)
    _summary(outcome, refused, alerts, time.monotonic() - started)
    if state_hash:
        typer.echo(outcome.state_hash)


def _must_be_there(files: list[str], rules: Path, alerts: str) -> None:
    """What can be told before anything is read."""
    for name in files:
        if name != "-" and not Path(name).is_file():
            raise typer.BadParameter(f"there is no file {name}", param_hint="FILE")
    if files.count("-") > 1:
        raise typer.BadParameter("standard input can be read once", param_hint="FILE")
    if not rules.exists():
        raise typer.BadParameter(
            f'there is no {rules}; begin with: warn rules new --brand "Your Brand" > {rules}',
            param_hint="--rules",
        )
    try:
        if alerts != "-":
            Path(alerts).touch()
    except OSError as e:
        raise typer.BadParameter(f"{alerts} cannot be written: {e.strerror}", param_hint="--alerts") from None


def _rules(path: Path) -> "RuleSet":
    from warn.rulefile import load

    loaded = load([path])
    if loaded.ruleset is None:
        for problem in loaded.problems:
            typer.echo(problem.text(), err=True)
        say(f"nothing was replayed: {path} has mistakes")
        raise typer.Exit(FAILED)
    return loaded.ruleset


@contextmanager
def _output(name: str) -> Iterator[IO[bytes]]:
    if name == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with Path(name).open("wb") as file:
        yield file


@contextmanager
def _progress(total: int) -> Iterator["Callable[[int], None] | None"]:
    """A bar on stderr where somebody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("replaying"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("mentions"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("replaying", total=total)
        yield lambda done: bar.update(task, completed=done)


def _notes(read: "Recording") -> None:
    """What was kept and looks wrong."""
    for note in read.notes[:_SHOWN]:
        say(note)
    if read.odd_dates > _SHOWN:
        say(f"... and {read.odd_dates - _SHOWN:,} more odd dates")
    if read.unknown_keys:
        names = ", ".join(sorted(read.unknown_keys)[:_SHOWN])
        say(f"keys that mean nothing to warn were left alone: {names}")


def _summary(outcome: "Outcome", refused: list["Refused"], alerts: str, seconds: float) -> None:
    """What became of everything that was read, on stderr."""
    for one in refused[:_BAD_SHOWN]:
        say(f"{one.where}: {one.message}")
    if outcome.refused > _BAD_SHOWN:
        more = outcome.refused - _BAD_SHOWN
        say(f"... and {more:,} more lines that could not be read; with --data all are in the dead letters")
    fed = outcome.fed
    if fed.mended:
        say(f"{fed.mended:,} texts or numbers were too long or out of range and were cut")
    bad = f", {outcome.refused:,} bad lines put aside" if outcome.refused else ""
    where = "stdout" if alerts == "-" else alerts
    about = (
        f", {fed.let_through:,} of them about your topics"
        if fed.let_through + fed.dropped == fed.read
        else ""
    )
    say(
        f"{fed.read:,} {'mention' if fed.read == 1 else 'mentions'} replayed in {seconds:.1f} s{about}{bad}; "
        f"{outcome.lines:,} incident {'event' if outcome.lines == 1 else 'events'} in {where}"
    )

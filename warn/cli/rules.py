"""`warn rules`: check rule files, write a first one, print their schema."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from warn.cli.exits import FINDINGS, USAGE, say

if TYPE_CHECKING:
    from warn.rulefile import Checked, Loaded

app = typer.Typer(name="rules", help="Rule files: check them, write a first one.", no_args_is_help=True)


class Format(StrEnum):
    """How problems are printed."""

    TEXT = "text"
    GITHUB = "github"


class Lang(StrEnum):
    """Languages of drafts."""

    EN = "en"
    NL = "nl"


@app.command()
def check(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Rule files, or folders that hold them.", show_default="rules/"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")] = False,
    form: Annotated[
        Format, typer.Option("--format", help="github: workflow commands that show beside the line.")
    ] = Format.TEXT,
) -> None:
    """Check rule files: every mistake in its place. Exit codes: 0 sound, 3 mistakes, 2 usage."""
    # Here, not above: `warn --help` should not wait for what only this command needs.
    from warn.rulefile import NoRuleFilesError, load, rule_files

    given = paths or [Path("rules")]
    try:
        rule_files(given)
    except NoRuleFilesError as e:
        say(f"rules check: {e}")
        raise typer.Exit(USAGE) from None
    loaded = load(given)
    if as_json:
        typer.echo(_json(loaded))
    else:
        for problem in loaded.problems:
            typer.echo(problem.github() if form is Format.GITHUB else problem.text())
        for file in loaded.files:
            typer.echo(_summary(file))
    if loaded.ruleset is None:
        raise typer.Exit(FINDINGS)


def _json(loaded: "Loaded") -> str:
    import msgspec

    found = {"ok": loaded.ruleset is not None, "files": loaded.files, "problems": loaded.problems}
    return msgspec.json.format(msgspec.json.encode(found), indent=2).decode()


def _summary(file: "Checked") -> str:
    from warn.rulefile.problem import printable

    where = printable(file.file)
    warnings = f", {_count(file.warnings, 'warning')}" if file.warnings else ""
    if file.errors:
        return f"{where}: {_count(file.errors, 'mistake')}{warnings}"
    what = f"{_count(file.topics, 'topic')}, {_count(file.rules, 'rule')}, {file.mode}"
    return f"{where}: sound: {printable(file.brand)}, {what}{warnings}"


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


@app.command()
def new(
    brand: Annotated[str, typer.Option("--brand", help="The name as it appears on pages, verbatim.")],
    term: Annotated[
        list[str] | None,
        typer.Option("--term", help="A further spelling, @handle, #tag or $TICKER; may be repeated."),
    ] = None,
    lang: Annotated[
        Lang, typer.Option("--lang", help="Language of the file's comments and of what is sent.")
    ] = Lang.EN,
    timezone: Annotated[str, typer.Option("--timezone", help="Such as Europe/Amsterdam.")] = "UTC",
) -> None:
    """Print a first rule file for a brand: warn rules new --brand Acme --term @acme > rules/acme.yaml"""
    from warn.rulefile import DraftError, check_text, draft

    try:
        text = draft(brand, term or (), language=lang.value, timezone=timezone)
    except DraftError as e:
        say(f"rules new: {e}")
        raise typer.Exit(USAGE) from None
    found = check_text(text, "the draft")
    for problem in found.problems:
        typer.echo(problem.text(), err=True)
    if found.ruleset is None:
        raise typer.Exit(USAGE)
    _print_exactly(text)


@app.command()
def schema() -> None:
    """Print the JSON Schema of rule files, for editors: warn rules schema > rules/schema.json"""
    from warn.rulefile.schema import json_schema_text

    _print_exactly(json_schema_text())


def _print_exactly(text: str) -> None:
    """A file's text to stdout in UTF-8, whatever the terminal is set to: rule files are UTF-8."""
    sys.stdout.flush()
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:
        sys.stdout.write(text)
    else:
        buffer.write(text.encode("utf-8"))
        buffer.flush()

"""The command line: each verb parses and calls one function.

Results go to stdout, progress and logs to stderr. Nothing heavy is imported before a verb needs it, so that `warn --help`
and completion answer at once.
"""

import sys
from typing import Annotated

import typer

from warn.cli import connectors, incidents, live, replaying, rules, versions, watching
from warn.cli.doctor import doctor
from warn.cli.erase import erase
from warn.cli.exits import FAILED, INTERRUPTED, expected, tell
from warn.cli.init import init
from warn.cli.report import report
from warn.cli.score import score

app = typer.Typer(
    name="warn",
    help="A smoke detector for reputation: one page when something is said about you that cannot wait.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog="Begin with `warn demo`. Every verb has --help. Exit codes: 0 well, 1 failed, 2 usage, 3 findings.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(live.demo)
app.command()(live.run)
app.command()(watching.watch)
app.command()(replaying.replay)
app.command()(init)
app.command()(doctor)
app.command()(score)
app.command()(report)
app.command()(erase)
app.add_typer(rules.app)
app.add_typer(incidents.app)
app.add_typer(connectors.app)
app.command()(versions.version)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)
    ] = False,
) -> None:
    if version:
        versions.version()
        raise typer.Exit


def main() -> None:
    """The entry point: expected failures are a sentence on stderr, not a traceback."""
    try:
        app(prog_name="warn")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has enough of it; Python would complain once more when it closes stdout.
        sys.stderr.close()
        sys.exit(FAILED)
    except Exception as e:
        known = expected(e)
        if not known:
            raise
        tell(known)
        sys.exit(FAILED)

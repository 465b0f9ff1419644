"""Exit codes, and how a failure that was to be expected is told."""

from collections.abc import Sequence
from typing import Final

import typer

from warn.model.errors import WarnError

FAILED: Final = 1
USAGE: Final = 2
FINDINGS: Final = 3
INTERRUPTED: Final = 130


def expected(error: BaseException) -> Sequence[WarnError]:
    """The errors that warn raised on purpose, if there are no others in it; else none, and the traceback is due."""
    if isinstance(error, WarnError):
        return (error,)
    if isinstance(error, BaseExceptionGroup):
        inside = [expected(one) for one in error.exceptions]
        return [one for some in inside for one in some] if all(inside) else ()
    return ()


def tell(errors: Sequence[WarnError]) -> None:
    """Each once, on stderr."""
    for message in dict.fromkeys(str(e) for e in errors):
        say(message)


def say(message: str) -> None:
    """A sentence on stderr, with our name before its first line."""
    typer.echo(f"warn: {message}", err=True)

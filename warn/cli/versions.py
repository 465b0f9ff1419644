"""`warn version`."""

import json
import platform
from typing import Annotated

import typer

from warn import __version__


def version(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")] = False,
) -> None:
    """Print the version."""
    if as_json:
        typer.echo(json.dumps({"warn": __version__, "python": platform.python_version()}))
    else:
        typer.echo(f"warn {__version__} (Python {platform.python_version()})")

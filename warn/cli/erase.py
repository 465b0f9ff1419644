"""`warn erase`: the only command that takes a person, and all it can do is to make warn forget them."""

import sys
from typing import Annotated

import typer

from warn.cli.asking import Config, Json, Url
from warn.cli.exits import say
from warn.cli.live import config_file


def erase(
    source: Annotated[
        str, typer.Option("--source", help="Where they write, as mentions carry it: bluesky, forum ...")
    ],
    author: Annotated[
        str,
        typer.Option(
            "--author",
            help="Their handle there; `-` reads it from standard input, out of the shell's history.",
        ),
    ],
    name: Annotated[
        list[str] | None,
        typer.Option(
            "--name", help="What else they are called in texts; may be repeated.", show_default=False
        ),
    ] = None,
    url: Url = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Erase an author: their posts go from everything that is kept, and later ones are not taken in. Prints a receipt."""
    import asyncio

    from warn.app.forgetting import forget
    from warn.settings import load

    handle = sys.stdin.readline().strip() if author == "-" else author
    settings = load(config_file(config)).settings
    receipt, body = asyncio.run(forget(settings, source, handle, tuple(name or ()), url))
    if as_json:
        typer.echo(body.decode())
        return
    typer.echo(
        f"Erased: {receipt.posts} posts, {receipt.evidence} shown with incidents, {receipt.dead_letters} unread messages."
    )
    for topic, days in receipt.left_days.items():
        typer.echo(
            f"[{topic}] cannot be changed in place here: what is left of it has gone in {days} days at the latest."
        )
    typer.echo(f"What {receipt.author} writes on {receipt.source} from now on is not taken in.")
    typer.echo(f"Receipt {receipt.at} {receipt.signature}")
    if not receipt.posts and not receipt.evidence:
        say("Nothing of this author was kept. Is the handle written as the source writes it?")

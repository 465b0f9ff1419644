"""`warn erase`: the only command that takes a person, and all it can do is to make warn forget them."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from warn.cli.asking import Config, Json, Url
from warn.cli.exits import say
from warn.cli.live import config_file
from warn.model.errors import PermanentError, Reason

if TYPE_CHECKING:
    from warn.app.erasing import Reply
    from warn.app.weighing import Weight

OnlyTheirs = Annotated[
    bool, typer.Option("--only-theirs", help="What they wrote, and nothing of others, whoever it names.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask, however many texts of others say the name.")]


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
    only_theirs: OnlyTheirs = False,
    yes: Yes = False,
    url: Url = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Erase an author: their posts go from everything that is kept, and later ones are not taken in. Prints a receipt.

    What others wrote goes too where it says the handle or a --name. Where that is much, or a name of ours, it says how
    much and asks; with nobody to ask it refuses, unless --yes.
    """
    import asyncio

    from msgspec import json
    from msgspec.structs import replace

    from warn.app.erasing import Wish
    from warn.app.forgetting import forget
    from warn.settings import load

    handle = sys.stdin.readline().strip() if author == "-" else author
    settings = load(config_file(config)).settings
    wish = Wish(source, handle, tuple(name or ()), only_theirs=only_theirs, sure=yes)
    reply = asyncio.run(forget(settings, wish, url))
    if reply.receipt is None:
        _ask(reply.weight)
        reply = asyncio.run(forget(settings, replace(wish, sure=True), url))
    if as_json:
        typer.echo(json.encode(reply.receipt).decode())
    else:
        _tell(reply)


def _ask(weight: "Weight") -> None:
    """Returns where a person says yes. Raises PermanentError where nobody can, and Abort where they do not."""
    share = 100 * weight.others / max(1, weight.kept)
    others = (
        f"{weight.others:,} texts of others say the name, {share:.1f} % of the {weight.kept:,} that are kept"
    )
    lines = [f"{others}."]
    for one in weight.names:
        why = ", and it is a word that your rule files look for" if one.ours else ""
        lines.append(f"  {one.name!r} stands in {one.texts:,} of them{why}.")
    told = "\n".join(lines)
    if not sys.stdin.isatty():
        raise PermanentError(
            f"{told}\nNothing was erased. --only-theirs erases what this author wrote and leaves these, a --name less is "
            "looked for less, and --yes erases them all.",
            reason=Reason.REFUSED,
        )
    say(told)
    typer.confirm(
        "Erase them all? (--only-theirs erases what this author wrote, and leaves these)",
        abort=True,
        err=True,
    )


def _tell(reply: "Reply") -> None:
    receipt, weight = reply.receipt, reply.weight
    assert receipt is not None
    typer.echo(
        f"Erased: {receipt.posts} posts, {receipt.evidence} shown with incidents, {receipt.dead_letters} unread messages."
    )
    if receipt.left_days:
        typer.echo(
            f"Found: {weight.theirs} texts of this author, {weight.others} of others that say the name."
        )
    for topic, days in receipt.left_days.items():
        typer.echo(
            f"[{topic}] cannot be changed in place here: what is left of it has gone in {days} days at the latest."
        )
    typer.echo(f"What {receipt.author} writes on {receipt.source} from now on is not taken in.")
    typer.echo(f"Receipt {receipt.at} {receipt.signature}")
    if not (weight.theirs or weight.others or receipt.dead_letters):
        say("Nothing of this author was kept. Is the handle written as the source writes it?")

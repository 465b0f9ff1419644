"""`warn watch`: the open public web, from one command."""

from pathlib import Path
from typing import Annotated

import typer

from warn.cli.exits import USAGE, say

Terms = Annotated[
    list[str], typer.Argument(metavar="TERM...", help="A name and its further spellings, handles, #tags.")
]
Sources = Annotated[
    str,
    typer.Option("--sources", help="Only these, with commas between.", show_default="all that need no key"),
]
Notify = Annotated[
    str | None, typer.Option("--notify", metavar="URL", help="Post pages there, too.", show_default=False)
]
Save = Annotated[
    Path | None,
    typer.Option(
        "--save",
        metavar="FILE",
        help="Write the rule file that is used, and beside it settings for `warn run`, FILE's name with .settings.yaml.",
        show_default=False,
    ),
]
Usual = Annotated[
    float | None,
    typer.Option("--usual", min=0, help="Posts a day that are usual, if you know.", show_default=False),
]
Lang = Annotated[str, typer.Option("--lang", help="Language of the page: en or nl.")]
Port = Annotated[
    int, typer.Option("--port", min=0, max=65_535, help="Of the incident page; 0: any that is free.")
]
Seconds = Annotated[
    float | None,
    typer.Option("--for", metavar="SECONDS", min=1, help="How long.", show_default="until Ctrl-C"),
]


Json = Annotated[
    bool,
    typer.Option(
        "--json", help="The table as one JSON object a line, each second; all else on standard error."
    ),
]


def watch(
    terms: Terms,
    sources: Sources = "",
    notify: Notify = None,
    save: Save = None,
    usual: Usual = None,
    lang: Lang = "en",
    port: Port = 0,
    seconds: Seconds = None,
    as_json: Json = False,
) -> None:
    """Listen to the open public web for a name: no files, no keys. A live table, and a page when it spikes."""
    import asyncio

    from warn.app.watch import Watched
    from warn.app.watch import watch as run_watch

    if notify is not None and not _is_address(notify):
        say("watch: --notify takes an http or https address")
        raise typer.Exit(USAGE)
    named = [one.strip() for one in sources.split(",") if one.strip()]
    watched = Watched(
        tuple(terms), named, language=lang, notify=notify, save=save, usual=usual, port=port, seconds=seconds,
        as_json=as_json,
    )  # fmt: skip
    asyncio.run(run_watch(watched))


def _is_address(text: str) -> bool:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)

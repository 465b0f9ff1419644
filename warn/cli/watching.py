"""`warn watch`: the open public web, from one command."""

from pathlib import Path
from typing import Annotated

import typer

from warn.cli.exits import USAGE, say


def watch(
    terms: Annotated[
        list[str], typer.Argument(metavar="TERM...", help="A name and its further spellings, handles, #tags.")
    ],
    sources: Annotated[
        str,
        typer.Option(
            "--sources", help="Only these, with commas between.", show_default="all that need no key"
        ),
    ] = "",
    notify: Annotated[
        str | None,
        typer.Option("--notify", metavar="URL", help="Post pages there, too.", show_default=False),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option("--save", metavar="FILE", help="Write the rule file that is used.", show_default=False),
    ] = None,
    usual: Annotated[
        float | None,
        typer.Option("--usual", min=0, help="Posts a day that are usual, if you know.", show_default=False),
    ] = None,
    lang: Annotated[str, typer.Option("--lang", help="Language of the page: en or nl.")] = "en",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65_535, help="Of the incident page; 0: any that is free.")
    ] = 0,
    seconds: Annotated[
        float | None,
        typer.Option("--for", metavar="SECONDS", min=1, help="How long.", show_default="until Ctrl-C"),
    ] = None,
) -> None:
    """Listen to the open public web for a name: no files, no keys. A live table, and a page when it spikes."""
    import asyncio
    from urllib.parse import urlsplit

    from warn.app.watch import Watched
    from warn.app.watch import watch as run_watch

    if notify is not None and (
        urlsplit(notify).scheme not in {"http", "https"} or not urlsplit(notify).hostname
    ):
        say("watch: --notify takes an http or https address")
        raise typer.Exit(USAGE)
    named = [one.strip() for one in sources.split(",") if one.strip()]
    asyncio.run(
        run_watch(
            Watched(
                tuple(terms),
                named,
                language=lang,
                notify=notify,
                save=save,
                usual=usual,
                port=port,
                seconds=seconds,
            )
        )
    )

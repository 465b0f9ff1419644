"""`warn doctor`: what keeps warn from hearing, counting and paging, and what to do about it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from warn.cli.exits import FINDINGS
from warn.cli.live import config_file

if TYPE_CHECKING:
    from warn.app.symptom import Symptom


def doctor(
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            help="Settings file; else WARN_CONFIG, else warn.yaml if it is there.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")] = False,
) -> None:
    """Look at everything that warn needs: data folder, key, rules, notifiers, web port, and Kafka where it is set up.

    Changes nothing, and takes less than a minute whatever does not answer. Exit codes: 0 well, 1 the settings cannot be
    read, 3 something has to be mended.
    """
    import asyncio

    from warn.app.doctor import LIMIT_S, examine
    from warn.app.symptom import State
    from warn.settings import load

    loaded = load(config_file(config))
    if loaded.settings.bus.kafka is not None and not as_json:
        typer.echo(f"Asking Kafka, for {LIMIT_S:g} s at most ...", err=True)
    found = asyncio.run(examine(loaded.settings, loaded.warnings))
    typer.echo(_json(found) if as_json else _text(found))
    if any(one.state is State.WRONG for one in found):
        raise typer.Exit(FINDINGS)


def _text(found: "Sequence[Symptom]") -> str:
    width = max(len(one.name) for one in found)
    lines = [f"{one.state.value:<5}  {one.name:<{width}}  {one}" for one in found]
    wrong = sum(one.state.value == "wrong" for one in found)
    lines.append("")
    lines.append(f"{wrong} to mend" if wrong else "Nothing has to be mended.")
    return "\n".join(lines)


def _json(found: "Sequence[Symptom]") -> str:
    checks = [{"state": o.state.value, "name": o.name, "what": o.what, "do": o.do} for o in found]
    return json.dumps({"ok": all(o.state.value != "wrong" for o in found), "checks": checks}, indent=2)

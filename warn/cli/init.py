"""`warn init`: the Kafka topics that warn needs, made and checked."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from warn.cli.exits import FAILED, FINDINGS, say
from warn.cli.live import config_file

if TYPE_CHECKING:
    from warn.bus.kafka.admin import Inspection


def init(
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            help="Settings file; else WARN_CONFIG, else warn.yaml if it is there.",
            show_default=False,
        ),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Only look: make nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")] = False,
) -> None:
    """Make the Kafka topics that warn needs, and check those that are there. Nothing that exists is ever altered.

    May be run again at any time. Exit codes: 0 all is right, 1 failed, 3 something has to be mended.
    """
    import asyncio

    from warn.app.kafka import kafka_config, look_over
    from warn.settings import load

    loaded = load(config_file(config))
    for warning in loaded.warnings:
        say(warning)
    seen = asyncio.run(look_over(kafka_config(loaded.settings), make=not check))
    typer.echo(_json(seen) if as_json else _text(seen))
    if seen.failed:
        raise typer.Exit(FAILED)
    if seen.refusals:
        raise typer.Exit(FINDINGS)


def _state(seen: "Inspection", name: str) -> str:
    if name in seen.failed:
        return "failed"
    if name in seen.created:
        return "created"
    if seen.topics[name] is None:
        return "missing"
    return "differs" if any(f.place == name for f in seen.findings) else "right"


def _text(seen: "Inspection") -> str:
    from warn.bus.kafka.release import release

    lines = [
        f"broker {b.node}  {b.address}  {'Kafka ' + release(b.level) if not b.trouble else 'not reached'}"
        for b in seen.brokers
    ]
    lines.append("")
    width = max(len(name) for name in seen.topics)
    lines.append(f"{'':<8} {'Kafka topic':<{width}} partitions copies")
    for name, there in seen.topics.items():
        what = f"{there.partitions:>10} {there.replication:>6}" if there else ""
        lines.append(f"{_state(seen, name):<8} {name:<{width}} {what}".rstrip())
    if seen.findings:
        lines.append("")
    refused = set(seen.refusals)
    lines += [f"{'' if f in refused else 'note: '}{f}" for f in seen.findings if f.what != "is missing"]
    if seen.missing and not seen.failed:
        others = [f for f in seen.refusals if f.what != "is missing"]
        lines.append(
            "Nothing was made: mend the above first."
            if others
            else "Some are missing: run `warn init` to make them."
        )
    return "\n".join(lines).rstrip()


def _json(seen: "Inspection") -> str:
    from warn.bus.kafka.release import release

    return json.dumps(
        {
            "ok": not seen.refusals,
            "brokers": [
                {"node": b.node, "address": b.address, "release": release(b.level), "trouble": b.trouble}
                for b in seen.brokers
            ],
            "topics": [
                {
                    "name": name,
                    "state": _state(seen, name),
                    "partitions": there.partitions if there else None,
                    "copies": there.replication if there else None,
                }
                for name, there in seen.topics.items()
            ],
            "findings": [
                {
                    "level": f.level.value,
                    "refused": f.refuses(seen.config),
                    "place": f.place,
                    "what": f.what,
                    "do": f.do,
                }
                for f in seen.findings
            ],
        },
        indent=2,
    )

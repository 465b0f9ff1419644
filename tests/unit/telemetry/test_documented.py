"""docs/operations.md lists every metric as it is declared."""

from pathlib import Path

from warn.telemetry.metrics import CATALOGUE

MANUAL = Path(__file__).resolve().parents[3] / "docs" / "operations.md"


def table() -> str:
    """What the manual has to say, to be pasted there."""
    rows = ["| Metric | Type | Labels | Meaning |", "| --- | --- | --- | --- |"]
    rows += [
        f"| `{m.name}` | {m.kind} | {', '.join(m.labels)} | {m.text} |"
        for m in sorted(CATALOGUE.values(), key=lambda m: m.name)
    ]
    return "\n".join(rows) + "\n"


def test_manual_lists_every_metric() -> None:
    """An operator finds what /metrics shows, under the same name and with the same words."""
    text = MANUAL.read_text(encoding="utf-8")
    assert table() in text, f"put this under `## Metrics` of docs/operations.md:\n\n{table()}"

"""Every key is described to editors and in the manual, and the committed schema is the one of the code."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from warn.detect.registry import DETECTORS as REGISTERED
from warn.rulefile import load
from warn.rulefile.schema import json_schema, json_schema_text
from warn.rulefile.schema_rule import DETECTORS

ROOT = Path(__file__).parents[3]


def keys(schema: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for name, inner in {"RuleFile": schema, **schema["$defs"]}.items():
        for key, field in inner.get("properties", {}).items():
            yield name, key, field


def test_the_committed_schema_is_fresh() -> None:
    """`warn rules schema > rules/schema.json` was run after the last change."""
    assert (ROOT / "rules" / "schema.json").read_text(encoding="utf-8") == json_schema_text()


def test_every_key_is_described() -> None:
    """An editor shows what each key means."""
    assert [f"{name}.{key}" for name, key, field in keys(json_schema()) if not field.get("description")] == []


def test_every_key_is_in_the_manual() -> None:
    """docs/rules.md names each key."""
    manual = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    written = set(manual.replace("`", " ").replace("{", " ").replace(":", " ").replace(",", " ").split())
    assert sorted({key for _, key, _ in keys(json_schema())} - written) == []


def test_unknown_keys_are_refused_everywhere() -> None:
    """Only annotations take keys of one's own."""
    open_to_more = [
        name for name, d in json_schema()["$defs"].items() if d.get("additionalProperties", True) is not False
        and d["type"] == "object"
    ]  # fmt: skip
    assert open_to_more == ["Annotations"]


def test_detectors_are_the_ones_that_exist() -> None:
    """The schema and the registry name the same detectors."""
    assert set(DETECTORS) == set(REGISTERED)


@pytest.mark.parametrize("place", ["rules", "rules/demo", "rules/example-bank.yaml"])
def test_the_examples_are_sound(place: str) -> None:
    """Not even a warning."""
    assert [p.text() for p in load([ROOT / place]).problems] == []


def test_the_examples_show_every_key() -> None:
    """Whoever copies from the examples sees each key used once."""
    texts = "".join(f.read_text(encoding="utf-8") for f in (ROOT / "rules").rglob("*.yaml"))
    assert sorted({key for _, key, _ in keys(json_schema()) if f"{key}:" not in texts}) == []

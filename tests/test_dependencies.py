"""What warn depends on is little, is said and explained in docs/dependencies.md, and is used."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
MOST = 50

IMPORTED_AS = {
    "ahocorasick-rs": "ahocorasick_rs",
    "google-re2": "re2",
    "prometheus-client": "prometheus_client",
    "pydantic-settings": "pydantic_settings",
    "ruamel-yaml": "ruamel",
}
USED_WITHOUT_IMPORT = {"tzdata": "zoneinfo reads it", "cramjam": "aiokafka compresses with it"}


def locked() -> dict[str, dict[str, Any]]:
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    return {package["name"]: package for package in lock["package"]}


def direct() -> set[str]:
    return {d["name"] for d in locked()["warn-daemon"]["dependencies"]}


def closure() -> set[str]:
    """Every package that running warn may need, on any platform."""
    packages, found, open_ones = locked(), set[str](), direct()
    while open_ones:
        name = open_ones.pop()
        found.add(name)
        package = packages[name]
        extras = [d for group in package.get("optional-dependencies", {}).values() for d in group]
        needed = {d["name"] for d in (*package.get("dependencies", ()), *extras)}
        open_ones |= needed - found
    return found


def table(heading: str) -> set[str]:
    text = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    section = text.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return set(re.findall(r"^\| ([\w-]+) \|", section, re.MULTILINE)) - {"Package", "---"}


def imported() -> Iterator[str]:
    for tree in ("warn", "connectors"):
        for path in (ROOT / tree).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    yield from (alias.name.partition(".")[0] for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module:
                    yield node.module.partition(".")[0]


def test_table_and_lock_agree() -> None:
    """Every package that warn brings along is explained, and nothing else is."""
    assert table("Chosen by us") == direct()
    assert table("Brought in by those") == closure() - direct()


def test_closure_stays_small() -> None:
    """Each package more is one more to trust."""
    assert len(closure()) <= MOST


def test_every_direct_dependency_is_used() -> None:
    """A package that nothing imports goes."""
    used = set(imported())
    unused = {d for d in direct() if IMPORTED_AS.get(d, d) not in used} - set(USED_WITHOUT_IMPORT)
    assert not unused


def test_runtime_is_wheels_only() -> None:
    """Installing warn compiles nothing."""
    assert not [name for name in closure() if not locked()[name].get("wheels")]


def test_lock_is_free_of_private_hosts() -> None:
    """The lock works for everybody: one public index, no mirror of a company, no port, no name or password."""
    text = (ROOT / "uv.lock").read_text(encoding="utf-8")
    indexes = set(re.findall(r'registry = "([^"]+)"', text))
    hosts = set(re.findall(r"https?://([^/\"]+)", text))
    assert len(indexes) == 1
    assert len(hosts) == 2, "the index and where its files are"
    assert all(re.fullmatch(r"(\w+\.)?py\w+\.org", host) for host in hosts), hosts

"""The import contracts of pyproject.toml catch what they are for: one forbidden import each, planted in a copy."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]

PLANTS: dict[str, list[dict[str, str]]] = {
    # contract: plants, each a set of files (path: text) that must break it
    "layers": [
        {"warn/model/planted.py": "import warn.stages.base\n"},
        {"warn/match/planted.py": "import warn.aggregate\n"},
        {"warn/ingest/planted.py": "import warn.notify.notifier\n"},
        {"warn/nowhere.py": "x = 1\n"},
    ],
    "connectors-plugged-in": [{"warn/ingest/planted.py": "import connectors\n"}],
    "connectors-port-only": [{"connectors/planted.py": "import warn.bus.base\n"}],
    "connectors-independent": [
        {"connectors/planted_a.py": "import connectors.planted_b\n", "connectors/planted_b.py": "x = 1\n"}
    ],
    "model-plain": [
        {"warn/model/planted.py": "import time\n"},
        {"warn/model/planted.py": "import pydantic\n"},
    ],
    "pure-half": [
        {"warn/detect/planted.py": "import time\n"},
        {"warn/stages/planted.py": "def f():\n    import asyncio\n"},
    ],
    "detectors-independent": [{"warn/detect/threshold.py": "import warn.detect.spike\n"}],
    "notifiers-independent": [{"warn/notify/console.py": "import warn.notify.webhook\n"}],
    "river-in-detect": [{"warn/match/planted.py": "def f():\n    from river import stats\n"}],
    "strangers-text": [
        {"connectors/planted.py": "from lxml import etree\n"},
        {"warn/ingest/planted.py": "def f():\n    import fastfeedparser\n"},
        {"warn/match/planted.py": "def f():\n    from py3langid import langid\n"},
    ],
    "one-way-out": [
        {"connectors/planted.py": "import httpx2\n"},
        {"warn/ingest/planted.py": "def f():\n    import httpcore2\n"},
    ],
    "aiokafka-in-bus": [
        {"warn/app/planted.py": "def f():\n    from aiokafka import AIOKafkaConsumer\n"},
        {"warn/bus/planted.py": "import aiokafka.errors\n"},
    ],
    "telemetry-only": [
        {"warn/ingest/planted.py": "import structlog\n"},
        {"connectors/planted.py": "from prometheus_client import Counter\n"},
    ],
    "acyclic": [
        {
            "warn/stages/planted_a.py": "import warn.stages.planted_b\n",
            "warn/stages/planted_b.py": "import warn.stages.planted_a\n",
        }
    ],
}


def contracts() -> list[dict[str, Any]]:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = config["tool"]["importlinter"]["contracts"]
    return found


def lint(tree: Path, *contract: str) -> subprocess.CompletedProcess[str]:
    only = [part for name in contract for part in ("--contract", name)]
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache", *only]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what import-linter reads."""
    copy = tmp_path_factory.mktemp("tree")
    shutil.copy(ROOT / "pyproject.toml", copy)
    for package in ("warn", "connectors"):
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def test_clean_tree_keeps_every_contract(tree: Path) -> None:
    """Without a plant nothing is reported, so a plant is what a report is about."""
    done = lint(tree)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_every_contract_has_a_plant() -> None:
    """A contract that nobody has seen fail may be one that cannot."""
    assert set(PLANTS) == {contract["id"] for contract in contracts()}


@pytest.mark.parametrize(
    ("contract", "plant"), [(name, plant) for name, plants in PLANTS.items() for plant in plants]
)
def test_planted_import_is_caught(tree: Path, contract: str, plant: dict[str, str]) -> None:
    """Each planted import breaks the contract that forbids it, by name."""
    before = {path: (tree / path).read_text(encoding="utf-8") for path in plant if (tree / path).exists()}
    for path, text in plant.items():
        (tree / path).write_text(before.get(path, "") + text, encoding="utf-8")
    try:
        done = lint(tree, contract)
    finally:
        for path in plant:
            (tree / path).unlink()
        for path, text in before.items():
            (tree / path).write_text(text, encoding="utf-8")
    name = next(c["name"] for c in contracts() if c["id"] == contract)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{name} BROKEN" in done.stdout
    assert all(Path(path).stem in done.stdout for path in list(plant)[:1])


def test_connectors_see_ingest_and_model_only() -> None:
    """The list of what connectors may not import names every package of warn but the two they may."""
    forbidden = next(c["forbidden_modules"] for c in contracts() if c["id"] == "connectors-port-only")
    parts = {p.stem for p in (ROOT / "warn").iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()}
    parts -= {"__init__", "__main__", "ingest", "model"}
    assert {f"warn.{part}" for part in parts} == set(forbidden)

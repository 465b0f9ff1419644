"""Every connector of the registry holds to the contract of its kind."""

import ast
import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors import BUILT_IN, build, kind
from connectors.replay import ReplayConfig, ReplayConnector
from connectors.simulate import SimulateConfig, SimulateConnector
from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Connector, Cursor
from warn.model.errors import PermanentError, Reason
from warn.testing.check_connector import Failing, check_connector


def recording(path: Path) -> Path:
    lines: list[dict[str, object]] = [
        {
            "id": str(i),
            "source": "forum",
            "author": f"Marker Person {i % 7}",
            "text": f"Acme kettle number {i}",
            "created_at": f"2024-05-01T10:{i // 60:02}:{i % 60:02}Z",
            "reply_to": str(i - 3) if i % 5 == 0 and i else None,
        }
        for i in range(1_100)
    ]
    lines += [{"id": str(i), "source": "forum", "kind": "update", "created_at": "2024-05-01T12:00:00Z",
               "engagement": {"likes": i}} for i in range(0, 900, 7)]  # fmt: skip
    with gzip.open(path, "wt", encoding="utf-8") as out:
        out.writelines(json.dumps(line) + "\n" for line in reversed(lines))
    return path


async def test_replay(tmp_path: Path) -> None:
    path = recording(tmp_path / "recorded.jsonl.gz")

    def make() -> tuple[ConnectorConfig, Connector]:
        config = ReplayConfig(name="recorded", paths=(str(path),))
        return config, ReplayConnector(config)

    missing = ReplayConfig(name="recorded", paths=(str(tmp_path / "Marker Person 1"),))
    await check_connector(
        make,
        failing={
            "a file that is not there": Failing(
                lambda: ReplayConnector(missing), PermanentError, Reason.CONFIG
            )
        },
        secrets=["Marker Person"],
    )


async def test_simulate() -> None:
    config = SimulateConfig(
        name="town",
        start=datetime(2026, 6, 1, 18, tzinfo=UTC),
        lasts=timedelta(minutes=8),
        crisis_after=timedelta(minutes=2),
    )
    await check_connector(lambda: (config, SimulateConnector(config)))


ELSEWHERE = {"kafka": Path(__file__).parents[1] / "kafka" / "test_foreign_topic.py"}
"""Suites that need more than a local server."""


def test_every_connector_of_the_registry_is_tested() -> None:
    """Somebody who adds a connector is told to add its contract test; naming the suite in a text is not running it."""
    here = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    for type_ in BUILT_IN.keys() - here:
        path = ELSEWHERE.get(type_, Path(__file__).parent / "connectors" / f"test_{type_}.py")
        assert path.exists(), f"add {path}"
        calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        names = {func.id for func in calls if isinstance(func, ast.Name)}
        assert names & {"check_connector", "check_inbound"}, f"{path}: run the suite"


def test_the_registry_and_the_settings_say_the_same_types() -> None:
    for type_ in BUILT_IN:
        assert kind(type_).type == type_


@pytest.mark.parametrize("type_", ["replay", "simulate"])
async def test_a_foreign_cursor_is_a_permanent_error(type_: str, tmp_path: Path) -> None:
    config: ReplayConfig | SimulateConfig
    if type_ == "replay":
        config = ReplayConfig(name="one", paths=(str(recording(tmp_path / "r.jsonl.gz")),))
    else:
        config = SimulateConfig(name="one")
    with pytest.raises(PermanentError) as caught:
        async for _ in build(config).batches(Cursor("nonsense")):
            pass
    assert caught.value.reason is Reason.MALFORMED

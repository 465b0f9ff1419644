"""Settings of connectors: told apart by type, strict, and no ear among staff without governance."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from connectors import ConnectorSettings, build
from connectors.replay import ReplayConnector
from connectors.simulate import SimulateConnector

ANY: TypeAdapter[Any] = TypeAdapter(ConnectorSettings)
GOVERNANCE = {
    "purpose": "hear early when a product hurts somebody",
    "owner": "head of communications",
    "notice_url": "https://intranet.example/listening",
    "dpia": "register 2026-14",
    "works_council": "agreed on 3 March 2026",
}


def test_each_type_builds_its_connector() -> None:
    town = ANY.validate_python({"type": "simulate", "name": "town", "crisis_after": 20, "doubling": "PT8S"})
    assert isinstance(build(town), SimulateConnector)
    recorded = ANY.validate_python(
        {"type": "replay", "name": "recorded", "paths": ["a.jsonl"], "source": "forum"}
    )
    connector = build(recorded)
    assert isinstance(connector, ReplayConnector)
    assert (connector.name, connector.source) == ("recorded", "forum")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"type": "telepathy", "name": "x"}, "telepathy"),
        ({"type": "replay", "name": "x"}, "paths"),
        ({"type": "replay", "name": "x", "paths": []}, "paths"),
        ({"type": "simulate", "name": "Not A Name"}, "name"),
        ({"type": "simulate", "name": "x", "ratee": 5}, "ratee"),
        ({"type": "simulate", "name": "x", "doubling": 0}, "doubling"),
        ({"type": "simulate", "name": "x", "role": "boss"}, "role"),
        ({"type": "simulate", "name": "x", "role": "internal"}, "starts only with governance"),
        (
            {"type": "simulate", "name": "x", "role": "internal", "governance": GOVERNANCE | {"dpia": ""}},
            "dpia",
        ),
        ({"type": "simulate", "name": "x", "role": "internal", "governance": {}}, "purpose"),
    ],
)
def test_what_is_wrong_is_named(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ANY.validate_python(settings)

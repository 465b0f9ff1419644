"""The fake keeps the rules that our pages rely on."""

import json
from typing import Any

import pytest

from warn.testing.pager_rules import PER_MINUTE, PagerRules

KEY = "k" * 32


def event(action: str = "trigger", key: str | None = "a", **more: Any) -> bytes:
    payload = {"summary": "s", "source": "warn", "severity": "critical"} | more.pop("payload", {})
    body = {"routing_key": KEY, "event_action": action, "payload": payload, **more}
    return json.dumps(body if key is None else body | {"dedup_key": key}).encode()


def test_triggers_of_one_key_ring_once_until_it_is_resolved() -> None:
    """After that the same key rings anew: what a late retry would do."""
    rules = PagerRules()
    for action in ("trigger", "trigger", "acknowledge", "trigger"):
        assert rules.accept(event(action))[0] == 202
    assert [r.state for r in rules.rings] == ["acknowledged"]
    rules.accept(event("resolve"))
    rules.accept(event("resolve", "unknown"))
    assert [r.state for r in rules.rings] == ["resolved"]
    rules.accept(event())
    assert [r.state for r in rules.rings] == ["resolved", "triggered"]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        event("page"),
        event(routing_key="short"),
        event(key="k" * 256),
        event("resolve", None),
        event(payload={"summary": ""}),
        event(payload={"summary": "s" * 1025}),
        event(payload={"source": ""}),
        event(payload={"severity": "page"}),
        event(payload={"timestamp": "yesterday"}),
        event(payload={"group": 1}),
        event(links=[{"text": "x"}]),
        event(images=[{"src": "http://x"}]),
    ],
)
def test_what_breaks_a_rule_is_refused(body: bytes) -> None:
    """400, and nobody is rung."""
    rules = PagerRules()
    assert rules.accept(body)[0] == 400
    assert rules.rings == []


def test_sizes_and_rates_are_limited() -> None:
    """413 above 512 kB, 429 above 120 a minute, and again after it."""
    rules = PagerRules()
    assert rules.accept(event(payload={"x": "y" * (512 * 1024)}))[0] == 413
    assert [rules.accept(event(), 1.0)[0] for _ in range(PER_MINUTE + 1)] == [202] * PER_MINUTE + [429]
    assert rules.accept(event(), 61.5)[0] == 202


def test_a_key_is_made_up_where_none_is_given() -> None:
    """And told in the answer."""
    status, answer = PagerRules().accept(event(key=None))
    assert (status, bool(answer["dedup_key"])) == (202, True)

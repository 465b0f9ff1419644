"""Replay of a small town: the same bytes however the work is cut up, and lines as DESIGN section 11 has them."""

import asyncio
import gzip
import io
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.simulate import Outbreak, Town
from warn.app.replay import Options, recording, replay
from warn.model.errors import PermanentError
from warn.model.mention import Item
from warn.model.rules import RuleSet
from warn.rulefile import check_text, draft

START = 1_760_000_000
KEYS = ["event", "at", "incident", "alert", "brand", "topic", "severity", "mode", "summary", "numbers"]


def _line(item: Item) -> bytes:
    shown: dict[str, Any] = {k: v for k, v in msgspec.structs.asdict(item).items() if v is not None}
    for key in ("created", "seen"):
        ms = shown.pop(f"{key}_ms", None)
        if ms is not None:
            whole, rest = divmod(ms, 1000)
            stamp = msgspec.json.encode(datetime.fromtimestamp(whole, UTC))
            shown[f"{key}_at"] = stamp.decode().strip('"').replace("Z", f".{rest:03d}Z")
    if "engagement" in shown:
        shown["engagement"] = dict(
            zip(("likes", "replies", "shares", "views"), shown["engagement"], strict=True)
        )
    return msgspec.json.encode(shown) + b"\n"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three hours of a town and a crisis at the end, recorded."""
    outbreak = Outbreak((START + 2 * 3600) * 1000, 30.0, 600.0)
    items = Town(3, rate=1.0).stream(START * 1000, (START + 3 * 3600) * 1000, outbreak)
    path = tmp_path_factory.mktemp("town") / "town.jsonl.gz"
    path.write_bytes(gzip.compress(b"".join(_line(i) for i in items) + b"broken\n"))
    return path


@pytest.fixture(scope="module")
def rules() -> RuleSet:
    """Two brands, by name alone."""
    sets = [check_text(draft(brand)).ruleset for brand in ("Acme", "Lumen Telecom")]
    assert sets[0] and sets[1]
    return RuleSet(
        topics=sets[0].topics + sets[1].topics, rules=sets[0].rules + sets[1].rules, negative=sets[0].negative
    )


def _run(town: Path, rules: RuleSet, **options: Any) -> tuple[bytes, str]:
    refused: list[Any] = []
    chosen = Options(**options)
    read = recording([str(town)], chosen.shuffle, refused.append)
    out = io.BytesIO()
    outcome = asyncio.run(replay(read, refused, rules, out, chosen))
    assert outcome.refused == 1
    return out.getvalue(), outcome.state_hash


@pytest.fixture(scope="module")
def plain(town: Path, rules: RuleSet) -> tuple[bytes, str]:
    """What comes out without any options."""
    return _run(town, rules)


def test_lines_are_as_promised(plain: tuple[bytes, str]) -> None:
    """One JSON object a line, these keys in this order, event time in UTC, sorted; the crisis is in it."""
    out, state = plain
    lines = [json.loads(one) for one in out.splitlines()]
    assert lines
    assert all(list(one) == KEYS for one in lines)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", one["at"]) for one in lines)
    order = [(one["at"], one["brand"], one["incident"]) for one in lines]
    assert order == sorted(order)
    opened = [one for one in lines if one["event"] == "opened" and one["brand"] == "Acme"]
    assert opened
    assert opened[-1]["topic"] == "acme"
    assert lines[-1]["event"] == "resolved"
    assert re.fullmatch(r"[0-9a-f]{64}", state)


@pytest.mark.parametrize(
    "options",
    [
        {"partitions": 6, "batch": 7},
        {"batch": 1, "shuffle": 1},
        {"partitions": 2, "shuffle": 2},
        {"every_second": True},
    ],
)
def test_nothing_changes_what_comes_out(
    town: Path, rules: RuleSet, plain: tuple[bytes, str], options: dict[str, Any]
) -> None:
    """Partitions, batches, order of lines, interleaving of workers, density of clocks: the same bytes and state."""
    assert _run(town, rules, **options) == plain


def test_a_finished_replay_gives_the_same_again(
    town: Path, rules: RuleSet, plain: tuple[bytes, str], tmp_path: Path
) -> None:
    """With --data a second run has nothing to do and says the same; other mentions are refused there."""
    first = _run(town, rules, data=tmp_path)
    assert _run(town, rules, data=tmp_path) == first == plain
    other = tmp_path / "other.jsonl"
    other.write_bytes(_line(Item(source="a", id="1", created_ms=START * 1000, text="Acme")) + b"broken\n")
    with pytest.raises(BaseExceptionGroup) as caught:
        _run(other, rules, data=tmp_path)
    assert caught.group_contains(PermanentError, match="give it an empty one")


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """Damage and absence are sentences."""
    with pytest.raises(PermanentError, match="cannot be read"):
        recording([str(tmp_path / "none")], None, lambda _: None)
    damaged = tmp_path / "damaged.gz"
    damaged.write_bytes(b"\x1f\x8b damaged")
    told: list[str] = []
    for shuffle in (None, 1):
        assert len(recording([str(damaged)], shuffle, lambda one: told.append(one.message))) == 0
    assert len(told) == 2
    assert "damaged" in told[0]


def test_shuffling_reads_what_a_plain_run_reads(tmp_path: Path) -> None:
    """A byte-order mark before the first line, and places in messages, are those of the file itself."""
    marked = tmp_path / "marked.jsonl"
    marked.write_bytes(
        b"\xef\xbb\xbf" + _line(Item(source="a", id="1", created_ms=START * 1000, text="Acme")) + b"broken\n"
    )
    refused: list[str] = []
    for shuffle in (None, 1, 2):
        assert len(recording([str(marked)], shuffle, lambda one: refused.append(one.where))) == 1
    assert refused == [f"{marked}:2"] * 3

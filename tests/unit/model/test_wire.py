"""Bytes on the bus: golden, forgiving to what is newer, exact about what is broken."""

from pathlib import Path

import msgspec
import pytest

from warn.model import wire
from warn.model.alerts import (
    AlertEvent,
    Beat,
    DeliveryEvent,
    HistoryPoint,
    IncidentEvent,
    Numbers,
    Receipt,
    Tick,
)
from warn.model.mention import Mention, Reading
from warn.model.records import Clock, DeadLetter, Evidence, Parcel, Partial, Sample, Signals
from warn.model.rules import RuleSet

GOLDEN_FOLDER = Path(__file__).parents[2] / "golden"
MENTION = Mention("x", 7, 7, "post", "hello", 1_000, author=5, id="a")


def test_a_record_of_a_later_release_is_told_apart_from_rubbish():
    """An unknown kind is skipped and counted; rubbish goes to dead letters."""
    with pytest.raises(wire.UnknownKindError, match="'zz'"):
        wire.decode_mentions(wire.encode(["zz", 1, 2]))
    with pytest.raises(wire.UnknownKindError, match="'later'"):
        wire.decode_desk(wire.encode({"type": "later", "x": 1}))
    for rubbish in (b"", b"\xc1", b"\x93\xa1p", wire.encode(["p", "no", 1]), b"\xff" * 100):
        with pytest.raises(wire.UnreadableError):
            wire.decode_mentions(rubbish)


def test_fields_added_at_the_end_by_a_later_release_are_ignored():
    """A newer writer and an older reader agree on what both know."""
    raw = wire.encode(["c", 12, [], ["abc"], [], "something new"])
    assert wire.decode_mentions(raw) == Clock(12, (), ("abc",))


def test_a_parcel_with_one_bad_mention_loses_only_that_one():
    """The others are read; the bad one is named by its index."""
    good = msgspec.msgpack.decode(wire.encode(MENTION))
    reading = msgspec.msgpack.decode(wire.encode(Reading("s", "t", "care", 1, 60, 1000)))
    raw = wire.encode(["p", [good, ["x", "not a number"], good], [reading, 5]])
    parcel, bad = wire.salvage_parcel(raw)
    assert parcel.mentions == (MENTION, MENTION)
    assert len(parcel.readings) == 1
    assert [i for i, _, _ in bad] == [1, 4]


NUMBERS = Numbers(people=3)
EVENT = {
    "at": 5,
    "brand": "B",
    "rule": "B/R",
    "alert": "R",
    "topic": "B/b",
    "severity": "page",
    "mode": "live",
}
GOLDEN = {
    "parcel": (Parcel((MENTION,)), wire.decode_mentions),
    "clock": (Clock(60, ("press",), ("abc",)), wire.decode_mentions),
    "signals": (
        Signals(1, (Clock(60),), (Partial("B/b", 5, 3, 2, samples=(Sample(1, 2, 3, "x", 0, ("fire",), 5),)),)),
        wire.decode_signals,
    ),
    "alert": (AlertEvent(kind="firing", episode=1, numbers=NUMBERS, **EVENT), wire.decode_desk),
    "beat": (Beat(at=60, brand="B"), wire.decode_desk),
    "tick": (Tick(now=61), wire.decode_desk),
    "receipt": (Receipt(now=61, delivery="d", attempt=1, outcome="retry"), wire.decode_desk),
    "incident": (
        IncidentEvent(event="opened", incident="i", sequence=1, summary="s", message="m", numbers=NUMBERS, **EVENT),
        wire.decode_incident,
    ),
    "delivery": (
        DeliveryEvent(incident="i", sequence=1, notifier="n", state="delivered", at=5, attempt=1),
        wire.decode_incident,
    ),
    "evidence": (
        Evidence(1, "B/b", "B", "x", "post", "text", "", 5, 2, 0, "", False, "a"),
        wire.decode_evidence,
    ),
    "deadletter": (DeadLetter("f:1", "malformed", "m", 5, b"x"), wire.decode_deadletter),
    "history": (
        HistoryPoint(
            brand="B", rule="B/R", topic="B/b", signal="echo", minute=60, count=1, expected=0.5, low=0.0, high=1.0,
            score=0.1, threshold=2.5, state="inactive",
        ),
        wire.decode_history,
    ),
    "ruleset": (RuleSet(negative=("bad",)), wire.decode_ruleset),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_every_record_of_this_release_is_read_from_its_golden_bytes(name, golden):
    """What release 0.1 wrote is read by every later one; a change of these bytes is a change of the wire."""
    record, decode = GOLDEN[name]
    raw = golden(f"wire-0.1/{name}.msgpack", wire.encode(record))
    assert decode(raw) == record
    assert wire.encode(record) == raw


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_what_was_written_before_fields_were_added_is_still_read(name):
    """A data folder of before opens as it is: what is new has a default."""
    record, decode = GOLDEN[name]
    raw = (GOLDEN_FOLDER / "wire-0.1-before-canaries" / f"{name}.msgpack").read_bytes()
    assert decode(raw) == record

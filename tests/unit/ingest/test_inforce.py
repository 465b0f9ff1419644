"""Rule sets come into force one after the other, and each stays named long enough."""

import pytest

from tests.unit.ingest.items import KEY, compiles
from warn.ingest.inforce import RETIRE_S, InForce
from warn.model.hashing import content_hash
from warn.model.rules import Channel, RuleSet, Topic
from warn.model.wire import encode
from warn.stages.base import MissingConfigError

A, B = RuleSet((Topic("a/a", "a"),)), RuleSet((Topic("b/b", "b"),))
HASH = {name: content_hash(encode(one)) for name, one in (("A", A), ("B", B))}


def lost(name: str) -> RuleSet:
    raise MissingConfigError(name)


def force(*added: tuple[RuleSet, int]) -> InForce:
    one = InForce(KEY, compiles)
    for ruleset, now in added:
        one.add(ruleset, now)
    return one


def test_the_newest_is_named_last_and_the_old_one_for_ten_minutes_more() -> None:
    one = force((A, 0), (B, 100))
    assert one.clock(101).config == (HASH["A"], HASH["B"])
    assert not one.retire(99 + RETIRE_S)
    assert one.retire(100 + RETIRE_S)
    assert one.clock(101 + RETIRE_S).config == (HASH["B"],)
    assert not one.retire(10**9)


def test_the_door_filters_by_all_that_are_named() -> None:
    one = force((A, 0), (B, 100))
    assert len(one.policy().could_match) == 2
    one.retire(10**6)
    assert len(one.policy().could_match) == 1


def test_the_same_rules_again_change_nothing_and_going_back_is_possible() -> None:
    one = force((A, 0))
    assert one.add(A, 5) is None
    one.add(B, 10)
    assert one.add(A, 20) == encode(A)
    assert one.clock(21).config == (HASH["B"], HASH["A"])


def test_what_is_in_force_survives_a_restart() -> None:
    one = force((A, 0), (B, 100))
    one.clock(150)
    again = InForce(KEY, compiles)
    again.restore(one.to_bytes(), {HASH["A"]: A, HASH["B"]: B}.__getitem__)
    assert again.now == 150
    assert again.clock(151) == one.clock(151)


def test_rules_set_before_the_seat_was_read_come_last() -> None:
    saved = force((A, 0)).to_bytes()
    one = force((B, 100))
    one.restore(saved, {HASH["A"]: A}.__getitem__)
    assert one.clock(1).config == (HASH["A"], HASH["B"])
    same = force((A, 100))
    same.restore(saved, lost)
    assert same.clock(1).config == (HASH["A"],)


def test_a_lost_body_is_fatal_only_where_nothing_takes_its_place() -> None:
    saved = force((A, 0)).to_bytes()
    with pytest.raises(MissingConfigError):
        force().restore(saved, lost)
    one = force((B, 100))
    one.restore(saved, lost)
    assert one.clock(1).config == (HASH["B"],)


def test_rules_that_cannot_be_compiled_leave_the_old_ones() -> None:
    def picky(ruleset: RuleSet) -> object:
        if ruleset == B:
            raise ValueError("no")
        return str.isascii

    one = InForce(KEY, picky)
    one.add(A, 0)
    with pytest.raises(ValueError, match="no"):
        one.add(B, 1)
    assert one.clock(2).config == (HASH["A"],)


def test_the_pulse_of_a_channel_is_the_newest_rule_sets() -> None:
    channels = (
        ("a", Channel("bluesky", expect_s=600)),
        ("b", Channel("bluesky", expect_s=900)),
        ("b", Channel("x")),
    )
    assert force((A, 0), (RuleSet(channels=channels), 1)).expects() == {"bluesky": 900}
    assert force().expects() == {}

"""detect at its edges: configs that are not here yet, bytes that nobody can read, order of what it says."""

import pytest

from tests.property.detect_world import SETS, START, Toy, fresh
from warn.model.records import Clock, Partial, Signals
from warn.model.wire import decode_desk, encode
from warn.stages.base import Effects, In, MissingConfigError
from warn.stages.detect import DetectStage


def step(stage, *records, effects=None):
    effects = effects or Effects()
    for _ in stage.step([In(i, r) for i, r in enumerate(records)], effects):
        pass
    return effects


def clock(now, config="one"):
    return Clock(now, (), (config,))


def test_a_missing_config_leaves_the_stage_as_it_was():
    """The worker hands in the same records again when the body has come."""
    known = dict(SETS)
    del known["two"]

    def rulesets(name):
        if name not in known:
            raise MissingConfigError(name)
        return known[name]

    stage = DetectStage(0, partitions=1, match_partitions=1, rulesets=rulesets, build=lambda *_: Toy())
    step(stage, encode(Signals(0, (clock(START),))), encode(Signals(0, (clock(START + 20),))))
    before = (dict(stage.vector), stage.newest, sorted(stage.entries()))
    arriving = encode(Signals(0, (clock(START + 30, "two"),), (Partial("A/a", START + 30, START + 30, 9),)))
    with pytest.raises(MissingConfigError):
        step(stage, arriving)
    assert (dict(stage.vector), stage.newest, sorted(stage.entries())) == before
    known["two"] = SETS["two"]
    step(stage, arriving, encode(Signals(0, (clock(START + 90, "two"),))))
    assert "B/new" in stage.slices


def test_what_cannot_be_read_is_told_with_its_place_and_stops_nothing():
    """Rubbish to dead letters, a later release's record skipped; both counted."""
    effects = step(fresh(1), b"\xff\xff", encode(["zz", 1]), encode(Signals(0, (clock(START),))))
    assert effects.counts["unreadable", "signals"] == 1
    assert effects.counts["unknown_kind", "signals"] == 1
    assert effects.dead[0][0] == "signals/0/0"


def test_what_it_says_at_a_tick_is_in_order_of_brand_and_rule():
    """Whatever the order of arrival."""
    stage = fresh(1)
    partials = tuple(
        Partial(topic, START + i, START, 1, authors=(i + 1,))
        for i in range(10)
        for topic in ("B/x", "A/b", "A/a")
    )
    effects = step(
        stage,
        encode(Signals(0, (clock(START - 60),))),
        encode(Signals(0, (clock(START),), partials)),
        encode(Signals(0, (clock(START + 120),))),
    )
    said = [decode_desk(o.value) for o in effects.out if o.topic == "desk"]
    firing = [(e.at, e.rule) for e in said if getattr(e, "kind", "") == "firing"]
    assert firing == sorted(firing)
    assert {rule for _, rule in firing} == {"A/Spike", "A/Other", "B/Spike"}


def test_a_topic_that_nobody_knows_is_forgotten_at_its_tick():
    """Kept until then, since the rule set that knows it may be on its way."""
    stage = fresh(1)
    step(stage, encode(Signals(0, (clock(START),), (Partial("B/new", START, START, 1),))))
    assert stage.strangers
    step(stage, encode(Signals(0, (clock(START + 60),), (Partial("A/a", START, START, 1),))))
    step(stage, encode(Signals(0, (clock(START + 120),))))
    assert not stage.strangers

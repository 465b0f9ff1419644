"""Clocks, rule sets, readings, broken records and what a step writes, one truth at a time."""

import pytest

from tests.unit.match.listener import LATER, NOW, RULES, Match, counted, post, rulesets
from warn.model.flow import SIGNALS
from warn.model.hashing import PUBLIC_KEY, brand_partition
from warn.model.mention import Reading
from warn.model.records import Clock, Parcel, Signals
from warn.model.rules import RuleSet
from warn.model.wire import decode_signals, encode
from warn.stages.base import Effects, In, MissingConfigError
from warn.stages.match import MatchStage


def test_a_clock_that_is_not_later_is_ignored() -> None:
    """It is neither announced nor does it switch rules."""
    match = Match()
    assert match.clock(NOW, "later").out == []
    assert match.clock(NOW - 5, "later").out == []
    assert counted(match.read(post(1, "Beta"))) == {"beta": (1, 0)}


def test_rules_switch_at_the_clock_that_names_them() -> None:
    """In the middle of a batch; what was counted before is of the rules before, and memory goes by names."""
    match = Match()
    match.hand(
        encode(Parcel((post(1, "Acme smoke"), post(2, "Beta")))),
        encode(Clock(NOW + 1, (), ("rules", "later"))),
        encode(Parcel((post(3, "Acme smoke"), post(4, "Beta"), post(5, "hm", "reply", thread=2, parent=2)))),
    )
    found = [(one.topic, one.known_at) for signals in match.signals() for one in signals.partials]
    assert found == [("Acme/acme", NOW), ("Beta/beta", NOW), ("Acme/smoke", NOW + 1), ("Acme/acme", NOW + 1)]
    match.clock(NOW + 2, "rules")
    assert counted(match.read(post(6, "hm", "reply", thread=2, parent=2))) == {"beta": (0, 1)}


def test_a_missing_rule_set_stops_a_step_before_it_changed_anything() -> None:
    """The worker waits for the body and hands in the same batch again."""
    known = {"rules": RULES}

    def get(name: str) -> RuleSet:
        try:
            return known[name]
        except KeyError:
            raise MissingConfigError(name) from None

    match = Match(get)
    batch = [
        encode(Parcel((post(1, "Acme"),))),
        encode(Clock(NOW + 1, (), ("rules",))),
        encode(Clock(NOW + 2, (), ("later",))),
    ]
    before = list(match.stage.entries())
    with pytest.raises(MissingConfigError):
        match.hand(*batch)
    assert list(match.stage.entries()) == before
    known["later"] = LATER
    match.hand(*batch)
    assert [[clock.now for clock in one.clocks] for one in match.signals()] == [[NOW + 1, NOW + 2]]
    assert [one.topic for one in match.signals()[0].partials] == ["Acme/acme"]


def test_a_stage_without_its_rule_set_waits_after_a_restart_too() -> None:
    """It must not count by no rules what the state says was under rules."""
    match = Match()
    state = [(key, 1, body) for key, body in match.effects.state.items()]
    match = Match()
    state = [(key, 1, body) for key, body in match.clock(NOW + 1, "rules").state.items() if body]

    def nothing(name: str) -> RuleSet:
        raise MissingConfigError(name)

    again = MatchStage(0, 1, nothing, PUBLIC_KEY)
    again.restore(state, 1)
    with pytest.raises(MissingConfigError):
        list(again.step([In(1, encode(Parcel((post(1, "Acme"),))))], Effects()))


def test_before_the_first_rules_nothing_is_counted_and_that_is_said() -> None:
    """A clock without rules is a clock all the same."""
    stage, effects = MatchStage(0, 2, rulesets, PUBLIC_KEY), Effects()
    stage.restore((), 0)
    list(stage.step([In(0, encode(Clock(NOW))), In(1, encode(Parcel((post(1, "Acme"),))))], effects))
    list(stage.finish(effects))
    assert effects.counts["late", ""] == 1
    assert [decode_signals(out.value).clocks for out in effects.out] == [(Clock(NOW),)] * 2


def test_every_partition_of_signals_hears_the_clocks_and_gets_its_own_brands() -> None:
    """A brand's partials stand where its rules are judged."""
    match = Match(partitions=4)
    match.hand(encode(Parcel((post(1, "Acme"), post(2, "Beta")))), encode(Clock(NOW + 1)))
    said = {out.partition: decode_signals(out.value) for out in match.effects.out if out.topic == SIGNALS}
    homes = {home: one for home, one in said.items() if isinstance(one, Signals)}
    assert sorted(homes) == [0, 1, 2, 3]
    assert all(one.clocks == (Clock(NOW + 1),) for one in homes.values())
    for brand in ("Acme", "Beta"):
        partials = homes[brand_partition(brand, 4)].partials
        assert any(one.topic.startswith(brand) for one in partials)
    assert sum(len(one.partials) for one in homes.values()) == 2


def test_a_reading_of_care_adds_to_its_topic() -> None:
    """In whole ones, rounded, at its second; once however often it comes."""
    match = Match()
    reading = Reading("calls", "Acme/acme", "care", NOW * 1000 + 10, 60, 2_500)
    found = match.read(readings=(reading, reading))
    assert (found["Acme/acme"].care, found["Acme/acme"].second) == (3, NOW)
    assert counted(match.read(readings=(Reading("calls", "Acme/acme", "care", 0, 60, 5_000),))) == {}


def test_a_reading_of_an_unknown_topic_goes_to_dead_letters() -> None:
    """With its place: it was numbered behind the mentions of its parcel."""
    match = Match()
    match.read(post(1, "Acme"), readings=(Reading("calls", "Acme/none", "care", NOW * 1000, 60, 1_000),))
    (where, reason, message, _) = match.effects.dead[0]
    assert (where, reason) == ("mentions/0/1/1", "malformed")
    assert "Acme/none" in message


def test_a_parcel_that_does_not_decode_is_tried_mention_by_mention() -> None:
    """Only what is broken goes to dead letters, under its index; all else counts."""
    match = Match()
    good = encode(Parcel((post(1, "Acme"), post(2, "Acme"), post(3, "Acme"))))
    bad = good.replace(encode(post(2, "Acme")), b"\x91\xc0")
    assert counted({one.topic: one for s in match_signals(match, bad) for one in s.partials}) == {
        "acme": (2, 0)
    }
    assert [dead[0] for dead in match.effects.dead] == ["mentions/0/1/1"]
    assert match.effects.counts["unreadable", "mentions"] == 1


def match_signals(match: Match, value: bytes) -> list[Signals]:
    match.hand(value)
    return match.signals()


@pytest.mark.parametrize("value", [b"", b"\xff" * 10, b"\x92\xa1p\x01", b"not msgpack at all"])
def test_what_is_no_record_goes_to_dead_letters_whole(value: bytes) -> None:
    """And the next record is read as if nothing had been."""
    match = Match()
    match.hand(value, encode(Parcel((post(1, "Acme"),))))
    assert [dead[0] for dead in match.effects.dead] == ["mentions/0/1"]
    assert len(match.signals()) == 1


def test_kinds_of_later_releases_are_skipped_and_counted() -> None:
    """A record or a mention of a kind that is not known yet is no error."""
    match = Match()
    assert counted(match.read(post(1, "Acme", "hologram"))) == {}
    assert match.effects.counts["unknown_kind", "mentions"] == 1
    match.hand(b"\x92\xa1z\x01")
    assert (match.effects.counts["unknown_kind", "mentions"], match.effects.dead) == (1, [])


def test_evidence_is_the_lowest_of_a_minute_and_the_far_reaching() -> None:
    """The same lowest hashes that samples are drawn by; a text is kept up to a limit."""
    match = Match()
    for key in (50, 40, 30):
        match.read(post(key, "Acme " + "x" * 10_000))
        assert [(one.key, len(one.text)) for one in match.evidence()] == [(key, 5_000)]
    match.read(post(60, "Acme"))
    assert match.evidence() == []
    match.read(post(61, "Acme", followers=10_000))
    assert [one.key for one in match.evidence()] == [61]
    match.read(post(10, "Acme Beta"))
    assert [(one.key, one.brand) for one in match.evidence()] == [(10, "Acme"), (10, "Beta")]
    match.read(post(62, "Acme", created_ms=(NOW + 60) * 1000))
    assert [one.key for one in match.evidence()] == [62], "another minute"


def test_large_steps_are_written_in_pieces_with_the_clock_last() -> None:
    """A record stays under a megabyte; detect must not hear a clock before what was counted before it."""
    match = Match()
    texts = tuple(post(i, "Acme Beta", author=i, created_ms=NOW * 1000 - 500 * i) for i in range(1, 1_100))
    match.hand(encode(Parcel(texts)), encode(Clock(NOW + 1)))
    signals = match.signals()
    assert len(signals) > 1
    assert [bool(one.clocks) for one in signals] == [False] * (len(signals) - 1) + [True]
    assert sum(p.mentions for one in signals for p in one.partials) == 2 * 1_099
    assert max(len(out.value) for out in match.effects.out) < 1_000_000


def test_work_is_given_up_now_and_then() -> None:
    """A step yields every few milliseconds, so that the loop stays alive."""
    match = Match()
    batch = [In(1, encode(Parcel(tuple(post(i, "Acme on fire " * 8) for i in range(2_000)))))]
    assert sum(1 for _ in match.stage.step(batch, Effects())) > 20


def test_an_edit_without_words_takes_back_what_is_shown_and_the_post_stays() -> None:
    """Its words were taken out at the source; what people answer still counts, and nothing is taken from the count."""
    match = Match()
    match.read(post(1, "Acme"))
    assert counted(match.read(post(1, kind="edit"))) == {}
    assert [(one.key, one.kind, one.brand, one.text) for one in match.evidence()] == [
        (1, "delete", "Acme", "")
    ]
    assert counted(match.read(post(2, "me too", "reply", thread=1, parent=1))) == {"acme": (0, 1)}
    match.read(post(9, kind="edit"))
    assert [one.kind for one in match.evidence()] == ["delete"], (
        "it may be shown for longer than it is remembered"
    )


def test_a_delete_beyond_memory_does_not_come_back_as_a_post() -> None:
    """A deleted post is remembered as deleted, so that a repeat of it is a repeat."""
    match = Match()
    match.read(post(1, "Acme"), post(1, kind="delete"))
    assert counted(match.read(post(1, "Acme"))) == {}
    assert match.effects.counts["repeats", ""] == 1

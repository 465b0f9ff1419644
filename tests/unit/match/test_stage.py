"""What each mention counts as: rules 3, 6, 7 and 8 of the design, one truth at a time."""

from collections.abc import Sequence

import pytest

from warn.aggregate.partial import merge
from warn.model.flow import EVIDENCE, SIGNALS
from warn.model.hashing import PUBLIC_KEY, author_hash, brand_partition
from warn.model.mention import Engagement, Mention, Reading
from warn.model.records import Clock, Evidence, Parcel, Partial, Signals
from warn.model.rules import Account, Channel, RuleSet, Term, Topic
from warn.model.wire import decode_evidence, decode_signals, encode
from warn.stages.base import Effects, In, MissingConfigError, RuleSets
from warn.stages.match import MatchStage

NOW = 1_700_000_000
ACME = Topic("Acme/acme", "Acme", any=(Term("acme"),))
FIRE = Topic("Acme/fire", "Acme", any=(Term("fire"),), within="Acme/acme")
BETA = Topic("Beta/beta", "Beta", any=(Term("beta"),))
RULES = RuleSet(
    topics=(ACME, FIRE, BETA),
    accounts=(("Acme", Account("x", "acme")),),
    channels=(("Beta", Channel("blog", role="own")),),
    negative=("shame",),
)
LATER = RuleSet(topics=(Topic("Acme/smoke", "Acme", any=(Term("smoke"),)), ACME))
OURS = author_hash(PUBLIC_KEY, "x", "acme")


def rulesets(name: str) -> RuleSet:
    try:
        return {"rules": RULES, "later": LATER}[name]
    except KeyError:
        raise MissingConfigError(name) from None


def post(key: int, text: str = "", kind: str = "post", **more: object) -> Mention:
    values: dict[str, object] = {"thread": key, "created_ms": NOW * 1000, **more}
    return Mention(source="x", key=key, kind=kind, text=text, **values)


class Match:
    """A stage that is handed one record at a time, and all that came out of it."""

    def __init__(self, known: RuleSets = rulesets, partitions: int = 1) -> None:
        self.stage = MatchStage(0, partitions, known, PUBLIC_KEY)
        self.stage.restore((), 0)
        self.position = 0
        self.effects = Effects()
        self.clock(NOW, "rules")

    def hand(self, *values: bytes) -> Effects:
        batch = [In(self.position + i, value) for i, value in enumerate(values)]
        self.effects = Effects()
        list(self.stage.step(batch, self.effects))
        self.position += len(values)
        self.stage.offer(self.effects, self.position)
        return self.effects

    def clock(self, now: int, *config: str) -> Effects:
        return self.hand(encode(Clock(now, (), config)))

    def read(self, *mentions: Mention, readings: Sequence[Reading] = ()) -> dict[str, Partial]:
        """Partials of one parcel, by topic, merged over seconds."""
        self.hand(encode(Parcel(mentions, tuple(readings))))
        found: dict[str, Partial] = {}
        for signals in self.signals():
            for one in signals.partials:
                found[one.topic] = merge(found[one.topic], one) if one.topic in found else one
        return found

    def signals(self) -> list[Signals]:
        return [decode_signals(out.value) for out in self.effects.out if out.topic == SIGNALS]

    def evidence(self) -> list[Evidence]:
        return [decode_evidence(out.value) for out in self.effects.out if out.topic == EVIDENCE]


def counted(found: dict[str, Partial]) -> dict[str, tuple[int, int]]:
    """Mentions and echo by topic."""
    return {name.partition("/")[2]: (one.mentions, one.echo) for name, one in found.items()}


def test_content_counts_once() -> None:
    """A repeat is counted as one and changes nothing."""
    match = Match()
    assert counted(match.read(post(1, "Acme on fire"), post(1, "Acme on fire"))) == {
        "acme": (1, 0),
        "fire": (1, 0),
    }
    assert match.effects.counts["repeats", ""] == 1
    assert counted(match.read(post(1, "Acme on fire"))) == {}


def test_what_matches_nothing_is_not_remembered() -> None:
    """Only what counted: the memory is of mentions of us, not of the world."""
    match = Match()
    match.read(post(1, "nothing of interest"))
    assert list(match.stage.entries()) == []
    assert match.effects.state == {}


@pytest.mark.parametrize("kind", ["reply", "quote", "repost", "like", "comment"])
def test_what_stands_under_a_post_is_echo_of_its_topics(kind: str) -> None:
    """Without words of its own; nobody says our name twice in one conversation."""
    match = Match()
    match.read(post(1, "Acme on fire"))
    found = match.read(post(2, "shame on you", kind, thread=1, parent=1, author=5))
    assert counted(found) == {"acme": (0, 1), "fire": (0, 1)}
    assert found["Acme/acme"].echo_authors == (5,)


def test_a_topic_is_named_or_echoed_never_both() -> None:
    """A reply that names us is a mention of what it names, and echo of the rest."""
    match = Match()
    match.read(post(1, "Acme on fire"))
    assert counted(match.read(post(2, "acme, really?", "reply", thread=1, parent=1))) == {
        "acme": (1, 0),
        "fire": (0, 1),
    }


def test_parent_and_root_lend_their_topics_and_siblings_do_not() -> None:
    """A thread that wanders off to another brand does not make the whole thread about it."""
    match = Match()
    match.read(post(1, "Acme"), post(2, "Beta!", "reply", thread=1, parent=1))
    assert counted(match.read(post(3, "so true", "reply", thread=1, parent=2))) == {
        "acme": (0, 1),
        "beta": (0, 1),
    }
    assert counted(match.read(post(4, "hm", "reply", thread=1, parent=1))) == {"acme": (0, 1)}
    assert counted(match.read(post(5, "hm", "reply", thread=1, parent=99))) == {"acme": (0, 1)}
    assert counted(match.read(post(6, "hm", "reply", thread=7, parent=1))) == {}


def test_a_repost_of_a_known_post_is_echo_whatever_its_text() -> None:
    """Its words are those of the other; of an unknown post it is the only word that we have, so a mention."""
    match = Match()
    match.read(post(1, "Beta"))
    assert counted(match.read(post(2, "RT: Acme", "repost", thread=1, parent=1))) == {"beta": (0, 1)}
    assert counted(match.read(post(3, "RT: Acme", "repost", thread=9, parent=9))) == {"acme": (1, 0)}
    assert counted(match.read(post(4, "Acme", "like", thread=9, parent=8))) == {}


def test_an_update_counts_by_what_its_totals_rise() -> None:
    """Above the highest so far; the first totals are a baseline; views are reach."""
    match = Match()

    def update(totals: Engagement) -> dict[str, Partial]:
        return match.read(post(1, kind="update", engagement=totals))

    match.read(post(1, "Acme"))
    assert counted(update((5, 5, 5, 5))) == {}
    found = update((6, 7, 5, 105))
    assert counted(found) == {"acme": (0, 3)}
    assert (found["Acme/acme"].reach_milli, found["Acme/acme"].echo_authors) == (100_000, ())
    assert counted(update((0, 7, 5, 0))) == {}
    assert counted(update((7, 6, 5, 0))) == {"acme": (0, 1)}
    assert counted(match.read(post(2, "Acme", engagement=(9, 0, 0, 0)))) == {"acme": (1, 0)}
    assert counted(match.read(post(2, kind="update", engagement=(10, 0, 0, 0)))) == {"acme": (0, 1)}
    assert counted(match.read(post(3, "Acme", kind="update", engagement=(99, 0, 0, 0)))) == {}


def test_absurd_totals_are_cut() -> None:
    """They neither overflow a sum nor count below nothing."""
    match = Match()
    match.read(post(1, "Acme", engagement=(-5, 0, 0, 0)))
    assert counted(match.read(post(1, kind="update", engagement=(2**63, 0, 0, 2**63)))) == {
        "acme": (0, 10**9)
    }


def test_an_edit_counts_for_what_it_newly_names() -> None:
    """Once for each text, and never again for a topic that the post was about already."""
    match = Match()
    match.read(post(1, "Acme"))
    assert counted(match.read(post(1, "Acme on fire", "edit"))) == {"fire": (1, 0)}
    assert counted(match.read(post(1, "Acme on fire", "edit"))) == {}
    assert counted(match.read(post(1, "Acme", "edit"), post(1, "Acme on fire!", "edit"))) == {}
    assert counted(match.read(post(2, "Beta", "edit"), post(2, "Beta", "edit"))) == {"beta": (1, 0)}


def test_a_repeated_edit_does_not_count_for_a_topic_that_came_later() -> None:
    """The same text once, whatever rules are in force when it comes again."""
    match = Match()
    match.read(post(1, "Acme smoke", "edit"))
    match.clock(NOW + 1, "later")
    assert counted(match.read(post(1, "Acme smoke", "edit"))) == {}
    assert counted(match.read(post(1, "Acme smoke!", "edit"))) == {"smoke": (1, 0)}


def test_a_delete_takes_effect_once_and_ends_echo() -> None:
    """What was counted stays; nothing under it counts from then on; what was to be shown is blanked."""
    match = Match()
    match.read(post(1, "Acme", id="native"))
    assert counted(match.read(post(1, kind="delete"))) == {}
    assert match.evidence() == [
        Evidence(1, "Acme/acme", "Acme", "x", "delete", "", "", NOW * 1000, 0, 0, "", False, "")
    ]
    assert counted(match.read(post(2, "so true", "reply", thread=1, parent=1))) == {}
    assert counted(match.read(post(1, kind="update", engagement=(9, 9, 9, 9)))) == {}
    assert counted(match.read(post(1, "Acme on fire", "edit"), post(1, "Acme"))) == {}
    match.read(post(1, kind="delete"))
    assert match.evidence() == []
    match.read(post(8, kind="delete", created_ms=0))
    assert [one.key for one in match.evidence()] == [8], "evidence outlives memory"


@pytest.mark.parametrize(
    ("offset_ms", "backfill", "counts"),
    [
        (-600_000, False, False),
        (-599_999, False, True),
        (120_000, False, True),
        (120_001, False, False),
        (0, True, False),
        (-NOW * 1000 - 1, False, False),
    ],
)
def test_what_is_late_is_remembered_and_not_counted(offset_ms: int, backfill: bool, counts: bool) -> None:
    """Later than ten minutes ago, at most two minutes ahead, no backfill; its replies count all the same."""
    match = Match()
    found = match.read(post(1, "Acme", created_ms=NOW * 1000 + offset_ms, backfill=backfill))
    assert bool(found) is counts
    assert match.effects.counts["late", ""] == (not counts)
    assert counted(match.read(post(2, "hm", "reply", thread=1, parent=1))) == {"acme": (0, 1)}


def test_late_totals_are_taken_and_not_counted() -> None:
    """The next rise counts from them."""
    match = Match()
    match.read(post(1, "Acme", engagement=(0, 0, 0, 0)))
    assert counted(match.read(post(1, kind="update", engagement=(50, 0, 0, 0), created_ms=0))) == {}
    assert counted(match.read(post(1, kind="update", engagement=(51, 0, 0, 0)))) == {"acme": (0, 1)}


def test_our_own_posts_count_nothing_and_answers_to_them_echo() -> None:
    """What people say to us is about us; that they like or pass on what we say is not."""
    match = Match()
    assert counted(match.read(post(1, "Good morning!", author=OURS))) == {}
    assert match.evidence() == []
    assert counted(match.read(post(2, "shame", "reply", thread=1, parent=1))) == {"acme": (0, 1)}
    assert counted(match.read(post(3, "", "repost", thread=1, parent=1))) == {}
    assert counted(match.read(post(4, "", "like", thread=1, parent=1))) == {}
    match.read(post(1, kind="update", engagement=(0, 0, 0, 0)))
    assert counted(match.read(post(1, kind="update", engagement=(90, 1, 90, 0)))) == {"acme": (0, 1)}
    assert counted(match.read(post(5, "we are sorry", "reply", thread=1, parent=2, author=OURS))) == {}
    assert counted(
        match.read(post(6, "Acme fire drill", author=OURS), post(7, "hm", "reply", thread=6, parent=6))
    ) == {
        "acme": (0, 1),
        "fire": (0, 1),
    }


def test_a_source_of_ours_is_ours_whoever_writes_there() -> None:
    """By the register, or by the role that the door gave."""
    match = Match()
    blog = Mention("blog", 1, 1, "post", "hello", NOW * 1000)
    assert counted(match.read(blog, post(2, "Acme", role="own"))) == {}
    assert counted(match.read(Mention("blog", 3, 1, "comment", "hm", NOW * 1000, 1))) == {}
    assert counted(match.read(post(4, "hm", "reply", thread=2, parent=2))) == {"acme": (0, 1)}


@pytest.mark.parametrize("role", ["internal", "care"])
def test_internal_and_care_sources_yield_counts_only(role: str) -> None:
    """How many and how many people, and nothing that is anybody's."""
    match = Match()
    ticket = post(1, "Acme is a shame https://n.example/a", "ticket", author=5, followers=99_999, role=role)
    found = match.read(ticket)["Acme/acme"]
    assert (found.care, len(found.care_authors), found.by_source) == (1, 1, (("x", 1, 0),))
    assert found == Partial(
        "Acme/acme", NOW, NOW, care=1, by_source=(("x", 1, 0),), care_authors=found.care_authors
    )
    assert found.care_authors != (5,)
    assert match.evidence() == []


def test_staff_are_not_asked_about_strikes_and_leaks() -> None:
    """A topic that is for public sources only, and all within it, is never found in what internal sources say."""
    strike = Topic("Acme/strike", "Acme", any=(Term("strike"),), public_only=True)
    inner = Topic("Acme/inner", "Acme", any=(Term("monday"),), within="Acme/strike")
    match = Match(lambda _: RuleSet(topics=(inner, strike, ACME)))
    text = "Acme strike on Monday"
    assert set(match.read(post(1, text, "message", role="internal"))) == {"Acme/acme"}
    assert set(match.read(post(1, text + "!", "edit", role="internal"))) == set()
    assert set(match.read(post(2, "strike", "message", role="internal"))) == set()
    assert set(match.read(post(3, text))) == {"Acme/acme", "Acme/strike", "Acme/inner"}


def test_press_is_counted_with_its_first_time() -> None:
    """The press clock of an incident starts with the first article."""
    found = Match().read(post(1, "Acme", "article", role="press", created_ms=NOW * 1000 + 7))["Acme/acme"]
    assert (found.press, found.press_ms, found.mentions) == (1, NOW * 1000 + 7, 1)


def test_replies_are_negative_by_their_own_words() -> None:
    """ "Shame on you" names nobody, and is what the answers to a crisis say."""
    match = Match()
    match.read(post(1, "Acme"))
    assert (
        match.read(post(2, "shame on you", "reply", thread=1, parent=1))["Acme/acme"].negative_milli == 1000
    )


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
    assert effects.counts["late", "before_rules"] == 1
    assert [decode_signals(out.value).clocks for out in effects.out] == [(Clock(NOW),)] * 2


def test_every_partition_of_signals_hears_the_clocks_and_gets_its_own_brands() -> None:
    """A brand's partials stand where its rules are judged."""
    match = Match(partitions=4)
    match.hand(encode(Parcel((post(1, "Acme"), post(2, "Beta")))), encode(Clock(NOW + 1)))
    homes = {out.partition: decode_signals(out.value) for out in match.effects.out if out.topic == SIGNALS}
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
    assert match.effects.counts["unreadable", ""] == 1


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
    assert match.effects.counts["unknown_kind", ""] == 1
    match.hand(b"\x92\xa1z\x01")
    assert (match.effects.counts["unknown_kind", ""], match.effects.dead) == (1, [])


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


def test_a_delete_beyond_memory_does_not_come_back_as_a_post() -> None:
    """A deleted post is remembered as deleted, so that a repeat of it is a repeat."""
    match = Match()
    match.read(post(1, "Acme"), post(1, kind="delete"))
    assert counted(match.read(post(1, "Acme"))) == {}
    assert match.effects.counts["repeats", ""] == 1

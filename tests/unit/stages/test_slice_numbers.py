"""The numbers of a page are those of the records, and care sources stay in the crowd."""

import math

from tests.property.detect_world import START, Toy
from warn.aggregate.series import Series
from warn.lifecycle.conditions import floor_of_kind, lift_of
from warn.model.records import Partial, Sample
from warn.model.rules import Expect, Floor, Rule, Topic
from warn.stages.numbers import about, alert_event, began_at, growth, since
from warn.stages.slice import Slice

TOPIC = Topic("A/a", "A")
AT = START // 60 * 60 + 3600


def a_slice(*partials: Partial, **rule) -> Slice:
    one_rule = Rule("A/R", "R", "A", "A/a", **rule)
    detectors = {("A/R", s): Toy() for s in one_rule.watch}
    one = Slice(TOPIC, [one_rule], START, detectors)
    one.pending = list(partials)
    one.take(AT)
    return one


def said(i: int, **more) -> Partial:
    """One mention by person `i`, `i` ten seconds before AT."""
    second = AT - 10 * i - 10
    given = {
        "mentions": 1, "authors": (i + 1,), "by_source": (("x", 1, 0),), "reach_milli": 1_000_000, "carriers": ((1000, i + 1, "x"),),
        "samples": (Sample(i, 1 + i % 2, i + 1, "x", 0, ("fire", f"word{i}"), second),),
    }  # fmt: skip
    return Partial("A/a", second, second, **{**given, **more})


def test_every_number_of_an_event_is_that_of_the_records():
    """Twelve people, one mention each, ten seconds apart: counted by hand."""
    one = a_slice(*(said(i) for i in range(12)), said(12, press=1, press_ms=(AT - 130) * 1000))
    change = next(iter(one.visit(AT)))
    assert change.happened == "firing"
    one.began["A/R"] = began_at(one, change.judged, AT)
    event = alert_event(one, change, AT, ("press",), press_heard=True)
    n = event.numbers
    assert (n.people, n.mentions, n.echo, n.reach) == (13, 13, 0, 13_000)
    assert (n.seen, n.signal, n.window_s) == (13, "mentions", 600)
    assert n.since == AT - 130
    assert n.platforms == (("x", 13),) and n.first_platform == "x"
    assert (n.press, n.press_at) == (1, AT - 130)
    assert (n.stories, n.story_copies) == (2, 7)
    assert n.largest_followers == 1000
    assert n.deaf == ("press",)
    assert event.about == ("fire",)
    assert event.episode == 1
    assert n.would_not_page_under == 8, "the floor is eight mentions by five people"


def test_words_are_shown_when_five_people_used_them():
    """Four people and one who says it five times are not five people."""
    samples = [Sample(i, 0, min(i, 4), "x", 0, ("fire",), AT) for i in range(1, 9)]
    assert about(samples) == ()
    assert about([*samples, Sample(9, 0, 5, "x", 0, ("fire",), AT)]) == ("fire",)


def test_care_shows_nothing_under_five_people():
    """Four people in the care queue are nobody; five are a number."""
    few = [Partial("A/a", AT - 60, AT - 60, care=3, care_authors=(i,)) for i in range(4)]
    rule = {"watch": ("care",), "at_least": (Floor(care=1),)}
    assert not a_slice(*few, **rule).judge(Rule("A/R", "R", "A", "A/a", **rule), AT).exceptional
    one = a_slice(*few, Partial("A/a", AT - 50, AT - 50, care=3, care_authors=(9,)), **rule)
    change = next(iter(one.visit(AT)))
    assert change.judged.exceptional
    one.began["A/R"] = AT - 120
    assert alert_event(one, change, AT, (), press_heard=False).numbers.care == 15


def test_a_floor_speaks_for_its_own_kind():
    """Votes do not prove people, nor people votes."""
    assert floor_of_kind(Floor(echo=100), "echo") and not floor_of_kind(Floor(echo=100), "authors")
    assert floor_of_kind(Floor(mentions=8), "mentions") and not floor_of_kind(Floor(mentions=8), "echo")


def test_it_began_where_the_usual_was_left():
    """Back through what is more than twice the usual, over one lean step, not over two."""
    series = Series(
        [((AT - 2400) // 10, 9), ((AT - 1190) // 10, 5), ((AT - 400) // 10, 4), ((AT - 20) // 10, 6)]
    )
    assert since(series, AT, 0.0) == AT - 1190
    assert since(series, AT, 5 / 600) == AT - 20


def test_doubling_is_told_only_where_it_grows():
    """The shortest halves that hold enough say so: 16 after 4 is two doublings; 5 after 4 is noise, and so is the past."""
    young = Series([((AT - 40) // 10, 4), ((AT - 10) // 10, 16)])
    assert growth(young, AT) == (True, 15), "a minute old, it is not measured over hours"
    assert math.isclose(30 * math.log(2) / math.log(4), 15)
    assert growth(Series([((AT - 400) // 10, 4), ((AT - 290) // 10, 16)]), AT) == (True, 150)
    assert growth(Series([((AT - 40) // 10, 4), ((AT - 10) // 10, 5)]), AT) == (False, None)
    assert growth(Series([((AT - 40) // 10, 1), ((AT - 10) // 10, 9)]), AT) == (True, None), (
        "out of one no pace"
    )
    assert growth(Series([((AT - 1500) // 10, 90)]), AT) == (False, None), "it was loud, and is over"


def test_people_and_since_belong_together():
    """Who spoke in the ordinary hour before is not part of what began ten minutes ago."""
    before = [said(i + 300) for i in range(40)]  # 50 minutes and more ago
    one = a_slice(*before, *(said(i) for i in range(12)))
    change = next(iter(one.visit(AT)))
    one.began["A/R"] = AT - 120
    n = alert_event(one, change, AT, (), press_heard=False).numbers
    assert (n.people, n.mentions, n.since) == (12, 12, AT - 120)


def test_what_is_dated_ahead_of_the_clock_is_looked_at_when_its_second_has_come():
    """Known at 12:00:09 and dated 12:00:13: the tick after its second sees it, not the next ten-minute mark."""
    one = a_slice()
    one.settle(AT)
    one.pending = [Partial("A/a", AT + 13, AT + 9, 1)]
    assert one.due() == AT + 10
    assert one.take(AT + 10)
    one.settle(AT + 10)
    assert one.due() == AT + 20


def test_a_planned_peak_lifts_only_while_it_lasts():
    rule = Rule("A/R", "R", "A", "A/a", expect=(Expect(AT, AT + 60, 5.0), Expect(AT + 30, AT + 90, 2.0)))
    assert [lift_of(rule, AT + s) for s in (-1, 0, 45, 60, 90)] == [1.0, 5.0, 5.0, 2.0, 1.0]

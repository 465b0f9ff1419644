"""What happened when, in order, and who was told."""

from tests.unit.web.made_up import BEGAN, course, deliveries, event, numbers
from warn.web.timeline import timeline, told
from warn.web.words import Words

WORDS = Words("en", "Europe/Amsterdam")


def test_the_whole_story_in_order() -> None:
    """First mention, page, who was told, growth, press: each with its local time, the day once."""
    moments = timeline(course(), deliveries(), WORDS)
    assert [(m.clock, m.text) for m in moments] == [
        ("03:02", "It began on Bluesky."),
        ("03:20", "Page sent: 33 people."),
        ("03:20", "Pagerduty was told."),
        ("03:20", "Hook refused the message (it does not accept our key)."),
        ("03:27", "Grew to 61 people."),
        ("03:35", "Grew to 118 people."),
        ("03:42", "First press article."),
        ("03:47", "Grew to 214 people."),
        ("04:02", "Grew to 402 people."),
    ]
    assert [m.day for m in moments if m.day] == ["Friday 6 March"]


def test_many_updates_become_a_few() -> None:
    """Forty updates are told in six lines, the last among them; pages and waves are all told."""
    events = [event()]
    events += [
        event(event="updated", sequence=i, at=BEGAN + 1200 + i * 60, numbers=numbers(people=40 + i))
        for i in range(2, 42)
    ]
    events.append(event(event="wave", sequence=42, at=BEGAN + 9000, numbers=numbers(people=500)))
    texts = [m.text for m in timeline(events, (), WORDS)]
    assert sum("Grew" in t for t in texts) == 6
    assert "Grew to 81 people." in texts
    assert texts[-1] == "New wave, paged again: 500 people."


def test_a_diary_says_that_nobody_was_paged() -> None:
    """In shadow mode no line claims a page."""
    events = [event(mode="shadow"), event(mode="shadow", event="wave", sequence=2, at=BEGAN + 9000)]
    texts = " ".join(m.text for m in timeline(events, (), WORDS))
    assert "Would have paged: 33 people. Diary only." in texts
    assert "Page sent" not in texts
    assert "paged again:" in texts


def test_who_was_told_is_the_latest_word_of_each() -> None:
    """A notifier that was told after a failure counts as told; one that refused says why."""
    lines = told(deliveries(), WORDS)
    assert [(one.notifier, one.text, one.tone) for one in lines] == [
        ("Pagerduty", "told at 03:20", "good"),
        ("Hook", "refused at 03:20 (it does not accept our key)", "bad"),
    ]

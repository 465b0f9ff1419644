"""What a page says, and that it says nothing that the record does not hold."""

import re
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.incident.makers import T0, alert
from warn.incident.course import LINGER_S, Course, take
from warn.incident.page import CATALOGUE, FIRST, about_so_many, gather, number, tell
from warn.incident.printable import clean, cut
from warn.model.alerts import AlertEvent, Beat, IncidentEvent, Numbers

FULL = Numbers(
    people=33, mentions=41, echo=120, echo_people=80, care=3, since=T0 - 58 * 60, signal="mentions", window_s=3600,
    seen=41, expected=2.04, times=20.1, doubling_s=725, growing=True, platforms=(("bluesky", 20), ("reddit", 9)),
    first_platform="reddit", stories=5, story_copies=14, largest_followers=48_213, would_not_page_under=19,
    learning=True, deaf=("mastodon",), press_heard=True,
)  # fmt: skip


def page(numbers: Numbers, *, label: str = "", **more: object) -> IncidentEvent:
    (turn,) = take(Course("Acme"), alert(numbers=numbers, **more))
    return tell(turn, label)


def test_the_first_sentence_is_the_one_of_the_design() -> None:
    """Brand, about what, how many people, times normal, since when, growing, the press."""
    event = page(FULL, timezone="Europe/Amsterdam")
    assert (
        event.summary
        == "Acme: 33 people about 'battery smoke', 20x normal, since 13:02, growing. No press yet."
    )


def test_everything_else_follows_in_the_order_of_need() -> None:
    """The whole message, as a golden text."""
    assert page(FULL, label="[DRILL]").message.splitlines() == [
        "[DRILL] Acme: 33 people about 'battery smoke', 20x normal, since 12:02 UTC, growing. No press yet.",
        "Besides: 120 votes and comments.",
        "Besides: 3 calls and messages in care and staff channels.",
        "Said in 5 different wordings. The text most repeated was posted 14 times.",
        "Began on reddit. Posts and reactions now: bluesky 20, reddit 9.",
        "Doubles every 12 minutes.",
        "The account that carries it furthest has about 48,000 followers.",
        "What we cannot hear now: mastodon.",
        "Nobody would have been woken under 19 people.",
        "Still learning: what is normal here is a first idea, not yet measured.",
        "Mentions: 41 in 60 minutes, where 2 is usual.",
    ]


def test_whom_to_ring_stands_in_the_message() -> None:
    """A message is complete without the page: the danger, what to do and whom to ring come before the numbers."""
    notes = {
        "summary": "A battery burns.",
        "playbook": "https://acme.example/p",
        "owner": "On call, +31 20 555 01 00",
    }
    noted = msgspec.structs.replace(alert(numbers=FULL), annotations=notes)
    (turn,) = take(Course("Acme"), noted)
    lines = tell(turn).message.splitlines()
    assert lines[1:4] == [
        "A battery burns.",
        "What to do: https://acme.example/p",
        "Whom to ring: On call, +31 20 555 01 00",
    ]


def test_in_dutch() -> None:
    """The same in the language of the rule file, with its own marks in numbers."""
    text = page(msgspec.structs.replace(FULL, people=1234, press=2, press_at=T0 - 60), language="nl").message
    assert text.startswith(
        "Acme: 1.234 mensen over 'battery smoke', 20x normaal, sinds 12:02 UTC, groeit. "
        "Pers: 2 artikelen, het eerste om 12:59 UTC."
    )
    assert "48.000 volgers" in text


def test_votes_are_said_to_be_votes() -> None:
    """A crisis of votes never says people in its first sentence."""
    votes = Numbers(
        echo=412,
        people=3,
        press_heard=True,
        signal="echo",
        times=12.3,
        expected=33.5,
        since=T0,
        would_not_page_under=104,
    )
    event = page(votes)
    assert event.summary == (
        "Acme: 412 votes and comments about 'battery smoke', 12x normal, since 13:00 UTC. No press yet."
    )
    assert "3 people wrote about it." in event.message
    assert "Nobody would have been woken under 104 votes and comments." in event.message


def test_a_multiple_of_next_to_nothing_is_not_told() -> None:
    """Fourteen where 0.01 is usual is not "1,400x normal"; and a topic named after its brand tells nothing."""
    numbers = Numbers(people=14, signal="mentions", seen=14, expected=0.01, times=1400.0, since=T0)
    event = page(numbers, about=(), topic="Acme/acme")
    assert event.summary == "Acme: 14 people, usually hardly any, since 13:00 UTC. Press: not listened to."


def test_no_press_is_only_said_where_the_incident_has_met_none() -> None:
    """Another topic's article forbids to deny it."""
    course = Course("Acme")
    take(course, alert(press=1))
    (turn,) = take(course, alert(at=T0 + 61, rule="Other", people=40))
    assert "press" not in tell(turn).summary.lower()


def test_a_wave_and_the_end_say_what_they_are() -> None:
    """The end tells the peak and since when it has been quiet."""
    course = Course("Acme")
    take(course, alert(people=50))
    take(course, alert("resolved", T0 + 600))
    (wave,) = take(course, alert(at=T0 + 7200, people=200))
    assert tell(wave).summary.startswith("Acme, new wave: 200 people about 'battery smoke'")
    take(course, alert("resolved", T0 + 9000))
    (end,) = take(course, Beat(at=T0 + 9000 + LINGER_S, brand="Acme"))
    event = tell(end)
    assert event.summary == (
        "Acme, over: at the peak 200 people about 'battery smoke', since 13:00 UTC, quiet since 15:30 UTC."
    )
    assert event.state == "closed"


def test_shadow_says_that_nobody_was_paged() -> None:
    """The diary does not look like a page."""
    assert "In shadow: nobody was paged." in page(FULL, mode="shadow").message
    assert "shadow" not in page(FULL).message


def test_another_day_is_named() -> None:
    """A time that is not today's carries its date, in the reader's zone; an unknown zone is told as UTC."""
    since = msgspec.structs.replace(FULL, since=T0 - 14 * 3600)
    assert "since 3 Dec 23:00 UTC" in page(since).summary
    assert "since 00:00," in page(since, timezone="Europe/Amsterdam").summary
    assert "since 3 Dec 23:00 UTC" in page(since, timezone="Nowhere/Land").summary


def test_without_terms_it_says_the_topic_unless_that_is_the_brand() -> None:
    """About nothing is better than about itself."""
    assert "about 'battery'" in page(FULL, about=()).summary
    assert "about" not in page(FULL, about=(), topic="acme").summary


def test_a_gathering_page_lists_what_it_stands_for() -> None:
    """The latest on top, then all."""
    event = page(FULL)
    lines = gather(event, ("Acme: one", "Beta: two"), 2).message.splitlines()
    assert lines[0] == event.summary
    assert lines[1].startswith("There were 2 pages within the hour")
    assert lines[2:] == ["- Acme: one", "- Beta: two"]


def test_numbers_are_read_in_the_readers_language() -> None:
    """Digits, marks, and no more precision than there is."""
    en, nl = CATALOGUE["en"], CATALOGUE["nl"]
    assert [number(n, en) for n in (0.04, 0.25, 1.96, 2.04, 9.95, 20.4, 48213)] == [
        "0.040", "0.25", "2", "2", "9.9", "20", "48,213",
    ]  # fmt: skip
    assert [number(n, nl) for n in (1.5, 48213)] == ["1,5", "48.213"]
    assert [about_so_many(n) for n in (7, 48, 481, 48_213, 1_950_000)] == [7, 48, 480, 48_000, 2_000_000]


hostile = st.text(alphabet=st.characters(exclude_categories=()), max_size=60)


@settings(max_examples=150, deadline=None)
@given(
    brand=hostile.filter(lambda b: clean(b, 12)),
    about=st.lists(hostile, max_size=4),
    people=st.integers(0, 9_999_999),
    votes=st.booleans(),
    language=st.sampled_from(["en", "nl"]),
    times=st.floats(0, 1e9),
)
def test_the_first_hundred_characters_carry_how_many_and_since_when(
    brand: str, about: list[str], people: int, votes: bool, language: str, times: float
) -> None:
    """Whatever strangers and rule files call themselves; on one line, and fit for every encoding."""
    numbers = Numbers(people=people, mentions=people, echo=people, times=times, since=T0 - 600,
                      signal="echo" if votes else "mentions")  # fmt: skip
    event = page(numbers, label="[DEMO]", brand=brand, about=tuple(about), language=language)
    first = event.summary[:FIRST]
    assert first.startswith("[DEMO] " + clean(brand, 12)[:5])
    assert number(people, CATALOGUE[language]) in first
    assert "12:50" in first
    assert event.message.encode()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", event.message)


@settings(max_examples=150, deadline=None)
@given(
    st.builds(
        Numbers, people=st.integers(0, 10**6), mentions=st.integers(0, 10**6), echo=st.integers(0, 10**6),
        care=st.integers(0, 1000), since=st.integers(T0 - 80_000, T0), press_heard=st.booleans(),
        signal=st.sampled_from(["mentions", "authors", "echo", "care", "reach", "platforms", "negativity", ""]),
        window_s=st.sampled_from([0, 60, 3600, 21_600]), seen=st.integers(0, 10**6), expected=st.floats(0, 1e4),
        times=st.floats(0, 1e5), doubling_s=st.none() | st.integers(1, 10**5), growing=st.booleans(),
        platforms=st.just((("bluesky", 20), ("reddit", 9))), press=st.integers(0, 9),
        press_at=st.none() | st.integers(T0 - 9000, T0), stories=st.integers(0, 99), story_copies=st.integers(0, 99),
        largest_followers=st.integers(0, 10**7), would_not_page_under=st.none() | st.integers(1, 999),
        learning=st.booleans(),
    )
)  # fmt: skip
def test_every_number_on_a_page_is_one_of_the_record(numbers: Numbers) -> None:
    """Recomputed here from the record alone, with no code of the page: nothing is invented."""
    event = page(numbers, timezone="Europe/Amsterdam", about=("battery",))
    zone = ZoneInfo("Europe/Amsterdam")
    allowed: set[str] = set()
    for at in (numbers.since, numbers.press_at or T0):
        local = datetime.fromtimestamp(at, UTC).astimezone(zone)
        allowed |= {f"{local:%H}", f"{local:%M}", str(local.day)}
    whole = (numbers.people, numbers.mentions, numbers.echo, numbers.care, numbers.seen, numbers.press,
             numbers.stories, numbers.story_copies, numbers.would_not_page_under or 0, 20, 9, 1000)  # fmt: skip
    allowed |= {f"{n:,}" for n in whole}
    for n in (numbers.times, numbers.expected):
        allowed |= {
            f"{round(n):,}",
            f"{n:.1f}",
            f"{n:.1f}".removesuffix(".0"),
            f"{n:.2f}",
            f"{max(n, 0.001):.3f}",
        }
    for seconds in (numbers.window_s, numbers.doubling_s or 0):
        allowed |= {f"{max(1, round(seconds / 60)):,}", str(round(max(1, round(seconds / 60)) / 60))}
    digits = Decimal(1).scaleb(max(len(str(numbers.largest_followers)) - 2, 0))
    allowed.add(f"{int(Decimal(numbers.largest_followers).quantize(digits, ROUND_HALF_UP)):,}")
    found = re.findall(r"\d+(?:,\d{3})*(?:\.\d+)?", event.message)
    assert found
    assert not [n for n in found if n not in allowed]


def test_cut_keeps_words_and_says_that_it_cut() -> None:
    """At a word's end where one is near."""
    assert cut("one two three", 13) == "one two three"
    assert cut("one two three", 10) == "one two…"
    assert cut("onetwothree", 5) == "onet…"
    assert clean("a\x00b\u202e c\r\n d\ud800", 20) == "ab c d"


@pytest.mark.parametrize("language", ["en", "nl", "nl-BE", "xx"])
def test_every_language_says_every_event(language: str) -> None:
    """An unknown one is told in English."""
    course = Course("Acme")
    records: list[AlertEvent | Beat] = [
        alert(language=language), alert("update", T0 + 10, 90, language=language, press=1),
        alert("resolved", T0 + 60), alert(at=T0 + 90, people=400, language=language), alert("resolved", T0 + 99),
        Beat(at=T0 + 99 + LINGER_S, brand="Acme"),
    ]  # fmt: skip
    turns = [turn for record in records for turn in take(course, record)]
    assert [t.event for t in turns] == ["opened", "updated", "wave", "resolved"]
    texts = [tell(t).message for t in turns]
    assert not [t for t in texts if "{" in t or "}" in t]
    assert ("mensen" in texts[0]) == language.startswith("nl")

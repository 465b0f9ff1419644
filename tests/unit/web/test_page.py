"""The incident page answers what somebody asks who was asleep a minute ago."""

import pytest

from tests.unit.web.client import client, exposition, filled
from tests.unit.web.made_up import BEGAN, INCIDENT, event, history, numbers, post
from tests.unit.web.reading import Read
from warn.model.alerts import IncidentEvent
from warn.web.health import Health
from warn.web.routes import build
from warn.web.store import Store


def _page(*events: IncidentEvent, press: tuple[str, ...] = ("nu_nl",), demo: bool = False) -> Read:
    store = Store()
    store.put_incidents(events)
    store.put_history(history())
    store.put_evidence([post()])
    app = build(store, Health(), exposition, press_sources=lambda: press, demo=demo)
    answer = client(app).get(f"/incidents/{events[-1].incident}")
    assert answer.status_code == 200
    return Read(answer.text)


@pytest.mark.parametrize(
    "answer",
    [
        "Acme : battery, smoke, recall",    # what, about what
        "402 people",                       # how many
        "Since 03:02",                      # since when, where the reader lives
        "250 times as much",                # how big against normal
        "402 people in 60 minutes; usual is 1.6.",
        "doubles every 12 minutes",         # how fast
        "2 articles The first at 03:42",    # the press
        "What we cannot hear Reddit",
        "Call +31 20 555 01 23",            # what now, whom do I ring
        "Open the playbook",
        "Answer where it began: Bluesky.",
        "People in ten minutes, from",      # the chart, in words
        "It began on Bluesky.",
        "Pagerduty : told at 03:20",        # who was told
        "Press : an account with about 810,000 followers",
        "Unplug your Acme",
    ],
)  # fmt: skip
def test_every_question_has_its_answer(answer: str) -> None:
    """What, how many, since when, against normal, how fast, press, deaf, what now: all of it is on the page."""
    assert answer in Read(client().get(f"/incidents/{INCIDENT}").text).text


def test_the_page_is_well_formed_and_needs_no_script() -> None:
    """Every element closes, and there is nothing to run."""
    read = Read(client().get(f"/incidents/{INCIDENT}").text)
    assert read.unbalanced == []
    assert {"script", "style", "iframe", "form", "img"}.isdisjoint(e.tag for e in read.elements)
    assert not any(name.startswith("on") or name == "style" for e in read.elements for name in e.attributes)


def test_nobody_is_named() -> None:
    """Accounts are shown by role and size; no hash, handle or native id is on the page."""
    html = client().get(f"/incidents/{INCIDENT}").text
    assert "at://x/1" not in html
    assert "9001" not in html
    assert "48,312" not in html


def test_posts_to_read_have_words_and_name_the_brand_first() -> None:
    """A repost without a word is nothing to read, and an answer stands behind what it answers."""
    store = Store()
    store.put_incidents([event()])
    store.put_evidence(
        [
            post(key=1, text="", kind="repost", echo=True, followers=900_000),
            post(key=2, text="shame on you", kind="reply", echo=True, followers=800_000),
            post(key=3, text="My Acme smokes", followers=3),
        ]
    )
    html = client(build(store, Health(), exposition)).get(f"/incidents/{INCIDENT}").text
    assert html.index("My Acme smokes") < html.index("shame on you")
    assert html.count('class="quote"') == 2


def test_votes_are_called_votes() -> None:
    """A crisis of votes does not claim people that nobody counted."""
    page = _page(
        event(about=(), numbers=numbers(people=0, echo_people=0, mentions=1, echo=412, signal="echo"))
    )
    assert "412 reactions" in page.text
    assert "How many people they are is not known." in page.text


def test_without_press_sources_nobody_claims_that_the_press_is_silent() -> None:
    """If warn reads no press it says so, instead of "no article yet"."""
    assert "no article yet" in _page(event()).text
    assert "Nu nl brought nothing" in _page(event()).text
    unheard = _page(event(), press=()).text
    assert "no article yet" not in unheard
    assert "No press source is set up" in unheard


def test_a_diary_wakes_nobody_and_says_so() -> None:
    """A shadow incident is marked, and does not pretend that somebody was told."""
    page = _page(event(mode="shadow"))
    assert "Diary only: nobody was woken" in page.text
    assert "Nobody. These rules are in shadow mode" in page.text


def test_a_dutch_page_is_dutch() -> None:
    """The page speaks the language of the rule file, and says so to the browser."""
    page = _page(event(language="nl"))
    assert page.elements[0].attributes["lang"] == "nl"
    assert "33 mensen" in page.text
    assert "Wat nu te doen" in page.text
    assert "people" not in page.text.replace("33 people about", "").replace("under 19 people", "")


def test_what_is_over_shows_its_height() -> None:
    """The last numbers of an incident are near nothing; what one wants to know is how big it was."""
    end = event(
        event="resolved", sequence=2, at=BEGAN + 40_000, state="closed", numbers=numbers(people=0, mentions=0)
    )
    page = _page(event(), end)
    assert "33 people" in page.text
    assert "It is over." in page.text
    assert "Check the facts first" not in page.text


def test_demo_is_written_everywhere() -> None:
    """Nobody can take a demonstration for the real thing."""
    page = _page(event(), demo=True)
    assert page.text.startswith("[DEMO]")
    assert "[DEMO]" in Read(client(build(filled(), Health(), exposition, demo=True)).get("/").text).text


@pytest.mark.parametrize(
    ("owner", "link"),
    [
        ("+31 20 555 01 23", "tel:+31205550123"),
        ("comms@acme.example", "mailto:comms@acme.example"),
        ("Comms on duty", None),
        ("javascript:alert(1)@x.y", None),
        ("a@b.c?cc=d@e.f", None),
    ],
)
def test_the_owner_can_be_called_from_the_page(owner: str, link: str | None) -> None:
    """A number is a tel: link, an address a mailto: link, and anything else is only text."""
    page = _page(event(annotations={"owner": owner}))
    links = [e.attributes["href"] for e in page.elements if e.tag == "a"]
    assert [one for one in links if one.startswith(("tel:", "mailto:", "java"))] == ([link] if link else [])
    assert f"Call {owner}" in page.text


def test_no_owner_is_said() -> None:
    """Without an owner the page says whom to call nevertheless."""
    assert "Call the head of communications" in _page(event(annotations={})).text


def test_the_list_shows_open_ones_first_and_marks_the_diary() -> None:
    """The list is read from the top: what is going on, then what is over."""
    store = Store()
    store.put_incidents(
        [
            event(incident="a", brand="Over", event="resolved"),
            event(incident="b", brand="Open", mode="shadow"),
        ]
    )
    text = Read(client(build(store, Health(), exposition)).get("/").text).text
    assert text.index("Going on now") < text.index("Open : battery") < text.index("Over : battery")
    assert "Diary only" in text


def test_an_empty_list_says_that_warn_is_listening() -> None:
    """Nothing to show is good news, not an empty page."""
    assert "Nothing is going on." in Read(client(build(Store(), Health(), exposition)).get("/").text).text


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "how an account calls itself, not a post"),
        ("nl", "hoe een account zichzelf noemt, geen bericht"),
    ],
)
def test_a_profile_is_shown_as_what_it_is_and_tells_no_story(language: str, said: str) -> None:
    """Two accounts of one name are no story that is told twice."""
    store = Store()
    store.put_incidents([event(language=language)])
    text = "Acme Support, official help desk for every broken scooter battery"
    store.put_evidence([post(), *(post(key=n, kind="profile", text=text, author=n) for n in (201, 202))])
    app = build(store, Health(), exposition, press_sources=lambda: (), demo=False)
    shown = Read(client(app).get(f"/incidents/{INCIDENT}").text).text
    assert shown.count(said) == 2 and shown.count("Acme Support, official") == 2

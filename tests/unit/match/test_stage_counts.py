"""What each mention counts as: rules 3, 6, 7 and 8 of the design, one truth at a time."""

import pytest

from tests.unit.match.listener import ACME, NOW, OURS, Match, counted, post
from warn.model.mention import Engagement, Mention
from warn.model.records import Evidence, Partial
from warn.model.rules import RuleSet, Term, Topic


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
    assert (found.care, len(found.care_authors)) == (1, 1)
    assert found == Partial("Acme/acme", NOW, NOW, care=1, care_authors=found.care_authors)
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

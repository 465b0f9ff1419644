"""The door lets in what is about us, and no name."""

import msgspec
import pytest

from tests.unit.ingest.items import KEY, NOW_MS, item, says_acme
from warn.ingest.door import Door, Past, Policy, Terms, policy
from warn.ingest.entry import RefusedError
from warn.ingest.memory import Memory
from warn.model.hashing import author_hash, post_hash
from warn.model.mention import Item, Mention
from warn.model.rules import Account, Channel, RuleSet


def door(**more: object) -> Door:
    return Door(KEY, Memory(), Policy(could_match=(says_acme,), **more))


def admit(at: Door, one: Item, **terms: object) -> Mention | None:
    return at.admit(one, now_ms=NOW_MS, terms=Terms(**terms))


def let_in(at: Door, one: Item, **terms: object) -> Mention:
    mention = admit(at, one, **terms)
    assert mention is not None
    return mention


def test_what_no_topic_could_match_and_nobody_knows_stays_outside() -> None:
    at = door()
    assert admit(at, item("1", "the weather")) is None
    assert admit(at, item("2", None, kind="update", engagement=(5, 0, 0, 0))) is None
    assert admit(at, item("3", None, kind="delete")) is None
    assert admit(at, item("4", None, kind="like", reshare_of="9")) is None
    assert at.counts["dropped", "unmatched"] == 2
    assert at.counts["dropped", "unknown_post"] == 2
    assert len(at.memory) == 0


def test_what_stands_behind_a_known_post_comes_in_whatever_it_says() -> None:
    at = door()
    let_in(at, item("1"))
    for number, more in enumerate(
        (
            {"reply_to": "1"},
            {"reshare_of": "1"},
            {"kind": "like", "reshare_of": "1"},
            {"kind": "quote", "reshare_of": "1"},
            {"kind": "comment", "thread": "1"},
        )
    ):
        assert let_in(at, item(f"a{number}", "shame", **more)).thread == post_hash(KEY, "forum", "1")
    for kind in ("update", "edit", "delete"):
        assert let_in(at, item("1", None, kind=kind)).key == post_hash(KEY, "forum", "1")


def test_an_edit_that_begins_to_name_us_comes_in_though_the_post_was_dropped() -> None:
    at = door()
    assert admit(at, item("1", "my kettle")) is None
    assert let_in(at, item("1", "my Acme kettle", kind="edit")).kind == "edit"


def test_any_rule_set_in_force_lets_in() -> None:
    at = Door(KEY, Memory(), Policy((lambda _: False, says_acme)))
    assert admit(at, item()) is not None


def test_thread_is_what_the_id_got_before() -> None:
    """A post that later names another root keeps its thread, or it would land in another bucket and count twice."""
    at = door()
    first = let_in(at, item("1"))
    let_in(at, item("r"))
    assert let_in(at, item("1", thread="r", reply_to="r")).thread == first.thread


def test_thread_of_a_known_parent_goes_before_the_root_that_the_source_names() -> None:
    at = door()
    let_in(at, item("1", thread="old"))
    assert let_in(at, item("2", reply_to="1", thread="new")).thread == post_hash(KEY, "forum", "old")


def test_thread_of_the_named_root_goes_before_the_root_itself() -> None:
    at = door()
    let_in(at, item("root", thread="deeper"))
    deeper = post_hash(KEY, "forum", "deeper")
    assert let_in(at, item("2", thread="root")).thread == deeper
    assert let_in(at, item("3", thread="unheard")).thread == post_hash(KEY, "forum", "unheard")


def test_a_reply_to_an_unknown_post_is_a_thread_of_its_own() -> None:
    mention = let_in(door(), item("2", reply_to="never seen"))
    assert mention.thread == mention.key != mention.parent == post_hash(KEY, "forum", "never seen")


def test_ids_of_two_sources_are_not_confused() -> None:
    at = door()
    let_in(at, item("1"))
    assert admit(at, item("2", "shame", source="other", reply_to="1")) is None


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({}, "post"),
        ({"reply_to": "9"}, "reply"),
        ({"reshare_of": "9"}, "repost"),
        ({"reshare_of": "9", "kind": "quote"}, "quote"),
        ({"reply_to": "9", "kind": "comment"}, "comment"),
    ],
)
def test_a_post_that_answers_is_a_reply_or_a_repost(more: dict[str, str], kind: str) -> None:
    assert let_in(door(), item("1", **more)).kind == kind


def test_of_two_posts_that_one_answers_the_known_one_is_the_parent() -> None:
    at = door()
    let_in(at, item("known"))
    known = post_hash(KEY, "forum", "known")
    assert let_in(at, item("2", kind="quote", reshare_of="unknown", reply_to="known")).parent == known
    assert let_in(at, item("3", kind="reply", reply_to="unknown", reshare_of="known")).parent == known


def test_no_name_passes() -> None:
    mention = let_in(door(), item(author="Marker Person", followers=7))
    assert b"Marker" not in msgspec.msgpack.encode(mention)
    assert mention.author == author_hash(KEY, "forum", "marker person")
    assert mention.followers == 7


@pytest.mark.parametrize("role", ["care", "internal"])
def test_of_staff_and_customers_only_counts_pass(role: str) -> None:
    one = item(author="Marker", followers=9, url="https://x.example/marker", lang="en")
    mention = let_in(door(), one, role=role)
    assert (mention.followers, mention.url, mention.id, mention.role) == (0, "", "", role)
    assert mention.text == "Acme"
    assert b"arker" not in msgspec.msgpack.encode(mention)


def test_staff_and_customers_are_told_apart_for_a_day_and_no_longer() -> None:
    """The key of their hashes changes at midnight UTC, and no other hash is made with it."""
    at, day = door(), 86_400_000
    midnight = NOW_MS // day * day
    hashes = [
        let_in(at, item(str(i), author="a", created_ms=created), role="care").author
        for i, created in enumerate((midnight, midnight + day - 1, midnight + day, midnight - 1))
    ]
    assert hashes[0] == hashes[1]
    assert len({*hashes, author_hash(KEY, "forum", "a")}) == 4
    other = Door(b"another installation's key....", Memory(), at.policy)
    assert let_in(other, item("0", author="a", created_ms=midnight), role="care").author != hashes[0]


def test_of_two_roles_the_one_that_protects_people_holds() -> None:
    at = door(roles={"forum": "care", "news": "press"})
    assert let_in(at, item(), role="press").role == "care"
    assert let_in(at, item("2", source="news")).role == "press"
    assert let_in(at, item("3", source="news"), role="internal").role == "internal"


def test_staff_are_not_heard_without_governance() -> None:
    at = door(roles={"forum": "internal"})
    with pytest.raises(RefusedError, match="governance"):
        admit(at, item(), governed=False)
    assert admit(at, item(), governed=True) is not None


def test_our_own_posts_come_in_and_are_marked() -> None:
    """Replies to them echo, so that they must be known, whatever they say."""
    rules = RuleSet(accounts=(("Acme", Account("forum", "@Acme.Example")),))
    at = Door(KEY, Memory(), policy(KEY, [(rules, says_acme)]))
    assert let_in(at, item("1", "Good morning", author="acme.example")).role == "own"
    assert let_in(at, item("2", "You too", author="@ACME.example ")).role == "own"
    assert admit(at, item("3", "Good morning", author="somebody")) is None


def test_sources_addressed_to_us_keep_everything() -> None:
    at = door(roles={"care": "care", "blog": "own"})
    assert admit(at, item("1", "help", source="care")) is not None
    assert admit(at, item("2", "hello", source="blog")) is not None
    assert admit(at, item("3", "hello"), keep="all") is not None
    assert admit(at, item("4", "hello"), role="press") is None
    assert admit(at, item("5", "hello", source="care"), keep="match") is None


def test_what_is_dated_by_sight_counts_from_when_it_was_seen() -> None:
    at = door()
    old = item("1", created_ms=NOW_MS - 10**8, dated_by="seen")
    assert let_in(at, old, fills=False).created_ms == NOW_MS
    filled = let_in(at, item("2", created_ms=NOW_MS - 10**8, dated_by="seen"), fills=True)
    assert filled.backfill
    assert not let_in(at, item("3"), fills=True).backfill
    assert let_in(at, item("4"), backfill=True).backfill


def test_nothing_was_seen_after_the_present() -> None:
    """A source with a wild clock must not make the door forget everything it knows."""
    at = door()
    let_in(at, item("1"))
    assert let_in(at, item("2", seen_ms=NOW_MS * 3)).seen_ms == NOW_MS
    assert admit(at, item("3", "shame", reply_to="1")) is not None


def test_policies_of_several_rule_sets_add_up() -> None:
    one = RuleSet(channels=(("Acme", Channel("forum", role="press")),))
    two = RuleSet(channels=(("Other", Channel("forum", role="internal")),))
    both = policy(KEY, [(one, says_acme), (two, says_acme)])
    assert both.roles == {"forum": "internal"}
    assert len(both.could_match) == 2


def test_what_counts_from_when_we_saw_it_keeps_the_publishers_own_date() -> None:
    """For the press clock; a date that cannot be is none."""
    at = door()
    late = let_in(at, item("1", dated_by="seen", created_ms=NOW_MS - 3_600_000, seen_ms=NOW_MS))
    assert (late.created_ms, late.published_ms, late.seen_ms) == (NOW_MS, NOW_MS - 3_600_000, NOW_MS)
    for number, created_ms in enumerate((946_684_800_000, NOW_MS + 1, NOW_MS)):
        undated = let_in(at, item(f"u{number}", dated_by="seen", created_ms=created_ms, seen_ms=NOW_MS))
        assert (undated.created_ms, undated.published_ms) == (NOW_MS, 0)
    assert let_in(at, item("2", created_ms=NOW_MS - 5_000)).published_ms == 0


DAY_MS = 86_400_000


def test_a_delete_is_heard_for_as_long_as_the_text_may_be_kept() -> None:
    """`[evidence]` keeps it for 30 days."""
    at = door()
    kept = let_in(at, item("1"))
    for day, heard in ((29, True), (32, False)):
        gone = item("1", None, kind="delete", created_ms=NOW_MS + day * DAY_MS)
        mention = at.admit(gone, now_ms=NOW_MS + day * DAY_MS)
        assert (mention is not None and mention.key == kept.key) == heard
        at = door()
        let_in(at, item("1"))


def test_a_delete_by_a_second_name_finds_its_post_and_no_other() -> None:
    at = door()
    first = let_in(at, item("https://far.example/1", alias="home 17", thread="https://far.example/0"))
    let_in(at, item("home 18", reply_to="https://far.example/1"))
    gone = let_in(at, item("home 17", None, kind="delete", alias="home 17"))
    assert (gone.key, gone.thread) == (first.key, first.thread)
    assert admit(at, item("home 19", None, kind="delete", alias="home 19")) is None
    assert admit(at, item("home 17", None, kind="delete")) is None, "an id is no second name"
    again = let_in(at, item("https://far.example/1", None, kind="delete", alias="elsewhere 5"))
    assert again.key == first.key
    with pytest.raises(RefusedError):
        admit(at, item("2", alias="x" * 3_000))


def test_what_may_still_be_shown_is_taken_back_however_late() -> None:
    """By a delete, and by an edit that leaves no word; another edit of a post that nobody remembers goes no further."""
    key = post_hash(KEY, "forum", "1")
    at = Door(KEY, Memory(), Policy(could_match=(says_acme,)), past=Past(shown={key}))
    assert let_in(at, item("1", None, kind="edit")).key == key
    at = Door(KEY, Memory(), Policy(could_match=(says_acme,)), past=Past(shown={key}))
    assert let_in(at, item("1", None, kind="delete")).key == key
    at = Door(KEY, Memory(), Policy(could_match=(says_acme,)), past=Past(shown={key}))
    assert admit(at, item("1", "shame", kind="edit")) is None

"""What a rule finds in a text and what it leaves alone, by example."""

import pytest

from warn.match.matcher import NOTHING, Matcher
from warn.match.pattern import PatternError
from warn.model.hashing import author_hash
from warn.model.rules import Account, Channel, Near, RuleSet, Term, Topic

KEY = b"test"


def finds(topic: Topic, text: str) -> bool:
    """Whether this topic alone is found in the text; what is found must pass the door, too."""
    matcher = Matcher(RuleSet(topics=(topic,)), KEY)
    found = bool(matcher.match(text).topics)
    assert not found or matcher.could_match(text)
    return found


def word(text: str, kind: str = "word") -> Topic:
    return Topic("A/t", "A", any=(Term(text, kind),))


@pytest.mark.parametrize(
    ("term", "text", "found"),
    [
        ("acme", "ACME!", True),
        ("acme", "acmes", False),
        ("acme", "pacme", False),
        ("acme", "acme_help", False),
        ("acme", "acme's phone", True),
        ("acme", "(acme)", True),
        ("acme", "#acme", True),
        ("acme", "#acmefail", False),
        ("acme", "@acme", True),
        ("acme", "@acme_help", False),
        ("acme", "@acme.example", False),
        ("acme", "joe@acme.example", False),
        ("acme", "acmé", False),
        ("t", "été", False),
        ("t-mobile", "T‑Mobile is down", True),
        ("at&t", "AT&T's", True),
        ("c++", "i like C++.", True),
        ("ไทย", "เมืองไทยดี", True),
        ("東京", "東京電力", True),
        ("삼성", "삼성은", True),
        ("दिल्ली", "दिल्ली में", True),
        ("भारत", "भारती", False),
        ("🔥", "it is on🔥now", True),
        ("Acme Bank", "acme  bank", True),
    ],
)
def test_a_word_is_found_as_a_word(term: str, text: str, found: bool) -> None:
    """Between edges of words in any script; anywhere in scripts without spaces and at the edge of a sign."""
    assert finds(word(term), text) is found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Acme Bank", True),
        ("acme\n   bank!", True),
        ("Acme-Bank", True),
        ('Acme "Bank"', True),
        ("acme, & bank", True),
        ("AcmeBank", False),
        ("acme big bank", False),
        ("pacme bank", False),
        ("acme banker", False),
        ("acme ***** bank", False),
        ("bank acme", False),
        ("acme acme bank", True),
    ],
)
def test_a_phrase_tolerates_what_stands_between_words(text: str, found: bool) -> None:
    """Any white space and up to three other signs, in this order, and no other word."""
    assert finds(word("Acme Bank", "phrase"), text) is found


def test_a_phrase_is_found_around_its_longest_word() -> None:
    """Words before and after the one that the automaton looks for; signs between them are a gap like any other."""
    topic = word("Bank of & Acmeland Inc", "phrase")
    assert finds(topic, "the bank of acmeland, inc. said")
    assert not finds(topic, "the bank at acmeland inc")


@pytest.mark.parametrize(
    ("term", "kind", "text", "found"),
    [
        ("@acme", "handle", "hi @Acme.", True),
        ("@acme", "handle", "hi @acme, you", True),
        ("@acme", "handle", "acme", False),
        ("@acme", "handle", "@acme_help", False),
        ("@acme", "handle", "@acme.example", False),
        ("@acme", "handle", "@acme@social.example", False),
        ("@acme", "handle", "joe@acme", False),
        ("@acme.example", "handle", "thanks @acme.example!", True),
        ("acme", "handle", "@acme", True),
        ("#acme", "hashtag", "#ACME", True),
        ("#acme", "hashtag", "＃acme", True),
        ("#acme", "hashtag", "#acmefail", False),
        ("#acme", "hashtag", "acme", False),
        ("#東京", "hashtag", "#東京電力", False),
        ("$T", "cashtag", "buy $T now", True),
        ("$T", "cashtag", "$TSLA", False),
        ("$T", "cashtag", "US$T", False),
        ("$BRK", "cashtag", "$BRK.B", False),
        ("$T", "cashtag", "$T.", True),
    ],
)
def test_signs_belong_to_handles_and_tags(term: str, kind: str, text: str, found: bool) -> None:
    """With their sign, whole, and not as part of something longer."""
    assert finds(word(term, kind), text) is found


def test_any_all_none_and_within_are_all_of_them_conditions() -> None:
    """One of any, each of all, nothing of none, and the parent: only then is it the topic."""
    acme = Topic("A/acme", "A", any=(Term("acme"), Term("ac")), none=(Term("acme road runner"),))
    fire = Topic("A/fire", "A", any=(Term("fire"), Term("smoke")), all=(Term("phone"),), within="A/acme")
    matcher = Matcher(RuleSet(topics=(fire, acme)), KEY)

    def topics(text: str) -> list[str]:
        return [matcher.topics[i].name for i in matcher.match(text).topics]

    assert topics("acme phone on fire") == ["A/acme", "A/fire"]
    assert topics("acme on fire") == ["A/acme"]
    assert topics("acme phone") == ["A/acme"]
    assert topics("phone fire") == []
    assert topics("acme road runner phone fire") == []


def test_a_topic_within_another_needs_no_words_of_its_own() -> None:
    """It is the parent without what it excludes."""
    topics = (Topic("A/a", "A", any=(Term("acme"),)), Topic("A/b", "A", none=(Term("ad"),), within="A/a"))
    matcher = Matcher(RuleSet(topics=topics), KEY)
    assert matcher.match("acme").topics == (0, 1)
    assert matcher.match("acme ad").topics == (0,)


def test_near_counts_words_between() -> None:
    """Distance is in words, wherever each of them stands best."""
    topic = Topic("A/t", "A", near=(Near((Term("acme"), Term("battery"), Term("fire")), 3),))
    assert finds(topic, "fire: battery of acme")
    assert finds(topic, "acme one two three four five battery acme one fire")
    assert not finds(topic, "acme battery one two fire")
    assert not finds(topic, "acme battery")


def test_regex_runs_on_folded_text_with_real_boundaries() -> None:
    """RE2's own ASCII classes would miss the one and find the other."""
    assert finds(word(r"\bÉcole\s+\d+\b", "regex"), "l'ÉCOLE 42!")
    assert not finds(word(r"\bt\w\b", "regex"), "étés")
    assert finds(word(r"\b[ab]{2}\d\b", "regex"), "AB1"), (
        "without a word that must be there it is tried on all"
    )


def test_too_many_patterns_without_a_word_are_refused() -> None:
    """Each of them costs every mention of the stream."""
    topics = tuple(word(rf"\d{{{n}}}", "regex") for n in range(1, 30))
    named = tuple(Topic(f"A/{i}", "A", any=one.any) for i, one in enumerate(topics))
    with pytest.raises(PatternError, match="at most 16"):
        Matcher(RuleSet(topics=named), KEY)


@pytest.mark.parametrize(
    ("topics", "message"),
    [
        ((Topic("A/a", "A", any=(Term("x"),), within="A/a"),), "within itself"),
        ((Topic("A/a", "A", within="A/b"), Topic("A/b", "A", within="A/a")), "within itself"),
        ((Topic("A/a", "A", any=(Term("x"),), within="A/z"),), "does not exist"),
        ((Topic("A/a", "A", none=(Term("x"),)),), "nothing to look for"),
        ((Topic("A/a", "A", any=(Term(" "),)),), "nothing in it"),
        ((Topic("A/a", "A", any=(Term("@a b", "handle"),)),), "no handle"),
        ((Topic("A/a", "A", any=(Term("(", "regex"),)),), r"topic 'A/a': a \( without"),
        ((Topic("A/a", "A", near=(Near((Term("a+b", "regex"), Term("c")), 2),)),), "near"),
        ((Topic("A/a", "A", any=(Term("x"),)),) * 2, "same name"),
    ],
)
def test_what_cannot_be_looked_for_is_said(topics: tuple[Topic, ...], message: str) -> None:
    """With the topic's name, before anything runs; chains of parents however long end."""
    with pytest.raises(PatternError, match=message):
        Matcher(RuleSet(topics=topics), KEY)


def test_a_chain_of_a_thousand_parents_is_no_recursion() -> None:
    """Depth costs memory, never the stack."""
    chain = [Topic("A/0", "A", any=(Term("acme"),))]
    chain += [Topic(f"A/{i}", "A", within=f"A/{i - 1}") for i in range(1, 2_000)]
    assert len(Matcher(RuleSet(topics=tuple(reversed(chain))), KEY).match("acme").topics) == 2_000


def test_negative_words_are_found_with_edges_and_only_if_asked() -> None:
    """A word of the lexicon is no topic; a word that is both is both."""
    rules = RuleSet(
        topics=(word("fire"), Topic("A/b", "A", any=(Term("acme"),))), negative=("fire", "very bad")
    )
    matcher = Matcher(rules, KEY)
    assert matcher.match("fire").negative
    assert matcher.match("acme is very  bad").negative
    assert not matcher.match("acme firefly, bad").negative
    assert matcher.match("very bad") is NOTHING
    assert matcher.look("very bad").negative
    assert not matcher.could_match("very bad")


def test_accounts_of_ours_are_known_by_their_hash() -> None:
    """With or without the @; a source with role own is ours whoever writes there."""
    rules = RuleSet(
        topics=(
            Topic("A/sub", "A", any=(Term("x"),), within="A/base"),
            Topic("A/base", "A", any=(Term("acme"),)),
        ),
        accounts=(("A", Account("bluesky", "@Acme.example")),),
        channels=(("A", Channel("blog", role="own")),),
    )
    matcher = Matcher(rules, KEY)
    ours = author_hash(KEY, "bluesky", "acme.example")
    assert matcher.is_own("bluesky", ours)
    assert not matcher.is_own("mastodon", author_hash(KEY, "mastodon", "acme.example"))
    assert matcher.is_own("blog", 0)
    assert [matcher.topics[i].name for i in matcher.own_topics("bluesky", ours)] == ["A/base"]
    assert matcher.brand_words["A"] == {"acme"}


def test_hostile_texts_are_only_texts() -> None:
    """No text raises, and a rule set without topics finds nothing."""
    matcher = Matcher(RuleSet(topics=(word("a+b+", "regex"), Topic("A/b", "A", any=(Term("aaa"),)))), KEY)
    for text in ("\ud800", "\x00", "a" * 100_000, "aaab " * 5_000, "@", "#", "\u0301" * 100, ""):
        matcher.match(text)
        matcher.could_match(text)
    assert Matcher(RuleSet(), KEY).match("anything") is NOTHING

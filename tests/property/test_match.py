"""The matcher agrees with a slow reading of the rules, and the door lets through all that it finds."""

import re
import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from msgspec.msgpack import decode

from warn.match.fold import _fold_any, fold
from warn.match.matcher import Matcher
from warn.match.pattern import PatternError, compile_pattern
from warn.match.terms import Vocabulary
from warn.match.told import Told
from warn.model.hashing import PUBLIC_KEY
from warn.model.rules import Near, RuleSet, Term, Topic

WORDS = ("acme", "ac", "fire", "İstanbul", "straße", "été", "big acme", "fire fire ac")
SEPARATORS = (" ", "  ", ", ", "-", "_", "", "\n", "é", "@", "#", "'s ")
TERM = st.sampled_from(WORDS).map(Term)
TERMS = st.lists(TERM, max_size=3).map(tuple)
TEXT = st.lists(
    st.tuples(st.sampled_from((*WORDS, "ACME", "bank")), st.sampled_from(SEPARATORS)), max_size=8
).map(lambda parts: "".join(word + sep for word, sep in parts))


@st.composite
def rule_sets(draw: st.DrawFn) -> RuleSet:
    """Topics over few words, each with something to look for, some within the one before."""
    topics: list[Topic] = []
    for i in range(draw(st.integers(1, 4))):
        within = draw(st.sampled_from([None, *[one.name for one in topics]]))
        any_, all_ = draw(TERMS), draw(TERMS)
        near = draw(
            st.lists(
                st.builds(Near, st.lists(TERM, min_size=2, max_size=3).map(tuple), st.integers(0, 4)),
                max_size=1,
            )
        )
        if not (any_ or all_ or near or within):
            any_ = (Term("acme"),)
        topics.append(Topic(f"A/{i}", "A", any_, all_, draw(TERMS), within, tuple(near)))
    return RuleSet(
        topics=tuple(draw(st.permutations(topics))), negative=draw(st.sampled_from([(), ("fire", "ac")]))
    )


def spans(term: Term, text: str) -> list[int]:
    """Where a term of words stands in a folded text, the slow way: one regular expression for each."""
    gap = r"(?:\s|[^\w\s](?=(?:\s*[^\w\s]){0,2}\s*\w)){1,40}"
    body = gap.join(map(re.escape, fold(term.text).split()))
    found = re.finditer(rf"(?<!\w)(?={body}(?!\w))", text)
    return [
        one.start()
        for one in found
        if "@" not in text[max(0, one.start() - 1) : one.start()] or whole(text, one, body)
    ]


def whole(text: str, found: "re.Match[str]", body: str) -> bool:
    """Whether what begins after an @ ends as a handle does."""
    match = re.compile(body).match(text, found.start())
    return match is not None and re.match(r"[.@-]\w", text[match.end() :]) is None


def oracle(rules: RuleSet, text: str) -> set[str]:
    """Topics of a text, rule by rule."""
    folded = fold(text)
    by_name = {one.name: one for one in rules.topics}

    def near_holds(near: Near) -> bool:
        starts = [one.start() for one in re.finditer(r"\w+", folded)]
        places = [sorted(sum(s <= at for s in starts) for at in spans(word, folded)) for word in near.words]
        ends = {place for some in places for place in some}
        return all(places) and any(
            all(any(end - near.distance <= at <= end for at in some) for some in places) for end in ends
        )

    def holds(one: Topic) -> bool:
        return (
            (not one.any or any(spans(term, folded) for term in one.any))
            and all(spans(term, folded) for term in one.all)
            and not any(spans(term, folded) for term in one.none)
            and all(near_holds(near) for near in one.near)
            and (one.within is None or holds(by_name[one.within]))
        )

    return {one.name for one in rules.topics if holds(one)}


@given(rule_sets(), TEXT)
def test_the_automaton_agrees_with_reading_rule_by_rule(rules: RuleSet, text: str) -> None:
    """Whatever is indexed under what, the topics are those of the rules."""
    matcher = Matcher(rules, PUBLIC_KEY)
    assert {matcher.topics[i].name for i in matcher.match(text).topics} == oracle(rules, text)


@given(rule_sets(), TEXT | st.text())
def test_the_door_lets_through_all_that_matches(rules: RuleSet, text: str) -> None:
    """What is dropped before the bus is never missed behind it."""
    matcher = Matcher(rules, PUBLIC_KEY)
    assert matcher.could_match(text) or not matcher.match(text).topics


MANY = st.lists(
    TEXT | st.text() | st.sampled_from(["", "acme\x00fire", "\x00", "İ", "acme", "@acme"]), max_size=6
)


@given(rule_sets(), MANY, st.booleans())
def test_many_texts_are_scanned_as_one(rules: RuleSet, texts: list[str], pattern: bool) -> None:
    """No text's topics depend on what stands before or behind it, whatever the texts are."""
    if pattern:
        odd = Topic("A/odd", "A", any=(Term("fire.{0,3}ac", "regex"), Term("@acme", "handle")))
        rules = RuleSet(topics=(*rules.topics, odd), negative=rules.negative)
    matcher = Matcher(rules, PUBLIC_KEY)
    one_by_one = [matcher.match(text) for text in texts]
    together = matcher.match_all(texts)
    assert [hit.topics for hit in together] == [hit.topics for hit in one_by_one]
    assert [hit.folded for hit in together] == [hit.folded for hit in one_by_one]
    assert [hit.negative for hit in together] == [hit.negative for hit in one_by_one]


@given(rule_sets(), TEXT)
def test_a_text_is_negative_by_its_words_alone(rules: RuleSet, text: str) -> None:
    """Whether a topic was found, or a word is in a topic too, does not change it."""
    matcher = Matcher(rules, PUBLIC_KEY)
    expected = any(spans(Term(word), fold(text)) for word in rules.negative)
    assert matcher.look(text).negative is expected
    if matcher.match(text).topics:
        assert matcher.match(text).negative is expected


ANY_TEXT = st.text(st.characters() | st.sampled_from("iIıİ\u0307\u200b\u00ad’Ａｶﾞ\U0001d400\ud800"))


@given(ANY_TEXT)
def test_folding_twice_is_folding_once(text: str) -> None:
    """So rules that were folded when they were read fold no further when they are compiled."""
    assert fold(fold(text)) == fold(text)


@given(
    ANY_TEXT
    | st.lists(
        st.sampled_from("aAİ\u0301é🔥❤\ufe0f\u200d\u1100\u1161가か\u3099火\u0915\u093c—“"), max_size=9
    ).map("".join)
)
def test_the_short_way_to_fold_is_the_long_way(text: str) -> None:
    """Characters that folding leaves alone are left alone whatever stands beside them."""
    assert fold(text) == (text.lower() if text.isascii() else _fold_any(text))


@given(ANY_TEXT)
def test_what_is_folded_can_be_encoded_and_is_composed(text: str) -> None:
    """The automaton and RE2 take UTF-8; composed and decomposed letters compare equal."""
    folded = fold(text)
    folded.encode("utf-8")
    assert unicodedata.is_normalized("NFC", folded)
    assert fold(unicodedata.normalize("NFD", text)) == fold(unicodedata.normalize("NFC", text))


@given(st.text("abc\\wbd()[]{}|*+?.^$1,3:-é ß", max_size=14), st.text("abcé s1", max_size=12))
def test_every_match_of_a_pattern_contains_one_of_its_words(pattern: str, text: str) -> None:
    """Otherwise the automaton would keep from RE2 what it had to be shown. And no pattern raises anything else."""
    try:
        compiled = compile_pattern(pattern)
    except PatternError:
        return
    folded = fold(text)
    if compiled.factors is not None and compiled.regex.search(folded):
        assert any(word in folded for word in compiled.factors)


@given(ANY_TEXT, st.text() | st.just("https://news.example/a"))
def test_no_text_is_too_strange_to_tell_about(text: str, url: str) -> None:
    """Words, story, terms and link never raise, and what they give can be written down."""
    told = Told(text, url, None, Vocabulary(PUBLIC_KEY))
    assert told.story >= 0
    told.link.encode("utf-8")
    counted, words = told.terms(frozenset())
    terms = [decode(one, type=tuple[int, int, str]) for one in sorted(counted)]
    assert terms == sorted(terms)
    assert sorted(word for _, _, word in terms) == sorted(decode(words, type=list[str]))

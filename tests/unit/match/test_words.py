"""Terms, stories and links of a text, by example."""

import pytest
from msgspec.msgpack import decode

from warn.match.fold import fold
from warn.match.link import canonical, link_of
from warn.match.matcher import Matcher
from warn.match.story import story_of
from warn.match.terms import MAX_TERMS, MAX_WORDS, Vocabulary, words_of
from warn.match.told import Told
from warn.model.rules import RuleSet
from warn.model.sealed import opened

KEY = b"test"


def terms(text: str, own: frozenset[str] = frozenset()) -> tuple[str, ...]:
    told = Told(text, "", Matcher(RuleSet(), KEY).look(text), Vocabulary(KEY))
    return tuple(opened(KEY, one) for one in decode(told.terms(own)[1], type=tuple[str, ...]))


def test_terms_are_words_that_tell_something() -> None:
    """No stop words of five languages, no numbers, no people, no addresses, none of the brand's own words."""
    text = (
        "RT @joe.example: The Acme's battery, die Batterie et la fumée 2020 https://x.example/smoke #recall b"
    )
    assert terms(text, frozenset({"acme"})) == ("battery", "batterie", "fumée", "recall")


def test_terms_of_other_scripts_keep_their_marks() -> None:
    """A Hindi word is one word, not its consonants."""
    assert terms("दिल्ली में आग") == ("दिल्ली", "में")


def test_terms_are_capped_and_each_is_told_once() -> None:
    """However long a text is and however often it repeats itself."""
    assert terms("smoke " * 50) == ("smoke",)
    assert len(terms(" ".join(f"word{chr(97 + i)}" for i in range(26)))) == MAX_TERMS
    assert len(words_of("a b " * 500)) == MAX_WORDS


STORY = "Acme recalls two million phones after battery fires"


@pytest.mark.parametrize(
    "copy",
    [
        f"RT @news: {STORY}",
        f"{STORY.upper()}!!! https://t.example/1 #acme",
        f"{STORY} - The Daily News",
        "Acme recalls two million phones after batt…",
        f"“{STORY}” 🔥",
        f".@somebody {STORY} via @other",
    ],
)
def test_copies_of_a_text_are_one_story(copy: str) -> None:
    """However they were passed on, cut short or added to."""
    assert story_of(words_of(fold(copy)), KEY) == story_of(words_of(fold(STORY)), KEY)


def test_other_texts_are_other_stories() -> None:
    """And short ones are taken whole; a text without words has no story."""
    texts = [
        "Acme is on fire",
        "Acme is on fire again",
        "Beta recalls two million phones after battery fires",
    ]
    assert len({story_of(words_of(fold(text)), KEY) for text in texts}) == 3
    assert story_of(words_of("🔥 @joe"), KEY) == 0


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("https://www.News.example:443/a/b/?utm_source=x&fbclid=1#top", "news.example/a/b"),
        ("http://m.news.example/a?id=7&utm_campaign=y&page=2", "news.example/a?id=7&page=2"),
        ("https://joe:secret@news.example/a", "news.example/a"),
        ("https://x.com/somebody/status/1", "x.com"),
        ("https://social.example/@somebody/1", "social.example"),
        ("https://news.example", "news.example"),
        ("https://mobile.news.example/amp/a/b.html?outputType=amp", "news.example/a/b.html"),
        ("https://www.news.example/a/b.amp.html", "news.example/a/b.html"),
        ("https://news.example/a/b/amp/?__twitter_impression=true", "news.example/a/b"),
        ("https://www.google.com/amp/s/www.news.example/a/b", "news.example/a/b"),
        (
            "https://www-news-example.cdn.ampproject.org/v/s/amp.news.example/a/b?amp_js_v=1&usqp=x",
            "news.example/a/b",
        ),
        (
            "https://www.google.co.uk/url?sa=t&q=https%3A%2F%2Fnews.example%2Fa%3Fid%3D7&ved=2",
            "news.example/a?id=7",
        ),
        ("https://l.facebook.com/l.php?u=https%3A%2F%2Fx.com%2Fjoe%2Fstatus%2F1&h=A", "x.com"),
        (
            "https://google.com/url?q=https://google.com/url?q=https://google.com/url?q=https://a.example/b",
            "google.com/url?q=https://a.example/b",
        ),
        ("https://google.com/maps?q=x", "google.com/maps?q=x"),
        ("https://forum.example/viewtopic.php?f=1&t=123&s=20", "forum.example/viewtopic.php?f=1&t=123"),
        ("https://video.example/watch?v=x&t=30s&si=a", "video.example/watch?v=x"),
        ("https://news.example/champion/campaign", "news.example/champion/campaign"),
        ("ftp://news.example/a", ""),
        ("https://[::1/a", ""),
        ("nonsense", ""),
        ("https://\ud800.example/a", ""),
    ],
)
def test_one_page_is_one_link(url: str, link: str) -> None:
    """However it was shared; never somebody's name."""
    assert canonical(url) == link


def test_a_link_is_what_the_text_points_to_or_what_the_mention_is_about() -> None:
    """The post's own address on a platform is no link: it holds a handle, and everybody has another."""
    assert link_of("see https://news.example/a.", "https://x.com/joe/1") == "news.example/a"
    assert link_of("title of a story", "https://news.example/a?utm_medium=z") == "news.example/a"
    assert link_of("words", "https://x.com/joe/status/1") == ""
    assert link_of("words", "https://social.example/@joe/1") == ""
    assert link_of("words", "") == ""

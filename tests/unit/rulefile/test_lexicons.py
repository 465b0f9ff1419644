"""The word lists that ship with warn are sound, and say what they promise."""

import pytest

from warn.model.rules import Term
from warn.rulefile.document import Document
from warn.rulefile.lexicon import bundled_lexicons
from warn.rulefile.word import term

KINDS = (
    "safety", "fraud", "bank-run", "payment-outage", "phishing", "leak",
    "discrimination", "strike", "recall", "outage", "boycott", "sanction",
)  # fmt: skip


def words(name: str, language: str) -> list[str]:
    def listed(document: Document) -> list[str]:
        found: list[str] = document.data["lexicons"].get(name, {"words": {}})["words"].get(language, [])
        return found

    return [w for document in bundled_lexicons()[1] for w in listed(document)]


def test_they_have_no_mistake_and_no_word_twice() -> None:
    """Not even a warning."""
    assert [p.text() for d in bundled_lexicons()[1] for p in d.problems] == []


@pytest.mark.parametrize("language", ["en", "nl"])
def test_there_are_enough_words(language: str) -> None:
    """English and Dutch both: 150 negative ones, and enough of every kind of crisis."""
    assert len(words("negative", language)) >= 150
    assert all(len(words(kind, language)) >= 25 for kind in KINDS)


def test_every_kind_of_crisis_is_there() -> None:
    """The kinds that DESIGN names, and negativity, and no others."""
    assert set(bundled_lexicons()[0]) == {*KINDS, "negative"}


def test_words_are_whole_posts_words() -> None:
    """No word is a single letter, none has a sign that makes it another kind by accident."""
    for lexicon in bundled_lexicons()[0].values():
        for word in lexicon.words:
            assert len(word) > 1 or not word.isalnum(), (lexicon.name, word)
            assert term(word) == Term(word) or word.startswith("#")

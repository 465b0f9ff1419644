"""A word is sealed so that nobody reads it without the key, and the same word always alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warn.match.terms import Vocabulary
from warn.model.records import Sample
from warn.model.sealed import MARK, opened, sealed
from warn.stages.numbers import about

KEY, OTHER = b"k" * 40, b"o" * 40


@given(st.text(min_size=1, max_size=40))
def test_only_its_own_key_opens_it(word: str) -> None:
    shut = sealed(KEY, word)
    assert shut == sealed(KEY, word) and shut.startswith(MARK) and shut.isascii()
    assert opened(KEY, shut) == word
    assert opened(OTHER, shut) == ""


@pytest.mark.parametrize("text", ["", "fire", "brand", "it's"])
def test_what_was_written_open_is_read_as_it_is(text: str) -> None:
    assert opened(KEY, text) == text


@pytest.mark.parametrize("text", ["~", "~?", "~AAAA", "~\u20ac", "~A"])
def test_what_is_no_sealed_word_is_none(text: str) -> None:
    assert opened(KEY, text) == ""


def test_a_term_is_carried_sealed_and_shown_open() -> None:
    term = Vocabulary(KEY).terms["quixley"]
    assert b"quixley" not in term and sealed(KEY, "quixley").encode() in term
    samples = [Sample(i, 0, i + 1, "x", 0, (sealed(KEY, "quixley"),), 9) for i in range(5)]
    assert (
        about(samples, KEY) == ("quixley",) and about(samples, OTHER) == () and about(samples[:4], KEY) == ()
    )

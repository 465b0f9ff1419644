"""Folding, by example."""

import pytest

from warn.match.fold import MAX_TEXT, fold


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("İSTANBUL", "ıstanbul"),
        ("IŞIK", "ışık"),
        ("STRASSE", "Straße"),
        ("ĲSLAND", "ijsland"),
        ("ﬁsh", "FISH"),
        ("ＡＣＭＥ", "acme"),
        ("𝐀𝐜𝐦𝐞", "acme"),
        ("cafe\u0301", "CAFÉ"),
        ("ｶﾞｽ", "ガス"),
        ("L’Oréal", "l'oréal"),
        ("T\u2011Mobile", "t-mobile"),
        ("ac\u00adme", "acme"),
        ("a\u200bcme", "acme"),
        ("i\u200b\u0307", "I"),
        ("ΣΑΣ", "σας"),
        ("\u212a", "k"),
    ],
)
def test_what_is_spelled_alike_compares_equal(a: str, b: str) -> None:
    """Case, width, ligatures, composition, Turkish i and invisible characters do not tell words apart."""
    assert fold(a) == fold(b)


@pytest.mark.parametrize("text", ["Acme™ phones", "x²", "été", "ete", "_acme_"])
def test_what_differs_stays_apart(text: str) -> None:
    """Signs, accents and digits are no matter of spelling: nothing is glued to a word that was not part of it."""
    assert fold(text) == text.casefold()


def test_half_a_surrogate_pair_and_nul_are_data() -> None:
    """They neither raise nor reach the automaton, which only takes Unicode."""
    assert fold("Ac\x00me \ud800!") == "ac\x00me \ufffd!"
    fold("\ud83d" * 10).encode("utf-8")


def test_only_the_beginning_of_an_endless_word_is_read() -> None:
    """A word of a megabyte is cut, not refused."""
    assert len(fold("x" * 1_000_000)) == MAX_TEXT

"""Patterns of users, by example."""

import pytest

from warn.match.pattern import MAX_PATTERN, PatternError, compile_pattern


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (r"acme-?\d+", {"acme"}),
        (r"(?:recall|fire)s? at acme", {" at acme"}),
        (r"smoke|fire", {"smoke", "fire"}),
        (r"(?:smoke)+", {"smoke"}),
        (r"(?:smoke)*x", None),
        (r"[abc]+", None),
        (r"ab", None),
        (r"東京?電力", {"電力"}),
        (r"acme{0,2}battery", {"battery"}),
        (r"foo\b bar", {"foo bar"}),
        (r"Straße\w+", {"strasse"}),
    ],
)
def test_the_words_that_every_match_contains_are_found(pattern: str, words: set[str] | None) -> None:
    """They are what the automaton looks for before RE2 is asked."""
    found = compile_pattern(pattern).factors
    assert (None if found is None else set(found)) == words


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(", "without its )"),
        ("a)", "without its ("),
        ("[a", "without its ]"),
        ("a\\", "at the end"),
        (r"(?=x)y", "(?="),
        (r"(a)\1", "\\1"),
        (r"\Bx", "not supported"),
        (r"[\W]x", "inside [ ]"),
        ("x*", "empty text"),
        ("", "empty"),
        ("\ud800", "surrogate"),
        ("x" * (MAX_PATTERN + 1), "at most 500"),
        ("(" * 60 + "x" + ")" * 60, "deeper"),
        (r"\p{Nonsense}", "Nonsense"),
        (r"\b+x", "repeated"),
    ],
)
def test_what_is_wrong_with_a_pattern_is_said(pattern: str, message: str) -> None:
    """In words that the author of a rule file understands."""
    with pytest.raises(PatternError) as refused:
        compile_pattern(pattern)
    assert message in str(refused.value)


def test_a_good_pattern_has_nothing_wrong_with_it() -> None:
    """None, not an empty message."""
    compile_pattern(r"(?i)acme(?P<n>\s+\d{1,3})?")

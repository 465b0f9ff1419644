"""Merging partials, by example."""

import pytest

from warn.aggregate.partial import merge
from warn.model.records import Partial


def test_partials_of_different_topics_do_not_merge() -> None:
    """A mistake of the caller is an error, not a sum of apples and pears."""
    with pytest.raises(ValueError, match="different topics"):
        merge(Partial("Acme/acme", 1, 1), Partial("Acme/battery", 1, 1))


def test_the_whole_begins_with_its_first_piece_and_is_known_with_its_last() -> None:
    """Earliest second, latest clock."""
    merged = merge(Partial("a", 5, 9), Partial("a", 7, 8))
    assert (merged.second, merged.known_at) == (5, 9)


def test_press_is_the_earliest_article_and_zero_is_none() -> None:
    """A piece without the press does not make the press appear at the epoch."""
    merged = merge(Partial("a", 1, 1, press_ms=0), Partial("a", 1, 1, press=1, press_ms=77))
    assert (merged.press, merged.press_ms) == (1, 77)

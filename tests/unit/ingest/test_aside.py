"""What is read again and again is put aside once."""

from warn.ingest.aside import Aside
from warn.ingest.connector import Refused


def test_a_piece_is_told_once_wherever_it_stands() -> None:
    aside = Aside()
    one, moved = Refused("hit 1", "no date", b"{1}"), Refused("hit 2", "no date", b"{1}")
    other, kept_nothing = Refused("hit 1", "no date", b"{2}"), Refused("hit 1", "not public", b"")
    assert list(aside.new([one, moved, other, kept_nothing])) == [one, other, kept_nothing]
    assert list(aside.new([one, kept_nothing])) == []


def test_it_remembers_the_latest() -> None:
    aside = Aside(most=2)
    pieces = [Refused("hit", "no date", b"%d" % n) for n in range(5)]
    assert list(aside.new(pieces)) == pieces
    assert list(aside.new(pieces[3:])) == []
    assert list(aside.new(pieces[:1])) == pieces[:1]

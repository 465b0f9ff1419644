"""One second of one topic: what is counted, what is drawn, what is left out."""

from collections.abc import Iterable

import msgspec

from warn.aggregate.partial import merge
from warn.aggregate.tally import MAX_FOLLOWERS, Name, Tally
from warn.model.mention import Mention
from warn.model.records import Partial
from warn.model.wire import encode, words_of_terms, written_term

KEY = b"test"
NAMES = [Name("A/a", frozenset({"acme"})), Name("A/b", frozenset())]


class Said:
    """A text that says what the test wants."""

    def __init__(self, *terms: str, negative: bool = False, story: int = 0, link: str = "") -> None:
        self._terms = terms
        self.negative = negative
        self.story = story
        self.link = link

    def terms(self, own: frozenset[str]) -> tuple[tuple[bytes, ...], bytes]:
        told = [written_term(len(one), one) for one in self._terms if one not in own]
        return tuple(told), words_of_terms(told)


class Lengths(dict[str, int]):
    """A stand-in for keyed hashes that can be read."""

    def __missing__(self, word: str) -> int:
        return len(word)


def mention(
    key: int, *, source: str = "x", author: int = 0, followers: int = 0, role: str = "", ms: int = 5_000
) -> Mention:
    return Mention(source, key, key, "post", "", ms, author=author, followers=followers, role=role)


def tally() -> Tally:
    one = Tally(KEY, Lengths())
    one.names, one.known_at = NAMES, 9
    return one


def read(one: Tally) -> list[Partial]:
    return [msgspec.msgpack.decode(closed.partial, type=Partial) for closed in one.close()]


def closed(one: Tally) -> dict[str, Partial]:
    return {partial.topic: partial for partial in read(one)}


def test_a_mention_counts_in_every_field_that_it_has() -> None:
    """Alone or among others, a mention is counted alike."""
    said = Said("acme", "smoke", negative=True, story=3, link="n.example/a")
    one = mention(1, author=7, followers=12, role="press", ms=5_500)
    alone, together = tally(), tally()
    alone.add(0, 5, one, said, echo=False)
    together.add(0, 5, one, said, echo=False)
    together.number(0, 5, "mentions", 0)
    found = closed(alone)["A/a"]
    assert encode(found) == encode(closed(together)["A/a"])
    assert (found.mentions, found.echo, found.reach_milli, found.negative_milli) == (1, 0, 12_000, 1000)
    assert (found.press, found.press_ms, found.by_source) == (1, 5_500, (("x", 1, 0),))
    assert (found.authors, found.carriers) == ((7,), ((12, 7, "x"),))
    assert (found.terms, found.links) == (((5, 1, "smoke"),), ((11, 1, ""),))
    assert (found.samples[0].story, found.samples[0].terms) == (3, ("smoke",))


def test_pieces_of_a_second_merge_to_the_whole() -> None:
    """Closing in between, as every step does, loses and doubles nothing."""
    rows = [
        (mention(i, author=i % 5, followers=i, source="xy"[i % 2]), Said("smoke" * (i % 3 + 1)), i % 3 == 0)
        for i in range(1, 100)
    ]

    def counted(pieces: Iterable[list[tuple[Mention, Said, bool]]]) -> Partial:
        found: list[Partial] = []
        one = tally()
        for piece in pieces:
            for row in piece:
                one.add(0, 5, row[0], row[1], echo=row[2])
            found.append(closed(one)["A/a"])
        whole = found[0]
        for more in found[1:]:
            whole = merge(whole, more)
        return whole

    assert (
        counted([rows])
        == counted(rows[i : i + 1] for i in range(len(rows)))
        == counted([rows[:40], rows[40:]])
    )


def test_echo_has_its_own_authors_and_crowds_out_no_sample() -> None:
    """Who repeats is not who says."""
    one = tally()
    one.add(0, 5, mention(1, author=7), Said(), echo=True)
    found = closed(one)["A/a"]
    assert (found.mentions, found.echo, found.authors, found.echo_authors) == (0, 1, (), (7,))
    assert found.samples == ()
    assert found.by_source == (("x", 0, 1),)


def test_care_yields_counts_only() -> None:
    """No author, sample, link, term or carrier; people are told apart by a hash of the day."""
    one = tally()
    one.care(0, 5, mention(1, source="care", author=7, followers=99))
    one.care(0, 5, mention(2, source="care", author=7))
    found = closed(one)["A/a"]
    assert (found.care, found.by_source) == (2, ())
    assert (found.mentions, found.echo, found.reach_milli) == (0, 0, 0)
    assert (found.authors, found.echo_authors, found.samples, found.carriers, found.terms) == (
        (),
        (),
        (),
        (),
        (),
    )
    assert len(found.care_authors) == 1
    assert found.care_authors != (7,)
    other_day = tally()
    other_day.care(0, 5, mention(1, source="care", author=7, ms=86_405_000))
    assert closed(other_day)["A/a"].care_authors != found.care_authors


def test_totals_are_echo_of_nobody() -> None:
    """Votes are not people: no author, and views are reach."""
    one = tally()
    one.rise(0, 5, "x", 4, 6)
    found = closed(one)["A/a"]
    assert (found.echo, found.reach_milli, found.by_source, found.echo_authors) == (
        4,
        6_000,
        (("x", 0, 4),),
        (),
    )


def test_an_absurd_number_of_followers_is_cut() -> None:
    """A lie must not overflow what is summed up."""
    for echo in (False, True):
        one = tally()
        one.add(0, 5, mention(1, author=7, followers=2**62), Said(), echo=echo)
        assert closed(one)["A/a"].reach_milli == MAX_FOLLOWERS * 1000
        one.add(0, 5, mention(1, author=7, followers=-5), Said(), echo=echo)
        assert (closed(one)["A/a"].reach_milli, closed(one)) == (0, {})


def test_closing_is_by_topic_and_second_and_leaves_nothing_open() -> None:
    """The order does not depend on what came first."""
    one = tally()
    for topic, second in ((1, 5), (0, 6), (0, 5)):
        one.add(topic, second, mention(1), Said(), echo=False)
    assert [(p.topic, p.second, p.known_at) for p in read(one)] == [
        ("A/a", 5, 9),
        ("A/a", 6, 9),
        ("A/b", 5, 9),
    ]
    assert len(one) == 0

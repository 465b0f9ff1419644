"""The chain tells what is missing and what comes twice, exactly, and is silent about everything else."""

import random
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warn.bus.codec import UnreadableStateError
from warn.bus.kafka.chain import HEADER, MOST_DROPPED, Break, Chain, Link, Saved, link_of, saved


class Kept(NamedTuple):
    """A record of a log: its writer's header and the input that it was made of."""

    header: bytes
    made_of: range


class Writer:
    """A seat that writes: some records for each step, and its chain saved with them or not at all."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.body, self.position = saved_nothing(), 0

    def step(self, log: list[Kept], sizes: list[int], *, commits: bool, has_input: bool = True) -> None:
        """One step of its input, as many records as there are `sizes` (of input each)."""
        chain = Chain(self.name, saved(self.body), self.position)
        end = self.position + sum(sizes)
        records, at = [], self.position
        for size in sizes:
            records.append(Kept(chain.link("t", 0, end if has_input else 0), range(at, at + size)))
            at += size
        body = chain.save(end)
        if commits:
            log += records
            self.body, self.position = body, end


class Reader:
    """A seat that reads a log; dies when it is told to, and begins again where it has committed."""

    def __init__(self, log: list[Kept], begin: int = 0) -> None:
        self.log = log
        self.committed, self.body = begin, saved_nothing(whole=begin == 0)
        self.taken: list[int] = []
        """Positions that were handed on before the last commit."""
        self.breaks: list[Break] = []
        self.restart()

    def restart(self) -> None:
        self.chain = Chain("r/0", saved(self.body), self.committed)
        self.position = self.committed
        self._new: list[int] = []
        self._broken: list[Break] = []

    def read(self, number: int) -> None:
        for position in range(self.position, min(self.position + number, len(self.log))):
            keep, wrong = self.chain.takes(position, [(HEADER, self.log[position].header)])
            if keep:
                self._new.append(position)
            if wrong:
                self._broken.append(wrong)
            self.position = position + 1

    def commit(self, upto: int | None = None) -> None:
        """All that was read, or what lies before a position: a worker may have read ahead of what it is through with."""
        upto = self.position if upto is None else upto
        self.body, self.committed = self.chain.save(upto), upto
        self.taken += [one for one in self._new if one < upto]
        self.breaks += self._broken
        self._new, self._broken = [one for one in self._new if one >= upto], []

    def rest(self) -> None:
        """Read and commit what is left."""
        self.read(len(self.log))
        self.commit()


def saved_nothing(*, whole: bool = False) -> bytes:
    return Chain("", Saved(whole=whole), 0).save(0)


def a_story(seed: int, begin: int = 0) -> tuple[list[Kept], Reader]:
    """Three writers whose steps are committed or not, one reader that crashes; nothing is lost."""
    rng = random.Random(seed)
    log: list[Kept] = []
    writers = [Writer(f"w/{n}") for n in range(3)]
    for _ in range(begin):
        writers[0].step(log, [1], commits=True)
    reader = Reader(log, begin)
    for _ in range(60):
        one = rng.choice(writers)
        match rng.randrange(6):
            case 0 | 1 | 2:
                sizes = [rng.randrange(3) for _ in range(rng.randrange(4))]
                one.step(log, sizes, commits=rng.random() < 0.7, has_input=one is not writers[2])
            case 3 | 4:
                reader.read(rng.randrange(5))
            case _:
                some = rng.choice([reader.position, rng.randint(reader.committed, reader.position)])
                reader.commit(some) if rng.random() < 0.6 else reader.restart()
    return log, reader


@given(st.integers(0, 2**32), st.sampled_from([0, 0, 1, 7]))
def test_silent_while_nothing_is_lost(seed: int, begin: int) -> None:
    """Aborted steps, crashes of either side, commits of a part of what was read, a log whose beginning is gone: no alarm,
    and every record once.
    """
    log, reader = a_story(seed, begin)
    reader.rest()
    assert not reader.breaks
    assert reader.taken == list(range(begin, len(log)))


@given(st.integers(0, 2**32), st.data())
def test_a_hole_is_counted_exactly(seed: int, data: st.DataObject) -> None:
    """Records that are taken out of the log before they are read are a gap of so many, if their writer goes on."""
    log, reader = a_story(seed)
    reader.commit()
    unread = len(log) - reader.position
    if not unread:
        return
    lost = data.draw(st.integers(1, unread))
    gone = log[-lost:]
    del log[-lost:]
    counts = {name: sum(link_of([(HEADER, k.header)]).writer == name for k in gone) for name in NAMES}
    for name, number in counts.items():
        log.append(Kept(_next_header(gone, name), range(0)) if number else Kept(b"", range(0)))
    reader.rest()
    assert sum(b.amount for b in reader.breaks if b.kind == "gap") == lost
    assert not [b for b in reader.breaks if b.kind == "overlap"]


NAMES = (b"w/0", b"w/1", b"w/2")


def _next_header(gone: list[Kept], name: bytes) -> bytes:
    """The header of the record that `name` writes after those that are gone."""
    last = [link for k in gone if (link := link_of([(HEADER, k.header)])).writer == name][-1]
    before = Saved(written=[("t", 0, last.number)])
    return Chain(name.decode(), before, 0).link("t", 0, last.until + 1)


@given(st.integers(1, 8), st.integers(1, 8), st.integers(0, 2**32))
def test_a_step_done_again_is_dropped(first: int, again: int, seed: int) -> None:
    """A writer that has lost its last steps does them again: with the same batches nothing of it is taken twice."""
    rng = random.Random(seed)
    log: list[Kept] = []
    writer = Writer("w/0")
    for _ in range(first):
        writer.step(log, [rng.randrange(1, 4) for _ in range(rng.randrange(1, 4))], commits=True)
    reader = Reader(log)
    if rng.random() < 0.5:
        reader.rest()
    memory, steps = (writer.body, writer.position), []
    for _ in range(again):
        steps.append([rng.randrange(1, 4) for _ in range(rng.randrange(1, 4))])
        writer.step(log, steps[-1], commits=True)
    before = len(log)
    writer.body, writer.position = memory
    for sizes in steps:
        writer.step(log, sizes, commits=True)
    writer.step(log, [1], commits=True)
    reader.rest()
    assert reader.taken == [*range(before), len(log) - 1]
    assert reader.breaks == [Break("overlap", "w/0", 1, True)] * sum(map(len, steps))


def test_dropped_stays_dropped() -> None:
    """Who reads again below his position leaves out what he left out before, or state would differ."""
    log: list[Kept] = []
    writer = Writer("w/0")
    writer.step(log, [1], commits=True)
    memory = (writer.body, writer.position)
    writer.step(log, [1, 1], commits=True)
    writer.body, writer.position = memory
    writer.step(log, [1, 1], commits=True)
    reader = Reader(log)
    reader.rest()
    reader.restart()
    headers = [[(HEADER, kept.header)] for kept in log]
    assert [reader.chain.takes(n, headers[n]) for n in range(len(log))] == [(True, None)] * 3 + [
        (False, None)
    ] * 2


def test_new_input_of_a_repeated_number_is_handed_on() -> None:
    """Where the second try of a step took in more than the first, twice is better than never."""
    log: list[Kept] = []
    writer = Writer("w/0")
    memory = (writer.body, writer.position)
    writer.step(log, [3], commits=True)
    writer.body, writer.position = memory
    writer.step(log, [5], commits=True)
    reader = Reader(log)
    reader.rest()
    assert reader.taken == [0, 1]
    assert reader.breaks == [Break("overlap", "w/0", 1, False)]


def test_nothing_of_a_writer_without_input_is_dropped() -> None:
    """Collect's steps are never the same ones: what repeats is a number, not a mention."""
    log: list[Kept] = []
    for _ in range(2):
        Writer("collect/0").step(log, [1, 1], commits=True, has_input=False)
    reader = Reader(log)
    reader.rest()
    assert reader.taken == [0, 1, 2, 3]
    assert reader.breaks == [Break("overlap", "collect/0", 2, False)]


@pytest.mark.parametrize(("begin", "amount"), [(0, 4), (5, 0)])
def test_first_contact(begin: int, amount: int) -> None:
    """Who has seen the log from its first record on has missed what came before; who has not cannot know."""
    chain = Chain("r/0", saved(saved_nothing(whole=begin == 0)), begin)
    header = Chain("w/0", Saved(written=[("t", 0, 4)]), 0).link("t", 0, 9)
    _, wrong = chain.takes(begin, [(HEADER, header)])
    assert (wrong.amount if wrong else 0) == amount


@pytest.mark.parametrize("header", [None, b"", b"\x00" * 16, b"\x00" * 16 + b"w", b"x"])
def test_a_header_that_is_none_of_ours_is_nobodys(header: bytes | None) -> None:
    """Records of other producers are handed on and say nothing."""
    chain = Chain("r/0", Saved(whole=True), 0)
    assert chain.takes(0, [("other", b"1"), (HEADER, header)]) == (True, None)
    assert chain.takes(1, []) == (True, None)


def test_forged_writers_are_bounded() -> None:
    """Whoever may write to the topic can make up writers, and no memory grows with them."""
    chain = Chain("r/0", Saved(), 0)
    for n in range(3_000):
        forger = Chain(f"x/{n}", Saved(), 0)
        chain.takes(2 * n, [(HEADER, forger.link("t", 0, 1))])
        chain.takes(2 * n + 1, [(HEADER, Chain("x/1", Saved(), 0).link("t", 0, 1))])
    body = saved(chain.save(10_000))
    assert len(body.seen) <= 1_000
    assert len(body.dropped) == MOST_DROPPED


def test_golden_bytes() -> None:
    """What this release saves and writes, later ones read."""
    body = bytes.fromhex("9491 93a773 69676e616c73 00 07 91 93c409636f6c6c6563742f30 05 00 c3 9103")
    assert saved(body) == Saved([("signals", 0, 7)], [(b"collect/0", 5, 0)], True, [3])
    assert Chain("match/1", saved(body), 0).save(0) == body
    header = bytes.fromhex("0000000000000008 000000000000002a 6d617463682f31")
    assert Chain("match/1", saved(body), 0).link("signals", 0, 42) == header
    assert link_of([(HEADER, header)]) == Link(b"match/1", 8, 42)


def test_a_damaged_chain_is_refused() -> None:
    """It is state, and nothing may be written over state that cannot be read."""
    with pytest.raises(UnreadableStateError):
        saved(b"\xc1")


@given(
    st.lists(st.integers(1, 3), min_size=2, max_size=12),
    st.lists(st.tuples(st.integers(1, 8), st.floats(0, 1)), min_size=1, max_size=8),
    st.booleans(),
)
def test_what_was_read_ahead_of_a_commit_is_handed_on_again(
    sizes: list[int], turns: list[tuple[int, float]], has_input: bool
) -> None:
    """A commit may end before what was read; whoever goes on from it hands on the rest, and finds nothing amiss."""
    log: list[Kept] = []
    writer = Writer("w/0")
    for size in sizes:
        writer.step(log, [1] * size, commits=True, has_input=has_input)
    committed, body = 0, saved_nothing(whole=True)
    for ahead, share in turns:
        chain = Chain("r/0", saved(body), committed)
        upto = min(committed + ahead, len(log))
        for position in range(committed, upto):
            assert chain.takes(position, [(HEADER, log[position].header)]) == (True, None)
        committed += int((upto - committed) * share)
        body = chain.save(committed)

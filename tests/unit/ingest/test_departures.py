"""Accounts that are gone: whoever wrote something that is kept is heard, strangers cost nothing."""

from pathlib import Path

import pytest

from tests.unit.ingest.items import KEY, NOW_MS, item, says_acme
from warn.bus.embedded import EmbeddedBus
from warn.ingest.clock import Wall
from warn.ingest.connector import Batch, Departure
from warn.ingest.door import NOTHING_YET, Door, Past, Policy, Terms, day_key
from warn.ingest.ledger import Intake, Ledger, Step, Taken
from warn.ingest.memory import Memory
from warn.ingest.shown import Shown, Writers
from warn.model.audit import Blanked, Deleted, Departed, Erasure
from warn.model.flow import AUDIT, EVIDENCE, MATCH
from warn.model.hashing import author_hash
from warn.model.mention import Mention
from warn.model.wire import decode_audit, encode
from warn.stages.base import Out
from warn.stages.evidence import evidence_of, tombstone

ANN = author_hash(KEY, "forum", "ann")


def ledger(past: Past, **policy: object) -> Ledger:
    door = Door(KEY, Memory(), Policy(could_match=(says_acme,), **policy), past=past)
    return Ledger(KEY, door, Wall(lambda: NOW_MS / 1000))


async def taken(at: Ledger, batch: Batch, **terms: object) -> tuple[list[object], Taken]:
    """What is written into `[audit]`, and the counts."""
    step = Step()
    told = await at.take_in(step, Intake("forum", batch, Terms(**terms)))
    return [decode_audit(out.value) for out in step.letters if out.topic == AUDIT], told


async def test_whose_words_were_let_in_is_heard_and_a_stranger_is_not() -> None:
    at = ledger(Past(writers=Writers()))
    said = (item("1", author="@ann"), item("2", "the weather", author="bob"))
    written, told = await taken(
        at, Batch(said, departed=tuple(Departure("forum", one) for one in ("ann", "bob", "eve", "@ann")))
    )
    assert written == [Departed(NOW_MS // 1000, ANN)] * 2
    assert (told.counts["departed"], told.counts["departed_ours"]) == (2, 0)
    assert (await taken(at, Batch(departed=(Departure("elsewhere", "ann"),))))[0] == []


async def test_who_knows_of_nothing_kept_writes_nothing() -> None:
    written, _ = await taken(
        ledger(NOTHING_YET), Batch((item("1", author="ann"),), departed=(Departure("forum", "ann"),))
    )
    assert written == []


async def test_a_writer_of_a_source_that_counts_only_is_found_under_the_hashes_of_each_day() -> None:
    at = ledger(Past(writers=Writers()))
    days = [NOW_MS - back * 86_400_000 for back in (0, 1, 6)]
    said = tuple(item(f"{n}", author="ann", created_ms=ms) for n, ms in enumerate(days))
    written, told = await taken(at, Batch(said, departed=(Departure("forum", "ann"),)), role="care")
    expected = {author_hash(day_key(KEY, ms // 86_400_000), "forum", "ann") for ms in days}
    assert {one.author for one in written if isinstance(one, Departed)} == expected
    assert told.counts["departed"] == 1


async def test_an_account_of_ours_goes_too_and_is_told_of() -> None:
    at = ledger(Past(writers=Writers()), own=frozenset({ANN}))
    written, told = await taken(at, Batch((item("1", author="ann"),), departed=(Departure("forum", "ann"),)))
    assert written == [Departed(NOW_MS // 1000, ANN)]
    assert told.counts["departed_ours"] == 1


@pytest.mark.parametrize("name", ["", "\ud800", "x" * 3_000, "a\0b"])
async def test_what_names_nobody_is_put_aside_and_quoted_nowhere(name: str) -> None:
    written, told = await taken(ledger(Past(writers=Writers())), Batch(departed=(Departure("forum", name),)))
    assert written == [] and told.counts["refused"] == 1


def test_of_what_was_let_in_lately_no_more_are_known_than_is_said() -> None:
    writers = Writers(frozenset({1_000_000}), most=10)
    for author in range(1, 100):
        writers.add(author)
        assert author in writers
    known = [author for author in range(1, 100) if author in writers]
    assert known == list(range(96 - len(known) + 4, 100)) and 5 <= len(known) <= 10
    assert 1_000_000 in writers, "of what is shown all are known"


async def test_who_wrote_what_may_be_shown_is_known_until_nothing_of_it_is(tmp_path: Path) -> None:
    bus = await EmbeddedBus.start(tmp_path, free_needed=0)
    try:
        seat = await bus.open(MATCH, 0)
        said = [Mention("forum", n, n, "post", "Acme", NOW_MS, author=n % 2 + 1) for n in range(1, 6)]
        outs = [(one.key, evidence_of(one, "acme", "Acme", echo=False)) for one in said]
        outs += [(n, tombstone(said[n - 1], "acme", "Acme")) for n in (1, 3, 5)]
        await seat.commit(
            [Out(EVIDENCE, 0, b"%d" % key, encode(one)) for key, one in outs[:5]], {}, (await seat.restore()).committed
        )  # fmt: skip
        shown = Shown()
        await shown.load(bus)
        assert shown.writers == {1: 2, 2: 3} and len(shown) == 5
        await bus.write([Out(EVIDENCE, 0, b"%d" % key, encode(one)) for key, one in outs[5:]])
        again, few = Shown(), Shown(most=4)
        await again.load(bus)
        await few.load(bus)
        assert dict(again.writers) == {1: 2} and len(again) == 5, "what is deleted is nobody's"
        assert dict(few.writers) == {1: 1}, "the oldest is forgotten with its writer"
    finally:
        await bus.close()


def test_the_bytes_of_what_was_done_about_people() -> None:
    """What earlier releases wrote is read, and so is what this one adds."""
    for record, raw in {
        Erasure(5, "x", 7): b"\x94\xa7erasure\x05\xa1x\x07",
        Deleted(5, 7): b"\x93\xa7deleted\x05\x07",
        Departed(5, 7): b"\x93\xa8departed\x05\x07",
        Blanked(5, 7, 9): b"\x94\xa7blanked\x05\x07\x09",
    }.items():
        assert encode(record) == raw and decode_audit(raw) == record

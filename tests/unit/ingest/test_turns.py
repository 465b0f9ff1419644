"""Texts that are made to be much work hold up neither the clock nor other connectors."""

import pytest

from tests.unit.ingest.pulse import pulse
from warn.ingest.clock import Wall
from warn.ingest.connector import Batch
from warn.ingest.door import OPEN, Door, Policy
from warn.ingest.ledger import Intake, Ledger, Step
from warn.ingest.memory import Memory
from warn.match.fold import fold
from warn.model.hashing import PUBLIC_KEY
from warn.model.mention import Item

TRIES = 3
"""On a machine that is busy with other tests; who is held up by us is held up each time."""
MARKS = ("\u0315\u0300\u05ae" * 300 + " ") * 6
"""Marks in an order that is not theirs: the longer the row, the more work to put it right. Some 6 ms, where a text of its
length takes 0.01."""


def look(text: str) -> bool:
    return "acme" in fold(text[:20_000])


async def _take() -> int:
    ledger = Ledger(PUBLIC_KEY, Door(PUBLIC_KEY, Memory(), Policy((look,))), Wall(lambda: 1_764_000_000.0))
    items = tuple(
        Item(source="forum", id=str(i), created_ms=1_764_000_000_000, kind="post", text=MARKS)
        for i in range(90)
    )
    taken = await ledger.take_in(Step(), Intake("forum", Batch(items=items), OPEN))
    return taken.counts["dropped"]


async def test_a_batch_of_texts_that_are_much_work() -> None:
    failed: AssertionError | None = None
    for _ in range(TRIES):
        try:
            async with pulse(0.3):
                assert await _take() == 90
        except AssertionError as e:
            failed = e
        else:
            return
    pytest.fail(str(failed))

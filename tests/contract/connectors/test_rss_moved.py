"""Feeds that are not where they were."""

from collections.abc import AsyncIterator

import pytest
from starlette.responses import Response

from tests.contract.connectors.desk import OLD, Desk, rounds, rss, standing
from warn.model.errors import PermanentError


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with standing() as one:
        yield one


async def test_a_feed_that_has_moved_for_good_is_asked_there(desk: Desk) -> None:
    desk.feeds["old"] = lambda *_: Response(status_code=301, headers={"location": "/new"})
    desk.gives("new", rss(("g1", OLD)))
    found = await desk.read(desk.connector("old"), rounds(2))
    assert len(desk.heard("old")) == 1 and len(desk.heard("new")) == 2
    desk.asked.clear()
    cursor = found[-1].cursor
    assert cursor is not None and "new" not in cursor, "an address that no settings name may hold a handle"
    await desk.read(desk.connector("old"), rounds(1), cursor)
    assert [name for name, _ in desk.asked] == ["old", "new"]


async def test_a_feed_that_is_not_where_it_was_sent_to_is_asked_where_it_was(desk: Desk) -> None:
    desk.feeds["old"] = lambda i, _: (
        Response(rss(("g2", OLD))) if i else Response(status_code=301, headers={"location": "/new"})
    )
    desk.feeds["new"] = lambda i, _: Response(status_code=404) if i else Response(rss(("g1", OLD)))
    reader = desk.connector("old")
    with pytest.raises(PermanentError):
        await desk.read(reader, rounds(2))
    assert [name for name, _ in desk.asked] == ["old", "new", "new"]

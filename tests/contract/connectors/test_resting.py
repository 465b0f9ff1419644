"""Lists and feeds that ask to be left alone, where all of them fail."""

import pytest
from starlette.responses import Response

from connectors.trends import TrendsConnector
from tests.contract.connectors.desk import standing
from tests.contract.connectors.service import serve
from tests.contract.connectors.test_trends import Lists, Wall, config_at, items_of
from warn.model.errors import PermanentError, Reason, TemporaryError


async def test_a_list_that_asks_to_be_left_alone_is_though_all_of_them_fail() -> None:
    busy, wall = {"tags": Response(status_code=429, headers={"retry-after": "3600"})}, Wall()
    lists = Lists(refuses={**busy, "links": Response(status_code=503)})
    async with serve(lists.app()) as address:
        one = TrendsConnector(config_at(address, lists=["tags", "links"], google=[], bluesky=None), wall=wall)
        for asked in range(1, 4):
            with pytest.raises(TemporaryError) as caught:
                await anext(one.batches(None))
            assert caught.value.reason is Reason.SERVER and caught.value.retry_after_s is None
            assert (lists.asked.count("tags"), lists.asked.count("links")) == (1, asked)
            wall.now += 600
        lists.refuses = busy
        assert items_of([await anext(one.batches(None))])


async def test_a_feed_that_asks_to_be_left_alone_is_though_all_of_them_fail() -> None:
    async with standing() as desk:
        desk.feeds["busy"] = lambda *_: Response(status_code=429, headers={"retry-after": "3600"})
        desk.feeds["ill"] = lambda *_: Response(status_code=503)
        connector = desk.connector("busy", "ill")
        for _ in range(3):
            with pytest.raises(TemporaryError) as caught:
                await desk.read(connector, lambda _: False)
            assert caught.value.reason is Reason.SERVER and caught.value.retry_after_s is None
        assert len(desk.heard("busy")) == 1 and len(desk.heard("ill")) >= 3


async def test_all_feeds_unwell_is_an_error() -> None:
    async with standing() as desk:
        for name in ("one", "two"):
            desk.feeds[name] = lambda *_: Response(status_code=503, headers={"retry-after": "77"})
        with pytest.raises(TemporaryError) as caught:
            await desk.read(desk.connector("one", "two"), lambda _: False)
        assert caught.value.reason is Reason.SERVER
        assert caught.value.retry_after_s == pytest.approx(77, abs=1)
        desk.feeds["two"] = desk.feeds["one"] = lambda *_: Response(status_code=410)
        with pytest.raises(PermanentError) as gone:
            await desk.read(desk.connector("one", "two"), lambda _: False)
        assert gone.value.reason is Reason.GONE

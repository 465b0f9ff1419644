"""The contract suite finds what it is there to find."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from typing import ClassVar

import pytest
from msgspec.structs import replace

from tests.unit.ingest.items import item
from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Batch, Connector, Cursor
from warn.model.errors import PermanentError, Reason, TemporaryError
from warn.testing.check_connector import Cut, Failing, Made, Until, check_connector

ITEMS = tuple(item(str(number), f"Acme {number}") for number in range(9))


class Sound:
    """Three batches of three."""

    name = source = "forum"
    runs = 0

    def __init__(self) -> None:
        type(self).runs += 1

    async def batches(self, cursor: Cursor | None) -> AsyncGenerator[Batch, None]:
        for at in range(0 if cursor is None else int(cursor), 9, 3):
            yield Batch(items=ITEMS[at : at + 3], cursor=Cursor(str(at + 3)))
            await asyncio.sleep(0)


class Skips(Sound):
    """Its cursor is one too far."""

    async def batches(self, cursor: Cursor | None) -> AsyncGenerator[Batch, None]:
        async for batch in super().batches(None):
            if cursor is None or int(batch.cursor or 0) > int(cursor) + 3:
                yield batch


class Renames(Sound):
    """Its ids are of its own making, anew each time."""

    async def batches(self, cursor: Cursor | None) -> AsyncGenerator[Batch, None]:
        async for batch in super().batches(cursor):
            yield batch._replace(items=tuple(replace(i, id=f"{i.id} {self.runs}") for i in batch.items))


class Redates(Sound):
    """It dates what it reads by when it reads it, so that a repeat looks new."""

    async def batches(self, cursor: Cursor | None) -> AsyncGenerator[Batch, None]:
        async for batch in super().batches(None):
            yield batch._replace(
                items=tuple(replace(i, created_ms=i.created_ms + self.runs) for i in batch.items)
            )


class Seconds(Sound):
    async def batches(self, cursor: Cursor | None) -> AsyncGenerator[Batch, None]:
        async for batch in super().batches(cursor):
            yield batch._replace(
                items=tuple(replace(i, created_ms=i.created_ms // 1000) for i in batch.items)
            )


class Cursorless(Sound):
    async def batches(self, cursor: Cursor | None) -> AsyncGenerator[Batch, None]:
        async for batch in super().batches(cursor):
            yield batch._replace(cursor=None)


class Empty(Sound):
    async def batches(self, cursor: Cursor | None) -> AsyncGenerator[Batch, None]:
        for batch in ():
            yield batch


class Untidy(Sound):
    """It starts something and leaves it behind."""

    left: ClassVar[set[asyncio.Task[None]]] = set()

    async def batches(self, cursor: Cursor | None) -> AsyncGenerator[Batch, None]:
        self.left.add(asyncio.get_running_loop().create_task(asyncio.sleep(0.5)))
        async for batch in super().batches(cursor):
            yield batch


class Talks(Sound):
    """It logs where it reads."""

    async def batches(self, cursor: Cursor | None) -> AsyncGenerator[Batch, None]:
        async for batch in super().batches(cursor):
            logging.getLogger("forum").debug("GET /?key=%s", "sesame")
            yield batch


class Fails(Sound):
    async def batches(self, cursor: Cursor | None) -> AsyncGenerator[Batch, None]:
        raise TemporaryError("429 for key sesame", reason=Reason.RATE_LIMITED, retry_after_s=7.0)
        yield Batch()


def make(connector: type[Sound]) -> Made:
    return ConnectorConfig(name="forum"), connector()


async def test_a_sound_connector_passes() -> None:
    failing = {"too often": Failing(Fails, TemporaryError, Reason.RATE_LIMITED, 7.0)}
    await check_connector(lambda: make(Sound), failing=failing, secrets=["a name"])


@pytest.mark.parametrize(
    ("connector", "message"),
    [
        (Skips, "it lost"),
        (Renames, "gives other ids"),
        (Redates, "came twice"),
        (Seconds, "seconds taken for milliseconds"),
        (Cursorless, "no batch has a cursor"),
        (Empty, "yielded nothing"),
        (Untidy, "left 1 tasks running"),
        (Talks, "a log line of forum says a secret"),
    ],
)
async def test_a_faulty_one_does_not(connector: type[Sound], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        await check_connector(lambda: make(connector), secrets=["sesame"])


@pytest.mark.parametrize(
    ("failing", "message"),
    [
        (Failing(Sound, TemporaryError, Reason.RATE_LIMITED), "nothing was raised"),
        (Failing(Fails, PermanentError, Reason.RATE_LIMITED), "raised TemporaryError"),
        (Failing(Fails, TemporaryError, Reason.AUTH), "reason rate_limited, not auth"),
        (Failing(Fails, TemporaryError, Reason.RATE_LIMITED, 8.0), "retry after 7.0"),
        (Failing(Fails, TemporaryError, Reason.RATE_LIMITED), "says a secret"),
    ],
)
async def test_an_error_that_is_not_what_it_should_be_is_found(failing: Failing, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        await check_connector(lambda: make(Sound), failing={"x": failing}, secrets=["sesame"])


class Endless(Sound):
    """It polls for ever, and with `idle` says nothing when there is nothing."""

    idle = False

    async def batches(self, cursor: Cursor | None) -> AsyncGenerator[Batch, None]:
        async for batch in super().batches(cursor):
            yield batch
        while True:
            await asyncio.sleep(0.001)
            if not self.idle:
                yield Batch()


class Silent(Endless):
    """It streams: no word is no batch."""

    idle = True


async def test_one_without_an_end_is_given_one() -> None:
    def polls() -> Made:
        return ConnectorConfig(name="forum"), Until(Endless(), lambda batch: not batch.items)

    def streams() -> Made:
        return ConnectorConfig(name="forum"), Until(Silent(), idle_s=0.05)

    await check_connector(polls)
    await check_connector(streams)
    read = [batch async for batch in Until(Endless(), lambda batch: batch.cursor == "6").batches(None)]
    assert [batch.cursor for batch in read] == ["3", "6"]


async def test_a_connector_with_an_end_can_be_cut_off_before_it() -> None:
    cut = Cut(Until(Silent(), idle_s=5), 2)
    async with asyncio.timeout(1), asyncio.TaskGroup() as group:
        task = group.create_task(anext_n(cut, 3))
        await cut.hangs.wait()
        task.cancel()


async def anext_n(connector: Connector, count: int) -> None:
    batches = connector.batches(None)
    for _ in range(count):
        await anext(batches)


def test_the_sound_one_is_a_connector() -> None:
    connector: Connector = Sound()
    assert connector.name == "forum"

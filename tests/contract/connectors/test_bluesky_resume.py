"""Bluesky: going on behind a cursor, on the same host or another, and what a host cannot give any more."""

import json
import time
from collections import Counter
from contextlib import aclosing

import pytest

from connectors.bluesky import BlueskyConnector
from tests.contract.connectors.bluesky_reading import (
    all_items,
    config_at,
    gaps_of,
    items_of,
    jetstream,
    last_cursor,
    made,
    read,
)
from tests.contract.connectors.jetstream import SECOND_US, START_US, Jetstream
from tests.contract.connectors.service import Address
from warn.ingest.connector import Cursor, Gap
from warn.model.errors import Reason, TemporaryError


@pytest.mark.parametrize(("versions", "clamps"), [((2, 1), False), ((1,), True)])
async def test_a_cursor_that_is_too_old_is_a_gap_and_then_live(
    versions: tuple[int, ...], clamps: bool
) -> None:
    events = made()
    later = [{**one, "time_us": one["time_us"] + 3600 * SECOND_US} for one in made(60)[40:]]
    async with jetstream(Jetstream(events[:20], versions)) as address:
        before, _ = await read(BlueskyConnector(config_at(address)))
    server = Jetstream([*events[:20], *later], versions, floor=20, live=25)
    async with jetstream(server) as address:
        after, error = await read(BlueskyConnector(config_at(address)), _moved(last_cursor(before), address))
    assert error is None
    heard_last, heard_first = events[19]["time_us"], server.events[20 if clamps else 25]["time_us"]
    assert gaps_of(after) == [Gap(heard_last // SECOND_US, heard_first // SECOND_US)]
    assert after[0].gaps, "told with the first that came after it"


def _moved(cursor: Cursor, address: Address) -> Cursor:
    """The same place, as if it had been this host's."""
    return Cursor(json.dumps({**json.loads(cursor), "host": address.ws}))


async def test_a_host_that_numbers_anew_is_a_gap() -> None:
    async with jetstream(Jetstream(made()[:30])) as address:
        before, _ = await read(BlueskyConnector(config_at(address)))
    later = [{**one, "time_us": one["time_us"] + 40 * SECOND_US} for one in made(10)]
    async with jetstream(Jetstream(later, first_seq=1)) as address:
        after, _ = await read(BlueskyConnector(config_at(address)), _moved(last_cursor(before), address))
    assert len(gaps_of(after)) == 1
    assert len(items_of(after)) > 5, "and it goes on with what comes"


async def test_a_resume_without_a_gap_tells_of_none() -> None:
    async with jetstream(Jetstream(made())) as address:
        before, _ = await read(BlueskyConnector(config_at(address)))
        after, _ = await read(BlueskyConnector(config_at(address)), before[0].cursor)
    assert gaps_of(after) == []
    assert items_of(before[:1]) + items_of(after) == items_of(before)


async def test_another_host_is_read_from_a_little_before_and_says_nothing_twice() -> None:
    """The first breaks off; the second has other numbers, another clock, and the same events."""
    first = Jetstream(made(), cut=25)
    other = Jetstream(made(), (1,), skew_us=400_000)
    async with jetstream(first) as one, jetstream(other) as two:
        connector = BlueskyConnector(config_at(one, two))
        before, error = await read(connector)
        assert isinstance(error, TemporaryError) and error.reason is Reason.NETWORK
        first.versions = ()  # it is gone
        after, error = await read(connector, last_cursor(before))
    assert error is None and gaps_of(after) == []
    whole = await all_items((2,))
    ids = [(item.id, item.kind) for item in items_of([*before, *after])]
    assert Counter(ids) == Counter((item.id, item.kind) for item in whole)
    assert json.loads(last_cursor(after))["host"] == two.ws


async def test_what_was_not_committed_is_read_again_from_another_host() -> None:
    """A batch that was yielded and lost with its step is none that may be skipped."""
    first = Jetstream(made())
    async with jetstream(first) as one, jetstream(Jetstream(made(), (1,))) as two:
        connector = BlueskyConnector(config_at(one, two))
        async with aclosing(connector.batches(None)) as batches:
            committed = await anext(batches)
            lost = await anext(batches)
        first.versions = ()
        again, _ = await read(connector, committed.cursor)
    assert lost.items
    assert items_of([committed, *again]) == await all_items((2,))


async def test_an_advice_that_the_cursor_is_outdated_is_a_gap() -> None:
    info = json.dumps(
        {"$type": "message", "payload": {"$type": "x.subscribeEvents#info", "name": "OutdatedCursor"}}
    )
    async with jetstream(Jetstream(made(), extra={11: [info]})) as address:
        at = json.dumps({"host": address.ws, "us": START_US + SECOND_US, "seq": 1_011})
        batches, _ = await read(BlueskyConnector(config_at(address)), Cursor(at))
    assert gaps_of(batches) == [
        Gap(START_US // SECOND_US + 1, (START_US + 11 * SECOND_US * 2 // 5) // SECOND_US)
    ]
    assert items_of(batches)


@pytest.mark.parametrize("versions", [(2, 1), (1,)])
async def test_a_cursor_of_a_time_yet_to_come_does_not_deafen(versions: tuple[int, ...]) -> None:
    """The host goes on live; so do we, and from there at the next start."""
    ahead = {"us": START_US + 86_400 * SECOND_US, "seq": 10**9}
    async with jetstream(Jetstream(made()[:30], versions)) as address:
        at = Cursor(json.dumps({"host": address.ws, **ahead}))
        before, _ = await read(BlueskyConnector(config_at(address)), at)
    later = [{**one, "time_us": one["time_us"] + 3600 * SECOND_US} for one in made(60)[30:]]
    server = Jetstream([*made()[:30], *later], versions, live=45)
    async with jetstream(server) as address:
        after, _ = await read(BlueskyConnector(config_at(address)), _moved(last_cursor(before), address))
    whole = await all_items((2,))
    assert [item.id for item in items_of(before)] == [
        item.id for item in whole if item.created_ms <= made()[29]["time_us"] // 1000
    ]
    assert any(item.id.endswith("/r30") for item in items_of(after)), (
        "what came while we were away, not live from 45 on"
    )


async def test_an_event_that_is_dated_ahead_is_not_where_to_go_on() -> None:
    """An event of next year, as of a host whose clock jumped: behind it nothing would be missed by anybody."""
    events = made()[:20]
    events[15] = {**events[15], "time_us": time.time_ns() // 1000 + 86_400 * 365 * SECOND_US}
    async with jetstream(Jetstream(events, (1,))) as address:
        batches, _ = await read(BlueskyConnector(config_at(address)))
    assert json.loads(last_cursor(batches))["us"] <= time.time_ns() // 1000 + 60 * SECOND_US

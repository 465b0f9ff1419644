"""Slack where one of several channels cannot be read."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from tests.contract.connectors.service import serve
from tests.contract.connectors.workspace import Workspace, said
from warn.ingest.connector import Batch
from warn.model.errors import WarnError


@pytest.mark.parametrize(
    ("method", "error", "words"),
    [
        ("conversations.history", "not_in_channel", "the app is not in it; invite it there with /invite"),
        ("conversations.info", "channel_not_found", "is not there, or is private; take it out of `channels`"),
    ],
)
async def test_a_channel_that_cannot_be_read_is_told_and_stops_no_other(
    method: str, error: str, words: str
) -> None:
    workspace = Workspace()
    workspace.channels = {"C0NEWS": [said(1, "Acme news")], "C0HELP": [said(2, "Acme help")]}
    workspace.shut["C0NEWS"] = (method, error)
    async with serve(workspace.app) as address:
        workspace.base = address.url
        connector = workspace.connector()
        async with asyncio.timeout(20), aclosing(connector.batches(None)) as read:
            found = [await anext(read) for _ in range(4)]
            workspace.shut.clear()
            connector._checked = None  # an hour goes by
            later = [await anext(read) for _ in range(6)]
            workspace.shut = dict.fromkeys(workspace.channels, (method, error))
            connector._checked = None
            with pytest.raises(WarnError, match="channel C0"):
                await _all(read)
            workspace.shut.clear()
        async with asyncio.timeout(20), aclosing(connector.batches(None)) as read:
            well = [await anext(read) for _ in range(3)]
    assert {item.text for batch in found for item in batch.items} == {"Acme help"}
    assert told(found) == [("C0NEWS", words)], "once"
    assert "Acme news" in {item.text for batch in later for item in batch.items}
    assert told(later) == [("C0NEWS", "")]
    assert set(told(well)) == {("C0NEWS", ""), ("C0HELP", "")}, "also after a failure of all"


async def _all(read: AsyncGenerator[Batch, None]) -> None:
    async for _ in read:
        pass


def told(batches: list[Batch]) -> list[tuple[str, str]]:
    return [(trouble.where, trouble.message) for batch in batches for trouble in batch.troubles]

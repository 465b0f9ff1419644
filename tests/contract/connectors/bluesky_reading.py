"""Events of Bluesky that are made up, and ways to read them through the connector."""

import json
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Final

from connectors.bluesky import BlueskyConfig, BlueskyConnector
from connectors.bluesky.events import POST
from tests.contract.connectors.jetstream import Event, Jetstream, commit
from tests.contract.connectors.service import Address, serve
from warn.ingest.connector import Batch, Connector, Cursor, Gap
from warn.model.errors import WarnError
from warn.model.mention import Item
from warn.testing.check_connector import Until

MARKED: Final = "did:plc:markedperson"


def uri(did: str, rkey: str, collection: str = POST) -> str:
    return f"at://{did}/{collection}/{rkey}"


def made(n: int = 48) -> list[Event]:
    """Posts, replies, likes, reposts, edits, deletes, and news of accounts among them; by seed."""
    rng = random.Random(7)
    events: list[Event] = []
    for i in range(n):
        did, kind = f"{MARKED}{i % 9}", rng.random()
        target = {"uri": uri(f"{MARKED}0", f"r{rng.randrange(max(1, i))}"), "cid": "c"}
        if kind < 0.4 or i == 0:
            events.append(commit(i, did, POST, f"r{i}", {"text": f"Acme kettle number {i}"}))
        elif kind < 0.5:
            reply = {"root": target, "parent": target}
            events.append(commit(i, did, POST, f"r{i}", {"text": "shame on you", "reply": reply}))
        elif kind < 0.65:
            events.append(commit(i, did, "app.bsky.feed.like", f"r{i}", {"subject": target}))
        elif kind < 0.75:
            events.append(commit(i, did, "app.bsky.feed.repost", f"r{i}", {"subject": target}))
        elif kind < 0.82:
            events.append(commit(i, did, POST, f"r{i - 1}", {"text": f"edited {i}"}, "update"))
        elif kind < 0.9:
            events.append(commit(i, did, POST, f"r{i - 1}", None, "delete"))
        else:
            event = commit(i, did, POST, "", None)
            events.append({"did": did, "time_us": event["time_us"], "kind": "identity",
                           "identity": {"did": did, "handle": "marked.example", "seq": i}})  # fmt: skip
    return [*events, commit(n, f"{MARKED}0", POST, "last", {"text": "Acme: the last one"})]


@asynccontextmanager
async def jetstream(stands_in: Jetstream) -> AsyncIterator[Address]:
    async with serve(stands_in.app()) as address:
        yield address


def config_at(*addresses: Address, **more: object) -> BlueskyConfig:
    return BlueskyConfig.model_validate(
        {"name": "bluesky", "hosts": [one.ws for one in addresses], "inside": [one.inside for one in addresses], **more}
    )  # fmt: skip


LAST_US: Final = made()[-1]["time_us"]


def is_last(batch: Batch) -> bool:
    """Whether it is as far as the last event; what is resumed behind that says so too."""
    return batch.cursor is not None and json.loads(batch.cursor)["us"] >= LAST_US


async def read(
    connector: Connector, cursor: Cursor | None = None, *, idle_s: float = 1.0
) -> tuple[list[Batch], WarnError | None]:
    """All until the last event, until nothing comes, or until it fails."""
    batches: list[Batch] = []
    try:
        async with aclosing(Until(connector, is_last, idle_s=idle_s).batches(cursor)) as coming:
            async for batch in coming:
                batches.append(batch)  # noqa: PERF401 - those before an error are wanted
    except WarnError as e:
        return batches, e
    return batches, None


def items_of(batches: Sequence[Batch]) -> list[Item]:
    return [item for batch in batches for item in batch.items]


def last_cursor(batches: Sequence[Batch]) -> Cursor:
    return next(batch.cursor for batch in reversed(batches) if batch.cursor)


def gaps_of(batches: Sequence[Batch]) -> list[Gap]:
    return [gap for batch in batches for gap in batch.gaps]


async def all_items(versions: tuple[int, ...]) -> list[Item]:
    async with jetstream(Jetstream(made(), versions)) as address:
        batches, error = await read(BlueskyConnector(config_at(address)))
    assert error is None
    return items_of(batches)

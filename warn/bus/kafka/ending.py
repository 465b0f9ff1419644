"""How a client of aiokafka is ended: it is asked to stop, and where it does not, what it has started is taken from it.

A producer whose brokers are gone waits for what it still has to send, and its sender for requests that it repeats for
ever; a consumer's stop can end with a `CancelledError` that nobody sent, its connections still open. aiokafka has no
other way out, so this looks at what it keeps to itself, and does without what it does not find there.
"""

import asyncio
from collections.abc import Iterator
from typing import Any, Final, TypeAlias

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

STOP_S: Final = 5.0
CUT_S: Final = 2.0
"""How long what was taken from a client may take to end."""

AnyClient: TypeAlias = AIOKafkaProducer | AIOKafkaConsumer | AIOKafkaAdminClient


async def end(client: AnyClient) -> None:
    """Stop a client, or cut it off; takes `STOP_S` and `CUT_S` at most, unless something will not even be cancelled."""
    stop = client.close if isinstance(client, AIOKafkaAdminClient) else client.stop
    try:
        async with asyncio.timeout(STOP_S):
            await stop()
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        await _cut(client)
    except Exception:  # noqa: BLE001 - whatever it says, it is cut off
        await _cut(client)
    finally:
        _see_errors(client)


async def _cut(client: AnyClient) -> None:
    """Cancel its tasks, close its connections."""
    tasks = set(_tasks_of(client))
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=CUT_S / 2)
    inner = _inner(client)
    if inner is not None:
        async with asyncio.timeout(CUT_S / 2):
            await inner.close()


def _inner(client: AnyClient) -> Any:
    return getattr(client, "client", None) or getattr(client, "_client", None)


def _tasks_of(client: AnyClient) -> Iterator[asyncio.Task[Any]]:
    """Tasks that run a method of one of a client's parts: it keeps no list of them."""
    names = ("_sender", "_message_accumulator", "_fetcher", "_coordinator")
    parts = [part for name in names if (part := getattr(client, name, None)) is not None]
    for task in asyncio.all_tasks():
        frame = getattr(task.get_coro(), "cr_frame", None)
        if frame is not None and any(frame.f_locals.get("self") is part for part in parts):
            yield task


def _see_errors(client: AnyClient) -> None:
    """What failed in a producer fails in every future that it still holds; seen by nobody, each would be a log line."""
    accumulator = getattr(client, "_message_accumulator", None)
    batches = [b for some in getattr(accumulator, "_batches", {}).values() for b in some]
    held = [getattr(b, name, None) for b in batches for name in ("_drain_waiter", "future")]
    held.append(getattr(getattr(client, "_txn_manager", None), "_transaction_waiter", None))
    for future in held:
        if future is not None and future.done() and not future.cancelled():
            future.exception()

"""Keeps a `Store` up to date by following `[incidents]`, `[evidence]` and `[history]` through the bus port."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from warn.bus.base import Bus, Reader
from warn.model.errors import TemporaryError
from warn.model.flow import COLLECT, EVIDENCE, HISTORY, INCIDENTS
from warn.model.wire import (
    UnknownKindError,
    UnreadableError,
    decode_evidence,
    decode_history,
    decode_incident,
)
from warn.telemetry import events
from warn.web.health import Health
from warn.web.register import Known
from warn.web.store import Store

_BATCH: Final = 200
_WAIT_S: Final = 1.0
_AWAY_S: Final = 5.0
_TRIM_EVERY_S: Final = 60.0


async def follow(
    bus: Bus, store: Store, health: Health, now: Callable[[], float], known: Known | None = None
) -> None:
    """Until cancelled. `known` is given the state of collect. The web is not ready before all that was there at the start has been read."""
    async with asyncio.TaskGroup() as tasks:
        for topic, decode, put in (
            (INCIDENTS, decode_incident, store.put_incidents),
            (EVIDENCE, decode_evidence, store.put_evidence),
            (HISTORY, decode_history, store.put_history),
        ):
            health.failing(f"web: {topic}", f"the web is still reading [{topic}]")
            tasks.create_task(_follow_one(bus, topic, decode, put, health))
        tasks.create_task(_trim(store, now))
        if known is not None:
            tasks.create_task(_follow_collect(bus, known))


async def _follow_one(
    bus: Bus,
    topic: str,
    decode: Callable[[bytes], Any],
    put: Callable[[Iterable[Any]], None],
    health: Health,
) -> None:
    ends = {p: await bus.end(topic, p) for p in range(bus.partitions(topic))}
    behind = {p for p, end in ends.items() if end > 0}
    reader = await bus.follow(topic)
    try:
        while True:
            if not behind:
                health.well(f"web: {topic}")
            records = await _read(reader)
            put(_readable(decode, (value for _, _, _, value in records)))
            for partition, position, _, _ in records:
                if position + 1 >= ends[partition]:
                    behind.discard(partition)
            if not records:
                behind.clear()
    finally:
        await reader.close()


async def _follow_collect(bus: Bus, known: Known) -> None:
    """What collect says of its connectors. It is no reason not to be ready, nor for the other pages to fail: where it
    cannot be read, the register says nothing new, and it is tried again.
    """
    while True:
        try:
            await _read_collect(bus, known)
        except Exception as e:  # noqa: BLE001 - told, and begun again
            events.part_failed("register", e, retry_in_s=_AWAY_S)
            await asyncio.sleep(_AWAY_S)


async def _read_collect(bus: Bus, known: Known) -> None:
    reader = await bus.follow_state(COLLECT)
    try:
        while True:
            for _, key, body in await reader.read(_BATCH, _WAIT_S):
                known.take(key, body)
            await asyncio.sleep(0)
    finally:
        await reader.close()


async def _read(reader: Reader) -> Sequence[tuple[int, int, bytes, bytes]]:
    """What is new. While the engine is away there is nothing new, and the pages go on showing what they know."""
    while True:
        try:
            return await reader.read(_BATCH, _WAIT_S)
        except TemporaryError as e:
            events.part_failed("web", e, retry_in_s=_AWAY_S)
            await asyncio.sleep(_AWAY_S)


def _readable(decode: Callable[[bytes], Any], values: Iterable[bytes]) -> list[Any]:
    """What this release can read; the rest is newer than it or broken, and a page without it is better than none."""
    found = []
    for value in values:
        try:
            found.append(decode(value))
        except (UnknownKindError, UnreadableError):
            continue
    return found


async def _trim(store: Store, now: Callable[[], float]) -> None:
    while True:
        await asyncio.sleep(_TRIM_EVERY_S)
        store.trim(int(now()))

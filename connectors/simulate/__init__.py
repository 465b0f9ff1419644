"""A town of mentions: made-up brands and people, ordinary days and nights, and on demand a crisis with a known onset.

It is what `warn demo` listens to, and a source to try rules on. Everything follows from the seed and the time; no
network is touched.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from pydantic import AwareDatetime, Field

from connectors.simulate.town import Outbreak, Town
from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Batch, Cursor
from warn.ingest.kind import Kind
from warn.ingest.order import seen_at
from warn.model.errors import PermanentError, Reason
from warn.model.mention import Item

__all__ = ["Outbreak", "SimulateConfig", "SimulateConnector", "Town"]

LOOK_S: Final = 0.1
STRIDE_MS: Final = 60_000
"""Time that one batch covers at most, when there is time to make up for."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class SimulateConfig(ConnectorConfig):
    """`rate`: posts a minute that name nobody. Times are in seconds, or ISO 8601 (`PT8S`).

    `crisis_after`: the onset, counted from the start; without it nothing happens. `doubling`: 8 s for a demo, minutes
    for real life. `press_after`: from the onset to the first article. `start`: when the town begins (now); one in the
    past is made up for at once. `lasts`: how long it goes on (for ever).
    """

    type: Literal["simulate"] = "simulate"
    seed: int = 7
    rate: float = Field(default=6.0, ge=0, le=1_000)
    peaks: bool = True
    crisis_after: timedelta | None = None
    doubling: timedelta = Field(default=timedelta(seconds=8), ge=timedelta(seconds=1))
    press_after: timedelta = timedelta(seconds=90)
    start: AwareDatetime | None = None
    lasts: timedelta | None = None


class SimulateConnector:
    """The cursor says when the town began, and up to when it was told; the crisis keeps its hour over a restart."""

    def __init__(self, config: SimulateConfig, wall: Callable[[], float] = time.time) -> None:
        self._config = config
        self._wall = wall

    @property
    def name(self) -> str:
        return self._config.name

    @property
    def source(self) -> str:
        return self._config.origin

    async def batches(self, cursor: Cursor | None) -> AsyncGenerator[Batch, None]:
        """Items as their moment comes; ends where `lasts` does."""
        began, upto = self._place(cursor)
        config = self._config
        end = None if config.lasts is None else began + _ms(config.lasts)
        outbreak = None
        if config.crisis_after is not None:
            onset = began + _ms(config.crisis_after)
            outbreak = Outbreak(onset, config.doubling.total_seconds(), config.press_after.total_seconds())
        town = Town(config.seed, rate=config.rate, peaks=config.peaks)
        stream = town.stream(upto, end, outbreak)
        ahead = next(stream, None)
        yield Batch()
        while end is None or upto < end:
            now = int(self._wall() * 1000)
            until = min(now, upto + STRIDE_MS) if end is None else min(now, upto + STRIDE_MS, end)
            if until <= upto:
                await asyncio.sleep(LOOK_S)
                continue
            due: list[Item] = []
            while ahead is not None and seen_at(ahead) < until:
                due.append(ahead)
                ahead = next(stream, None)
            upto = until
            if due:
                yield Batch(items=tuple(due), cursor=Cursor(f"{began}:{upto}"))
            await asyncio.sleep(0 if until < now else LOOK_S)

    def _place(self, cursor: Cursor | None) -> tuple[int, int]:
        """(when the town began, up to when it was told), in ms."""
        if cursor is None:
            start = self._config.start
            began = int(self._wall() * 1000) if start is None else _ms(start - _EPOCH)
            return began, began
        began_at, _, upto = cursor.partition(":")
        if not (began_at.isdecimal() and upto.isdecimal()):
            raise PermanentError("simulate: a cursor that is not of its making", reason=Reason.MALFORMED)
        return int(began_at), int(upto)


def _ms(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)


KIND = Kind(SimulateConfig, SimulateConnector)

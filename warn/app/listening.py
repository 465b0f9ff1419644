"""`warn connectors check`: each connector of the settings listened to for a moment, without a daemon and a trace.

Nothing is written: what is read is counted and let go of, and no cursor moves. What a connector needs to be asked with
is the same as in the daemon, so a key that is refused here is refused there.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from connectors import build
from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Batch, Connector, Once
from warn.ingest.door import FIRST_MS
from warn.ingest.remedies import BY_REASON
from warn.model.errors import WarnError
from warn.settings import Settings

MOST_ITEMS: Final = 100_000
"""A recording would be read to its end in no time: enough was heard then."""
MOST_AT_ONCE: Final = 16
NAMED: Final = 3
"""Places of one connector that are unwell and named; `--json` names all."""
SILENT: Final = (
    "see the network between, its firewall, and their status page; where it is only slow, "
    "`warn connectors check --seconds 60` hears it"
)


@dataclass
class Found:
    """What one connector heard, or what is wrong with it. `answered`: it has looked, whether there was anything or not;
    `note`: why it was not asked (what is sent to us, what can be read a single time).
    """

    name: str
    answered: bool = False
    items: int = 0
    readings: int = 0
    refused: int = 0
    newest_at: int = 0
    error: str = ""
    remedy: str = ""
    troubles: tuple[tuple[str, str], ...] = ()
    hints: tuple[tuple[str, str], ...] = ()
    note: str = ""

    @property
    def well(self) -> bool:
        """Whether it answers."""
        return not self.error

    def __str__(self) -> str:
        if self.error:
            return f"{self.error}. What helps: {self.remedy}" if self.remedy else self.error
        if self.note:
            return self.note
        said = [f"{self.items:,} {'item' if self.items == 1 else 'items'}"]
        said += [f"{self.readings:,} readings"] if self.readings else []
        said += [f"{self.refused:,} that could not be read"] if self.refused else []
        text = (
            f"heard {', '.join(said)}"
            if self.items or self.readings or self.refused
            else "answers, and said nothing new"
        )
        if self.newest_at:
            age = max(0, int(time.time()) - self.newest_at)
            text += f", the newest {_age(age)} old"
        if self.troubles:
            shown = "; ".join(f"{where}: {what}" for where, what in self.troubles[:NAMED])
            rest = len(self.troubles) - NAMED
            text += f"; unwell: {shown}" + (f"; and {rest} more of its places" if rest > 0 else "")
        if self.hints:
            where, what = self.hints[0]
            more = f", and the like of {len(self.hints) - 1} more" if len(self.hints) > 1 else ""
            text += f"; {where}: {what}{more}"
        return text


async def listen(settings: Settings, names: Sequence[str], seconds: float) -> list[Found]:
    """Listen to these connectors (none named: all) for so long, side by side."""
    gate = asyncio.Semaphore(MOST_AT_ONCE)
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_listen(config, seconds, gate))
            for name, config in settings.connectors.items()
            if not names or name in names
        ]
    return [task.result() for task in tasks]


async def _listen(config: ConnectorConfig, seconds: float, gate: asyncio.Semaphore) -> Found:
    found = Found(config.name)
    async with gate:
        try:
            made = build(config)
            if not isinstance(made, Connector):
                found.note = "is sent to, and asks nobody: `warn connectors ls` says what came"
                return found
            if isinstance(made, Once) and made.once:
                found.note = f"is not listened to here: {made.once} can be read a single time, and nothing was taken from it"
                return found
            # What it had to say until then counts, however it is cut off.
            async with asyncio.timeout(seconds):
                await _read(made, found)
        except TimeoutError:
            if not found.answered:  # connected perhaps, and that is all: a silent place is no sound one
                found.error, found.remedy = f"has not answered within {seconds:g} s", SILENT
        except WarnError as e:
            found.error, found.remedy = str(e), BY_REASON.get(str(e.reason), "")
        except Exception as e:  # noqa: BLE001 - a connector's fault, whatever it is, is what is looked for here
            found.error, found.remedy = f"it failed with {type(e).__name__}", BY_REASON["unexpected"]
    return found


async def _read(connector: Connector, found: Found) -> None:
    async with aclosing(connector.batches(None)) as batches:
        async for batch in batches:
            _count(found, batch)
            if found.items >= MOST_ITEMS:
                return


def _count(found: Found, batch: Batch) -> None:
    found.answered = found.answered or batch.answers
    found.items += len(batch.items)
    found.readings += len(batch.readings)
    found.refused += len(batch.refused)
    # What is dated before 2001 has no date (`warn.ingest.door`), and says nothing of how old it is.
    dated = (item.created_ms // 1000 for item in batch.items if item.created_ms >= FIRST_MS)
    newest = max(dated, default=0)
    found.newest_at = max(found.newest_at, newest)
    troubles = dict(found.troubles) | dict(batch.troubles)
    hints = dict(found.hints) | dict(batch.hints)
    found.hints = tuple((where, what) for where, what in hints.items() if what)
    found.troubles = tuple((where, what) for where, what in troubles.items() if what)


def _age(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7_200 else f"{seconds // 3600} h"

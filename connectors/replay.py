"""A recording as if it were a source: what `warn.ingest.recording` reads, in batches with a cursor."""

from asyncio import to_thread
from collections.abc import AsyncGenerator
from itertools import islice
from typing import Final, Literal

from pydantic import Field

from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Batch, Cursor, Refused
from warn.ingest.kind import Kind
from warn.ingest.recording import Recording, read_items
from warn.model.errors import PermanentError, Reason

__all__ = ["Recording", "ReplayConfig", "ReplayConnector", "read_items"]

BATCH: Final = 200


class ReplayConfig(ConnectorConfig):
    """`paths`: files, read in order of time together; "-" is standard input."""

    type: Literal["replay"] = "replay"
    paths: tuple[str, ...] = Field(min_length=1)


class ReplayConnector:
    """A recording as if it were a source; the cursor counts the items that are through. Lines carry their own source."""

    def __init__(self, config: ReplayConfig) -> None:
        self._config = config

    @property
    def name(self) -> str:
        return self._config.name

    @property
    def source(self) -> str:
        return self._config.origin

    @property
    def once(self) -> str:
        """Of files nothing is taken away."""
        return "standard input" if "-" in self._config.paths else ""

    async def batches(self, cursor: Cursor | None) -> AsyncGenerator[Batch, None]:
        """Raises PermanentError where a file cannot be read or the cursor is not one of ours."""
        start = _start(cursor)
        refused: list[Refused] = []
        try:
            recording = await to_thread(read_items, self._config.paths, on_refused=refused.append)
        except OSError as e:
            raise PermanentError(f"replay cannot read: {e.strerror}", reason=Reason.CONFIG) from e
        if start is None:
            start = 0
            if refused:
                for i in range(0, len(refused), BATCH):
                    yield Batch(refused=tuple(refused[i : i + BATCH]))
                yield Batch(cursor=Cursor("0"))
        items = recording.items(start)
        while few := tuple(islice(items, BATCH)):
            start += len(few)
            yield Batch(items=few, cursor=Cursor(str(start)))


def _start(cursor: Cursor | None) -> int | None:
    if cursor is None:
        return None
    if not cursor.isdecimal():
        raise PermanentError("replay: a cursor that is no number", reason=Reason.MALFORMED)
    return int(cursor)


KIND = Kind(ReplayConfig, ReplayConnector)

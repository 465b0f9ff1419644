"""One JSON value as a mention: a line of a recording, or whatever a mapping makes of somebody else's.

What files, standard input and Kafka topics have in common. A line without `source` is of the connector's.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Batch, Refused
from warn.ingest.entry import RefusedError
from warn.ingest.push.body import BodyError, parse
from warn.ingest.push.mapped import CrowdedError, Terms, apply
from warn.ingest.push.mapping import Mapping
from warn.ingest.push.shipped import shipped
from warn.ingest.recording import MAX_LINE, read_line
from warn.model.mention import COUNTS_ONLY, Item, Reading

PAYLOAD: Final = 4_096


class Line(NamedTuple):
    """Where it stands, what it says, and when it came (seconds)."""

    where: str
    body: bytes
    at: float


def mapping_of(raw: object, folder: Path) -> object:
    """A mapping in settings: one that is written there, or by its name one of `folder`."""
    if raw is None or isinstance(raw, Mapping):
        return raw
    if isinstance(raw, str):
        return shipped(folder, raw)
    return Mapping.model_validate(raw)


class Lines:
    """Reads lines of one connector. What staff and customers say is not put aside: a broken line leaves its place only."""

    def __init__(self, config: ConnectorConfig, mapping: Mapping | None = None) -> None:
        self._mapping = mapping
        self._source = config.origin
        self._keeps = config.role not in COUNTS_ONLY

    def batch(self, lines: Sequence[Line]) -> Batch:
        """What they say; a line that says nothing is refused and stops nothing. Raises nothing."""
        items: list[Item] = []
        readings: list[Reading] = []
        refused: list[Refused] = []
        for line in lines:
            try:
                if not line.body:
                    raise RefusedError(
                        "an empty value (a tombstone): it says that a key is over, not what was said"
                    )
                if len(line.body) > MAX_LINE:
                    raise RefusedError(f"more than {MAX_LINE:,} bytes")
                if self._mapping is None:
                    items.append(read_line(line.body, source=self._source))
                    continue
                made = self._mapped(line, self._mapping)
            except (RefusedError, BodyError, CrowdedError) as e:
                payload = line.body[:PAYLOAD] if self._keeps else b""
                refused.append(Refused(line.where, str(e), payload))
                continue
            items += made.items
            readings += made.readings
            refused += made.refused
        return Batch(items=tuple(items), readings=tuple(readings), refused=tuple(refused))

    def _mapped(self, line: Line, mapping: Mapping) -> Batch:
        terms = Terms(line.where, self._source, keeps=self._keeps)
        return apply(mapping, parse(line.body), line.at, terms).batch

"""Which Kafka topics there are, in how many partitions, and how long their records are kept."""

from collections.abc import Iterable, Mapping
from typing import Final

from warn.model.flow import (
    AUDIT,
    CONFIG,
    DEADLETTERS,
    DESK,
    EVIDENCE,
    HISTORY,
    INCIDENTS,
    MENTIONS,
    SIGNALS,
    TOPICS,
)
from warn.model.hashing import BUCKETS

_DAY: Final = 86_400

RETENTION_S: Final[Mapping[str, int]] = {
    MENTIONS: 7 * _DAY,
    SIGNALS: 2 * _DAY,
    DESK: 7 * _DAY,
    EVIDENCE: 30 * _DAY,
    HISTORY: 70 * _DAY,
    INCIDENTS: 90 * _DAY,
    CONFIG: 90 * _DAY,
    AUDIT: 400 * _DAY,
    DEADLETTERS: 7 * _DAY,
}
"""Seconds that a record is kept. Texts, links and native ids lie in `[mentions]`, `[evidence]` and `[deadletters]`."""

REREAD_S: Final = 3600
"""Whatever its age, a record is kept until this long after its stage took it in: a stage whose state is saved slice by
slice reads again from its oldest slice, which is five minutes old at most."""

COMPACTED: Final = frozenset({CONFIG})
"""Topics that keep the newest record of each key, not every record."""
KEPT_CONFIGS: Final = 50
"""The newest bodies of `[config]` stay whatever their age: the rules in force may not have changed for a year."""


class PartitionsError(ValueError):
    """Partition counts that cannot be, or that are not those a store was made with."""


def partition_counts(asked: Mapping[str, int], known: Iterable[str] = TOPICS) -> dict[str, int]:
    """How many partitions each topic gets: as asked, else one. Raises `PartitionsError`."""
    counts = dict.fromkeys(known, 1) | dict(asked)
    for topic, count in counts.items():
        if not 1 <= count <= BUCKETS or (topic == MENTIONS and BUCKETS % count):
            raise PartitionsError(
                f"[{topic}] cannot have {count} partitions: "
                + (
                    f"the number must divide {BUCKETS}"
                    if topic == MENTIONS
                    else f"1 to {BUCKETS} are possible"
                )
            )
    return counts

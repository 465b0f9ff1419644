"""What lies on a memory bus, decoded: for tests that look at what came of collecting."""

from warn.bus.memory import MemoryStore
from warn.model.flow import CONFIG, DEADLETTERS, DESK, MENTIONS
from warn.model.mention import Mention
from warn.model.records import Clock, DeadLetter, Parcel
from warn.model.wire import decode_deadletter, decode_desk, decode_mentions

Row = Clock | Mention


def rows(store: MemoryStore, partition: int = 0) -> list[Row]:
    """Clocks and mentions of a partition, in order."""
    found: list[Row] = []
    for record in store.fetch((MENTIONS, partition), 0, 10**6):
        one = decode_mentions(record.value)
        if isinstance(one, Parcel):
            found += one.mentions
        elif isinstance(one, Clock):
            found.append(one)
    return found


def mentions(store: MemoryStore) -> list[Mention]:
    """All mentions, partition by partition."""
    return [r for p in range(store.counts[MENTIONS]) for r in rows(store, p) if isinstance(r, Mention)]


def clocks(store: MemoryStore, partition: int = 0) -> list[Clock]:
    """The clocks of a partition."""
    return [row for row in rows(store, partition) if isinstance(row, Clock)]


def letters(store: MemoryStore) -> list[DeadLetter]:
    """Dead letters."""
    return [decode_deadletter(record.value) for record in store.fetch((DEADLETTERS, 0), 0, 10**6)]


def ticks(store: MemoryStore) -> list[int]:
    """The times written to `[desk]`."""
    return [getattr(decode_desk(record.value), "now", 0) for record in store.fetch((DESK, 0), 0, 10**6)]


def configs(store: MemoryStore) -> list[str]:
    """Hashes in `[config]`."""
    return [record.key.decode() for record in store.fetch((CONFIG, 0), 0, 10**6)]

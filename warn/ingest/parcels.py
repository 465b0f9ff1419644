"""Packs what came through the door into parcels: up to 200 mentions of one partition in one record.

A record costs the bus far more than a mention does, so this is the largest lever on speed. A parcel never holds
mentions from before and after a clock: who packs flushes first.
"""

from collections.abc import Iterable
from typing import Final

from warn.model.flow import MENTIONS
from warn.model.hashing import partition_of, series_hash
from warn.model.mention import Mention, Reading
from warn.model.records import Clock, Parcel
from warn.model.wire import encode
from warn.stages.base import Out

MOST: Final = 200
MOST_CHARACTERS: Final = 160_000
"""Text in one parcel, so that its record stays well under the megabyte that Kafka takes."""


def pack(mentions: Iterable[Mention], readings: Iterable[Reading], partitions: int) -> list[Out]:
    """Records for `[mentions]`: each partition's in the order given. Readings of one series stay together."""
    rows: dict[int, list[Mention]] = {}
    for mention in mentions:
        rows.setdefault(partition_of(mention.thread, partitions), []).append(mention)
    numbers: dict[int, list[Reading]] = {}
    for reading in readings:
        series = series_hash(reading.source, reading.topic, reading.signal)
        numbers.setdefault(partition_of(series, partitions), []).append(reading)
    out = []
    for partition in sorted(rows.keys() | numbers.keys()):
        parcels = [Parcel(mentions=row) for row in _rows(rows.get(partition, ()))]
        told = numbers.get(partition, [])
        parcels += [Parcel(readings=tuple(told[i : i + MOST])) for i in range(0, len(told), MOST)]
        out += [Out(MENTIONS, partition, b"", encode(parcel)) for parcel in parcels]
    return out


def clocks(clock: Clock, partitions: int) -> list[Out]:
    """The clock, for every partition of `[mentions]`."""
    body = encode(clock)
    return [Out(MENTIONS, partition, b"", body) for partition in range(partitions)]


def _rows(mentions: Iterable[Mention]) -> Iterable[tuple[Mention, ...]]:
    row: list[Mention] = []
    characters = 0
    for mention in mentions:
        size = len(mention.text) + len(mention.url) + len(mention.id)
        if row and (len(row) >= MOST or characters + size > MOST_CHARACTERS):
            yield tuple(row)
            row, characters = [], 0
        row.append(mention)
        characters += size
    if row:
        yield tuple(row)

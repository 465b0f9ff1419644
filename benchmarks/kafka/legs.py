"""The way of a mention from leg to leg, from what the processes of the live part have noted.

A mention is *produced* when it is due at an even rate; the loader packs and commits what is due every 20 ms, as collect
does. Then: *committed*, the loader has the acknowledgement; *readable*, a read_committed consumer was handed the record;
*counted*, match was through with the step that had it; *visible*, a read_committed consumer was handed the first record
of `[signals]` whose commit covers it (the link in its header says up to where match had read). A clock is produced on the
whole second; *stepped*: a seat of detect was through with the step in which the last partition of match had announced it.
An alert is written to `[desk]` ten times a second; *incident*: its event in `[incidents]` was handed to that consumer.
Of each record five mentions count, spread evenly over its own; what was due in the first two seconds does not.
"""

import statistics
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from warn.model.flow import INCIDENTS, MENTIONS, SIGNALS

WARM_S: Final = 2.0
_OF_A_RECORD: Final = 5

Row = list[Any]
Samples = dict[str, list[float]]


class Noted:
    """What was noted in all runs, made ready to be looked up."""

    def __init__(self, match: Sequence[Row], detect: Sequence[Row], looked: Mapping[str, Any]) -> None:
        seen = looked["seen"]
        self.records = _by(seen[MENTIONS])
        """(offset, seen at) of each record of `[mentions]`, by partition."""
        self._steps = _by(match)
        self._stepped = _by(detect)
        self._covered: dict[str, list[tuple[int, float]]] = defaultdict(list)
        self._clocks: dict[tuple[int, str], list[tuple[int, float]]] = defaultdict(list)
        for partition, _, at, writer, until, clock in seen[SIGNALS]:
            self._covered[writer].append((until, at))
            if clock:
                self._clocks[partition, writer].append((clock, at))
        for covered in self._covered.values():
            covered.sort()
        self._incidents: dict[str, float] = {}
        for _, _, at, brand in seen[INCIDENTS]:
            self._incidents.setdefault(brand, at)
        self._probes = looked["probes"]

    def counted(self, partition: int, offset: int) -> float:
        """When match was through with a record."""
        steps = self._steps[partition]
        at: float = steps[bisect_left(steps, (offset,))][1]
        return at

    def visible(self, partition: int, offset: int) -> float:
        """When a commit that covers a record was seen."""
        covered = self._covered[f"match/{partition}"]
        return covered[bisect_right(covered, (offset, float("inf")))][1]

    def clock(self, clock: int) -> Iterator[tuple[float, float]]:
        """For each seat of detect: when the last of match's announcements was seen, and when detect had stepped."""
        for partition, stepped in self._stepped.items():
            told = [
                next(at for now, at in clocks if now >= clock)
                for (home, _), clocks in self._clocks.items()
                if home == partition
            ]
            yield max(told), stepped[bisect_left(stepped, (clock,))][1]

    def probes(self, began: float, ended: float) -> list[float]:
        """From writing an alert to seeing its incident."""
        return [
            self._incidents[brand] - said for brand, said in self._probes if began + WARM_S <= said < ended
        ]


def _by(rows: Sequence[Row]) -> dict[int, list[tuple[Any, float]]]:
    """(what, when) by partition, in order."""
    found: dict[int, list[tuple[Any, float]]] = defaultdict(list)
    for partition, what, at, *_ in rows:
        found[partition].append((what, at))
    for some in found.values():
        some.sort()
    return found


def legs(noted: Noted, run: Mapping[str, Any], before: Mapping[int, int]) -> tuple[Samples, Samples]:
    """Seconds since it was produced, and since the leg before, of each leg. `before`: records of earlier runs by partition.

    Raises `IndexError` where a record that was committed did not arrive.
    """
    whole: Samples = defaultdict(list)
    leg: Samples = defaultdict(list)
    at = dict(before)
    for partition, first, last, committed, clock in run["rows"]:
        offset, readable = noted.records[partition][at.get(partition, 0)]
        at[partition] = at.get(partition, 0) + 1
        if first < run["began"] + WARM_S or clock:
            continue
        counted, visible = noted.counted(partition, offset), noted.visible(partition, offset)
        for i in range(_OF_A_RECORD):
            due = first + (last - first) * (i + 0.5) / _OF_A_RECORD
            whole["committed"].append(committed - due)
            whole["readable"].append(readable - due)
            whole["counted"].append(counted - due)
            whole["visible"].append(visible - due)
        leg["readable"].append(readable - committed)
        leg["counted"].append(counted - committed)
        leg["visible"].append(visible - counted)
    for _, due, _, _, clock in _clocks(run):
        for told, stepped in noted.clock(clock):
            whole["clock stepped"].append(stepped - due)
            leg["clock stepped"].append(stepped - told)
    whole["incident"] = leg["incident"] = noted.probes(run["began"], run["ended"])
    return whole, leg


def _clocks(run: Mapping[str, Any]) -> Iterator[Row]:
    """Each clock of a run once."""
    for row in run["rows"]:
        if row[4] and row[0] == 0 and row[1] >= run["began"] + WARM_S:
            yield row


def told(samples: Samples) -> dict[str, dict[str, float]]:
    """Middle and 99th percentile in milliseconds, and of how many."""
    return {
        name: {"p50_ms": 1e3 * _at(some, 0.5), "p99_ms": 1e3 * _at(some, 0.99), "n": len(some)}
        for name, some in samples.items()
        if some
    }


def _at(values: Sequence[float], share: float) -> float:
    if len(values) < 2:
        return values[0]
    return statistics.quantiles(values, n=100, method="inclusive")[round(share * 100) - 1]

"""The smallest stage that has everything a stage may have: what buses and workers are checked with.

It counts names and writes each record's name with its number: `a 1`, `b 1`, `a 2`. Its state is saved one name a step
(slices at different positions), as detect's is topic by topic, so a restore reads again from the oldest slice and skips
for each name what that name has seen. A record lost, counted twice or written twice shows in the numbers.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from warn.model.flow import SIGNALS
from warn.stages.base import Effects, In


@dataclass
class _Slice:
    count: int
    seen: int
    """The position after the last record that `count` contains."""


class Tally:
    """Counts names. `sliced`: saves one name a step, else all that changed."""

    def __init__(self, *, sliced: bool = True) -> None:
        self._sliced = sliced
        self._slices: dict[bytes, _Slice] = {}
        self._turn: list[bytes] = []
        self._changed: set[bytes] = set()
        self._new: set[bytes] = set()
        self._resume: int | None = None

    def restore(self, records: Iterable[tuple[bytes, int, bytes]], committed: int) -> None:
        """Take up the counts where they were saved."""
        self._slices = {key: _Slice(int(body), position) for key, position, body in records}
        self._turn = sorted(self._slices)
        assert all(s.seen <= committed for s in self._slices.values()), "a slice is ahead of its seat"
        if self._sliced:
            self._resume = min((s.seen for s in self._slices.values()), default=None)

    @property
    def resume_from(self) -> int | None:
        """Where the oldest slice was saved."""
        return self._resume

    def step(self, batch: Sequence[In], effects: Effects) -> Iterator[None]:
        """Count and write."""
        for position, name in batch:
            held = self._slices.get(name)
            if held is None:
                held = self._slices[name] = _Slice(0, 0)
                self._turn.append(name)
                self._new.add(name)
            if position < held.seen:
                continue
            held.count += 1
            held.seen = position + 1
            self._changed.add(name)
            effects.emit(SIGNALS, 0, name, b"%s %d" % (name, held.count))
            effects.count("partials")
            yield

    def finish(self, effects: Effects) -> Iterator[None]:
        """Nothing is left open."""
        return iter(())

    def offer(self, effects: Effects, position: int) -> None:
        """Save names that are new, and one more (or all that changed)."""
        assert all(s.seen <= position for s in self._slices.values()), "a step reaches beyond its records"
        due = self._new | ({self._turn[0]} if self._sliced else self._changed)
        self._turn.append(self._turn.pop(0))
        for name in due:
            effects.state[name] = b"%d" % self._slices[name].count
        self._new.clear()
        self._changed.clear()

    def entries(self) -> Iterator[tuple[bytes, bytes]]:
        """Counts by name."""
        for name, held in self._slices.items():
            yield name, b"%d" % held.count


def tallied(names: Iterable[bytes]) -> list[bytes]:
    """What a tally writes for these names when nothing goes wrong."""
    counts: dict[bytes, int] = {}
    written = []
    for name in names:
        counts[name] = counts.get(name, 0) + 1
        written.append(b"%s %d" % (name, counts[name]))
    return written

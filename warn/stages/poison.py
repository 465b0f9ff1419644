"""Which record makes a stage fail: what a worker remembers of failures, so that one bad record cannot stop the rest.

A stage that fails on a batch is restored and handed the batch again, since the cause may lie elsewhere. After `TRIES`
failures without a commit between them the records of that batch are handed in one by one. One that fails as often
alone is poison: it goes to dead letters, and the stage never sees it again.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from warn.stages.base import In, MissingConfigError

TRIES: Final = 3


class StageFailedError(Exception):
    """A stage raised while it worked through these records."""

    def __init__(self, stage: str, records: Sequence[In]) -> None:
        super().__init__(f"{stage} failed on records {records[0].position} to {records[-1].position}")
        self.first = records[0].position
        self.last = records[-1].position


def blamed(stage: str, records: Sequence[In], work: Iterator[None]) -> Iterator[None]:
    """A stage's work on records; what it raises is put down to them, save a configuration that is not here yet."""
    try:
        yield from work
    except (MissingConfigError, GeneratorExit, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as e:  # a panic in Rust (river) is no Exception
        raise StageFailedError(stage, records) from e


class Poison:
    """Failures of one worker's stage, by input position."""

    def __init__(self) -> None:
        self._known: set[int] = set()
        self._failures = 0
        self._suspect = range(0)

    def __contains__(self, position: int) -> bool:
        return position in self._known

    def suspects(self, position: int) -> bool:
        """Whether a record is to be handed in, and committed, by itself."""
        return position in self._suspect

    def limit(self, position: int, batch: int) -> int:
        """How many records to hand in from a position: one within a suspect batch, none of it together with others."""
        if position in self._suspect:
            return 1
        return min(batch, self._suspect.start - position) if position < self._suspect.start else batch

    def failed(self, error: StageFailedError) -> None:
        """The stage failed: draw a conclusion if it has done so often enough."""
        self._failures += 1
        if self._failures < TRIES:
            return
        self._failures = 0
        if error.first == error.last and error.first in self._suspect:
            self._known.add(error.first)
        else:
            self._suspect = range(error.first, error.last + 1)

    def committed(self, position: int) -> None:
        """All before a position is done."""
        self._failures = 0
        if position >= self._suspect.stop:
            self._suspect = range(0)

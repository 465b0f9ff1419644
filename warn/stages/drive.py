"""The stages over an iterable of records, without a bus: what rule tests and backtests run, proven equal to both buses.

`choose` decides which partition goes next and how much of its backlog it gets; whatever it says, the outcome is the same.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from warn.model.flow import MATCH, STAGE_INPUT
from warn.stages.base import Effects, In, Out, Stage, state_hash


class Driven(NamedTuple):
    """What came out: the logs by (Kafka topic, partition), and the stages as they stand."""

    logs: dict[tuple[str, int], list[bytes]]
    stages: dict[str, list[Stage]]

    def values(self, topic: str) -> Iterator[bytes]:
        """All records of a Kafka topic, partition by partition."""
        for (name, _), log in sorted(self.logs.items()):
            if name == topic:
                yield from log

    def state_hash(self) -> str:
        """Over the keyed state of all stages, merged across partitions."""
        return state_hash(self.stages)


Choose = Callable[[int], int]
"""A number below the one given."""


def first(_: int) -> int:
    """Always the first: the plainest order."""
    return 0


def drive(
    mentions: Iterable[tuple[int, bytes]],
    stages: dict[str, list[Stage]],
    *,
    batch: int = 500,
    choose: Choose = first,
) -> Driven:
    """Run records of `[mentions]`, given as (partition, bytes), through fresh stages until nothing is left to do."""
    logs: dict[tuple[str, int], list[bytes]] = defaultdict(list)
    for partition, value in mentions:
        logs[STAGE_INPUT[MATCH], partition].append(value)
    at: dict[tuple[str, int], int] = defaultdict(int)
    for held in stages.values():
        for stage in held:
            stage.restore((), 0)
    while True:
        behind = [
            (name, partition)
            for name, held in stages.items()
            for partition in range(len(held))
            if at[name, partition] < len(logs[STAGE_INPUT[name], partition])
        ]
        if not behind:
            return Driven(dict(logs), stages)
        name, partition = behind[choose(len(behind))]
        log, start = logs[STAGE_INPUT[name], partition], at[name, partition]
        size = min(batch, len(log) - start)
        size = max(1, size - choose(size))
        records = [In(start + i, value) for i, value in enumerate(log[start : start + size])]
        for out in _step(stages[name][partition], records, start + size):
            logs[out.topic, out.partition].append(out.value)
        at[name, partition] = start + size


def _step(stage: Stage, records: list[In], position: int) -> list[Out]:
    effects = Effects()
    for _ in stage.step(records, effects):
        pass
    for _ in stage.finish(effects):
        pass
    stage.offer(effects, position)
    return effects.out

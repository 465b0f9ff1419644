"""What is read of a Kafka topic that is not ours."""

from typing import NamedTuple


class Record(NamedTuple):
    """One record of somebody else's; `at_ms` as the topic dates it."""

    partition: int
    offset: int
    at_ms: int
    value: bytes


class Lost(NamedTuple):
    """Records from `start` on to `end` (not included) are not kept any more; `end` is None where the topic is new."""

    partition: int
    start: int
    end: int | None

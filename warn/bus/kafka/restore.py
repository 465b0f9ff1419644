"""Reading a state partition to its end, after the fence, and what lies in it.

A seat's state topic has one partition per seat, compacted: each key's newest record is its state. A record is the position
in the input that it was taken at (8 bytes, big-endian) and a sealed body; without a value it deletes its key. The seat's
own position is such a record too, under a reserved key, with the chain for its body. Every commit writes it, and writes it
last: so the last record of a partition is always the newest of its key, compaction never takes it, and whoever reads
to the end finds one there.
"""

import asyncio
from collections.abc import Mapping
from struct import Struct
from typing import Final, NamedTuple

from aiokafka.structs import TopicPartition

from warn.bus.base import StateRecord
from warn.bus.codec import UnreadableStateError, seal, unseal
from warn.bus.kafka.cluster import Cluster
from warn.bus.kafka.tail import Tail
from warn.model.errors import Reason, TemporaryError

POSITION_KEY: Final = b"\x00position"
HANGING_S: Final = 5.0
"""After the fence nobody else writes here: what is not decided by then, no broker will decide by itself."""
STALL_S: Final = 20.0
_LIMIT: Final = 1_000
_AHEAD: Final = 2 * 1024 * 1024
_UNSEAL_STEP: Final = 256

_AT: Final = Struct(">Q")


class StateLog(NamedTuple):
    """What a state partition holds: the newest value of each key, and how many positions at its end are undecided."""

    values: Mapping[bytes, bytes]
    hanging: int


def state_value(position: int, body: bytes) -> bytes:
    """A body as it is written. Raises `StateTooLargeError`."""
    return _AT.pack(position) + seal(body)


def state_record(key: bytes, value: bytes, where: str) -> StateRecord:
    """A record as it was read. Raises `UnreadableStateError` that names where, and the key."""
    try:
        if len(value) < _AT.size:
            raise UnreadableStateError("a state record that is cut off")
        return StateRecord(key, _AT.unpack_from(value)[0], unseal(value[_AT.size :]))
    except UnreadableStateError as e:
        raise unreadable(where, key, e) from None


def unreadable(where: str, key: bytes, error: UnreadableStateError) -> UnreadableStateError:
    """The same with the seat, the key, and what to do."""
    return UnreadableStateError(
        f"state of {where}, key {key.hex()[:32]}: {error}; look at who may write to its Kafka topic, and start the release "
        "that wrote it (docs/kafka.md, Recovery)"
    )


async def read_state(cluster: Cluster, place: TopicPartition, name: str) -> StateLog:
    """Read a state partition whose seat has been fenced. Raises what the port raises."""
    end = await cluster.offsets.settled(place, HANGING_S)
    begin = (await cluster.offsets.begins([place]))[place]
    values: dict[bytes, bytes] = {}
    if begin < end.committed:
        tail = Tail(cluster.clients, f"{name}.restore", {place: begin}, ahead=_AHEAD)
        try:
            await _to_the_end(tail, place, end.committed, values)
        finally:
            tail.close()
    return StateLog(values, max(0, end.last - end.committed))


async def _to_the_end(tail: Tail, place: TopicPartition, end: int, values: dict[bytes, bytes]) -> None:
    """Everything before `end`: the newest value of each key."""
    loop = asyncio.get_running_loop()
    moved, position = loop.time(), tail.positions[place]
    while tail.positions[place] < end:
        found = await tail.read(_LIMIT, 0.2)
        for record in found.get(place, ()):
            if record.offset >= end:
                break
            if record.value is None:
                values.pop(record.key, None)
            elif record.key is not None:
                values[record.key] = record.value
        await asyncio.sleep(0)
        if tail.positions[place] > position:
            moved, position = loop.time(), tail.positions[place]
        elif tail.reached({place: end}):
            return
        elif loop.time() - moved > STALL_S:
            raise TemporaryError(
                f"{place.topic} partition {place.partition} is stuck at {position} of {end}",
                reason=Reason.TIMEOUT,
            )


async def unsealed(values: Mapping[bytes, bytes], where: str) -> list[StateRecord]:
    """All but the position, by key, a few at a time. Raises `UnreadableStateError`."""
    records = []
    for number, key in enumerate(sorted(values)):
        if number % _UNSEAL_STEP == _UNSEAL_STEP - 1:
            await asyncio.sleep(0)
        if key != POSITION_KEY:
            records.append(state_record(key, values[key], where))
    return records

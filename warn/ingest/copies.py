"""Copies of what the other seats of collect remember: the threads of the posts that they let through.

Each seat bounds its own memory, which is as large as match's; copies of all of them could be several times that. So
the copies are bounded together, bucket by bucket: what goes is the segment that ended longest ago, as match forgets
what counted longest ago. What is left of a bucket holds at least the newest posts that match can still know, whoever
let them through. Nothing that a copy does changes any state.
"""

import msgspec

from warn.ingest.memory import KEEP_S, PER_BUCKET, PREFIX, SEGMENT, unpacked
from warn.model.hashing import BUCKETS

_body = msgspec.msgpack.Decoder(tuple[int, int, int, bytes, bytes])


class _Copy:
    """One segment of another seat's memory."""

    __slots__ = ("ended", "owner", "threads")

    def __init__(self, owner: int) -> None:
        self.owner = owner
        self.ended = 0
        self.threads: dict[int, int] = {}


class Copies:
    """Posts that other seats let through, by seat. `seats`: how many there are."""

    def __init__(
        self, seats: int, *, per_bucket: int = PER_BUCKET, keep_s: int = KEEP_S, segment: int = SEGMENT
    ) -> None:
        # A segment goes by its end, and each seat may have one that began long before that.
        self._per_bucket = per_bucket + segment * seats
        self._keep_s = keep_s
        self._where: list[dict[int, _Copy]] = [{} for _ in range(seats)]
        self._buckets: list[dict[tuple[int, bytes], _Copy]] = [{} for _ in range(BUCKETS)]
        self._sizes = [0] * BUCKETS
        self._turn = 0
        self.evicted = 0
        """Posts forgotten because their bucket was full, not because they were old."""

    def __len__(self) -> int:
        return sum(self._sizes)

    def get(self, partition: int, key: int) -> int | None:
        """The thread of a post that a seat let through, or None where it is not known to have."""
        copy = self._where[partition].get(key)
        return None if copy is None else copy.threads[key]

    def take(self, partition: int, key: bytes, body: bytes | None) -> None:
        """What a seat saved under a key of its memory; None: deleted. Raises ValueError."""
        number, _ = key.removeprefix(PREFIX).split(b"/")
        bucket = int(number)
        if body is None:
            self._drop(bucket, (partition, key))
            return
        version, _, ended, keys, threads = _body.decode(body)
        if version != 1:
            raise ValueError(f"{key.decode()}: version {version}, which this release does not know")
        copy = self._buckets[bucket].get((partition, key))
        if copy is None:
            copy = self._buckets[bucket][partition, key] = _Copy(partition)
        # A segment only ever grows at its end: what is here already need not be taken in again.
        known = 8 * len(copy.threads)
        fresh = dict(zip(unpacked(keys[known:]), unpacked(threads[known:]), strict=True))
        copy.ended = ended
        copy.threads |= fresh
        self._sizes[bucket] += len(fresh)
        self._where[partition].update(dict.fromkeys(fresh, copy))
        while self._sizes[bucket] > self._per_bucket:
            copies = self._buckets[bucket]
            self.evicted += self._drop(bucket, min(copies, key=lambda one: (copies[one].ended, one)))

    def pass_time(self, now: int) -> None:
        """Forget what is too old at a second, of one bucket with each call: all of them at once would take 20 ms."""
        self._turn = (self._turn + 1) % BUCKETS
        copies = self._buckets[self._turn]
        for one in [one for one, copy in copies.items() if copy.ended + self._keep_s < now]:
            self._drop(self._turn, one)

    def _drop(self, bucket: int, one: tuple[int, bytes]) -> int:
        copy = self._buckets[bucket].pop(one, None)
        if copy is None:
            return 0
        self._sizes[bucket] -= len(copy.threads)
        where = self._where[copy.owner]
        gone = [key for key in copy.threads if where.get(key) is copy]
        for key in gone:
            del where[key]
        return len(gone)

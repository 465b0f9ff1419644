"""What collect remembers of the posts that it let through: which thread each one stands in.

Rule 8 of the data flow gives a mention the thread that its id got before, or the thread of the post that it answers.
Both are looked up here, under the keyed hash of (source, id). The memory must outlive the one that match keeps (48 h
since a post last counted): a post that match still knows and the door does not would get another thread, hence another
bucket, and would count twice. And it must outlive the texts: a delete of a post that is not known here goes no further.

Where a source calls a post by a second name, that is remembered too, with the post in place of a thread.

It is bounded per bucket, like match's, so that one viral thread cannot push out everybody else's. A bucket is a row of
segments of at most 64 posts. A segment is one state record: only the last one of a bucket changes, and the first one
goes as a whole when it is too old or the bucket too full. When that happens depends on the times of the items alone,
never on how they were batched, so a resumed run remembers exactly what an unbroken one does.
"""

import sys
from array import array
from collections import deque
from collections.abc import Iterable
from typing import Final

import msgspec

from warn.model.hashing import BUCKETS, bucket_of

KEEP_S: Final = 30 * 86_400 + 12 * 3600
"""A post is kept at least this long after it was last touched: as long as its text may lie in `[evidence]`, so that a delete
is heard until then, and the 12 h that a touch may be late.
"""
TOUCH_S: Final = 12 * 3600
"""A post that is let through again is written anew only when its segment began this long ago: writing is not free."""
PER_BUCKET: Final = 8_384
"""Entries of a bucket: 500,000 in all, in whole segments."""
SEGMENT: Final = 64
PREFIX: Final = b"memory/"


class _Segment:
    """A run of posts of one bucket, in the order in which they were let through."""

    __slots__ = ("began", "bucket", "ended", "number", "threads")

    def __init__(self, bucket: int, number: int, began: int) -> None:
        self.bucket = bucket
        self.number = number
        self.began = began
        self.ended = began
        self.threads: dict[int, int] = {}

    @property
    def key(self) -> bytes:
        return b"%s%02d/%012d" % (PREFIX, self.bucket, self.number)

    def to_bytes(self) -> bytes:
        body = (1, self.began, self.ended, packed(self.threads), packed(self.threads.values()))
        return msgspec.msgpack.encode(body)


_body = msgspec.msgpack.Decoder(tuple[int, int, int, bytes, bytes])


class Memory:
    """Post hash to thread hash; `put` for what was let through, `get` for everybody.

    `now` is in seconds and is the time at which the item was seen. `changes` gives the state records that moved since
    the last call, for the step that is about to be committed; after a failed commit the memory is restored anew.
    """

    def __init__(
        self,
        *,
        per_bucket: int = PER_BUCKET,
        keep_s: int = KEEP_S,
        touch_s: int = TOUCH_S,
        segment: int = SEGMENT,
    ) -> None:
        self._per_bucket = per_bucket
        self._keep_s = keep_s
        self._touch_s = touch_s
        self._size = segment
        self._where: dict[int, _Segment] = {}
        self._buckets: list[deque[_Segment]] = [deque() for _ in range(BUCKETS)]
        self._written = [0] * BUCKETS
        # A number is never used twice, even where a bucket empties and fills again within one step: who follows this
        # state would hear of the new segment alone, and take it for the old one that has grown.
        self._next = [0] * BUCKETS
        self._changed: dict[bytes, _Segment | None] = {}
        self._minute = 0
        self.evicted = 0
        """Posts forgotten because their bucket was full, not because they were old."""

    def __len__(self) -> int:
        return len(self._where)

    def __contains__(self, key: int) -> bool:
        return key in self._where

    def get(self, key: int) -> int | None:
        """The thread of a post, or None where it is not known."""
        segment = self._where.get(key)
        return None if segment is None else segment.threads[key]

    def pass_time(self, now: int) -> None:
        """Forget what is too old at `now`; called before anything is looked up, with the time of each item."""
        # Whole minutes, so that a run resumed within a minute forgets no earlier than an unbroken one.
        minute = now // 60 * 60
        if minute <= self._minute:
            return
        self._minute = minute
        for bucket in self._buckets:
            while bucket and bucket[0].ended + self._keep_s < minute:
                self._drop(bucket)

    def put(self, key: int, thread: int, now: int) -> None:
        """Remember that the post stands in the thread; once more when it was let through again."""
        number = bucket_of(thread)
        bucket = self._buckets[number]
        last = bucket[-1] if bucket else None
        held = self._where.get(key)
        if held is not None and held is not last and now - held.began < self._touch_s:
            return
        if last is None or (len(last.threads) >= self._size and held is not last):
            last = _Segment(number, self._next[number], now)
            self._next[number] += 1
            bucket.append(last)
        if held is not last:
            self._written[number] += 1
        last.threads[key] = thread
        last.ended = max(last.ended, now)
        self._where[key] = last
        self._changed[last.key] = last
        while self._written[number] > self._per_bucket:
            self.evicted += self._drop(bucket)

    def _drop(self, bucket: deque[_Segment]) -> int:
        segment = bucket.popleft()
        self._written[segment.bucket] -= len(segment.threads)
        gone = [key for key in segment.threads if self._where.get(key) is segment]
        for key in gone:
            del self._where[key]
        self._changed[segment.key] = None
        return len(gone)

    def changes(self) -> dict[bytes, bytes | None]:
        """State records to write (None: to delete) since the last call."""
        changed = {key: None if one is None else one.to_bytes() for key, one in self._changed.items()}
        self._changed.clear()
        return changed

    def restore(self, records: Iterable[tuple[bytes, bytes]]) -> None:
        """Take the memory's records among those of the seat's state, in any order. Raises ValueError."""
        for key, body in sorted(one for one in records if one[0].startswith(PREFIX)):
            version, began, ended, keys, threads = _body.decode(body)
            if version != 1:
                raise ValueError(f"{key.decode()}: version {version}, which this release does not know")
            bucket, number = key.removeprefix(PREFIX).split(b"/")
            segment = _Segment(int(bucket), int(number), began)
            segment.ended = ended
            segment.threads = dict(zip(unpacked(keys), unpacked(threads), strict=True))
            self._buckets[segment.bucket].append(segment)
            self._next[segment.bucket] = segment.number + 1
            self._written[segment.bucket] += len(segment.threads)
            # A post that was let through again stands in two segments of one bucket; the later one holds.
            self._where.update(dict.fromkeys(segment.threads, segment))


def packed(numbers: Iterable[int]) -> bytes:
    """64-bit numbers as little-endian bytes."""
    row = array("Q", numbers)
    if sys.byteorder == "big":
        row.byteswap()
    return row.tobytes()


def unpacked(body: bytes) -> list[int]:
    """The inverse of `packed`."""
    row = array("Q")
    row.frombytes(body)
    if sys.byteorder == "big":
        row.byteswap()
    return row.tolist()

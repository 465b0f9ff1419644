"""What is remembered of posts, so that nothing counts twice and what stands under them counts as echo.

A post is found under its thread and key. Memory is kept in 60 buckets by thread, each bounded by itself: how many match
partitions there are then changes nothing, neither what is found nor what is forgotten first. A post is forgotten 48
hours of the clock after it last counted, or when its bucket is full, in the bucket's order of last counting.

State is a record per post, and only of posts that a step changed. What has expired is gone for whoever looks, at once;
its record goes when its bucket is next written to or swept.
"""

from collections import OrderedDict
from collections.abc import Iterator
from hashlib import blake2b

import msgspec
from msgspec import Struct

from warn.model.hashing import BUCKETS
from warn.model.mention import Engagement

REMEMBERED_S = 48 * 3600
REMEMBERED = 500_000
MAX_EDITS = 8
SWEPT_AT_ONCE = 500
_SHARED = 100_000

_PREFIX = b"m"
_HEADS = [_PREFIX + bytes((number,)) for number in range(BUCKETS)]
_MASK = (1 << 64) - 1
_encode = msgspec.msgpack.Encoder().encode


class Post(Struct, array_like=True, gc=False):
    """What a post was: names of the topics that it counted for (as mention or as echo: never both), its highest totals
    so far (None: no baseline yet), the hashes of edits that counted, whether it was deleted, whether it is ours.
    `at`: the clock when it last counted; `order`: its place in its bucket's order.
    """

    topics: tuple[str, ...]
    totals: Engagement | None = None
    edits: tuple[int, ...] = ()
    deleted: bool = False
    own: bool = False
    at: int = 0
    order: int = 0


_decode = msgspec.msgpack.Decoder(Post).decode


def _ident(thread: int, key: int) -> int:
    return (thread & _MASK) << 64 | (key & _MASK)


def _state_key(ident: int) -> bytes:
    return _HEADS[(ident >> 64) % BUCKETS] + ident.to_bytes(16, "big")


class Memory:
    """Bounded memory of posts. `now` is the partition's clock, set by whoever owns it."""

    def __init__(self, limit: int = REMEMBERED, keep_s: int = REMEMBERED_S) -> None:
        self.now = 0
        self.evicted = 0
        """Posts that a full bucket forgot before their time; the owner takes and resets it."""
        self._room = max(1, limit // BUCKETS)
        self._keep_s = keep_s
        self._buckets: list[OrderedDict[int, Post]] = [OrderedDict() for _ in range(BUCKETS)]
        self._next = [0] * BUCKETS
        self._swept = [-1] * BUCKETS  # the clock at which nothing that had expired was left
        self._changed: dict[int, None] = {}
        self._shared: dict[tuple[str, ...], tuple[str, ...]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._buckets))

    def find(self, thread: int, key: int) -> Post | None:
        """The post, if it is remembered and has not expired."""
        thread &= _MASK
        post = self._buckets[thread % BUCKETS].get(thread << 64 | (key & _MASK))
        return None if post is None or post.at <= self.now - self._keep_s else post

    def count(self, thread: int, key: int, post: Post) -> None:
        """Remember a post as having counted now: it goes to the end of its bucket, and the first may have to go."""
        thread &= _MASK
        ident = thread << 64 | (key & _MASK)
        number = thread % BUCKETS
        bucket = self._buckets[number]
        post.at = self.now
        post.order = self._next[number] = self._next[number] + 1
        if ident in bucket:
            bucket.move_to_end(ident)
        bucket[ident] = post
        self._changed[ident] = None
        if self._swept[number] != self.now:
            self._drop(number)
        while len(bucket) > self._room:
            gone, _ = bucket.popitem(last=False)
            self._changed[gone] = None
            self.evicted += 1

    def change(self, thread: int, key: int) -> None:
        """A remembered post was changed without counting."""
        self._changed[_ident(thread, key)] = None

    def _drop(self, number: int) -> None:
        """Forget what has expired in a bucket; it stands at the front, since clocks only grow."""
        bucket, most = self._buckets[number], SWEPT_AT_ONCE
        limit = self.now - self._keep_s
        while bucket and most:
            first = next(iter(bucket))
            if bucket[first].at > limit:
                break
            del bucket[first]
            self._changed[first] = None
            most -= 1
        if most:
            self._swept[number] = self.now

    def sweep(self) -> None:
        """Once a clock: look at one bucket, so that a quiet bucket does not keep for ever what has expired."""
        self._drop(self.now % BUCKETS)
        if len(self._shared) > _SHARED:
            self._shared.clear()

    def restore(self, key: bytes, body: bytes) -> bool:
        """Take one record of state; False if it is no record of a post. Raises msgspec's errors for a broken body."""
        if len(key) != 18 or key[:1] != _PREFIX:
            return False
        ident = int.from_bytes(key[2:], "big")
        post = _decode(body)
        post.topics = self._shared.setdefault(post.topics, post.topics)
        self._buckets[(ident >> 64) % BUCKETS][ident] = post
        return True

    def restored(self) -> None:
        """All records are in: put each bucket into its order."""
        for number, bucket in enumerate(self._buckets):
            self._buckets[number] = OrderedDict(sorted(bucket.items(), key=lambda one: one[1].order))
            self._next[number] = max((post.order for post in bucket.values()), default=0)

    def offer(self, state: dict[bytes, bytes | None]) -> None:
        """Every change since the last offer."""
        buckets = self._buckets
        for ident in self._changed:
            number = (ident >> 64) % BUCKETS
            post = buckets[number].get(ident)
            key = _HEADS[number] + ident.to_bytes(16, "big")
            state[key] = None if post is None else _encode(post)
        self._changed.clear()

    def entries(self) -> Iterator[tuple[bytes, bytes]]:
        """For the state hash: every post that has not expired without its place, and the order of each bucket."""
        limit = self.now - self._keep_s
        for number, bucket in enumerate(self._buckets):
            order = blake2b(digest_size=16)
            left = 0
            for ident, post in bucket.items():
                if post.at > limit:
                    left += 1
                    order.update(ident.to_bytes(16, "big"))
                    yield _state_key(ident), _encode(msgspec.structs.replace(post, order=0))
            if left:
                yield b"order" + bytes((number,)), order.digest()

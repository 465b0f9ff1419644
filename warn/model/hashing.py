"""Keyed hashes: how people, posts and threads are named everywhere but in `[mentions]` and `[evidence]`.

The key is a secret of the installation; replay uses a public one so that its output is the same everywhere.
"""

from hashlib import blake2b

PUBLIC_KEY = b"warn replay: a public key, anyone may recompute these hashes"
BUCKETS = 60
"""Memory is bounded per bucket, and partition counts divide this, so that counts of partitions change nothing."""


def keyed(key: bytes, *parts: str) -> int:
    """64-bit keyed hash of the parts; never 0, which means "unknown"."""
    joined = "\x00".join(parts).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(joined, digest_size=8, key=key).digest(), "little") or 1


def author_hash(key: bytes, source: str, author: str) -> int:
    """A person at one source."""
    return keyed(key, "author", source, author.casefold())


def post_hash(key: bytes, source: str, native_id: str) -> int:
    """A post; a thread is named by the post hash of its root."""
    return keyed(key, "post", source, native_id)


def alias_hash(key: bytes, source: str, alias: str) -> int:
    """A second name of a post, which no id of another can be."""
    return keyed(key, "alias", source, alias)


def series_hash(source: str, topic: str, signal: str) -> int:
    """The thread of a reading: readings of one series go one way."""
    return keyed(b"reading", source, topic, signal)


def bucket_of(thread: int) -> int:
    """The memory bucket of a thread."""
    return thread % BUCKETS


def partition_of(thread: int, partitions: int) -> int:
    """The `[mentions]` partition of a thread; `partitions` divides 60."""
    return thread % BUCKETS % partitions


def brand_partition(brand: str, partitions: int) -> int:
    """The `[signals]` partition of a brand."""
    return keyed(b"brand", brand) % partitions


def connector_seat(name: str, seats: int) -> int:
    """The seat of collect that a connector belongs to."""
    return keyed(b"connector", name) % seats


def content_hash(body: bytes) -> str:
    """Name of a stored body (rule sets): 32 hex digits."""
    return blake2b(body, digest_size=16).hexdigest()

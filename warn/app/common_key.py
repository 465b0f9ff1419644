"""That all processes of an installation hash with one key: two that do not would count people and posts twice.

The first one leaves a mark of its key in `[config]`, from which the key cannot be told; the others compare.
"""

from hashlib import blake2b
from typing import Final

from warn.bus.base import Bus
from warn.model.errors import PermanentError, Reason
from warn.model.flow import CONFIG
from warn.stages.base import Out

RECORD: Final = b"hash-key/"
"""Begins the key of a record, which no rule set is found under: it is no hash. The mark follows."""
_READ: Final = 50


async def agree(bus: Bus, key: bytes) -> None:
    """Raises `PermanentError` where this installation hashes with another key; and what the bus raises."""
    mine = (
        RECORD + blake2b(b"warn: the key of this installation", key=key, digest_size=16).hexdigest().encode()
    )
    first = await _first(bus)
    if not first:
        await bus.write([Out(CONFIG, 0, mine, b"1")])
        first = await _first(
            bus
        )  # of two that start at the same moment, the one whose mark comes first is right
    if first != mine:
        raise PermanentError(
            "hash_key is not the one that this installation hashes with. All processes need the same: set it in the "
            "settings, as WARN_HASH_KEY, or as the secret file warn_hash_key. Where the old one is lost, see docs/kafka.md",
            reason=Reason.CONFIG,
        )


async def _first(bus: Bus) -> bytes:
    reader = await bus.follow(CONFIG)
    try:
        while records := await reader.read(_READ, 0.0):
            for _, _, name, value in records:
                if name.startswith(RECORD) and value:
                    return name
    finally:
        await reader.close()
    return b""

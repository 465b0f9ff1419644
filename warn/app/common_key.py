"""That all processes of an installation hash with one key: two that do not would count people and posts twice.

The first one leaves a mark of its key in `[config]`, from which the key cannot be told; the others compare.
"""

from hashlib import blake2b
from typing import Final

from warn.bus.base import Bus
from warn.model.errors import PermanentError, Reason
from warn.model.flow import CONFIG
from warn.stages.base import Out

RECORD: Final = b"hash-key"
"""No rule set is found under it: it is no hash."""
_READ: Final = 50


async def agree(bus: Bus, key: bytes) -> None:
    """Raises `PermanentError` where this installation hashes with another key; and what the bus raises."""
    mine = blake2b(b"warn: the key of this installation", key=key, digest_size=16).digest()
    known = await _known(bus)
    if not known:
        await bus.write([Out(CONFIG, 0, RECORD, mine)])
        known = await _known(bus)  # whoever wrote last at the same moment is right, for all
    if known != mine:
        raise PermanentError(
            "hash_key is not the one that this installation hashes with. All processes need the same: set it in the "
            "settings, as WARN_HASH_KEY, or as the secret file warn_hash_key. Where the old one is lost, see docs/kafka.md",
            reason=Reason.CONFIG,
        )


async def _known(bus: Bus) -> bytes:
    reader, found = await bus.follow(CONFIG), b""
    try:
        while records := await reader.read(_READ, 0.0):
            for _, _, name, value in records:
                if name == RECORD:
                    found = value
    finally:
        await reader.close()
    return found

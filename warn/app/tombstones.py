"""What takes the place of mentions that are to be shown no more: pages hold copies of `[evidence]` of their own."""

from collections.abc import Container
from typing import Final

from warn.bus.base import Bus
from warn.ingest.blank import Gone
from warn.model.flow import EVIDENCE
from warn.model.records import Evidence
from warn.model.wire import UnknownKindError, UnreadableError, decode_evidence, encode
from warn.stages.base import Out

_BATCH: Final = 500


async def bury(bus: Bus, gone: Gone, found: Container[int] = frozenset()) -> int:
    """Write a tombstone for each mention, once a brand, that is of `gone` or whose key is in `found`; gives how many.
    Raises what the bus raises; done again, it does no harm.
    """
    shown = await _shown(bus, gone, found)
    await bus.write([Out(EVIDENCE, 0, b"%d" % one.key, encode(one)) for one in shown])
    return len(shown)


async def _shown(bus: Bus, gone: Gone, found: Container[int]) -> list[Evidence]:
    tombstones: dict[tuple[int, str], Evidence] = {}
    reader = await bus.follow(EVIDENCE)
    try:
        while records := await reader.read(_BATCH, 0.0):
            for _, _, _, value in records:
                try:
                    one = decode_evidence(value)
                except (UnreadableError, UnknownKindError):
                    continue
                wanted = one.author in gone.authors or one.key in gone.keys or one.key in found
                if wanted or gone.said(one.text, one.url, one.id):
                    tombstones[one.key, one.brand] = Evidence(
                        one.key, one.topic, one.brand, one.source, "delete", "", "", one.created_ms, 0, 0, "",
                        False, "",
                    )  # fmt: skip
    finally:
        await reader.close()
    return list(tombstones.values())

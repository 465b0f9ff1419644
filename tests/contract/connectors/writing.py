"""Lines as somebody writes them for connectors to read."""

import json
from collections.abc import Iterable, Sequence

from warn.ingest.connector import Batch


def line(number: int) -> bytes:
    """One mention, with its line break."""
    told = {
        "id": str(number),
        "source": "forum",
        "created_at": f"2026-05-01T10:{number // 60 % 60:02}:{number % 60:02}Z",
        "author": "Marker Person",
        "text": f"Acme kettle {number}",
    }
    return json.dumps(told).encode() + b"\n"


def lines(numbers: Iterable[int]) -> bytes:
    """Several of them."""
    return b"".join(map(line, numbers))


def ids(batches: Sequence[Batch]) -> list[int]:
    """What was read, in order."""
    return [int(item.id) for batch in batches for item in batch.items]

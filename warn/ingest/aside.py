"""What a connector has put aside lately: what it reads again and again is put aside once."""

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Final

from warn.ingest.connector import Refused

MOST: Final = 1_000
"""Pieces that are remembered; of more, the oldest may be told again."""


class Aside:
    """Remembers pieces by their content; those of which nothing is kept by where they stood and why."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._told: dict[bytes, None] = {}

    def new(self, refused: Iterable[Refused]) -> Iterator[Refused]:
        """Those that were not told yet."""
        for one in refused:
            known = one.payload or f"{one.where}\n{one.message}".encode(errors="replace")
            key = blake2b(known, digest_size=16).digest()
            seen = key in self._told
            self._told.pop(key, None)
            self._told[key] = None
            if len(self._told) > self._most:
                del self._told[next(iter(self._told))]
            if not seen:
                yield one

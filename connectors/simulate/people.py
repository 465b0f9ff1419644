"""Who lives in the town: the same people every day, a few of them with very many followers."""

import random
from functools import lru_cache
from typing import Final

SIZES: Final = {"bluesky": 4_000, "mastodon": 2_500, "hackernews": 1_500, "forum": 800}
"""People per source."""
FOLLOWED: Final = frozenset({"bluesky", "mastodon"})
"""Sources that tell how many followers somebody has."""

_FIRST: Final = (
    "quiet",
    "salty",
    "late",
    "tall",
    "rusty",
    "early",
    "plain",
    "lucky",
    "north",
    "paper",
    "green",
    "odd",
)
_LAST: Final = (
    "heron",
    "kettle",
    "dune",
    "lamp",
    "otter",
    "bridge",
    "moss",
    "ferry",
    "crow",
    "anchor",
    "thistle",
    "pine",
)


def somebody(rng: random.Random, source: str) -> str:
    """An author of a source; some write far more often than others."""
    number = int(SIZES[source] * rng.random() ** 2)
    return f"{_FIRST[number % 12]}{_LAST[number // 12 % 12]}{number}.{source[:2]}"


def bot(number: int) -> str:
    """A member of the ring that shouts one text."""
    return f"deal{number * 7919 % 100_000:05d}.bl"


@lru_cache(maxsize=16_384)
def followers(author: str, source: str) -> int | None:
    """How many people follow somebody: always the same number, and heavy-tailed (Pareto, exponent 1.1)."""
    if source not in FOLLOWED:
        return None
    chance = random.Random(author)
    if author.startswith("deal"):
        return chance.randrange(15)
    return min(2_000_000, int(35 * (1 - chance.random()) ** (-1 / 1.1)))

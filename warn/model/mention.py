"""What connectors yield, and what travels in a parcel."""

from typing import Literal

from msgspec import Struct

Kind = Literal[
    "post", "reply", "quote", "repost", "like", "comment", "article",
    "ticket", "message", "trend", "update", "edit", "delete",
    "profile",
]  # fmt: skip
KINDS: tuple[str, ...] = Kind.__args__  # type: ignore[attr-defined]
KIND_ORDER = {kind: i for i, kind in enumerate(KINDS)}

Role = Literal["", "press", "internal", "care", "own"]
COUNTS_ONLY: frozenset[str] = frozenset({"internal", "care"})
"""Roles that yield counts only: no author, carrier, sample or link."""

Engagement = tuple[int, int, int, int]
"""Totals so far: likes, replies, shares, views."""


class Item(Struct, frozen=True, kw_only=True):
    """One thing as a connector read it, before the door: native ids and names, nothing hashed.

    `dated_by` is "created" where the source publishes with its own date, "seen" where it publishes later. `alias`: what
    else the source calls it, by which a delete may name it later on.
    """

    source: str
    id: str
    created_ms: int
    kind: str = "post"
    seen_ms: int | None = None
    dated_by: str = "created"
    author: str | None = None
    followers: int | None = None
    text: str | None = None
    url: str | None = None
    lang: str | None = None
    thread: str | None = None
    reshare_of: str | None = None
    reply_to: str | None = None
    engagement: Engagement | None = None
    alias: str | None = None


class Mention(Struct, frozen=True, array_like=True, gc=False):
    """One mention on the bus; most needed fields first.

    `key`, `thread`, `parent` and `author` are keyed hashes (0: none). `thread` is the `key` of the thread's root.
    `parent` is the post that this one replies to, quotes, reposts or likes.
    `backfill` may be remembered for its thread but is never counted towards a page. `published_ms`: of what counts from
    when we saw it, when it was published by its source's own word (0: not known, or that is `created_ms`).
    """

    source: str
    key: int
    thread: int
    kind: str
    text: str
    created_ms: int
    parent: int = 0
    author: int = 0
    followers: int = 0
    engagement: Engagement | None = None
    role: str = ""
    backfill: bool = False
    seen_ms: int = 0
    lang: str = ""
    url: str = ""
    id: str = ""
    published_ms: int = 0


def takes_back(kind: str, text: str) -> bool:
    """Whether a mention says that what was said before is to be shown and kept no more: its post was deleted, or edited so
    that no word is left, which is also how a source tells that it has taken words out (a redaction), or a profile is empty.
    """
    return kind == "delete" or (kind in {"edit", "profile"} and not text)


Counted = Literal["care", "mentions", "echo", "reach", "negativity"]
COUNTED: tuple[str, ...] = Counted.__args__  # type: ignore[attr-defined]
"""Signals that a reading can give."""


class Reading(Struct, frozen=True, array_like=True, gc=False):
    """A number from a source that has no mentions to give; `value_milli` in thousandths, per `interval_s`."""

    source: str
    topic: str
    signal: str
    at_ms: int
    interval_s: int
    value_milli: int

"""The door: what a connector read becomes what the bus carries, or stays outside.

Inside there are no names. Author, post and thread become keyed hashes here, and of sources that listen to staff or
customers not even those that would hold for longer than a day. What no topic in force could match, and no post that
was let through before stands behind, is dropped: warn carries what is said of us, not the world.

The door is plain and synchronous; its only memory is the threads of what it let through (`memory`).
"""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Final, NamedTuple, Protocol

from warn.ingest.entry import (
    MAX_LANG,
    MAX_URL,
    RefusedError,
    check,
    tidy_count,
    tidy_label,
    tidy_text,
    tidy_totals,
)
from warn.ingest.memory import Memory
from warn.ingest.shown import Writers
from warn.model.hashing import alias_hash, author_hash, post_hash
from warn.model.mention import COUNTS_ONLY, Item, Mention, takes_back
from warn.model.rules import RuleSet

CouldMatch = Callable[[str], bool]
"""Whether some topic of a rule set could match this text; never wrongly no."""

Tell = Callable[[str, int], str]
"""The language of a text in this second, or "" (`warn.ingest.text.Languages`)."""

_PROTECTION: Final = ("internal", "care", "own", "press", "")
"""Where a source has two roles, the one that protects people most holds."""
_FOLLOWS_A_POST: Final = frozenset({"update", "edit", "delete"})
"""Kinds whose id is that of a post that is there already."""
FIRST_MS: Final = 978_307_200_000
"""2001: what is dated earlier has no date, and says so by one that cannot be."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Terms(NamedTuple):
    """On what terms a connector's items come in.

    `backfill` is never counted towards a page; `fills` says so of what is dated by when we saw it, because we have not
    looked for a while. `governed`: what must be settled before listening to staff is settled. `keep`: `match`, `all`,
    or "", which is `all` for what is ours or addressed to us. `source`: the connector's own, by which rule files may give
    it a role; "": the one that it is called.
    """

    role: str = ""
    keep: str = ""
    backfill: bool = False
    fills: bool = False
    governed: bool = True
    source: str = ""


class Policy(NamedTuple):
    """What the rule sets in force mean to the door: their filters, the roles of sources, and our own accounts."""

    could_match: Sequence[CouldMatch] = ()
    roles: Mapping[str, str] = {}
    own: frozenset[int] = frozenset()


class Past(NamedTuple):
    """What the bus says of what came before: `erased` authors (keyed hashes), of whom nothing is taken in, and posts (keys)
    that may still be `shown`, of which a delete, or an edit that leaves no word, is taken in however late it comes;
    `writers`: of whom something may be kept.
    """

    erased: Container[int] = frozenset()
    shown: Container[int] = frozenset()
    writers: Writers | None = None


OPEN: Final = Terms()
NOTHING_YET: Final = Past()
NO_RULES: Final = Policy()


def policy(key: bytes, rulesets: Iterable[tuple[RuleSet, CouldMatch]]) -> Policy:
    """The policy of all rule sets in force together: an item wanted by any of them passes."""
    filters: list[CouldMatch] = []
    roles: dict[str, str] = {}
    own: set[int] = set()
    for ruleset, could_match in rulesets:
        filters.append(could_match)
        for _, channel in ruleset.channels:
            roles[channel.source] = stricter(channel.role, roles.get(channel.source, ""))
        own.update(author_hash(key, a.source, bare(a.handle)) for _, a in ruleset.accounts)
    return Policy(tuple(filters), roles, frozenset(own))


def stricter(one: str, other: str) -> str:
    """Of two roles the one that protects people more."""
    return min(one, other, key=_PROTECTION.index)


def bare(handle: str) -> str:
    """A handle as it is hashed: without a leading @ and space around it."""
    return handle.strip().removeprefix("@")


class Threads(Protocol):
    """The thread of every post that was let through."""

    def get(self, key: int) -> int | None: ...
    def __contains__(self, key: int) -> bool: ...


class Door:
    """Turns items into mentions. `key` is the installation's secret; `memory` belongs to the seat of collect.

    `known` is what is asked about a post: that memory, unless other seats have let things through as well. `tell`
    names the language of what is let through where its source does not; a replay is given none. `past`: of what came
    before it.
    `counts` are (what, why) to number since they were last taken: `let_through`, `dropped`, `mended`.
    """

    def __init__(
        self,
        key: bytes,
        memory: Memory,
        policy: Policy = NO_RULES,
        known: Threads | None = None,
        tell: Tell | None = None,
        past: Past = NOTHING_YET,
    ) -> None:
        self._key = key
        self._tell = tell
        self.past = past
        self.memory = memory
        self._known: Threads = memory if known is None else known
        self.policy = policy
        self.counts: Counter[tuple[str, str]] = Counter()
        self._day = (-1, b"")

    def admit(self, item: Item, *, now_ms: int, terms: Terms = OPEN) -> Mention | None:
        """The mention, or None for what nobody in force wants. `now_ms`: the present, which nothing is seen after.

        Raises `RefusedError` for what is no item, and changes nothing then.
        """
        check(item)
        role = stricter(terms.role, self.policy.roles.get(item.source, ""))
        if role == "internal" and not terms.governed:
            raise RefusedError("source: it listens to staff (role internal) and has no governance")
        seen_ms = now_ms if item.seen_ms is None else min(item.seen_ms, now_ms)
        now = seen_ms // 1000
        memory, posts = self.memory, self._known
        memory.pass_time(now)

        alias = alias_hash(self._key, item.source, item.alias) if item.alias else 0
        key = self._key_of(item, alias)
        root = post_hash(self._key, item.source, item.thread) if item.thread else 0
        parent = self._parent(item)
        author = author_hash(self._key, item.source, bare(item.author)) if item.author else 0
        if author and author in self.past.erased:
            self.counts["dropped", "erased"] += 1
            return None
        ours = author in self.policy.own
        if ours and role in {"", "press"}:
            role = "own"

        mended: Counter[str] = Counter()
        text = tidy_text(item.text, mended)
        known = key in posts or parent in posts or root in posts
        known = known or (takes_back(item.kind, text) and key in self.past.shown)
        keep = terms.keep == "all" or (not terms.keep and role in {"own", "care"})
        if not (known or keep or ours or self._wanted(text)):
            self.counts["dropped", "unknown_post" if item.kind in _FOLLOWS_A_POST else "unmatched"] += 1
            return None

        thread = self._thread(key, parent, root)
        mention = self._mention(item, role, text, (key, thread, parent, author), seen_ms, mended, terms)
        memory.put(key, thread, now)
        if alias and item.kind not in _FOLLOWS_A_POST:
            memory.put(alias, key, now)
        self.counts["let_through", ""] += 1
        for what, number in mended.items():
            self.counts["mended", what] += number
        return mention

    def _key_of(self, item: Item, alias: int) -> int:
        """The post that it is, or follows: by its id, or by what else its source calls it."""
        key = post_hash(self._key, item.source, item.id)
        if alias and item.kind in _FOLLOWS_A_POST and key not in self._known:
            return self._known.get(alias) or key
        return key

    def _wanted(self, text: str) -> bool:
        return bool(text) and any(could_match(text) for could_match in self.policy.could_match)

    def _parent(self, item: Item) -> int:
        """The post that this one answers. Where a source names two, its kind says which, or what we know of them."""
        first, second = item.reshare_of, item.reply_to
        if item.kind in {"reply", "comment"}:
            first, second = second, first
        if not first or not second:
            only = first or second
            return post_hash(self._key, item.source, only) if only else 0
        preferred = post_hash(self._key, item.source, first)
        other = post_hash(self._key, item.source, second)
        return other if other in self._known and preferred not in self._known else preferred

    def _thread(self, key: int, parent: int, root: int) -> int:
        """Rule 8: what its id got before; its parent's; its root's, or the root; itself."""
        for known in (key, parent, root):
            thread = self._known.get(known)
            if thread is not None:
                return thread
        return root or key

    def _mention(
        self,
        item: Item,
        role: str,
        text: str,
        hashes: tuple[int, int, int, int],
        seen_ms: int,
        mended: Counter[str],
        terms: Terms,
    ) -> Mention:
        key, thread, parent, author = hashes
        counts_only = role in COUNTS_ONLY
        # A source that publishes later than it dates counts from when we saw it.
        created_ms = seen_ms if item.dated_by == "seen" else item.created_ms
        if counts_only and author:
            author = author_hash(self._day_key(item.created_ms), item.source, bare(item.author or ""))
        return Mention(
            source=item.source,
            key=key,
            thread=thread,
            kind=_kind(item),
            text=text,
            created_ms=created_ms,
            parent=parent,
            author=author,
            followers=0 if counts_only else tidy_count(item.followers, mended),
            engagement=tidy_totals(item.engagement, mended),
            role=role,
            backfill=terms.backfill or (terms.fills and item.dated_by == "seen"),
            seen_ms=seen_ms,
            lang=self._lang(item, text, seen_ms // 1000, mended),
            url="" if counts_only else tidy_label(item.url, MAX_URL, mended),
            id="" if counts_only else item.id,
            published_ms=_published(item, seen_ms),
        )

    def _lang(self, item: Item, text: str, now: int, mended: Counter[str]) -> str:
        named = tidy_label(item.lang, MAX_LANG, mended)
        return named or (self._tell(text, now) if self._tell is not None else "")

    def _day_key(self, created_ms: int) -> bytes:
        day = created_ms // 86_400_000
        if self._day[0] != day:
            self._day = (day, day_key(self._key, day))
        return self._day[1]


def day_key(key: bytes, day: int) -> bytes:
    """A key for one UTC day (since 1970), so that staff and customers can be told apart within it and never beyond it."""
    name = (_EPOCH + timedelta(days=day)).date().isoformat()
    return blake2b(b"counts only, " + name.encode(), digest_size=32, key=key[:64]).digest()


def hashes_of(key: bytes, source: str, author: str, days: Iterable[int]) -> frozenset[int]:
    """All that an author is known as: for good, and on each of these days where only counts pass."""
    name = bare(author)
    return frozenset(
        (author_hash(key, source, name), *(author_hash(day_key(key, day), source, name) for day in days))
    )


def _published(item: Item, seen_ms: int) -> int:
    """When something that counts from when we saw it was published, by its source's own word; 0 where that says nothing."""
    known = item.dated_by == "seen" and FIRST_MS <= item.created_ms < seen_ms
    return item.created_ms if known else 0


def _kind(item: Item) -> str:
    """A post that says what it answers is a repost or a reply, whatever its source calls it."""
    if item.kind != "post":
        return item.kind
    return "repost" if item.reshare_of else "reply" if item.reply_to else "post"

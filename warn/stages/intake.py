"""What each mention counts as: DESIGN section 3, rules 3, 6, 7 and 8, one mention at a time.

A mention names us (then it is a mention of the topics that it names), or it stands under a post that did (then it is
echo of that post's topics), or both, of different topics. It counts once; an edit counts for what it newly names, an
update for what its totals rise. What is late or backfill is remembered, so that its replies count, and not counted. Our
own posts count nothing; what people answer to them is echo, what they like or pass on of them is not.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from warn.aggregate.memory import MAX_EDITS, Post
from warn.match.matcher import NOTHING, Hit, Matcher
from warn.model.flow import MENTIONS
from warn.model.hashing import keyed
from warn.model.mention import COUNTS_ONLY, KINDS, Engagement, Mention, takes_back
from warn.model.wire import encode
from warn.stages.base import Effects
from warn.stages.counting import Counting
from warn.stages.evidence import tombstone

MAX_TOTAL: Final = 1_000_000_000
"""More likes than people is a mistake or a lie; it also keeps sums within 64 bits."""

_PASSED_ON: Final = frozenset({"repost", "like"})
_KNOWN: Final = frozenset(KINDS)
_PLAIN: Final = _KNOWN - _PASSED_ON - {"update", "edit", "delete", "profile"}


def _totals(given: Engagement | None) -> Engagement | None:
    if given is None:
        return None
    likes, replies, shares, views = (min(max(one, 0), MAX_TOTAL) for one in given)
    return likes, replies, shares, views


def _named(matcher: Matcher, hit: Hit, role: str) -> tuple[int, ...]:
    """The topics that a text is about. What staff say among themselves is not asked about strikes and leaks."""
    if role == "internal":
        return tuple([i for i in hit.topics if i not in matcher.public_only])
    return hit.topics


class Intake(Counting):
    """Takes the mentions of one partition, in order."""

    def __init__(self, key: bytes, reach_floor: int) -> None:
        super().__init__(key, reach_floor)
        self._kinds: dict[str, Callable[[Mention, Hit, Matcher, Effects], None]] = {
            "update": self._update,
            "edit": self._edit,
            "delete": self._delete,
            "profile": self._profile,
        }

    def sift(self, mentions: Sequence[Mention], effects: Effects) -> list[tuple[Mention, Hit]]:
        """Of these mentions, in order, those that can change anything, each with what its text is about.

        All others are through: they name no topic, stand under nothing, and are neither ours nor news of a known post.
        """
        matcher = self.matcher
        sources = Counter([one.source for one in mentions])
        for source, n in sources.items():
            effects.counts["mentions", source] += n
        if matcher is None:
            unknown = [one for one in mentions if one.kind not in _KNOWN]
            for one in unknown:
                self._unknown(one, effects)
            effects.count("late", by=len(mentions) - len(unknown))
            return []
        texts = [one.text for one in mentions]
        hits = matcher.match_all(texts)
        self.work += 2 * len(texts) + sum(map(len, texts)) // 50
        if not matcher.own_sources.keys().isdisjoint(sources):
            return list(zip(mentions, hits, strict=True))
        own = matcher.own_authors
        return [
            (one, hit)
            for one, hit in zip(mentions, hits, strict=True)
            if hit is not NOTHING
            or one.parent
            or one.thread != one.key
            or one.kind not in _PLAIN
            or one.author in own
            or one.role == "own"
        ]

    def _unknown(self, mention: Mention, effects: Effects) -> None:
        effects.count("unknown_kind", MENTIONS)
        if effects.counts["mentions", mention.source] > 1:
            effects.counts["mentions", mention.source] -= 1
        else:
            del effects.counts["mentions", mention.source]

    def take(self, mention: Mention, hit: Hit, effects: Effects) -> None:
        """Count one mention; `hit` is what the matcher says to its text."""
        matcher = self.matcher
        assert matcher is not None, "mentions are sifted first"
        kind, text = mention.kind, mention.text
        special = self._kinds.get(kind)
        if special is not None:
            special(mention, hit if text else NOTHING, matcher, effects)
            return
        passed_on = kind in _PASSED_ON
        if not passed_on and kind not in _PLAIN:
            self._unknown(mention, effects)
            return
        self.work += 3
        known: list[int] = []
        under = False
        if mention.parent or mention.thread != mention.key:
            known, under = self._above(mention, matcher)
        if not text or kind == "like" or (passed_on and under):
            hit = NOTHING  # a repost's words are those of the post that is known already; a like has none of its own
        ours = matcher.is_own(mention.source, mention.author) or mention.role == "own"
        if hit.topics or known or ours:
            topics = _named(matcher, hit, mention.role)
            echo = tuple([i for i in known if i not in topics]) if known else ()
            if ours and not topics and not echo:
                topics = matcher.own_topics(mention.source, mention.author)
            if topics or echo or ours:
                said = None if passed_on and hit is NOTHING else hit
                self._content(mention, topics, echo, said, ours, effects)

    def _above(self, mention: Mention, matcher: Matcher) -> tuple[list[int], bool]:
        """Topics in force of the post that a mention answers and of its root, and whether that post is known.

        What passes a post on is about that post, and only where it is unknown about the root.
        """
        memory, thread = self.memory, mention.thread
        parent = memory.find(thread, mention.parent) if mention.parent not in (0, mention.key) else None
        root = memory.find(thread, thread) if thread not in (mention.key, mention.parent) else None
        if mention.kind in _PASSED_ON:
            target = parent or root
            names = () if target is None or target.own else target.topics
        elif parent is None or root is None:
            one = parent or root
            names = () if one is None else one.topics
        else:
            names = (*parent.topics, *(name for name in root.topics if name not in parent.topics))
        return [i for name in names if (i := matcher.index_of.get(name)) is not None], parent is not None

    def _content(
        self,
        mention: Mention,
        topics: tuple[int, ...],
        echo: tuple[int, ...],
        hit: Hit | None,
        ours: bool,
        effects: Effects,
    ) -> None:
        if self.memory.find(mention.thread, mention.key) is not None:
            effects.count("repeats")
            return
        post = Post(self.named(topics + echo), _totals(mention.engagement), own=ours)
        self.memory.count(mention.thread, mention.key, post)
        self.work += 12
        if ours:
            return
        if mention.backfill or not self.in_time(mention.created_ms):
            effects.count("late")
            return
        self.matched += 1
        if mention.role in COUNTS_ONLY:
            for i in topics + echo:
                self.tally.care(i, mention.created_ms // 1000, mention)
            return
        told = self.tell(mention, hit)
        self.count(mention, topics, told, echo=False)
        if echo:
            self.count(mention, echo, told, echo=True)

    def _update(self, mention: Mention, _hit: Hit, matcher: Matcher, effects: Effects) -> None:
        """Rises above the highest totals so far are echo; the first totals are where to count from."""
        post = self.memory.find(mention.thread, mention.key)
        totals = _totals(mention.engagement)
        if post is None or post.deleted or totals is None:
            return
        had = post.totals
        if had is None:
            post.totals = totals
            self.memory.change(mention.thread, mention.key)
            return
        likes, replies, shares, views = (max(0, new - old) for new, old in zip(totals, had, strict=True))
        if not (likes or replies or shares or views):
            effects.count("repeats")
            return
        post.totals = (
            max(totals[0], had[0]),
            max(totals[1], had[1]),
            max(totals[2], had[2]),
            max(totals[3], had[3]),
        )
        self.memory.change(mention.thread, mention.key)
        if post.own:
            likes = shares = views = 0
        echo = likes + replies + shares
        topics = [i for name in post.topics if (i := matcher.index_of.get(name)) is not None]
        if not topics or not (echo or views) or mention.role in COUNTS_ONLY:
            return
        if mention.backfill or not self.in_time(mention.created_ms):
            effects.count("late")
            return
        self.matched += 1
        self.memory.count(mention.thread, mention.key, post)
        for i in topics:
            self.tally.rise(i, mention.created_ms // 1000, mention.source, echo, views)
            self.work += 8

    def _edit(self, mention: Mention, hit: Hit, matcher: Matcher, effects: Effects) -> None:
        """An edit counts once for each text, and only for topics that the post was not about before.

        One without a word takes back what was shown; the post itself stays, and so does what stands under it.
        """
        post = self.memory.find(mention.thread, mention.key)
        if takes_back(mention.kind, mention.text) and not (post is not None and post.deleted):
            self._hide(mention, post, matcher)
        if not hit.topics or (post is not None and post.deleted):
            return
        text = keyed(self.key, "edit", hit.folded)
        had = () if post is None else post.topics
        if post is not None and text in post.edits:
            effects.count("repeats")
            return
        new = tuple([i for i in _named(matcher, hit, mention.role) if matcher.topics[i].name not in had])
        if not new:
            return
        ours = matcher.is_own(mention.source, mention.author) or mention.role == "own"
        if post is None:
            post = Post((), _totals(mention.engagement), own=ours)
        post.topics = (*had, *self.named(new))
        post.edits = (*post.edits, text)[-MAX_EDITS:]
        self.memory.count(mention.thread, mention.key, post)
        if ours or post.own:
            return
        if mention.backfill or not self.in_time(mention.created_ms):
            effects.count("late")
            return
        self.matched += 1
        if mention.role in COUNTS_ONLY:
            for i in new:
                self.tally.care(i, mention.created_ms // 1000, mention)
        else:
            self.count(mention, new, self.tell(mention, hit), echo=False)

    def _profile(self, mention: Mention, hit: Hit, matcher: Matcher, effects: Effects) -> None:
        """How an account calls itself is no mention, so it counts nowhere; it is shown where it names us, or is ours.

        What names us no more takes its place as a tombstone: the door lets it through where it did before.
        """
        self.work += 3
        topics = _named(matcher, hit, mention.role)
        if (
            mention.text
            and not topics
            and (matcher.is_own(mention.source, mention.author) or mention.role == "own")
        ):
            topics = matcher.own_topics(mention.source, mention.author)
        if not topics:
            self.evidence.append((mention.key, encode(tombstone(mention, "", ""))))
        elif mention.role in COUNTS_ONLY:
            return
        elif mention.backfill or not self.in_time(mention.created_ms):
            effects.count("late")
        else:
            self.show_profile(mention, topics)

    def _delete(self, mention: Mention, _hit: Hit, matcher: Matcher, effects: Effects) -> None:
        """What was counted stays counted; nothing under it counts any more, and nothing of it is shown.

        A delete is honoured whenever it comes, and for a post that is not remembered too: evidence lives longer.
        """
        post = self.memory.find(mention.thread, mention.key)
        if post is not None and post.deleted:
            effects.count("repeats")
            return
        self._hide(mention, post, matcher)
        if post is not None:
            post.deleted, post.topics, post.totals, post.edits = True, (), None, ()
            self.memory.change(mention.thread, mention.key)

    def _hide(self, mention: Mention, post: Post | None, matcher: Matcher) -> None:
        """Nothing of it is shown from here on."""
        name = post.topics[0] if post is not None and post.topics else ""
        at = matcher.index_of.get(name)
        gone = tombstone(mention, name, "" if at is None else matcher.topics[at].brand)
        self.evidence.append((mention.key, encode(gone)))

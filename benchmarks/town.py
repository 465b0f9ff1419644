"""A thousand rules and any number of mentions, by seed: what the benchmarks are measured on.

The mixture is that of the first measurements of this design: 45 % topics of keywords, 15 % of phrases, 28 % with all
and none, 4 % each of scripts without spaces, patterns and handles; texts of about 110 characters in five word lists,
with handles, links, hash tags and emoji; as JSON a mention would have about 800 bytes.
"""

import random
from itertools import accumulate
from typing import Final

from warn.model.mention import Mention
from warn.model.rules import Rule, RuleSet, Term, Topic

START: Final = 1_780_000_000
PER_SECOND: Final = 10_000
"""Mentions to one second of event time."""
_TOPICS_OF_BRAND: Final = 5
_ONSETS: Final = (
    "b",
    "br",
    "d",
    "f",
    "g",
    "gr",
    "k",
    "kl",
    "l",
    "m",
    "n",
    "p",
    "pr",
    "r",
    "s",
    "st",
    "t",
    "tr",
    "v",
    "w",
    "z",
)
_VOWELS: Final = ("a", "e", "i", "o", "u", "aa", "ee", "ie", "oo", "ei")
_ACCENTS: Final = ("é", "ü", "ã", "ï", "ñ", "ø")
_CODAS: Final = ("", "", "n", "r", "s", "t", "l", "m", "nd", "rt", "ng", "st")
_HAN: Final = "東京電力銀行火災事故製品新聞会社車両発表調査停止障害"
_LEXICON: Final = 120


class Town:
    """Rules and mentions of one seed. `matching`: the share of mentions that are made to name a topic."""

    def __init__(self, seed: int, topics: int, matching: float) -> None:
        self._rng = random.Random(seed)
        self._matching = matching
        self._words = self._vocabulary(6_000)
        self._weights = list(accumulate(1 / (rank + 20) for rank in range(len(self._words))))
        self._names = self._vocabulary(topics * 3, syllables=3, avoid=set(self._words))
        self._named: list[tuple[str, ...]] = []
        made = tuple(self._topic(i) for i in range(topics))
        self.rules = RuleSet(
            topics=made,
            rules=tuple(Rule(f"{one.name}!", "Spike", one.brand, one.name) for one in made),
            negative=tuple(self._rng.sample(self._words[500:], _LEXICON)),
        )

    def _vocabulary(self, n: int, syllables: int = 2, avoid: set[str] = frozenset()) -> list[str]:  # type: ignore[assignment]
        rng, found = self._rng, dict[str, None]()
        while len(found) < n:
            parts = [
                rng.choice(_ONSETS)
                + rng.choice(_VOWELS if rng.random() < 0.995 else _ACCENTS)
                + rng.choice(_CODAS)
                for _ in range(rng.randint(max(1, syllables - 1), syllables + 1))
            ]
            word = "".join(parts)
            if len(word) > 3 and word not in avoid:
                found[word] = None
        return list(found)

    def _topic(self, i: int) -> Topic:
        rng, names = self._rng, self._names[3 * i : 3 * i + 3]
        brand = f"Brand{i // _TOPICS_OF_BRAND}"
        kind = rng.random()
        a, b, c = names
        if kind < 0.45:
            self._named.append((a,))
            return Topic(f"{brand}/{i}", brand, any=(Term(a.title()), Term(b), Term(f"#{c}", "hashtag")))
        if kind < 0.60:
            self._named.append((a, b))
            return Topic(f"{brand}/{i}", brand, any=(Term(f"{a.title()} {b.title()}", "phrase"),))
        if kind < 0.88:
            word = rng.choice(self._words[300:])
            self._named.append((a, word))
            return Topic(f"{brand}/{i}", brand, any=(Term(a), Term(b)), all=(Term(word),), none=(Term(c),))
        if kind < 0.92:
            han = "".join(rng.choices(_HAN, k=4))
            self._named.append((han,))
            return Topic(f"{brand}/{i}", brand, any=(Term(han),))
        if kind < 0.96:
            self._named.append((f"{a}-{rng.randrange(9)}",))
            return Topic(f"{brand}/{i}", brand, any=(Term(rf"\b{a}-?\d+\b", "regex"),))
        self._named.append((f"@{a}",))
        return Topic(f"{brand}/{i}", brand, any=(Term(f"@{a}", "handle"),))

    def mentions(self, n: int) -> list[Mention]:
        """So many, in order of time."""
        return [self._mention(i) for i in range(n)]

    def _mention(self, i: int) -> Mention:
        rng = self._rng
        words = rng.choices(self._words, cum_weights=self._weights, k=rng.randint(8, 16))
        roll = rng.random()
        if roll < self._matching:
            words.insert(rng.randrange(len(words)), " ".join(rng.choice(self._named)))
        elif roll < self._matching + 0.15:
            words.insert(rng.randrange(len(words)), rng.choice(self._named)[0] + "en")
        if rng.random() < 0.3:
            words.insert(0, f"@{rng.choice(self._words)}{rng.randrange(99)}")
        if rng.random() < 0.2:
            words.append(f"https://news.example/{rng.randrange(500)}?utm_source=feed")
        if rng.random() < 0.15:
            words.append(rng.choice("🔥😡👍🚗"))
        words[0] = words[0].title()
        key = rng.getrandbits(63) + 1
        reply = rng.random() < 0.2
        parent = rng.getrandbits(63) + 1 if reply else 0
        return Mention(
            source=rng.choice(("bluesky", "mastodon", "reddit", "press")),
            key=key,
            thread=parent or key,
            kind="reply" if reply else "post",
            text=" ".join(words) + rng.choice((".", "!", "", " ...")),
            created_ms=START * 1000 + i * 1000 // PER_SECOND,
            parent=parent,
            author=rng.getrandbits(63) + 1,
            followers=int(rng.paretovariate(0.7)) % 5_000_000,
            seen_ms=START * 1000 + i * 1000 // PER_SECOND,
            lang=rng.choice(("en", "nl", "de", "fr", "es")),
            url=f"https://social.example/@somebody/{key}",
            id=f"at://did:plc:{key:x}/app.bsky.feed.post/{i}",
        )

"""What a partition's mentions are counted in: what is remembered, what is open, what is shown, and what is in force."""

from collections.abc import Sequence
from typing import Final

from warn.aggregate.memory import Memory
from warn.aggregate.tally import Name, Tally
from warn.match.matcher import NOTHING, Hit, Matcher
from warn.match.terms import Vocabulary
from warn.match.told import Told
from warn.model.mention import Mention
from warn.model.wire import encode
from warn.stages.evidence import Gate, evidence_of

LATE_S: Final = 600
EARLY_S: Final = 120
MAX_NAMES: Final = 100_000
PROFILES: Final = "\0profile"
"""Behind a topic's name, what the gate calls the profiles that name it; no topic is called so."""


class Counting:
    """What the mentions of one partition are counted in. `switch` and `now` are the stage's, at clocks."""

    def __init__(self, key: bytes, reach_floor: int) -> None:
        self.matcher: Matcher | None = None
        self.brands: list[str] = []
        self._names: dict[tuple[int, ...], tuple[str, ...]] = {}
        self.vocabulary = Vocabulary(key)
        self.memory = Memory()
        self.gate = Gate(reach_floor)
        self.tally = Tally(key, self.vocabulary.links)
        self.evidence: list[tuple[int, bytes]] = []
        """(mention's key, encoded) of what is to be shown; the stage takes and clears it."""
        self.matched = 0
        """Mentions, edits and updates that counted; the stage takes and resets it."""
        self.work = 0
        """Grows with what was done, in units of about a microsecond: when to let others run is the stage's."""
        self.key = key
        self.now = 0

    @property
    def now(self) -> int:
        """The partition's clock; 0 before the first."""
        return self.memory.now

    @now.setter
    def now(self, now: int) -> None:
        self.memory.now = self.tally.known_at = now
        self._after_ms, self._until_ms = max((now - LATE_S) * 1000, -1), (now + EARLY_S) * 1000

    def switch(self, matcher: Matcher) -> None:
        """These rules are in force from here on."""
        none: frozenset[str] = frozenset()
        self.matcher = matcher
        self.tally.names = [
            Name(one.name, matcher.brand_words.get(one.brand, none)) for one in matcher.topics
        ]
        self.brands = [one.brand for one in matcher.topics]
        self._names.clear()

    def named(self, topics: tuple[int, ...]) -> tuple[str, ...]:
        """Names of topics, one object for all posts that are about the same."""
        names = self._names.get(topics)
        if names is None:
            if len(self._names) >= MAX_NAMES:
                self._names.clear()
            names = self._names[topics] = tuple([self.tally.names[i].topic for i in topics])
        return names

    def in_time(self, mention_ms: int) -> bool:
        """Whether what happened then still counts, or counts already."""
        return self._after_ms < mention_ms <= self._until_ms

    def tell(self, mention: Mention, hit: Hit | None) -> Told:
        """What its text says; of a text that names no topic it has not been looked for yet."""
        if hit is NOTHING:
            hit = self.matcher.look(mention.text) if mention.text and self.matcher else None
        return Told(mention.text, mention.url, hit, self.vocabulary)

    def count(self, mention: Mention, topics: tuple[int, ...], told: Told, *, echo: bool) -> None:
        """Count for these topics; and keep for showing what is to be shown, once for each brand."""
        second = mention.created_ms // 1000
        self.work += 10 * len(topics)
        admitted = []
        for i in topics:
            self.tally.add(i, second, mention, told, echo=echo)
            if self.gate.admits(self.tally.names[i].topic, mention):
                admitted.append(i)
        self._show(mention, admitted, echo=echo)

    def show_profile(self, mention: Mention, topics: tuple[int, ...]) -> None:
        """Keep for showing how an account calls itself; as many a minute as of posts, and in no post's place."""
        admitted = [i for i in topics if self.gate.admits(self.tally.names[i].topic + PROFILES, mention)]
        self._show(mention, admitted, echo=False)

    def _show(self, mention: Mention, topics: Sequence[int], *, echo: bool) -> None:
        shown: set[str] = set()
        for i in topics:
            brand = self.brands[i]
            if brand not in shown:
                shown.add(brand)
                one = evidence_of(mention, self.tally.names[i].topic, brand, echo=echo)
                self.evidence.append((mention.key, encode(one)))

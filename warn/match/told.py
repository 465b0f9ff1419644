"""What one mention's text says: worked out at once, while all of it is at hand, for those mentions that count."""

from typing import Final

from warn.match.fold import fold
from warn.match.link import link_of
from warn.match.matcher import Hit
from warn.match.story import story_of
from warn.match.terms import MAX_TERMS, MAX_WORDS, Vocabulary, Written, split_words, written

_NONE: Final = written(())


class Told:
    """One text: whether it is negative, its story, its link, its terms.

    `hit` is what the matcher found; None for a text that was not looked at (a repost's is somebody else's).
    """

    __slots__ = ("_terms", "_without", "_words", "_written", "link", "negative", "story")

    def __init__(self, text: str, url: str, hit: Hit | None, vocabulary: Vocabulary) -> None:
        words = split_words((hit.folded if hit is not None else "") or fold(text))
        if len(words) > MAX_WORDS:
            words = words[:MAX_WORDS]
        self.negative = hit is not None and hit.negative
        self.story = story_of(words, vocabulary.key)
        self.link = link_of(text, url)
        self._words = dict.fromkeys(words)
        self._terms = vocabulary.terms
        self._written = _NONE
        self._without: frozenset[str] | None = None

    def terms(self, own: frozenset[str]) -> Written:
        """Its terms without the brand's `own` words, at most MAX_TERMS."""
        if self._without is not own:  # topics of one brand ask one after another
            self._without = own
            terms = self._terms
            found = [term for word in self._words if word not in own and (term := terms[word])]
            self._written = written(found[:MAX_TERMS])
        return self._written

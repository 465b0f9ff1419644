"""What one mention's text says: worked out at once, while all of it is at hand, for those mentions that count."""

from warn.match.fold import fold
from warn.match.link import link_of
from warn.match.matcher import Hit
from warn.match.story import story_of
from warn.match.terms import MAX_TERMS, MAX_WORDS, Vocabulary, split_words
from warn.model.records import Counted


class Told:
    """One text: whether it is negative, its story, its link, its terms.

    `hit` is what the matcher found; None for a text that was not looked at (a repost's is somebody else's).
    """

    __slots__ = ("_found", "_terms", "_without", "link", "negative", "story")

    def __init__(self, text: str, url: str, hit: Hit | None, vocabulary: Vocabulary) -> None:
        words = split_words((hit.folded if hit is not None else "") or fold(text))
        if len(words) > MAX_WORDS:
            words = words[:MAX_WORDS]
        self.negative = hit is not None and hit.negative
        self.story = story_of(words, vocabulary.key)
        self.link = link_of(text, url)
        terms = vocabulary.terms
        self._found = [term for word in dict.fromkeys(words) if (term := terms[word]) is not None]
        self._terms: tuple[Counted, ...] = ()
        self._without: frozenset[str] | None = None

    def terms(self, own: frozenset[str]) -> tuple[Counted, ...]:
        """Its terms without the brand's `own` words, at most MAX_TERMS, each as counted once."""
        if self._without is not own:  # topics of one brand ask one after another
            self._without = own
            self._terms = tuple([term for term in self._found if term[2] not in own][:MAX_TERMS])
        return self._terms

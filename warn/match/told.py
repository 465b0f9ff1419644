"""What one mention's text says: worked out at once, while all of it is at hand, for those mentions that count."""

from warn.match.fold import fold
from warn.match.link import link_of
from warn.match.matcher import Hit
from warn.match.story import story_of
from warn.match.terms import MAX_TERMS, MAX_WORDS, Vocabulary, split_words
from warn.model.wire import words_of_terms


class Told:
    """One text: whether it is negative, its story, its link, its terms.

    `hit` is what the matcher found; None for a text that was not looked at (a repost's is somebody else's).
    """

    __slots__ = ("_found", "_terms", "_without", "_words", "link", "negative", "story")

    def __init__(self, text: str, url: str, hit: Hit | None, vocabulary: Vocabulary) -> None:
        words = split_words((hit.folded if hit is not None else "") or fold(text))
        if len(words) > MAX_WORDS:
            words = words[:MAX_WORDS]
        self.negative = hit is not None and hit.negative
        self.story = story_of(words, vocabulary.key)
        self.link = link_of(text, url)
        self._words = dict.fromkeys(words)
        self._terms = vocabulary.terms
        self._found: tuple[tuple[bytes, ...], bytes] = ((), b"\x90")
        self._without: frozenset[str] | None = None

    def terms(self, own: frozenset[str]) -> tuple[tuple[bytes, ...], bytes]:
        """Its terms as they are written, without the brand's `own` words, at most MAX_TERMS; and their words alone."""
        if self._without is not own:  # topics of one brand ask one after another
            self._without = own
            terms = self._terms
            found = [term for word in self._words if word not in own and (term := terms[word])]
            some = tuple(found[:MAX_TERMS])
            self._found = some, words_of_terms(some)
        return self._found

"""What one mention's text says, each part worked out when it is first asked for."""

from warn.match.fold import fold
from warn.match.link import link_of
from warn.match.matcher import Hit
from warn.match.story import story_of
from warn.match.terms import MAX_TERMS, Vocabulary, words_of


class Told:
    """One text: whether it is negative, its story, its link, its terms.

    `hit` is what the matcher found; None for a text that was not looked at (a repost's is somebody else's).
    """

    __slots__ = ("_hit", "_link", "_negative", "_story", "_terms", "_text", "_url", "_vocabulary", "_words")

    def __init__(self, text: str, url: str, hit: Hit | None, vocabulary: Vocabulary) -> None:
        self._text = text
        self._url = url
        self._hit = hit
        self._vocabulary = vocabulary
        self._words: tuple[str, ...] | None = None
        self._terms: list[str] | None = None
        self._story = -1
        self._link: str | None = None
        self._negative: bool | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """The text's words, folded."""
        if self._words is None:
            folded = self._hit.folded if self._hit is not None else ""
            self._words = words_of(folded or fold(self._text))
        return self._words

    @property
    def negative(self) -> bool:
        """Whether it has a word of the negative lexicon."""
        if self._negative is None:
            self._negative = self._hit is not None and self._hit.negative
        return self._negative

    @property
    def story(self) -> int:
        """Its story key, 0 without words."""
        if self._story < 0:
            self._story = story_of(self.words, self._vocabulary.key)
        return self._story

    @property
    def link(self) -> str:
        """What it points to, "" for nothing."""
        if self._link is None:
            self._link = link_of(self._text, self._url)
        return self._link

    def terms(self, own: frozenset[str]) -> tuple[str, ...]:
        """Its terms without the brand's `own` words, at most MAX_TERMS."""
        found = self._terms
        if found is None:
            found = self._terms = list(filter(self._vocabulary.terms.__getitem__, dict.fromkeys(self.words)))
        if own.isdisjoint(found):
            return tuple(found[:MAX_TERMS])
        return tuple([word for word in found if word not in own][:MAX_TERMS])

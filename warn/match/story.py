"""Which texts tell the same story, told from the text alone, so that copies meet wherever they were matched.

The key is a hash of the first six words of three letters or more, without handles, addresses, case, accents' spelling
and punctuation. So a copy keeps its story when a "RT @somebody:" is put before it, when it is cut short, and when
a link, hash tags, emoji or "- The Daily News" follow. What it cannot see: another beginning ("Unbelievable! ..."). A
text with fewer such words is taken whole. In scripts without spaces a word is a run up to the next punctuation, of
which the first 16 characters count.
"""

from collections.abc import Sequence
from typing import Final

from warn.model.hashing import keyed

STORY_WORDS: Final = 6
_LETTERS: Final = 16
_LONG: Final = 3


def story_of(words: Sequence[str], key: bytes) -> int:
    """The story key of a text's words (`terms.words_of`), 64 bits; 0 for a text without words."""
    if not words:
        return 0
    told: list[str] = []
    for word in words:
        if len(word) >= _LONG:
            told.append(word[:_LETTERS])
            if len(told) == STORY_WORDS:
                return keyed(key, "story", " ".join(told))
    return keyed(key, "story", " ".join([word[:_LETTERS] for word in words]))

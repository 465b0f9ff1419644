"""One term of a rule as something to look for: a literal for the automaton, and what must hold around a hit of it.

Everything here is folded already. A plain word is a literal and two edges; that much the matcher tests by itself. All
else is a check, called with the text and the hit.
"""

from typing import NamedTuple, Protocol

from warn.match.edge import AT, KINDS, NOT_WORD, WORD, bounded, handle_ends, spaceless
from warn.match.fold import fold
from warn.match.pattern import Pattern, PatternError, compile_pattern
from warn.model.rules import Term

MAX_GAP = 40
MAX_SIGNS = 3
_SIGNS = {"handle": "@", "hashtag": "#", "cashtag": "$"}


class Check(Protocol):
    """What must hold around a hit of a literal."""

    def at(self, text: str, start: int, end: int) -> int:
        """Where the term begins whose literal was hit from `start` to `end`; -1 if it is not there."""


class Word(NamedTuple):
    """A literal with edges. A word is also found as a whole handle or hashtag: people write brands by their handles."""

    left: bool
    right: bool

    def at(self, text: str, start: int, end: int) -> int:
        if self.left and start:
            kind = KINDS[text[start - 1]]
            if kind == WORD or (kind == AT and not handle_ends(text, end)):
                return -1
        return -1 if self.right and end < len(text) and KINDS[text[end]] == WORD else start


class Signed(NamedTuple):
    """A handle, hashtag or cashtag with its sign: nothing before it that it could belong to, and whole."""

    sign: str

    def at(self, text: str, start: int, end: int) -> int:
        if start and (KINDS[text[start - 1]] == WORD or text[start - 1] == self.sign):
            return -1
        if self.sign == "#":
            whole = end >= len(text) or KINDS[text[end]] != WORD
        else:
            whole = handle_ends(text, end)
        return start if whole else -1


class Phrase(NamedTuple):
    """Words in this order; the literal is the longest of them, `before` and `after` are the others.

    Between two words may stand any white space and up to three other characters that are no part of a word
    ("Acme-Bank", "Acme & Co", "Acme,\\n Bank"); in scripts without spaces also nothing.
    """

    before: tuple[str, ...]
    after: tuple[str, ...]
    edges: Word

    def at(self, text: str, start: int, end: int) -> int:
        for word in reversed(self.before):
            start = _step_back(text, start, word)
            if start < 0:
                return -1
        for word in self.after:
            end = _step_on(text, end, word)
            if end < 0:
                return -1
        return self.edges.at(text, start, end)


class Regex(NamedTuple):
    """A pattern, one of whose necessary words was hit."""

    pattern: Pattern

    def at(self, text: str, start: int, end: int) -> int:
        return -1 if self.pattern.regex.search(text) is None else 0


class Atom(NamedTuple):
    """What to look for: any of `literals`, with `check`. No literals: it has to be tried on every text."""

    literals: tuple[str, ...]
    check: Check


def _gap_ok(gap: str, left: str, right: str) -> bool:
    if not gap:
        return spaceless(left) or spaceless(right)
    return len(gap) - sum(map(str.isspace, gap)) <= MAX_SIGNS


def _step_on(text: str, end: int, word: str) -> int:
    """Where `word` ends if it is the next after `end`, else -1."""
    at = end
    limit = min(len(text), end + MAX_GAP)
    while at < limit and KINDS[text[at]] != WORD and not text.startswith(word, at):
        at += 1
    if text.startswith(word, at) and _gap_ok(text[end:at], text[end - 1], word[0]):
        return at + len(word)
    return -1


def _step_back(text: str, start: int, word: str) -> int:
    """Where `word` begins if it is the last before `start`, else -1."""
    at = start
    limit = max(0, start - MAX_GAP)
    while at > limit and KINDS[text[at - 1]] != WORD and not text.endswith(word, 0, at):
        at -= 1
    if text.endswith(word, 0, at) and _gap_ok(text[at:start], word[-1], text[start]):
        return at - len(word)
    return -1


def _phrase_words(folded: str) -> list[str]:
    """The words of a phrase without the signs around them; a lone sign between words is left to the gap."""
    words = [part for part in folded.split() if any(KINDS[c] != NOT_WORD for c in part)]
    out = []
    for i, part in enumerate(words):
        first, last = 0, len(part)
        while i and first < last and KINDS[part[first]] == NOT_WORD:
            first += 1
        while i < len(words) - 1 and last > first and KINDS[part[last - 1]] == NOT_WORD:
            last -= 1
        out.append(part[first:last])
    return out


def _spelled(folded: str) -> Atom:
    """A word, or several."""
    words = _phrase_words(folded) or folded.split()
    edges = Word(bounded(words[0][0]), bounded(words[-1][-1]))
    if len(words) == 1:
        return Atom((words[0],), edges)
    anchor = max(range(len(words)), key=lambda i: (len(words[i]), -i))
    return Atom((words[anchor],), Phrase(tuple(words[:anchor]), tuple(words[anchor + 1 :]), edges))


def atom_of(term: Term) -> Atom:
    """What to look for. Raises PatternError for a term of nothing, or a pattern that cannot be read."""
    if term.kind == "regex":
        pattern = compile_pattern(term.text)
        return Atom(tuple(sorted(pattern.factors or ())), Regex(pattern))
    folded = fold(term.text).strip()
    if not folded:
        raise PatternError(f"{term.text!r} has nothing in it to look for")
    sign = _SIGNS.get(term.kind)
    if sign is None:
        return _spelled(folded)
    name = folded.lstrip(sign)
    if not name or name.split() != [name]:
        raise PatternError(f"{term.text!r} is no {term.kind}")
    return Atom((sign + name,), Signed(sign))

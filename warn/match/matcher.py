"""From a text to the topics it is about: one fold, one scan, and then only what a hit makes possible.

A text in which the scan finds nothing has cost the fold and the scan. Many texts are scanned as one, since most of what
a short scan costs is the call: a hit is put down to the text that it lies in.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

from warn.match.atom import Word
from warn.match.edge import AT, KINDS, WORD, handle_ends
from warn.match.fold import MAX_TEXT, fold
from warn.match.index import (
    Atoms,
    Expression,
    Hits,
    Nearby,
    always,
    clauses,
    expressions,
    in_order,
    literals,
    needs,
    searcher,
)
from warn.match.lexicon import Lexicon
from warn.match.own import base_topics, brand_words, own_authors, own_sources, public_only
from warn.model.rules import RuleSet, Topic

_WORD: Final = re.compile(r"\w+")
_APART: Final = "\x00"
"""What stands between texts that are scanned as one: no part of a word."""


class Hit:
    """What one text is about. `topics` are indices into the matcher's `topics`, ascending; `folded` is the text."""

    __slots__ = ("_lexicon", "folded", "topics")

    def __init__(self, folded: str, topics: tuple[int, ...], lexicon: Lexicon | None) -> None:
        self.folded = folded
        self.topics = topics
        self._lexicon = lexicon

    @property
    def negative(self) -> bool:
        """Whether a word of the negative lexicon is in the text."""
        return self._lexicon is not None and self._lexicon.is_in(self.folded)


class Matcher:
    """A rule set, ready. Building it raises PatternError; nothing else of it raises.

    `topics` are the rule set's, parents before what is within them. `key` is the installation's: accounts of ours are
    compared as author hashes. `own_authors`: those hashes to brands; `own_sources`: sources with role `own` to brands;
    `base_topics`: brand to its topics within no other; `brand_words`: the words that name a brand;
    `public_only`: topics that internal sources are not asked about.
    """

    def __init__(self, rules: RuleSet, key: bytes) -> None:
        self.topics: tuple[Topic, ...] = in_order(rules.topics)
        self.index_of: dict[str, int] = {one.name: i for i, one in enumerate(self.topics)}
        self.own_authors = own_authors(rules, key)
        self.own_sources = own_sources(rules)
        self.base_topics = base_topics(self.topics)
        self.brand_words = brand_words(self.topics)
        self.public_only = public_only(self.topics)
        atoms = Atoms()
        self._expressions = expressions(self.topics, atoms)
        chosen = clauses(self._expressions, atoms)
        self._triggers = frozenset(atom for clause in chosen for atom in clause)
        self._always = always(atoms.atoms)
        made = literals(atoms.atoms, self._triggers)
        self._plain, self._others, self._others_from = made.plain, made.others, made.others_from
        self._index(chosen, needs(self._expressions, chosen, atoms, made.texts))
        self._find = searcher(made.texts)
        self._one_by_one = bool(self._always) or any(_APART in one for one in made.texts)
        self._lexicon = Lexicon(rules.negative)

    def _index(self, chosen: Sequence[frozenset[int]], needed: Sequence[frozenset[int] | None]) -> None:
        """Under each atom the topics that it is enough for, and those that need more: which literals, for a start."""
        direct: dict[int, list[int]] = {}
        further: dict[int, list[tuple[int, frozenset[int] | None]]] = {}
        for i, clause in enumerate(chosen):
            for atom in clause:
                if self._expressions[i].simple:
                    direct.setdefault(atom, []).append(i)
                else:
                    further.setdefault(atom, []).append((i, needed[i]))
        self._direct = {atom: tuple(found) for atom, found in direct.items()}
        self._further = {atom: tuple(found) for atom, found in further.items()}

    def match(self, text: str) -> Hit:
        """The topics of a text; `NOTHING` if there are none. It may still be negative: that is what `look` is for."""
        folded = fold(text)
        hits = self._find(folded, True)
        below = self._others_from
        if not self._always:
            for hit in hits:
                if hit[0] < below:
                    break
            else:
                return NOTHING
        reasons = self._seen(folded, hits, below)
        return self._hit(folded, hits, reasons) if reasons else NOTHING

    def match_all(self, texts: Sequence[str]) -> list[Hit]:
        """`match` of each of many texts, which are scanned as one."""
        folded = [text.lower() if text.isascii() and len(text) <= MAX_TEXT else fold(text) for text in texts]
        joined = _APART.join(folded)
        if self._one_by_one or joined.count(_APART) != len(texts) - 1:
            return [self.match(text) for text in texts]
        hits = self._find(joined, True)
        found = [NOTHING] * len(texts)
        for i, start, n, seen in self._reasons(joined, folded, hits):
            found[i] = self._hit(folded[i], _around(hits, n, start, start + len(folded[i])), seen)
        return found

    def look(self, text: str) -> Hit:
        """A text that is about no topic by its own words, but is known to be about one by what it answers."""
        return Hit(fold(text), (), self._lexicon)

    def could_match(self, text: str) -> bool:
        """Whether a text may be about a topic: true for all that `match` finds and a little more, by the same scan."""
        folded = fold(text)
        hits = self._find(folded, True)
        if not hits and not self._always:
            return False
        return not self._triggers.isdisjoint(self._seen(folded, hits, self._others_from))

    def is_own(self, source: str, author: int) -> bool:
        """Whether this is an account of ours, or a source that is ours."""
        return author in self.own_authors or source in self.own_sources

    def own_topics(self, source: str, author: int) -> tuple[int, ...]:
        """What a post of ours that names nothing is about: the base topics of the brands whose it is."""
        brands = (*self.own_authors.get(author, ()), *self.own_sources.get(source, ()))
        return tuple(sorted({i for brand in brands for i in self.base_topics.get(brand, ())}))

    def _reasons(
        self, joined: str, texts: Sequence[str], hits: Hits
    ) -> Iterator[tuple[int, int, int, set[int]]]:
        """`_seen` of each of many texts that stand in one, where it is not empty: which text, where, one hit, atoms."""
        plain, others, kinds, below, length = self._plain, self._others, KINDS, self._others_from, len(joined)
        at, base, limit, near = 0, 0, len(texts[0]), 0
        seen: set[int] = set()
        tried: set[int] = set()
        for n, (literal, start, end) in enumerate(hits):
            if literal >= below:
                continue
            if start > limit:
                if seen:
                    yield at, base, near, seen
                    seen = set()
                tried.clear()
                while start > limit:
                    at, base = at + 1, limit + 1
                    limit = base + len(texts[at])
            near = n
            one = plain[literal]
            if one is not None:
                atom, left, right = one
                kind = kinds[joined[start - 1]] if left and start else 0
                if (not kind or (kind == AT and handle_ends(joined, end))) and not (
                    right and end < length and kinds[joined[end]] == WORD
                ):
                    seen.add(atom)
            if others[literal]:
                self._try(literal, texts[at], start - base, end - base, seen, tried)
        if seen:
            yield at, base, near, seen

    def _seen(self, text: str, hits: Hits, below: int) -> set[int]:
        """Atoms in the text that have a literal numbered `below`. The hot loop: `Word.at` is written out in it."""
        seen = {i for i, check in self._always if check.at(text, 0, 0) >= 0} if self._always else set()
        plain, others, kinds, length = self._plain, self._others, KINDS, len(text)
        tried: set[int] = set()
        for literal, start, end in hits:
            if literal >= below:
                continue
            one = plain[literal]
            if one is not None:
                atom, left, right = one
                kind = kinds[text[start - 1]] if left and start else 0
                if (not kind or (kind == AT and handle_ends(text, end))) and not (
                    right and end < length and kinds[text[end]] == WORD
                ):
                    seen.add(atom)
            if others[literal]:
                self._try(literal, text, start, end, seen, tried)
        return seen

    def _try(self, literal: int, text: str, start: int, end: int, seen: set[int], tried: set[int]) -> None:
        """What else a hit may mean; `tried`: patterns, which are tried once for a text."""
        for atom, check, once in self._others[literal]:
            if atom in seen or atom in tried:
                continue
            if once:
                tried.add(atom)
            if check.at(text, start, end) >= 0:
                seen.add(atom)

    def _hit(self, text: str, hits: Hits, reasons: set[int]) -> Hit:
        """Reasons to look at topics become topics."""
        found: set[int] = set()
        candidates: set[int] = set()
        there: set[int] = set()
        for atom in reasons:
            if (simple := self._direct.get(atom)) is not None:
                found.update(simple)
            if (others := self._further.get(atom)) is not None:
                there = there or {hit[0] for hit in hits}
                for i, need in others:
                    if need is None or not need.isdisjoint(there):
                        candidates.add(i)
        if candidates:
            seen = self._seen(text, hits, len(self._plain))
            # Ascending, so that a topic comes after the one that it is within.
            for i in sorted(candidates):
                if self._holds(self._expressions[i], text, hits, seen, found):
                    found.add(i)
        return Hit(text, tuple(sorted(found)), self._lexicon) if found else NOTHING

    def _holds(self, one: Expression, text: str, hits: Hits, seen: set[int], found: set[int]) -> bool:
        return (
            one.all <= seen
            and not (one.any and one.any.isdisjoint(seen))
            and one.none.isdisjoint(seen)
            and (one.parent < 0 or one.parent in found)
            and all(self._near(near, text, hits, seen) for near in one.near)
        )

    def _near(self, near: Nearby, text: str, hits: Hits, seen: set[int]) -> bool:
        """Whether each word stands somewhere so that first and last are at most `distance` words apart."""
        if not seen.issuperset(near.atoms):
            return False
        starts = [found.start() for found in _WORD.finditer(text)]
        marks = sorted(
            (bisect_right(starts, at), atom) for atom, at in self._hits_of(text, hits, frozenset(near.atoms))
        )
        last: dict[int, int] = {}
        for at, atom in marks:
            last[atom] = at
            if len(last) == len(set(near.atoms)) and at - min(last.values()) <= near.distance:
                return True
        return False

    def _hits_of(self, text: str, hits: Hits, atoms: frozenset[int]) -> Iterator[tuple[int, int]]:
        """(atom, where) of every hit of these atoms."""
        for literal, start, end in hits:
            one = self._plain[literal]
            if one is not None and one[0] in atoms and Word(one[1], one[2]).at(text, start, end) >= 0:
                yield one[0], start
            for atom, check, _ in self._others[literal]:
                if atom in atoms and (at := check.at(text, start, end)) >= 0:
                    yield atom, at


def _around(hits: Hits, n: int, start: int, end: int) -> Hits:
    """The hits beside the n-th that lie in the same text, counted from its start."""
    first = last = n
    while first and hits[first - 1][1] >= start:
        first -= 1
    while last < len(hits) and hits[last][2] <= end:
        last += 1
    return [(literal, a - start, b - start) for literal, a, b in hits[first:last]]


NOTHING: Final = Hit("", (), None)
"""What a text is about that names no topic."""

"""From a text to the topics it is about: one fold, one scan, and then only what a hit makes possible.

A text in which the scan finds nothing has cost the fold and the scan. The negative lexicon rides in the same automaton
behind all other literals, so that its hits are put aside unseen until somebody asks whether a text is negative.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

from warn.match.atom import Word
from warn.match.edge import AT, KINDS, WORD, handle_ends
from warn.match.fold import fold
from warn.match.index import Atoms, Expression, Nearby, always, clauses, expressions, in_order, literals
from warn.match.own import base_topics, brand_words, own_authors, own_sources, public_only
from warn.model.rules import RuleSet, Term, Topic

_WORD: Final = re.compile(r"\w+")
_Hits = list[tuple[int, int, int]]


class Hit:
    """What one text is about. `topics` are indices into the matcher's `topics`, ascending; `folded` is the text."""

    __slots__ = ("_hits", "_matcher", "folded", "topics")

    def __init__(self, folded: str, topics: tuple[int, ...], hits: _Hits, matcher: "Matcher | None") -> None:
        self.folded = folded
        self.topics = topics
        self._hits = hits
        self._matcher = matcher

    @property
    def negative(self) -> bool:
        """Whether a word of the negative lexicon is in the text."""
        return self._matcher is not None and self._matcher.is_negative(self.folded, self._hits)


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
        lexicon_from = len(atoms.atoms)
        self._negative = atoms.numbers(Term(one) for one in rules.negative)
        self._clauses(atoms)
        self._always = always(atoms.atoms)
        made = literals(atoms.atoms, self._triggers, lexicon_from)
        self._plain, self._others = made.plain, made.others
        self._lexicon = frozenset(
            i for i in range(len(made.texts)) if not self._negative.isdisjoint(made.atoms_of(i))
        )
        self._others_from, self._lexicon_from = made.others_from, made.lexicon_from
        self._find = AhoCorasick(
            made.texts,
            matchkind=MatchKind.Standard,
            store_patterns=False,
            implementation=Implementation.ContiguousNFA,
        ).find_matches_as_indexes

    def _clauses(self, atoms: Atoms) -> None:
        direct: dict[int, list[int]] = {}
        further: dict[int, list[int]] = {}
        for i, (one, clause) in enumerate(
            zip(self._expressions, clauses(self._expressions, atoms), strict=True)
        ):
            for atom in clause:
                (direct if one.simple else further).setdefault(atom, []).append(i)
        self._direct = {atom: tuple(found) for atom, found in direct.items()}
        self._further = {atom: tuple(found) for atom, found in further.items()}
        self._triggers = frozenset((*direct, *further))

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
        topics = self._topics(folded, hits, reasons) if reasons else ()
        return Hit(folded, topics, hits, self) if topics else NOTHING

    def look(self, text: str) -> Hit:
        """A text that is about no topic by its own words, but is known to be about one by what it answers."""
        folded = fold(text)
        return Hit(folded, (), self._find(folded, True), self)

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

    def is_negative(self, folded: str, hits: _Hits) -> bool:
        """Whether one of these hits is a word of the negative lexicon."""
        lexicon = self._lexicon
        for hit in hits:
            if hit[0] in lexicon:
                return any(True for _ in self._hits_of(folded, hits, self._negative))
        return False

    def _seen(self, text: str, hits: _Hits, below: int) -> set[int]:
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
            for atom, check, once in others[literal]:
                if atom in seen or atom in tried:
                    continue
                if once:
                    tried.add(atom)
                if check.at(text, start, end) >= 0:
                    seen.add(atom)
        return seen

    def _topics(self, text: str, hits: _Hits, reasons: set[int]) -> tuple[int, ...]:
        """Reasons to look at topics become topics."""
        found: set[int] = set()
        candidates: set[int] = set()
        for atom in reasons:
            if (simple := self._direct.get(atom)) is not None:
                found.update(simple)
            if (others := self._further.get(atom)) is not None:
                candidates.update(others)
        if candidates:
            seen = self._seen(text, hits, self._lexicon_from)
            # Ascending, so that a topic comes after the one that it is within.
            for i in sorted(candidates):
                if self._holds(self._expressions[i], text, hits, seen, found):
                    found.add(i)
        return tuple(sorted(found))

    def _holds(self, one: Expression, text: str, hits: _Hits, seen: set[int], found: set[int]) -> bool:
        return (
            one.all <= seen
            and not (one.any and one.any.isdisjoint(seen))
            and one.none.isdisjoint(seen)
            and (one.parent < 0 or one.parent in found)
            and all(self._near(near, text, hits, seen) for near in one.near)
        )

    def _near(self, near: Nearby, text: str, hits: _Hits, seen: set[int]) -> bool:
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

    def _hits_of(self, text: str, hits: _Hits, atoms: frozenset[int]) -> Iterator[tuple[int, int]]:
        """(atom, where) of every hit of these atoms."""
        for literal, start, end in hits:
            one = self._plain[literal]
            if one is not None and one[0] in atoms and Word(one[1], one[2]).at(text, start, end) >= 0:
                yield one[0], start
            for atom, check, _ in self._others[literal]:
                if atom in atoms and (at := check.at(text, start, end)) >= 0:
                    yield atom, at


NOTHING: Final = Hit("", (), [], None)
"""What a text is about that names no topic."""

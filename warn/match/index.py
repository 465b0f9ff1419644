"""Compiling a rule set: every literal once into one automaton, every topic under one clause that must be met.

A topic is only looked at when something it cannot do without was found: one of its `all` terms, a word of a `near`, or
any of its `any` terms; a topic with nothing but `within` and `none` hangs on its parent's. `none` is never a reason to
look. Topics are numbered so that a parent comes before what is within it.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

from warn.match.atom import Atom, Check, Regex, Word, atom_of
from warn.match.pattern import PatternError
from warn.model.rules import Term, Topic

MAX_ALWAYS = 16
"""Patterns without a word that must be there: each costs every mention of the stream."""


class Nearby(NamedTuple):
    """Atoms of words that must all stand within `distance` words."""

    atoms: tuple[int, ...]
    distance: int


class Expression(NamedTuple):
    """A topic as numbers of atoms; `parent` is the number of the topic it is within, or -1."""

    any: frozenset[int]
    all: frozenset[int]
    none: frozenset[int]
    near: tuple[Nearby, ...]
    parent: int

    @property
    def simple(self) -> bool:
        """Whether one atom of `any` is all it takes."""
        return not (self.all or self.none or self.near or self.parent >= 0)


class Atoms:
    """Every distinct term of a rule set under a number; terms that are spelled alike share it."""

    def __init__(self) -> None:
        self.atoms: list[Atom] = []
        self._by_term: dict[Term, int] = {}
        self._by_atom: dict[tuple[object, ...], int] = {}

    def number(self, term: Term) -> int:
        """The atom of a term. Raises PatternError."""
        known = self._by_term.get(term)
        if known is None:
            atom = atom_of(term)
            # A pattern is told apart by its text: compiled ones compare by identity.
            same = (term.text,) if isinstance(atom.check, Regex) else (type(atom.check), *atom)
            known = self._by_atom.setdefault(same, len(self.atoms))
            if known == len(self.atoms):
                self.atoms.append(atom)
            self._by_term[term] = known
        return known

    def numbers(self, terms: Iterable[Term]) -> frozenset[int]:
        """The atoms of several terms."""
        return frozenset(self.number(one) for one in terms)

    def telling(self, clause: frozenset[int]) -> tuple[int, int]:
        """How much it says that one of these was found: the longer the shortest literal, the rarer the find."""
        lengths = [len(text) for atom in clause for text in self.atoms[atom].literals or ("",)]
        return min(lengths), -len(lengths)


def in_order(topics: Sequence[Topic]) -> tuple[Topic, ...]:
    """Parents first. Raises PatternError where a topic is within itself, or within one that does not exist."""
    by_name = {one.name: one for one in topics}
    if len(by_name) < len(topics):
        raise PatternError("two topics have the same name")
    depth: dict[str, int] = {}
    for one in topics:
        path: list[str] = []
        name: str | None = one.name
        while name is not None and name not in depth:
            if name in path:
                raise PatternError(f"topic {name!r} is within itself: {' within '.join([*path, name])}")
            if name not in by_name:
                raise PatternError(f"topic {path[-1]!r} is within {name!r}, which does not exist")
            path.append(name)
            name = by_name[name].within
        base = -1 if name is None else depth[name]
        for i, step in enumerate(reversed(path)):
            depth[step] = base + 1 + i
    return tuple(sorted(topics, key=lambda one: depth[one.name]))


def _expression(topic: Topic, atoms: Atoms, numbers: dict[str, int]) -> Expression:
    if any(word.kind == "regex" for one in topic.near for word in one.words):
        raise PatternError(
            f"topic {topic.name!r}: a regex has no place among words, so it cannot stand in `near`"
        )
    try:
        made = Expression(
            atoms.numbers(topic.any),
            atoms.numbers(topic.all),
            atoms.numbers(topic.none),
            tuple(Nearby(tuple(map(atoms.number, one.words)), one.distance) for one in topic.near),
            -1 if topic.within is None else numbers[topic.within],
        )
    except PatternError as e:
        raise PatternError(f"topic {topic.name!r}: {e}") from None
    if not (made.any or made.all or made.near or made.parent >= 0):
        raise PatternError(f"topic {topic.name!r} has nothing to look for")
    return made


def expressions(topics: Sequence[Topic], atoms: Atoms) -> tuple[Expression, ...]:
    """All topics (parents first) as numbers. Raises PatternError with the topic's name."""
    numbers = {one.name: i for i, one in enumerate(topics)}
    return tuple(_expression(one, atoms, numbers) for one in topics)


def _must(one: Expression) -> list[frozenset[int]]:
    """Sets of atoms, of each of which one must be found."""
    must = [frozenset((atom,)) for atom in sorted(one.all)]
    must += [frozenset((atom,)) for near in one.near for atom in near.atoms]
    return [*must, one.any] if one.any else must


def clauses(made: Sequence[Expression], atoms: Atoms) -> list[frozenset[int]]:
    """For each topic the atoms of which one must be found before it is worth looking at."""
    found: list[frozenset[int]] = []
    for one in made:
        must = _must(one)
        # A parent's clause is necessary, too; but what is only within it would be looked at for each of its mentions.
        found.append(max(must, key=atoms.telling) if must else found[one.parent])
    return found


def needs(
    made: Sequence[Expression], chosen: Sequence[frozenset[int]], atoms: Atoms, texts: Sequence[str]
) -> list[frozenset[int] | None]:
    """For each topic the literals of another clause, of which one must be in a text, too; None where there is none."""
    number = {text: i for i, text in enumerate(texts)}
    found: list[frozenset[int] | None] = []
    for one, clause in zip(made, chosen, strict=True):
        rest = [c for c in _must(one) if c != clause and all(atoms.atoms[atom].literals for atom in c)]
        best = max(rest, key=atoms.telling, default=None)
        found.append(
            None
            if best is None
            else frozenset(number[text] for atom in best for text in atoms.atoms[atom].literals)
        )
    return found


def always(atoms: Sequence[Atom]) -> tuple[tuple[int, Check], ...]:
    """Patterns to try on every text. Raises PatternError where there are too many of them."""
    found = tuple((i, one.check) for i, one in enumerate(atoms) if not one.literals)
    if len(found) > MAX_ALWAYS:
        raise PatternError(
            f"{len(found)} patterns have no word of three letters or more that every match contains; "
            f"at most {MAX_ALWAYS} may be tried on every mention"
        )
    return found


class Literals(NamedTuple):
    """The automaton's patterns and, for each, what a hit may mean.

    `plain[i]`: (atom, left edge, right edge) of the plain word that it is, or None; `others[i]`: further atoms, their
    checks, and whether the check looks at the whole text, so that it is made once. They are numbered by when they
    matter: below `others_from` are those that make a topic worth looking at, from there on those that it needs besides.
    """

    texts: tuple[str, ...]
    plain: tuple[tuple[int, bool, bool] | None, ...]
    others: tuple[tuple[tuple[int, Check, bool], ...], ...]
    others_from: int

    def checks_of(self, literal: int) -> tuple[Check, ...]:
        """What must hold around a hit of this literal, one or another."""
        plain = self.plain[literal]
        words = () if plain is None else (Word(plain[1], plain[2]),)
        return (*words, *(check for _, check, _ in self.others[literal]))


def literals(atoms: Sequence[Atom], triggers: frozenset[int]) -> Literals:
    """Every literal once; `triggers` are the atoms that make something worth looking at."""
    numbers: dict[str, int] = {}
    plain: list[tuple[int, bool, bool] | None] = []
    others: list[list[tuple[int, Check, bool]]] = []
    counts: list[int] = []
    for group in (sorted(triggers), [i for i in range(len(atoms)) if i not in triggers]):
        for i in group:
            for text in atoms[i].literals:
                at = numbers.setdefault(text, len(numbers))
                if at == len(plain):
                    plain.append(None)
                    others.append([])
                check = atoms[i].check
                if isinstance(check, Word) and plain[at] is None:
                    plain[at] = (i, *check)
                else:
                    others[at].append((i, check, isinstance(check, Regex)))
        counts.append(len(numbers))
    return Literals(tuple(numbers), tuple(plain), tuple(map(tuple, others)), counts[0])


Hits = list[tuple[int, int, int]]
"""(literal, start, end) of each hit, by their ends."""


def searcher(texts: Sequence[str]) -> Callable[[str, bool], Hits]:
    """Finds every literal in a text, overlapping ones too if asked.

    The compact automaton: a full table (DFA) is four times as large and, once it has to share the cache, no faster.
    """
    return AhoCorasick(
        texts,
        matchkind=MatchKind.Standard,
        store_patterns=False,
        implementation=Implementation.ContiguousNFA,
    ).find_matches_as_indexes

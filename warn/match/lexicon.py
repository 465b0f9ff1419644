"""Words of which one is enough: whether a text is negative.

The lexicon has an automaton of its own. Its words are common, so in that of the topics they would be found in every
text; and only texts that count are asked.
"""

from collections.abc import Iterable

from warn.match.index import Atoms, literals, searcher
from warn.model.rules import Term


class Lexicon:
    """Words and phrases, compiled."""

    def __init__(self, words: Iterable[str]) -> None:
        atoms = Atoms()
        made = literals(atoms.atoms, atoms.numbers(map(Term, words)))
        self._checks = tuple(made.checks_of(i) for i in range(len(made.texts)))
        self._find = searcher(made.texts)

    def is_in(self, folded: str) -> bool:
        """Whether one of them is in a folded text."""
        checks = self._checks
        for literal, start, end in self._find(folded, True):
            for check in checks[literal]:
                if check.at(folded, start, end) >= 0:
                    return True
        return False

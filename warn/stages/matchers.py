"""Rule sets compiled once for a whole process: for the door, for the trial of a reload, and for every match partition."""

from collections.abc import Callable
from typing import Final

from warn.match.matcher import Matcher
from warn.model.hashing import content_hash
from warn.model.rules import RuleSet
from warn.model.wire import encode
from warn.stages.base import RuleSets

_KEPT: Final = 4


class Matchers:
    """Compiled rule sets by hash; the last few are kept.

    Compiling takes 0.1 s per thousand rules; whoever must not wait that long compiles in a thread beforehand.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._made: dict[str, Matcher] = {}

    def filter(self, ruleset: RuleSet) -> Callable[[str], bool]:
        """What the door goes by: match's own scan. Raises what compiling raises."""
        return self._make(content_hash(encode(ruleset)), lambda: ruleset).could_match

    def get(self, rulesets: RuleSets, name: str) -> Matcher:
        """By hash; raises `MissingConfigError` where the body is not here yet."""
        return self._make(name, lambda: rulesets(name))

    def _make(self, name: str, ruleset: Callable[[], RuleSet]) -> Matcher:
        found = self._made.get(name)
        if found is None:
            found = Matcher(ruleset(), self._key)
            while len(self._made) >= _KEPT:
                self._made.pop(next(iter(self._made)), None)
            self._made[name] = found
        return found

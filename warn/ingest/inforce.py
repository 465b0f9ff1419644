"""The rule sets in force, and the clock that names them.

A new rule set is written to `[config]`, the door filters by it from then on, and only then the next clock names it as
the newest: match switches at that clock, and nothing that the new rules want has been dropped before it. The one that
it replaces stays named, and the door goes on filtering by it, for ten minutes more: a mention may come in as late as
that, a worker that is behind still judges by the old rules until it has read that far, and one that starts anew on
saved state re-reads less than that. Letting a little too much in is cheap; letting too little in would not be seen.

Where collect has several seats, the owner of the first announces a new rule set before it names it: the others filter
by it too, and say so (`ingest.switch`).
"""

from collections.abc import Callable
from typing import Final

import msgspec

from warn.ingest.door import CouldMatch, Policy, policy
from warn.ingest.notices import RulesNotice
from warn.model.hashing import content_hash
from warn.model.records import Clock, Silent
from warn.model.rules import RuleSet
from warn.model.wire import encode
from warn.stages.base import MissingConfigError

RETIRE_S: Final = 600
"""How long a rule set stays named after another one became the newest."""
CLOCK_KEY: Final = b"clock"

Compile = Callable[[RuleSet], CouldMatch]
"""Makes the filter of a rule set: match's own scan, so that the door never drops what match would want."""

_body = msgspec.msgpack.Decoder(tuple[int, int, tuple[tuple[str, int], ...]])


class InForce:
    """Rule sets in force, the newest last, each since which clock; and the last clock written."""

    def __init__(self, key: bytes, compiles: Compile) -> None:
        self._key = key
        self._compiles = compiles
        self._named: list[tuple[str, int]] = []
        self._announced = ""
        self._rules: dict[str, tuple[RuleSet, CouldMatch]] = {}
        self.now = 0
        """The last clock written, in seconds; 0: none."""

    @property
    def newest(self) -> str:
        """Hash of the newest rule set, whether clocks name it yet or not; "" where there is none."""
        return self.notice.newest

    @property
    def notice(self) -> RulesNotice:
        """What clocks name, and what they are going to name."""
        return RulesNotice(tuple(name for name, _ in self._named), self._announced)

    def add(self, ruleset: RuleSet, now: int, *, announce: bool = False) -> bytes | None:
        """Make a rule set the newest; returns its body, to be written to `[config]`, or None where it is that already.

        `announce`: no clock names it until `come_into_force`. Raises what compiling raises, and changes nothing then.
        """
        body = encode(ruleset)
        name = content_hash(body)
        if name == self.newest:
            return None
        self._rules[name] = (ruleset, self._compiles(ruleset))
        if not announce:
            self._name(name, now)
        elif self._named and self._named[-1][0] == name:
            self._announced = ""  # back to what is in force, before the other ever was
        else:
            self._announced = name
        return body

    def come_into_force(self, now: int) -> None:
        """The next clock names what was announced."""
        if self._announced:
            self._name(self._announced, now)
            self._announced = ""

    def _name(self, name: str, now: int) -> None:
        self._named = [one for one in self._named if one[0] != name]
        self._named.append((name, now))

    def adopt(self, notice: RulesNotice, get: Callable[[str], RuleSet]) -> None:
        """Go by what the owner of the first seat says. `get` finds a rule set by hash; raises what it raises, and what
        compiling raises, and changes nothing then.
        """
        names = {*notice.named, notice.announced} - {""}
        for name in sorted(names - self._rules.keys()):
            ruleset = get(name)
            self._rules[name] = (ruleset, self._compiles(ruleset))
        self._named = [(name, 0) for name in notice.named]
        self._announced = notice.announced
        self._rules = {name: self._rules[name] for name in names}

    def policy(self) -> Policy:
        """What the door goes by: what clocks name, and what they are going to name."""
        named, announced = self.notice
        wanted = dict.fromkeys((*named, announced) if announced else named)
        return policy(self._key, (self._rules[name] for name in wanted))

    def expects(self) -> dict[str, int]:
        """The pulse that the newest rule set expects of each source, in seconds; the slowest where there are two."""
        if not self._named:
            return {}
        ruleset, _ = self._rules[self._named[-1][0]]
        pulses: dict[str, int] = {}
        for _, channel in ruleset.channels:
            if channel.expect_s is not None:
                pulses[channel.source] = max(channel.expect_s, pulses.get(channel.source, 0))
        return pulses

    def retire(self, now: int) -> bool:
        """Let go of what was replaced ten minutes ago; whether anything was."""
        kept = [
            one
            for one, after in zip(self._named, [*self._named[1:], ("", now)], strict=True)
            if after[1] + RETIRE_S > now
        ]
        gone = len(kept) < len(self._named)
        self._named = kept
        return gone

    def clock(self, now: int, deaf: tuple[str, ...] = (), silent: tuple[Silent, ...] = ()) -> Clock:
        """The clock at a second, later than the last one. Remembered as written."""
        self.now = now
        return Clock(now, deaf, tuple(name for name, _ in self._named), silent)

    def to_bytes(self) -> bytes:
        """The state record under `CLOCK_KEY`."""
        return encode((1, self.now, tuple(self._named)))

    def restore(self, body: bytes, get: Callable[[str], RuleSet], announced: str = "") -> None:
        """Take the state; `get` finds a rule set by hash; `announced`: what was to come into force. Raises ValueError.

        What was added since, while there was no seat to write it to, comes after what the seat remembers. Where it
        takes the place of a rule set whose body is lost, that one is named no more; otherwise MissingConfigError.
        """
        version, now, named = _body.decode(body)
        if version != 1:
            raise ValueError(f"clock: version {version}, which this release does not know")
        self.now = max(self.now, now)
        added, self._named = self._named, []
        replaced = bool(added or self._announced)
        for name, since in named:
            if self._found(name, get, needed=not replaced):
                self._named.append((name, since))
        for name, since in added:
            if not self._named or name != self._named[-1][0]:
                self._name(name, since)
        if not self._announced and announced and not added and self._found(announced, get, needed=False):
            self._announced = announced
        if self._named and self._announced == self._named[-1][0]:
            self._announced = ""

    def _found(self, name: str, get: Callable[[str], RuleSet], *, needed: bool) -> bool:
        if name not in self._rules:
            try:
                ruleset = get(name)
            except MissingConfigError:
                if needed:
                    raise
                return False
            self._rules[name] = (ruleset, self._compiles(ruleset))
        return True

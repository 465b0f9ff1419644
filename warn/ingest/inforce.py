"""The rule sets in force, and the clock that names them.

A new rule set is written to `[config]`, the door filters by it from then on, and only then the next clock names it as
the newest: match switches at that clock, and nothing that the new rules want has been dropped before it. The one that
it replaces stays named, and the door goes on filtering by it, for ten minutes more: a mention may come in as late as
that, a worker that is behind still judges by the old rules until it has read that far, and one that starts anew on
saved state re-reads less than that. Letting a little too much in is cheap; letting too little in would not be seen.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from warn.ingest.door import CouldMatch, Policy, policy
from warn.model.hashing import content_hash
from warn.model.records import Clock
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
        self._rules: dict[str, tuple[RuleSet, CouldMatch]] = {}
        self.now = 0
        """The last clock written, in seconds; 0: none."""

    @property
    def newest(self) -> str:
        """Hash of the newest rule set, or ""."""
        return self._named[-1][0] if self._named else ""

    def add(self, ruleset: RuleSet, now: int) -> bytes | None:
        """Make a rule set the newest; returns its body, to be written to `[config]`, or None where it is that already.

        Raises what compiling raises, and changes nothing then.
        """
        body = encode(ruleset)
        name = content_hash(body)
        if name == self.newest:
            return None
        self._rules[name] = (ruleset, self._compiles(ruleset))
        self._named = [one for one in self._named if one[0] != name]
        self._named.append((name, now))
        return body

    def policy(self) -> Policy:
        """What the door goes by."""
        return policy(self._key, (self._rules[name] for name, _ in self._named))

    def expects(self) -> dict[str, int]:
        """The pulse that the newest rule set expects of each source, in seconds; the slowest where there are two."""
        if not self._named:
            return {}
        ruleset, _ = self._rules[self.newest]
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

    def clock(self, now: int, deaf: tuple[str, ...] = ()) -> Clock:
        """The clock at a second, later than the last one. Remembered as written."""
        self.now = now
        return Clock(now, deaf, tuple(name for name, _ in self._named))

    def to_bytes(self) -> bytes:
        """The state record under `CLOCK_KEY`."""
        return encode((1, self.now, tuple(self._named)))

    def restore(self, body: bytes, get: Callable[[str], RuleSet]) -> None:
        """Take the state; `get` finds a rule set by hash. Raises ValueError.

        What was added since, while there was no seat to write it to, comes after what the seat remembers. Where it
        takes the place of a rule set whose body is lost, that one is named no more; otherwise MissingConfigError.
        """
        version, now, named = _body.decode(body)
        if version != 1:
            raise ValueError(f"clock: version {version}, which this release does not know")
        self.now = max(self.now, now)
        added, self._named = self._named, []
        for name, since in named:
            if name not in self._rules:
                try:
                    ruleset = get(name)
                except MissingConfigError:
                    if not added:
                        raise
                    continue
                self._rules[name] = (ruleset, self._compiles(ruleset))
            self._named.append((name, since))
        for name, since in added:
            if name != self.newest:
                self._named = [one for one in self._named if one[0] != name]
                self._named.append((name, since))

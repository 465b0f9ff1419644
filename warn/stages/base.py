"""The one shape of a stage: records in, effects out; no I/O, no clock, no event loop.

A worker opens one stage per input partition, hands it batches, and commits what it offers at the end of each step.
Same records in, same effects out, however they were batched.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple, Protocol

from warn.model.alerts import Delivery
from warn.model.errors import OwnWords, Reason
from warn.model.rules import RuleSet


class In(NamedTuple):
    """A record of the stage's input partition: its position there and its bytes."""

    position: int
    value: bytes


class Out(NamedTuple):
    """A record to write; a stage numbers partitions, it never leaves that to a hash of the bus's."""

    topic: str
    partition: int
    key: bytes
    value: bytes


class Effects:
    """What one step wants: collected by the stage, committed by the worker in one go.

    `state` maps keys to bodies (None deletes). `deliveries` go to senders, and only after the commit. `counts` are
    (name, label) to amount: telemetry's, never decided by. `dead` are (where, reason, message, payload). `heartbeats`:
    minutes whose canary has come through everything; an outside monitor is told after the commit.
    """

    __slots__ = ("counts", "dead", "deliveries", "heartbeats", "out", "state")

    def __init__(self) -> None:
        self.out: list[Out] = []
        self.state: dict[bytes, bytes | None] = {}
        self.deliveries: list[Delivery] = []
        self.counts: Counter[tuple[str, str]] = Counter()
        self.dead: list[tuple[str, str, str, bytes]] = []
        self.heartbeats: list[int] = []

    def emit(self, topic: str, partition: int, key: bytes, value: bytes) -> None:
        """Write a record."""
        self.out.append(Out(topic, partition, key, value))

    def count(self, name: str, label: str = "", by: int = 1) -> None:
        """Move a counter."""
        self.counts[name, label] += by


class MissingConfigError(OwnWords, LookupError):
    """A clock names a rule set whose body is not here yet: the worker waits for it, and alarms. Takes its hash."""

    reason = Reason.CONFIG

    def __str__(self) -> str:
        return f"the rule set {super().__str__()[:64]} is not in [config]: bring that back if it was deleted or set back"


RuleSets = Callable[[str], RuleSet]
"""Body of a rule set by hash; raises `MissingConfigError`."""


class Stage(Protocol):
    """A deterministic state machine over one input partition.

    Life: `restore` with every state record of the partition (possibly none), then `step` again and again; after one or
    more steps the worker calls `finish` and `offer`, and commits. `resume_from` says how far back input must be read
    again after a restore (None: from the committed position); during the re-read the worker drops all effects up to the
    committed position, and the stage skips per key what that key has already seen.
    """

    def restore(self, records: Iterable[tuple[bytes, int, bytes]], committed: int) -> None:
        """Take (key, position it was taken at, body) of each state record; `committed`: position of the last step."""

    @property
    def resume_from(self) -> int | None: ...

    def step(self, batch: Sequence[In], effects: Effects) -> Iterator[None]:
        """Work through a batch, yielding at least every 5 ms of work. A yield is no commit point.

        Raises `MissingConfigError` only while nothing has changed: before it touches its state a stage asks for every
        rule set that the clocks of the whole batch name. The worker drops the effects, waits for the body, and hands
        the same batch to the same stage again. After any other error it throws the stage away.
        """

    def finish(self, effects: Effects) -> Iterator[None]:
        """Put into `effects` what steps have begun and left open, so that more of it comes together; yields as they do."""

    def offer(self, effects: Effects, position: int) -> None:
        """Put the state that should be saved with these steps into `effects.state`; `position`: last record seen + 1."""

    def entries(self) -> Iterator[tuple[bytes, bytes]]:
        """Keyed state for the state hash: merged across partitions, without positions and without what the next touch
        would drop.
        """


def state_hash(stages: Mapping[str, Sequence[Stage]]) -> str:
    """One hex line over the keyed state of all stages, the same however many partitions it is spread over."""
    digest = blake2b(digest_size=32)
    for name in sorted(stages):
        for key, body in sorted(e for stage in stages[name] for e in stage.entries()):
            digest.update(b"%s %d %d " % (name.encode(), len(key), len(body)))
            digest.update(key)
            digest.update(body)
    return digest.hexdigest()

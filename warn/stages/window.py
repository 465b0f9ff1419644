"""What a worker has worked through and not committed yet: the effects of one step, or of several."""

from collections.abc import Iterator, Sequence

from warn.model.flow import DEADLETTERS, STAGE_INPUT
from warn.model.records import DeadLetter
from warn.model.wire import encode
from warn.stages.base import Effects, In, Out, Stage

MAX_PAYLOAD = 4096


class Window:
    """The steps since the last commit, added up. One commit makes all of them count, or none."""

    __slots__ = ("alone", "committed", "effects", "first", "position", "records", "took_s")

    def __init__(self, first: In) -> None:
        self.effects = Effects()
        self.first = first
        self.position = first.position
        """The position after the last record worked through."""
        self.records = 0
        self.took_s = 0.0
        """Seconds of work and commit; not those spent waiting for more."""
        self.alone = self.committed = False

    def add(self, effects: Effects, batch: Sequence[In], took_s: float) -> None:
        """A step is through."""
        if self.records:
            whole = self.effects
            whole.out += effects.out
            whole.state |= effects.state
            whole.deliveries += effects.deliveries
            whole.counts.update(effects.counts)
            whole.dead += effects.dead
            whole.heartbeats += effects.heartbeats
        else:
            self.effects = effects
        self.took_s += took_s
        self.records += len(batch)
        self.position = batch[-1].position + 1

    @property
    def is_awaited(self) -> bool:
        """Whether somebody waits for what these steps have to say."""
        effects = self.effects
        return bool(effects.out or effects.deliveries or effects.dead)

    def ends(self) -> tuple[In, In]:
        """Its first and its last record, for whoever has to say which they were."""
        return self.first, In(self.position - 1, b"")

    def close(self, stage: Stage) -> Iterator[None]:
        """Have the stage say what it has to say before a commit."""
        yield from stage.finish(self.effects)
        stage.offer(self.effects, self.position)

    def letters(self, at: int, shelf: int) -> None:
        """Write what could not be read to a partition of `[deadletters]`: where, why, when, and its first bytes."""
        for where, reason, message, payload in self.effects.dead:
            letter = encode(DeadLetter(where, reason, message, at, payload[:MAX_PAYLOAD]))
            self.effects.out.append(Out(DEADLETTERS, shelf, where.encode("utf-8", "replace"), letter))


class Pacing:
    """When a window is to be committed.

    `every_s`: the least time from one commit to the next, while fewer than `batch` records wait for it, so that what
    comes after a quiet time is committed at once; 0: every step is. `at_once`: what has something to write, or to
    deliver, is committed without that wait, and so is a record under suspicion. All times are the loop's.
    """

    __slots__ = ("at_once", "batch", "committed_at", "every_s")

    def __init__(self, every_s: float, batch: int, at_once: bool) -> None:
        self.every_s, self.batch, self.at_once = every_s, batch, at_once
        self.committed_at = float("-inf")
        """When the last commit was through."""

    def is_due(self, window: Window, now: float) -> bool:
        """Whether what is worked through is to be committed now."""
        return (
            now >= self.committed_at + self.every_s
            or window.alone
            or window.records >= self.batch
            or (self.at_once and window.is_awaited)
        )

    def wait_s(self, now: float) -> float:
        """How long a window that is open may still grow."""
        return max(0.0, self.committed_at + self.every_s - now)


def poisoned(stage: str, partition: int, one: In) -> Effects:
    """The effects of a record on which the stage fails however often it is tried: a dead letter, and no more."""
    effects = Effects()
    where = f"{STAGE_INPUT[stage]}:{partition}:{one.position}"
    effects.dead.append((where, "poison", f"{stage} failed on it", one.value))
    return effects

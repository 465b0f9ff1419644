"""How detect's state is saved and found again: one slice after another, never all at once.

A slice that changed since it was last saved needs the input from the position where it began to change. `oldest` is the
least of those positions; the head record, written with every step, holds it and how the stage stood there. Recovery
loads all slices, reads input again from `oldest`, and lets every slice skip what its own record has already seen.
"""

import math
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Protocol

import msgspec
from msgspec import Struct

from warn.model.records import Partial
from warn.model.rules import RuleSet
from warn.stages import slicestate
from warn.stages.base import Effects, RuleSets
from warn.stages.silence import Silence, State
from warn.stages.slice import Slice
from warn.stages.switch import meaning

HEAD = b"head"
RECORDS = 200
"""Input records in which every changed slice is saved once, and so what recovery has to read again at most. A live daemon
takes in a record a second and match partition at least: every slice within four minutes."""
SAVED = 4
"""Slices that a step saves at least, where so many have changed."""


class Mark(Struct, frozen=True, array_like=True):
    """How the stage stood at an input position."""

    position: int
    vector: tuple[tuple[int, int], ...]
    newest: int
    last_tick: int
    config: str
    switches: tuple[tuple[int, str], ...]
    deaf: tuple[tuple[int, tuple[str, ...]], ...]
    silence: bytes = b""


class Standing(Protocol):
    """The part of detect that is saved."""

    vector: dict[int, int]
    newest: int
    last_tick: int
    config: str
    switches: list[tuple[int, str]]
    deaf: list[tuple[int, tuple[str, ...]]]
    silence: Silence | None
    slices: dict[str, Slice]
    strangers: defaultdict[str, list[tuple[int, Partial]]]
    rulesets: RuleSets
    build: slicestate.Build


_head = msgspec.msgpack.Decoder(Mark)
_silence = msgspec.msgpack.Decoder(State).decode
_encode = msgspec.msgpack.Encoder(order="deterministic").encode


class Snapshots:
    """The saving side of one DetectStage."""

    def __init__(self, stage: Standing) -> None:
        self.stage = stage
        self.marks: OrderedDict[int, Mark] = OrderedDict()
        self.position = 0  # where the step at hand began
        self.changed: OrderedDict[str, int] = (
            OrderedDict()
        )  # topic -> position from which it changed, oldest first
        self.unsaved: list[str] = []  # topics created or dropped in the step at hand
        self.seen: dict[str, tuple[int, int]] = {}  # topic -> (position, tick) of its restored record
        self.resume_from: int | None = None

    # ---- what the stage asks

    def touch(self, name: str) -> None:
        """A slice changes in this step."""
        self.changed.setdefault(name, self.position)

    def is_new(self, name: str, position: int) -> bool:
        """Has the slice not seen the record at `position` yet? (False only while re-reading.)"""
        return position >= self.seen.get(name, (0, 0))[0]

    def is_ahead(self, name: str, tick: int) -> bool:
        """Has the slice not gone through `tick` yet? (False only while re-reading.)"""
        return tick > self.seen.get(name, (0, 0))[1]

    def replaced(self, old: Mapping[str, Slice], new: Mapping[str, Slice]) -> None:
        """Slices were created, changed or dropped by a rule set."""
        for name, one in new.items():
            if old.get(name) is not one:
                self.unsaved.append(name)
            else:
                self.touch(name)
        for name in old:
            if name not in new:
                self.unsaved.append(name)
                self.changed.pop(name, None)

    # ---- saving

    def offer(self, effects: Effects, position: int) -> None:
        """Save what was created, then the slices that have waited longest; and the head, each step."""
        stage = self.stage
        for name in self.unsaved:
            if name not in stage.slices:
                effects.state[_key(name)] = None
            else:
                self._save(effects, name)
        self.unsaved = []
        share = (position - self.position) / RECORDS
        for name in list(islice(self.changed, max(SAVED, math.ceil(len(self.changed) * share)))):
            self._save(effects, name)
        self.position = position
        self.marks[position] = self._mark(position)
        waiting = [self.changed[next(iter(self.changed))]] if self.changed else []
        waiting += [pos for held in stage.strangers.values() for pos, _ in held]
        oldest = self._mark_at(min(waiting, default=position))
        for known in [p for p in self.marks if p < oldest.position]:
            del self.marks[known]
        effects.state[HEAD] = _encode(oldest)

    def _save(self, effects: Effects, name: str) -> None:
        stage = self.stage
        self.changed.pop(name, None)
        effects.state[_key(name)] = slicestate.encode(stage.slices[name], stage.config, stage.last_tick)

    def _mark(self, position: int) -> Mark:
        stage = self.stage
        return Mark(
            position,
            tuple(stage.vector.items()),
            stage.newest,
            stage.last_tick,
            stage.config,
            tuple(stage.switches),
            tuple(stage.deaf),
            b"" if stage.silence is None else _encode(stage.silence.state),
        )

    def _mark_at(self, position: int) -> Mark:
        """The last mark at or before a position."""
        at = max((p for p in self.marks if p <= position), default=None)
        return (
            self.marks[at]
            if at is not None
            else Mark(0, tuple((p, 0) for p in self.stage.vector), 0, 0, "", (), ((0, ()),))
        )

    # ---- finding again

    def restore(self, records: Iterable[tuple[bytes, int, bytes]], committed: int) -> None:
        """Take the slices as they were saved, and stand where the oldest of them needs input from."""
        stage, saved = self.stage, []
        for key, position, body in records:
            if key == HEAD:
                self._stand(_head.decode(body))
            else:
                saved.append((position, slicestate.decode(body)))
        for position, state in saved:
            rules = stage.rulesets(state.config)
            stage.slices[state.topic] = _revived(state, rules, stage)
            self.seen[state.topic] = (position, state.tick)
        if self.resume_from is None and committed:
            raise ValueError("state without its head record")

    def _stand(self, head: Mark) -> None:
        stage = self.stage
        stage.vector.update(head.vector)
        stage.newest, stage.last_tick, stage.config = head.newest, head.last_tick, head.config
        stage.switches, stage.deaf = list(head.switches), list(head.deaf)
        if stage.silence is not None and head.silence:
            stage.silence.state = _silence(head.silence)
        self.position = self.resume_from = head.position
        self.marks = OrderedDict({head.position: head})

    def entries(self, now: int) -> Iterator[tuple[bytes, bytes]]:
        """One entry a topic, for the state hash."""
        for name, one in self.stage.slices.items():
            yield _key(name), slicestate.essence(one, now)


def _key(name: str) -> bytes:
    return b"topic " + name.encode()


def _revived(state: slicestate.SliceState, rules: RuleSet, stage: Standing) -> Slice:
    topics = {t.name: t for t in rules.topics}
    mine = [r for r in rules.rules if r.topic == state.topic]
    one = slicestate.revive(state, topics[state.topic], mine, stage.build)
    one.meaning = meaning(topics, state.topic)
    return one

"""Planted bugs in collect, in the worker, in respond and in what is told to pagers."""

import functools
from collections.abc import Sequence
from typing import Any, Final

from msgspec.structs import replace

from tests.simulation.plant import Patched, Plant
from warn.bus.base import Seat
from warn.incident import outbox
from warn.incident.call import Call, Said
from warn.incident.course import _fire as fire
from warn.incident.outbox import Outbox
from warn.incident.page import tell
from warn.ingest import memory as door
from warn.ingest.overlap import Overlap
from warn.ingest.switch import Switch
from warn.model.alerts import Receipt, Tick
from warn.stages import respond
from warn.stages.base import In, Stage
from warn.stages.respond import RespondStage
from warn.stages.window import Window
from warn.worker import Worker


def _no_overlap(self: Overlap, one: int) -> None:
    """What was read is not remembered, only what the cursor says."""


def _never_known(self: door.Memory, key: int, thread: int, now: int) -> None:
    """The door remembers no threads."""


def _forgetful(self: door.Memory, **more: Any) -> None:
    """The door forgets within the hour."""
    _INIT(self, keep_s=1200, touch_s=60)


_INIT = door.Memory.__init__


def _nobody_behind(self: Switch, notices: Any) -> list[int]:
    """The clock names a rule set at once, whatever the other seats of collect filter by."""
    return []


# ---- the worker


class Restless(Worker):
    """After a failed commit the worker goes on with the stage it has."""

    def __post_init__(self) -> None:
        super().__post_init__()
        fresh, self._kept = self.make_stage, None

        def make() -> Stage:
            if self._kept is None:
                self._kept = _Once(fresh())
            return self._kept

        self.make_stage = make

    _kept: "_Once | None"


class _Once:
    """A stage that takes its state once."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._restored = False

    def restore(self, records: Any, committed: int) -> None:
        if not self._restored:
            self._restored = True
            self._stage.restore(records, committed)

    @property
    def resume_from(self) -> int | None:
        return None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stage, name)


class Eager(Worker):
    """Deliveries are handed to senders before the step that claims them is committed."""

    async def _commit(self, seat: Seat, stage: Stage, window: Window) -> None:
        if window.effects.deliveries and self.on_deliveries is not None:
            await self.on_deliveries(window.effects.deliveries)
            window.effects.deliveries = []
        await super()._commit(seat, stage, window)


class Repeating(Worker):
    """What is read again after a restore is committed again."""

    async def _insist(self, seat: Any, stage: Stage, batch: Sequence[In], window: Any) -> Any:
        if seat is not None or not self._held:
            return await super()._insist(seat, stage, batch, window)
        return await super()._insist(self._held[-1], stage, batch, None) and None

    async def _serve(self, seat: Seat, stage: Stage) -> None:
        self._held = [seat]
        await super()._serve(seat, stage)

    _held: list[Seat]


class Reopening(Worker):
    """Somebody who was fenced commits the same step again on a new seat."""

    async def _commit(self, seat: Seat, stage: Stage, window: Window) -> None:
        again = functools.partial(super()._commit, stage=stage, window=window)
        try:
            await again(seat)
        except Exception:  # noqa: BLE001 - that is the bug
            fresh = await self.bus.open(self.stage_name, self.partition)
            await fresh.commit(window.effects.out, window.effects.state, window.position)
            window.committed = True


def _worker(name: str, worker_type: type[Worker]) -> Plant:
    plant = Plant()
    plant.name, plant.worker_type = name, worker_type
    return plant


# ---- respond


def _ticking(self: RespondStage, record: Any, effects: Any) -> None:
    """The timers of incidents go by the ticks of the wall."""
    if isinstance(record, Tick):
        for course in list(self._courses.values()):
            for turn in fire(course, record.now):
                event = tell(turn, "")
                respond._emit(effects, event)
                self._outbox.say(event)
                self._changed.add(course.brand)
    _TAKE(self, record, effects)


_TAKE = RespondStage._take


def _courses_in_memory(self: RespondStage, effects: Any, position: int) -> None:
    self._changed.clear()
    _OFFER(self, effects, position)


def _outbox_in_memory(self: RespondStage, effects: Any, position: int) -> None:
    self._outbox.changed.clear()
    _OFFER(self, effects, position)


_OFFER = RespondStage.offer


def _sent_already(self: Outbox, call: Call, said: Said) -> None:
    """What is about to be sent is marked as sent."""
    _CLAIM(self, call, said)
    self._received(call, said, Receipt(now=0, delivery=said.id, attempt=said.attempt, outcome="delivered"))


def _fresh_key(self: Outbox, call: Call, said: Said) -> None:
    """Each attempt has a key of its own."""
    _CLAIM(self, call, said)
    self.claims[-1] = replace(self.claims[-1], dedup_key=f"{said.id}-{said.attempt}")


def _one_key(self: Outbox, call: Call, said: Said) -> None:
    """The key names the rule and no more: neither the incident nor its wave."""
    _CLAIM(self, call, said)
    self.claims[-1] = replace(self.claims[-1], dedup_key=said.event.rule)


_CLAIM = Outbox._claim


PLANTS: Final = (
    Patched("collect remembers only its cursor", (Overlap, "add", _no_overlap)),
    Patched("the door remembers no threads", (door.Memory, "put", _never_known)),
    Patched("the door forgets before match does", (door.Memory, "__init__", _forgetful)),
    Patched("a rule set named before every seat filters by it", (Switch, "behind", _nobody_behind)),
    _worker("a stage used again after a failed commit", Restless),
    _worker("deliveries before the commit", Eager),
    _worker("what is read again is committed again", Repeating),
    _worker("a fenced step is committed on a new seat", Reopening),
    Patched("incidents timed by the wall", (RespondStage, "_take", _ticking)),
    Patched("incidents only in memory", (RespondStage, "offer", _courses_in_memory)),
    Patched("outbox only in memory", (RespondStage, "offer", _outbox_in_memory)),
    Patched("outbox marked as sent before sending", (Outbox, "_claim", _sent_already)),
    Patched("a fresh key for every send", (Outbox, "_claim", _fresh_key)),
    Patched("a key without the episode", (Outbox, "_claim", _one_key)),
    Patched("an unknown outcome is never tried again", (outbox, "UNKNOWN_S", 10**9)),
)

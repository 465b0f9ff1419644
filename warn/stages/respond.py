"""respond: alerts become incidents, and incidents become things said to people.

Two state machines side by side. The *courses* of the brands (`warn.incident.course`) hear AlertEvents and
Beats only and are what must be repeatable: they alone are in the state hash. The *outbox*
(`warn.incident.outbox`) hears what the courses say, Ticks and Receipts; it governs delivery, which depends on
the world, and never a course.

State is small: one key per brand with an incident, one per open call, one per route that rang this hour, and
the time of delivery while any of these need it. All of what a step changed is offered with that step.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from warn.incident.call import Call
from warn.incident.ceiling import Pages
from warn.incident.course import Course, take
from warn.incident.lead import lead
from warn.incident.outbox import Outbox, Time
from warn.incident.page import tell
from warn.incident.route import Route, check_routes
from warn.model.alerts import (
    AlertEvent,
    Article,
    Beat,
    DeliveryEvent,
    DeskRecord,
    IncidentEvent,
    Passed,
    Receipt,
    Tick,
)
from warn.model.flow import DESK, INCIDENTS
from warn.model.records import Canary
from warn.model.wire import UnknownKindError, UnreadableError, decode_desk, encode
from warn.stages.base import Effects, In
from warn.stages.canaries import Canaries

__all__ = ["RespondStage", "check_routes"]

_COURSE, _CALL, _PAGES, _TIME = b"course:", b"call:", b"pages:", b"time"
_YIELD_EVERY = 32
"""Records between yields: a record costs well under 0.1 ms."""

_decode_course = msgspec.msgpack.Decoder(Course).decode
_decode_call = msgspec.msgpack.Decoder(Call).decode
_decode_pages = msgspec.msgpack.Decoder(Pages).decode
_decode_time = msgspec.msgpack.Decoder(Time).decode


class RespondStage:
    """The one partition of `[desk]`. Without routes it tells nobody. `label` ([DEMO]) begins every text.
    `signal_partitions`: how many partitions of detect hand canaries on.
    """

    def __init__(self, routes: Sequence[Route] = (), label: str = "", *, signal_partitions: int = 1) -> None:
        self._canaries = Canaries(signal_partitions)
        self._label = label
        self._courses: dict[str, Course] = {}
        self._outbox = Outbox(routes, label)
        self._changed: set[str] = set()
        self._stored: dict[bytes, bytes] = {}

    def restore(self, records: Iterable[tuple[bytes, int, bytes]], committed: int) -> None:
        """Take state; raises ValueError for a body or key that this release does not know."""
        for key, _, body in records:
            self._stored[key] = body
            try:
                if key.startswith(_COURSE):
                    course = _decode_course(body)
                    self._courses[course.brand] = course
                elif key.startswith(_CALL):
                    call = _decode_call(body)
                    self._outbox.calls[call.id] = call
                elif key.startswith(_PAGES):
                    self._outbox.pages[key.removeprefix(_PAGES).decode()] = _decode_pages(body)
                elif key == _TIME:
                    self._outbox.time = _decode_time(body)
                else:
                    raise ValueError(f"respond's state holds a key that this release does not know: {key!r}")
            except msgspec.MsgspecError as e:
                raise ValueError(f"respond's state under {key!r} cannot be read: {e}") from e

    @property
    def resume_from(self) -> int | None:
        """State is whole at every step: input goes on from the committed position."""
        return None

    def step(self, batch: Sequence[In], effects: Effects) -> Iterator[None]:
        """Work through records of `[desk]`."""
        for i, (position, value) in enumerate(batch, 1):
            try:
                record = decode_desk(value)
            except UnknownKindError:
                effects.count("unknown_kind", DESK)
            except UnreadableError as e:
                effects.count("unreadable", DESK)
                effects.dead.append((f"{DESK}/0/{position}", "unreadable", str(e), value))
            else:
                self._take(record, effects)
            if i % _YIELD_EVERY == 0:
                yield

    def _take(self, record: DeskRecord, effects: Effects) -> None:
        outbox = self._outbox
        if isinstance(record, Tick):
            outbox.tick(record.now)
        elif isinstance(record, Receipt):
            outbox.receipt(record)
        elif isinstance(record, Passed):
            self._pass(record, effects)
        else:
            self._live(record, effects)
        for delivery_event in outbox.events:
            _emit(effects, delivery_event)
        for outcome in outbox.counts:
            effects.count("notifications", outcome)
        effects.deliveries.extend(outbox.claims)
        for collected in (outbox.events, outbox.counts, outbox.claims):
            collected.clear()

    def _pass(self, record: Passed, effects: Effects) -> None:
        """A canary that came through all of warn is its heartbeat, unless somebody was to be woken and cannot be."""
        outbox = self._outbox
        if self._canaries.hear(Canary(record.minute, record.partition)):
            overdue = any(call.overdue(outbox.time.elapsed) for call in outbox.calls.values())
            effects.count("heartbeats", "withheld" if overdue else "given")
            if not overdue:
                effects.heartbeats.append(record.minute)

    def _live(self, record: AlertEvent | Beat | Article, effects: Effects) -> None:
        """A brand's own time and troubles."""
        course = self._courses.get(record.brand)
        if course is None:
            if not isinstance(record, AlertEvent) or record.kind == "resolved":
                return
            course = self._courses[record.brand] = Course(record.brand)
        turns = take(course, record)
        if turns or not isinstance(record, Beat):
            self._changed.add(record.brand)
        for turn in turns:
            event = tell(turn, self._label)
            effects.count("incidents", event.event)
            if turn.leads and turn.mode == "live":
                _lead(event, effects)
            _emit(effects, event)
            self._outbox.say(event)
        if not course.incidents:
            del self._courses[record.brand]

    def finish(self, effects: Effects) -> Iterator[None]:
        """Nothing: a step leaves nothing open."""
        return iter(())

    def offer(self, effects: Effects, position: int) -> None:
        """Put what changed since the last offer into the step's state."""
        outbox = self._outbox
        for brand in self._changed:
            course = self._courses.get(brand)
            self._keep(effects, _COURSE + brand.encode(), None if course is None else encode(course))
        for name in outbox.changed:
            call = outbox.calls.get(name)
            self._keep(effects, _CALL + name.encode(), None if call is None else encode(call))
        self._changed.clear()
        outbox.changed.clear()
        self._offer_time(effects)

    def _offer_time(self, effects: Effects) -> None:
        """Delivery time is kept while something open or an hour's pages need it; else it may begin anew."""
        outbox = self._outbox
        for route in outbox.forget_pages():
            self._keep(effects, _PAGES + route.encode(), None)
        for route, pages in outbox.pages.items():
            self._keep(effects, _PAGES + route.encode(), encode(pages))
        self._keep(effects, _TIME, encode(outbox.time) if outbox.pages or outbox.waiting else None)

    def _keep(self, effects: Effects, key: bytes, body: bytes | None) -> None:
        """Offer a body, or its end, unless the state says so already."""
        if self._stored.get(key) == body:
            return
        effects.state[key] = body
        if body is None:
            del self._stored[key]
        else:
            self._stored[key] = body

    def entries(self) -> Iterator[tuple[bytes, bytes]]:
        """The courses alone: delivery depends on the world, and the state hash must not."""
        for brand, course in self._courses.items():
            yield _COURSE + brand.encode(), encode(course)


def _lead(event: IncidentEvent, effects: Effects) -> None:
    """How far we were ahead of the press at least, or behind it at most, when both are known."""
    known = lead(event.page_at, event.press_at, event.press_seen_at)
    if known is None:
        return
    who = "warn" if known.least > 0 else "press"
    effects.count("leads", who)
    effects.count("lead_seconds", who, by=abs(known.least))


def _emit(effects: Effects, event: IncidentEvent | DeliveryEvent) -> None:
    effects.emit(INCIDENTS, 0, event.incident.encode(), encode(event))

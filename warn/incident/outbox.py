"""What must be said to whom, decided and remembered before anything is sent.

    pending -> claimed -> delivered | refused | (retry) pending | expired | superseded

A claim is made here, inside a step; the attempt is handed to a sender only after that step was committed; a
receipt ends it. Whatever is lost in between, claim or receipt, comes back as a claim without receipt: after
30 s its outcome counts as unknown and it is claimed again, under the same id and key, marked as possibly
repeated.

Delivery time is not wall time: it is the sum of the steps between ticks, none longer than ten seconds. So a
clock that is set back delays no retry, and one that is set forward, or a daemon that was down for an hour,
expires no page.
"""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from warn.incident.call import ESCALATE_S, FAILURES, UNKNOWN_S, Call, End, Said, Told, wait_s
from warn.incident.ceiling import MOST_LINES, Pages
from warn.incident.page import gather
from warn.incident.route import Route
from warn.model.alerts import Delivery, DeliveryEvent, IncidentEvent, Receipt
from warn.model.hashing import keyed

LONGEST_STEP_S = 10


class Time(Struct):
    """Delivery time, and the wall clock of the last tick."""

    elapsed: int = 0
    wall: int = 0


class Outbox:
    """All open calls of all routes. `events`, `claims` and `counts` collect until the stage takes them."""

    def __init__(self, routes: Sequence[Route], label: str = "") -> None:
        self.routes = tuple(routes)
        self.label = label
        self.calls: dict[str, Call] = {}
        self.pages: dict[str, Pages] = {}
        self.time = Time()
        # After a restart the last tick may be hours old: nothing is claimed before the next one.
        self.ticking = False
        self.changed: set[str] = set()
        self.events: list[DeliveryEvent] = []
        self.claims: list[Delivery] = []
        self.counts: list[str] = []

    def say(self, event: IncidentEvent) -> None:
        """Something happened to an incident: enter what follows from it."""
        if event.event == "resolved":
            for call in self._calls_of(event.incident):
                call.incidents.remove(event.incident)
                if call.closing:
                    self._close(call, event)
                self.changed.add(call.id)
        else:
            for route in self.routes:
                if route.takes(event):
                    self._tell(route, event)
        self._pump()

    def tick(self, now: int) -> None:
        """A second has passed, or the clock was set."""
        if self.time.wall:
            self.time.elapsed += min(max(now - self.time.wall, 0), LONGEST_STEP_S)
        self.time.wall = now
        self.ticking = True
        self._pump()

    def receipt(self, receipt: Receipt) -> None:
        """What became of an attempt; one that was told before, or is not known any more, changes nothing."""
        for call in self.calls.values():
            for said in call.said:
                if said.id == receipt.delivery and said.open:
                    self._received(call, said, receipt)
                    self.changed.add(call.id)
                    self._pump()
                    return

    @property
    def waiting(self) -> bool:
        """Something is still to be said."""
        return any(said.open for call in self.calls.values() for said in call.said)

    def forget_pages(self) -> list[str]:
        """Routes that have not rung within the hour; they are no longer counted."""
        quiet = [name for name, pages in self.pages.items() if pages.over(self.time.elapsed)]
        for name in quiet:
            del self.pages[name]
        return quiet

    def _calls_of(self, incident: str) -> list[Call]:
        return [c for c in self.calls.values() if incident in c.incidents]

    def _ordered(self) -> Iterator[Call]:
        """Oldest first, whatever order a restart brought them back in."""
        yield from sorted(self.calls.values(), key=lambda c: (c.at, c.id))

    def _tell(self, route: Route, event: IncidentEvent) -> None:
        mine = [c for c in self._calls_of(event.incident) if c.route == route.name]
        newest = max(mine, key=lambda c: (c.at, c.id), default=None)
        if newest is not None and newest.heard and event.event == "updated":
            # Where nothing has rung an update rings: severity rose into the route, or nobody was reached.
            self._update(newest, event)
            return
        for older in mine:
            # A gathering call speaks for other incidents too: a wave of one does not silence it.
            for said in [] if older.lines else older.said:
                if said.state == "pending":
                    self._done(older, said, "superseded", "a newer wave")
        key = f"{event.incident}-{event.sequence}"
        call = Call(
            id=f"{key}-{route.name}", key=key, route=route.name, at=event.at, incidents=[event.incident]
        )
        for rung, target in enumerate(route.notifiers):
            call.add("trigger", target.notifier, rung, event)
        self.calls[call.id] = call
        self.changed.add(call.id)

    def _update(self, call: Call, event: IncidentEvent) -> None:
        """Say newer numbers to those who were told, and put them into what nobody was told yet."""
        for ring in [s for s in call.said if s.action == "trigger"]:
            if ring.untried:
                ring.event = event
            elif ring.open or ring.may_have_arrived:
                for older in call.said:
                    if older.notifier == ring.notifier and older.action == "update" and older.untried:
                        self._done(call, older, "superseded", "newer numbers")
                call.add("update", ring.notifier, ring.rung, event)
        self.changed.add(call.id)

    def _close(self, call: Call, event: IncidentEvent) -> None:
        for ring in [s for s in call.said if s.action == "trigger"]:
            if not ring.untried and (ring.open or ring.may_have_arrived):
                call.add("resolve", ring.notifier, ring.rung, event)

    def _received(self, call: Call, said: Said, receipt: Receipt) -> None:
        if receipt.outcome == "delivered":
            # True of any attempt, however late: it was said.
            self._done(call, said, "delivered", receipt.reason, receipt.now)
            if said.action == "trigger":
                for other in call.said:
                    if other.action == "trigger" and other.rung > said.rung and other.untried:
                        self._done(call, other, "superseded", "not needed", receipt.now)
        elif said.state != "claimed" or receipt.attempt != said.attempt:
            return
        elif receipt.outcome == "refused":
            self._done(call, said, "refused", receipt.reason, receipt.now)
            self._escalate(call, said)
        else:
            self._failed(call, said, receipt.reason, receipt.now)
            said.due = self.time.elapsed + wait_s(said, receipt.retry_after_s)

    def _failed(self, call: Call, said: Said, reason: str, at: int) -> None:
        said.state = "pending"
        said.failures += 1
        # Only where the place said so, or nothing was sent, is it certain that the attempt did not arrive.
        said.unsure = said.unsure or reason not in {"rate_limited", "not_sent"}
        self._tell_of(said, "retry", reason, at)
        if said.failures >= FAILURES:
            self._escalate(call, said)

    def _escalate(self, call: Call, said: Said) -> None:
        """The next one in the route need not wait any longer."""
        for other in call.said:
            follows = other.rung == said.rung + 1 and other.untried
            if said.action == "trigger" and other.action == "trigger" and follows:
                other.due = min(other.due, self.time.elapsed)

    def _pump(self) -> None:
        """Everything that is due by delivery time."""
        if not self.ticking:
            return
        for call in self._ordered():
            if not call.admitted:
                self._admit(call)
        for call in self._ordered():
            for said in list(call.said):
                self._work(call, said)
            call.said = [s for s in call.said if s.open or s.action == "trigger"]
            if call.closing and not any(s.open for s in call.said):
                del self.calls[call.id]
                self.changed.add(call.id)

    def _admit(self, call: Call) -> None:
        """Let a call ring, or gather it with the others where this hour has had its pages."""
        call.admitted = True
        self.changed.add(call.id)
        for said in call.said:
            if said.born is None and said.action == "trigger":
                said.born, said.due = self.time.elapsed, self.time.elapsed + ESCALATE_S * said.rung
        route = next((r for r in self.routes if r.name == call.route), None)
        event = call.said[0].event
        if route is None or call.closing or event.severity in {"ticket", "digest"}:
            return
        pages = self.pages.setdefault(route.name, Pages())
        if pages.admit(self.time.elapsed, route.pages_per_hour):
            return
        for said in call.said:
            self._done(call, said, "held", f"{route.pages_per_hour} pages this hour")
        call.incidents.clear()
        self._gather(route, pages, event)

    def _gather(self, route: Route, pages: Pages, event: IncidentEvent) -> None:
        """Beyond the hour's pages there is one more, which stands for all the rest and rings once."""
        call = self.calls.get(pages.gathering)
        fresh = call is None or not call.heard or not pages.gathers(self.time.elapsed)
        if call is None or fresh:
            name = f"{keyed(b'gathering', route.name, event.incident, str(event.sequence)):016x}"
            call = Call(
                id=f"{name}-{route.name}", key=f"{name}-0", route=route.name, at=event.at, incidents=[]
            )
            call.admitted = True
            self.calls[call.id] = call
            pages.gathering, pages.gathering_at = call.id, self.time.elapsed
        if event.incident not in call.incidents:
            call.incidents.append(event.incident)
        call.lines = [*call.lines, event.summary][-MOST_LINES:]
        gathered = gather(event, tuple(call.lines), route.pages_per_hour)
        if not fresh:
            self._update(call, gathered)
            return
        for rung, target in enumerate(route.notifiers):
            call.add("trigger", target.notifier, rung, gathered)
            call.said[-1].born, call.said[-1].due = self.time.elapsed, self.time.elapsed + ESCALATE_S * rung
        self.changed.add(call.id)

    def _work(self, call: Call, said: Said) -> None:
        now = self.time.elapsed
        if said.state == "claimed" and now - said.claimed >= UNKNOWN_S:
            self._failed(call, said, "unknown", self.time.wall)
            said.due = now
            self.changed.add(call.id)
        if said.state != "pending":
            return
        if said.born is None:
            said.born = said.due = now
            self.changed.add(call.id)
        ring = call.ring(said.notifier)
        if call.closing and said.action != "resolve":
            self._done(call, said, "superseded", "resolved meanwhile")
        elif now - said.born >= said.lifetime:
            self._done(call, said, "expired", "")
        elif said.due > now or call.before(said):
            return
        elif ring is None or (ring is not said and not ring.may_have_arrived):
            self._done(call, said, "superseded", "was never told")
        else:
            self._claim(call, said)

    def _claim(self, call: Call, said: Said) -> None:
        said.attempt += 1
        said.state, said.claimed = "claimed", self.time.elapsed
        self.changed.add(call.id)
        self._tell_of(said, "claimed", "", self.time.wall)
        self.claims.append(
            Delivery(
                delivery=said.id,
                attempt=said.attempt,
                notifier=said.notifier,
                action=said.action,
                dedup_key=call.key,
                event=said.event,
                label=self.label,
                maybe_repeated=said.unsure,
            )
        )

    def _done(self, call: Call, said: Said, state: End, reason: str, at: int | None = None) -> None:
        said.state = state
        self.changed.add(call.id)
        self._tell_of(said, state, reason, self.time.wall if at is None else at)

    def _tell_of(self, said: Said, state: Told, reason: str, at: int) -> None:
        event = said.event
        told = DeliveryEvent(
            incident=event.incident,
            sequence=event.sequence,
            notifier=said.notifier,
            state=state,
            at=at,
            attempt=said.attempt,
            reason=reason,
        )
        self.events.append(told)
        if state != "claimed":
            self.counts.append("unknown" if reason == "unknown" else state)

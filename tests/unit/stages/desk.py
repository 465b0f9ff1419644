"""respond with its memory of state, driven by hand: what a worker and a bus do, without either."""

from collections.abc import Sequence

from warn.incident.route import Route, Target
from warn.model.alerts import Delivery, DeliveryEvent, DeskRecord, IncidentEvent, Receipt, Tick
from warn.model.wire import decode_incident, encode
from warn.stages.base import Effects, In
from warn.stages.respond import RespondStage

TWO = Route(name="night", notifiers=(Target("pd", "pagerduty"), Target("hook", "example.org")))


class Desk:
    """Feeds records one by one or in batches, keeps what is offered, and restarts from it."""

    def __init__(self, routes: Sequence[Route] = (TWO,), label: str = "") -> None:
        self.routes, self.label = routes, label
        self.state: dict[bytes, bytes] = {}
        self.position = 0
        self.now = 1_764_853_200
        self.incidents: list[IncidentEvent] = []
        self.told: list[DeliveryEvent] = []
        self.effects = Effects()
        self.restart()

    def restart(self) -> None:
        """A new process: only the state is left."""
        self.stage = RespondStage(self.routes, self.label)
        self.stage.restore([(k, 0, v) for k, v in self.state.items()], self.position)

    def feed(self, *records: DeskRecord) -> list[Delivery]:
        """One step over these records, committed."""
        return self.commit(self.attempt(*records), len(records))

    def attempt(self, *records: DeskRecord) -> Effects:
        """One step that may yet be lost."""
        effects = Effects()
        batch = [In(self.position + i, encode(record)) for i, record in enumerate(records)]
        for _ in self.stage.step(batch, effects):
            pass
        self.stage.offer(effects, self.position + len(records))
        return effects

    def commit(self, effects: Effects, records: int) -> list[Delivery]:
        """What a commit does: state, position and outputs at once."""
        self.position += records
        calls = b"".join(body for key, body in effects.state.items() if key.startswith(b"call:") and body)
        for claim in effects.deliveries:
            assert claim.delivery.encode() in calls, "a claim is in the state of the step that hands it out"
        for key, body in effects.state.items():
            if body is None:
                del self.state[key]
            else:
                self.state[key] = body
        for out in effects.out:
            event = decode_incident(out.value)
            (self.incidents if isinstance(event, IncidentEvent) else self.told).append(event)
        self.effects = effects
        return effects.deliveries

    def tick(self, seconds: int = 1) -> list[Delivery]:
        """Time passes, second by second."""
        claims: list[Delivery] = []
        for _ in range(seconds):
            self.now += 1
            claims += self.feed(Tick(now=self.now))
        return claims

    def answer(
        self, delivery: Delivery, outcome: str = "delivered", reason: str = "", **more: float
    ) -> list[Delivery]:
        """A receipt arrives."""
        return self.feed(
            Receipt(
                now=self.now,
                delivery=delivery.delivery,
                attempt=delivery.attempt,
                outcome=outcome,
                reason=reason,
                **more,
            )
        )

    def states(self, notifier: str) -> list[str]:
        """What the web is told of a notifier."""
        return [e.state for e in self.told if e.notifier == notifier]

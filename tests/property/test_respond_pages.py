"""One ring per page at a pager that keeps PagerDuty's rules, whatever is lost between claim, send and
receipt.

respond is driven by hand with a bus of dictionaries. Between any two records a step may be lost before or
after its commit, a claim lost on its way to the sender, an attempt refused, lost before or after the pager
took it, a receipt lost, delayed or doubled. What nobody may do is what the sender never does: try later than
its deadline.
"""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.incident.makers import T0, alert
from tests.unit.stages.desk import Desk
from warn.incident.course import LINGER_S
from warn.incident.route import Route, Target
from warn.model.alerts import AlertEvent, Beat, Delivery, Receipt, Tick
from warn.notify.pagerduty import render
from warn.notify.sender import GIVE_UP_S
from warn.testing.pager_rules import PagerRules

KEYS = {"pd": "a" * 32, "second": "b" * 32}
ROUTE = Route(name="night", notifiers=(Target("pd", "one"), Target("second", "two")), pages_per_hour=100)

STORY: list[AlertEvent | Beat] = [
    alert(),
    alert("update", T0 + 60, 90),
    alert("update", T0 + 120, 400),
    alert("resolved", T0 + 600),
    alert(at=T0 + 900, people=2000),
    alert("resolved", T0 + 1000),
    Beat(at=T0 + 1000 + LINGER_S, brand="Acme"),
]


class World:
    """A desk, its senders in flight, and the pagers."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.desk = Desk([ROUTE])
        self.pagers = {name: PagerRules() for name in KEYS}
        self.flying: list[tuple[int, Delivery]] = []
        self.receipts: list[Receipt] = []
        self.calm = False

    def chance(self, percent: int) -> bool:
        return not self.calm and self.random.randrange(100) < percent

    def feed(self, record: AlertEvent | Beat | Tick | Receipt) -> None:
        """A step, perhaps lost before its commit; its claims, perhaps lost after it."""
        if self.chance(10):
            self.desk.attempt(record)
            self.desk.restart()
        claims = self.desk.feed(record)
        if self.chance(10):
            self.desk.restart()
            self.flying = [f for f in self.flying if self.chance(50)]
        else:
            # Most come down at once, some at the last moment before their sender gives up.
            self.flying += [
                (self.desk.now + (self.random.randrange(int(GIVE_UP_S)) if self.chance(30) else 0), claim)
                for claim in claims
            ]

    def second(self) -> None:
        """Time passes, attempts come down, receipts arrive."""
        self.desk.now += 1
        self.feed(Tick(now=self.desk.now))
        for at, delivery in list(self.flying):
            if at <= self.desk.now:
                self.flying.remove((at, delivery))
                self.send(delivery)
        for receipt in list(self.receipts):
            if not self.chance(30):
                self.receipts.remove(receipt)
                self.feed(receipt)

    def send(self, delivery: Delivery) -> None:
        """One attempt, and what its sender says of it."""
        if self.chance(10):
            return
        if delivery.action == "trigger" and self.chance(10):
            self.receipt(delivery, "refused", "auth")
            return
        if not self.chance(20):
            body = render(delivery, KEYS[delivery.notifier], "")
            status, _ = self.pagers[delivery.notifier].accept(body, self.desk.now)
            assert status == 202
            if not self.chance(20):
                self.receipt(delivery, "delivered", "")
                return
        self.receipt(delivery, "retry", "timeout")

    def receipt(self, delivery: Delivery, outcome: str, reason: str) -> None:
        one = Receipt(
            now=self.desk.now,
            delivery=delivery.delivery,
            attempt=delivery.attempt,
            outcome=outcome,
            reason=reason,
        )
        self.receipts += [one] * (0 if self.chance(15) else 2 if self.chance(15) else 1)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32))
def test_one_ring_per_page_at_each_pager(seed: int) -> None:
    """Never two under one key, never one after the end, none that stays open."""
    world = World(seed)
    for record in STORY:
        world.feed(record)
        for _ in range(world.random.randrange(45)):
            world.second()
    world.calm = True
    for _ in range(200):
        world.second()
    pages = [e for e in world.desk.incidents if e.event in {"opened", "wave"}]
    assert [e.event for e in pages] == ["opened", "wave"]
    for name, pager in world.pagers.items():
        keys = [ring.dedup_key for ring in pager.rings]
        assert len(keys) == len(set(keys)), f"{name} rang twice for one page"
        assert all(ring.state == "resolved" for ring in pager.rings), f"{name} was left open"
    kept = [key for key in world.desk.state if key.startswith((b"course:", b"call:"))]
    assert not kept, "everything came to its end and was forgotten"


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32))
def test_somebody_hears_of_every_page(seed: int) -> None:
    """With the line mended in time a page has rung at a pager, or was refused by all of them."""
    world = World(seed)
    world.feed(Tick(now=world.desk.now))
    world.feed(STORY[0])
    for _ in range(world.random.randrange(200)):
        world.second()
    world.calm = True
    for _ in range(120):
        world.second()
    rings = sum(len(pager.rings) for pager in world.pagers.values())
    refused = [e for e in world.desk.told if e.state == "refused"]
    assert rings >= 1 or len(refused) == len(KEYS)

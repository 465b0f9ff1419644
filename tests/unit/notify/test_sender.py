"""The sender: one attempt per claim, one receipt per attempt, and nobody waits for somebody else."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from pydantic import HttpUrl, SecretStr

from tests.unit.incident.makers import T0, alert
from tests.unit.stages.desk import Desk
from warn.incident.course import LINGER_S
from warn.incident.route import Route, Target
from warn.model.alerts import Beat, Delivery, Receipt
from warn.model.errors import PermanentError, Reason, TemporaryError
from warn.notify.notifier import Notifier
from warn.notify.pagerduty import PagerDutyConfig
from warn.notify.registry import build
from warn.notify.sender import Sender
from warn.testing.check_notifier import delivery
from warn.testing.fake_pager import FakePager, Fault


class Place:
    """A notifier that does as it is told."""

    provider = "place"

    def __init__(
        self, name: str, *, error: Exception | None = None, wait: asyncio.Event | None = None
    ) -> None:
        self.name, self.error, self.wait = name, error, wait
        self.got: list[str] = []
        self.closed = False

    async def notify(self, delivery: Delivery) -> str:
        if self.wait is not None:
            await self.wait.wait()
        if self.error is not None:
            raise self.error
        self.got.append(delivery.delivery)
        return "remote-1"

    async def close(self) -> None:
        self.closed = True


class Heard:
    """Telemetry's side."""

    def __init__(self) -> None:
        self.attempts: list[tuple[str, str, str]] = []
        self.bugs: list[str] = []

    def attempted(self, notifier: str, outcome: str, reason: str, seconds: float) -> None:
        self.attempts.append((notifier, outcome, reason))

    def broken(self, notifier: str, error: Exception) -> None:
        self.bugs.append(notifier)


class Office:
    """A sender, its receipts and its telemetry."""

    def __init__(self, *notifiers: Notifier, deadline_s: float = 5.0, queue: int = 64) -> None:
        self.receipts: asyncio.Queue[Receipt] = asyncio.Queue(maxsize=100)
        self.heard = Heard()
        self.sender = Sender(
            notifiers, self.receipts.put, now=lambda: 77, hooks=self.heard, deadline_s=deadline_s, queue=queue
        )

    async def next(self) -> Receipt:
        async with asyncio.timeout(5):
            return await self.receipts.get()


@asynccontextmanager
async def working(office: Office) -> AsyncIterator[Office]:
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(office.sender.run())
        yield office
        task.cancel()
    await office.sender.close()


def to(name: str, n: int = 1) -> Delivery:
    made = delivery(name=f"{name}-{n}")
    return Delivery(
        delivery=made.delivery, attempt=n, notifier=name, action="trigger", dedup_key="k", event=made.event
    )


@pytest.mark.parametrize(
    ("error", "outcome", "reason", "after"),
    [
        (None, "delivered", "", None),
        (TemporaryError("no", reason=Reason.RATE_LIMITED, retry_after_s=30), "retry", "rate_limited", 30),
        (PermanentError("no", reason=Reason.AUTH), "refused", "auth", None),
        (TimeoutError(), "retry", "timeout", None),
        (KeyError("token=secret"), "retry", "unexpected", None),
    ],
)
async def test_every_outcome_becomes_a_receipt(
    error: Exception | None, outcome: str, reason: str, after: float | None
) -> None:
    """Also a bug in a notifier: it is told of, without its text, and the sender lives on."""
    async with working(Office(Place("a", error=error))) as office:
        assert office.sender.offer(to("a", 3))
        got = await office.next()
        assert (got.delivery, got.attempt, got.now) == ("a-3", 3, 77)
        assert (got.outcome, got.reason, got.retry_after_s) == (outcome, reason, after)
        assert office.heard.attempts == [("a", outcome, reason)]
        assert office.heard.bugs == (["a"] if reason == "unexpected" else [])
        office.sender.offer(to("a", 4))
        assert (await office.next()).attempt == 4


async def test_a_slow_notifier_delays_nobody_else() -> None:
    """Each has a queue of its own, and its own order."""
    slow, quick = Place("slow", wait=asyncio.Event()), Place("quick")
    async with working(Office(slow, quick)) as office:
        office.sender.offer(to("slow"))
        for n in (1, 2, 3):
            office.sender.offer(to("quick", n))
        assert [(await office.next()).delivery for _ in range(3)] == ["quick-1", "quick-2", "quick-3"]
        assert slow.got == []
    assert slow.closed


async def test_a_hanging_notifier_is_given_up_at_its_deadline() -> None:
    """The next claim gets its turn."""
    async with working(Office(Place("a", wait=asyncio.Event()), deadline_s=0.05)) as office:
        office.sender.offer(to("a"))
        office.sender.offer(to("a", 2))
        assert [((await office.next()).outcome, n) for n in (1, 2)] == [("retry", 1), ("retry", 2)]


async def test_a_claim_that_waited_too_long_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """respond will have given it up: an attempt now could ring after the end."""
    monkeypatch.setattr("warn.notify.sender.GIVE_UP_S", 0.1)
    gate = asyncio.Event()
    place = Place("a", wait=gate)
    async with working(Office(place)) as office:
        office.sender.offer(to("a", 1))
        office.sender.offer(to("a", 2))
        assert [(r.outcome, r.reason) for r in (await office.next(), await office.next())] == [
            ("retry", "timeout"), ("retry", "not_sent"),
        ]  # fmt: skip
        assert place.got == []


async def test_a_full_queue_refuses_and_says_so() -> None:
    """Bounded: what does not fit is claimed again by respond in its time."""
    office = Office(Place("a", wait=asyncio.Event()), queue=2)
    assert [office.sender.offer(to("a", n)) for n in (1, 2, 3)] == [True, True, False]
    assert office.heard.attempts == [("a", "retry", "not_sent")]


async def test_an_unknown_notifier_is_refused_so_that_the_next_one_is_told() -> None:
    """Settings may have changed since the claim."""
    async with working(Office(Place("a"))) as office:
        office.sender.offer(to("gone"))
        got = await office.next()
        assert (got.outcome, got.reason) == ("refused", "config")


async def test_draining_ends_what_was_taken_and_takes_no_more() -> None:
    """And says whether the time sufficed."""
    place = Place("a", wait=asyncio.Event())
    async with working(Office(place)) as office:
        office.sender.offer(to("a"))
        assert not await office.sender.drain(0.05)
        assert not office.sender.offer(to("a", 2))
        assert place.wait is not None
        place.wait.set()
        assert await office.sender.drain(5)
        assert place.got == ["a-1"]


async def test_cancelled_it_leaves_no_task() -> None:
    """In the middle of an attempt, without a receipt: respond treats that as unknown."""
    before = asyncio.all_tasks()
    async with working(Office(Place("a", wait=asyncio.Event()))) as office:
        office.sender.offer(to("a"))
        await asyncio.sleep(0.01)
    assert asyncio.all_tasks() == before
    assert office.receipts.empty()


def test_names_are_unique() -> None:
    """Two notifiers of one name could not be told apart in a receipt."""
    with pytest.raises(ValueError, match="same name"):
        Office(Place("a"), Place("a"))


async def test_from_an_alert_to_one_ring_and_its_end() -> None:
    """Over real sockets: the answer to the first attempt is lost, and nobody is rung twice."""
    async with FakePager() as pager:
        config = PagerDutyConfig(
            type="pagerduty",
            name="pd",
            routing_key=SecretStr("k" * 32),
            base_url=HttpUrl(pager.url),
            inside=(urlsplit(pager.url).netloc,),
        )
        desk = Desk([Route(name="night", notifiers=(Target("pd", "pagerduty"),))])
        desk.tick()
        notifier = build(config, stream=io.StringIO(), public_url="https://warn.example")
        async with working(Office(notifier)) as office:
            pager.faults += [Fault(kind="reset", after=True), Fault(status=503)]
            claims = desk.feed(alert())
            while claims:
                office.sender.offer(claims.pop(0))
                claims += desk.feed(await office.next())
                claims += desk.tick(4)
            assert [ring.summary for ring in pager.rules.rings] == [desk.incidents[0].summary]
            assert len(pager.requests) == 3
            ends = desk.feed(alert("resolved", T0 + 60), Beat(at=T0 + 60 + LINGER_S, brand="Acme"))
            office.sender.offer(*ends)
            desk.feed(await office.next())
            assert [ring.state for ring in pager.rules.rings] == ["resolved"]
            assert not [key for key in desk.state if key.startswith(b"call:")]


async def test_a_wave_rings_again_although_the_first_page_is_still_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Under the first key it would have joined an acknowledged alert, and woken nobody; an update does."""
    async with FakePager() as pager:
        config = PagerDutyConfig(
            type="pagerduty",
            name="pd",
            routing_key=SecretStr("k" * 32),
            base_url=HttpUrl(pager.url),
            inside=(urlsplit(pager.url).netloc,),
        )
        desk = Desk([Route(name="night", notifiers=(Target("pd", "pagerduty"),))])
        desk.tick()
        async with working(Office(build(config, stream=io.StringIO()))) as office:
            rings = []
            for record in (alert(), alert("update", T0 + 60, 90), alert("update", T0 + 5 * 3600, 500)):
                (claim,) = desk.feed(record)
                office.sender.offer(claim)
                desk.feed(await office.next())
                pager.rules.acknowledge(claim.dedup_key)
                rings.append(len(pager.rules.rings))
            assert rings == [1, 1, 2]

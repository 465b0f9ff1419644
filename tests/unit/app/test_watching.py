"""Between respond and the senders: every attempt is written down and told once, and readiness follows the workers."""

import asyncio
from typing import Literal

import pytest

from tests.unit.web.made_up import event
from warn.app.desk import Desk
from warn.app.watching import Deliveries, WorkerHealth
from warn.bus.base import FencedError, TrimmedError
from warn.bus.codec import UnreadableStateError
from warn.bus.memory import MemoryBus, MemoryStore
from warn.model.alerts import Delivery, Receipt
from warn.model.errors import Reason, TemporaryError
from warn.model.flow import DESK
from warn.model.wire import decode_desk
from warn.notify.sender import Sender
from warn.stages.base import MissingConfigError
from warn.telemetry import events
from warn.web.health import Health


def _delivery(number: int = 1) -> Delivery:
    return Delivery(
        delivery=f"d{number}", attempt=1, notifier="hook", action="trigger", dedup_key="k", event=event()
    )


class _Place:
    """A notifier that does as told."""

    name = "hook"
    provider = "test"

    def __init__(self, what: Literal["well", "busy", "bug"]) -> None:
        self.what = what

    async def notify(self, delivery: Delivery) -> str:
        if self.what == "busy":
            raise TemporaryError("busy", reason=Reason.SERVER, retry_after_s=7.0)
        if self.what == "bug":
            raise KeyError("text of a stranger")
        return "remote-1"

    async def close(self) -> None:
        pass


async def _receipts(bus: MemoryBus) -> list[Receipt]:
    reader = await bus.follow(DESK)
    found = [decode_desk(value) for _, _, _, value in await reader.read(100, 0.0)]
    return [r for r in found if isinstance(r, Receipt)]


@pytest.mark.parametrize(
    ("what", "outcome", "reason"),
    [("well", "delivered", ""), ("busy", "retry", "server_error"), ("bug", "retry", "unexpected")],
)
async def test_an_attempt_is_written_down_and_told_once(
    what: Literal["well", "busy", "bug"], outcome: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The receipt is a record of the desk, and telemetry hears of the attempt once, with delivery and incident."""
    told: list[tuple[str, str, str]] = []
    monkeypatch.setattr(
        events,
        "delivery",
        lambda notifier, result, *, delivery_id, incident, attempt, seconds, error=None: told.append(
            (notifier, result, f"{delivery_id} {incident} {attempt} {type(error).__name__}")
        ),
    )
    bus = MemoryBus(MemoryStore())
    deliveries = Deliveries(Desk(bus))
    sender = Sender([_Place(what)], deliveries.report, now=lambda: 5, hooks=deliveries)
    deliveries.connect(sender)
    sending = asyncio.create_task(sender.run())
    await deliveries.claim([_delivery()])
    assert await sender.drain(5)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    [receipt] = await _receipts(bus)
    assert (receipt.outcome, receipt.reason, receipt.delivery) == (outcome, reason, "d1")
    error = {"well": "NoneType", "busy": "TemporaryError", "bug": "KeyError"}[what]
    assert told == [("hook", outcome, f"d1 {event().incident} 1 {error}")]


async def test_receipts_of_many_do_not_get_in_each_others_way() -> None:
    """Two senders that finish together both get their receipt written."""
    bus = MemoryBus(MemoryStore())
    desk = Desk(bus)
    await asyncio.gather(
        *(desk.report(Receipt(now=1, delivery=f"d{i}", attempt=1, outcome="delivered")) for i in range(20))
    )
    assert len(await _receipts(bus)) == 20


def test_a_worker_that_does_not_work_keeps_us_from_being_ready() -> None:
    """Not started, stalled, failed or fenced: each is a reason; opened or resumed takes it away."""
    health = Health()
    watch = WorkerHealth(health)
    watch.seat_wanted("match", 0)
    assert health.problems == ("match 0 has not started yet",)
    watch.worker_opened("match", 0, position=0, records=0)
    assert not health.problems
    watch.worker_stalled("match", 0, "abc")
    assert "waits for the rule set abc" in health.problems[0]
    watch.worker_resumed("match", 0)
    watch.worker_failed("detect", 1, ValueError("text"), retry_in_s=1.0)
    assert health.problems == ("detect 1 failed: ValueError",)
    watch.worker_opened("detect", 1, position=0, records=0)
    watch.worker_fenced(
        "match", 0, FencedError("committing a step of match/0: somebody else has opened this seat")
    )
    assert health.problems == ("another process has taken match 0",)


@pytest.mark.parametrize(
    "error",
    [
        TemporaryError("taking the seat match/0: no broker can be reached", reason=Reason.NETWORK),
        TrimmedError("t.signals partition 0 has to be read from 3, and begins at 7"),
        UnreadableStateError("state of match/0, key 61: a state record whose checksum is wrong"),
        MissingConfigError("abc"),
    ],
)
def test_readiness_says_why_in_our_own_words(error: Exception) -> None:
    """On one line, of a length that fits it."""
    health = Health()
    WorkerHealth(health).worker_failed("match", 0, error, retry_in_s=1.0)
    assert health.problems == (f"match 0 failed: {error}",)
    WorkerHealth(health).worker_failed("match", 0, TrimmedError("much\n" * 1000), retry_in_s=1.0)
    assert len(health.problems[0]) < 500
    assert "\n" not in health.problems[0]

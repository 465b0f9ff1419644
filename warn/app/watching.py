"""What the parts of the daemon tell of themselves, handed on to telemetry and to the readiness of this process."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from warn.app.desk import Desk
from warn.app.progress import Progress
from warn.model.alerts import Delivery, Receipt
from warn.model.errors import Reason, TemporaryError
from warn.notify.sender import Outcome
from warn.telemetry import events
from warn.telemetry.told import words
from warn.web.health import Health


class WorkerHealth:
    """The watch of workers and of their seats: telemetry hears everything, the watchdog of every sign of life, and a
    worker that does not work keeps us from being ready. A process that has no seat to hold has nothing to be unready for.
    `fenced` hears of every seat that was taken from us.
    """

    def __init__(
        self,
        health: Health,
        progress: Progress | None = None,
        fenced: Callable[[str, int], None] = lambda _stage, _partition: None,
    ) -> None:
        self._health = health
        self._progress = progress or Progress(time.monotonic)
        self._fenced = fenced

    def seat_wanted(self, stage: str, partition: int) -> None:
        self._health.failing(_part(stage, partition), f"{stage} {partition} has not started yet")
        self._progress.sign(stage, partition, opening=True)
        events.seat_wanted(stage, partition)

    def seat_released(self, stage: str, partition: int) -> None:
        self._health.well(_part(stage, partition))
        self._progress.gone(stage, partition)
        events.seat_released(stage, partition)

    def worker_opened(self, stage: str, partition: int, *, position: int, records: int) -> None:
        self._health.well(_part(stage, partition))
        self._progress.sign(stage, partition)
        events.worker_opened(stage, partition, position=position, records=records)

    def worker_stepped(
        self, stage: str, partition: int, *, seconds: float, records: int, position: int, lag: int
    ) -> None:
        self._progress.sign(stage, partition)
        events.worker_stepped(stage, partition, seconds=seconds, records=records, position=position, lag=lag)

    def worker_stalled(self, stage: str, partition: int, missing: str) -> None:
        self._health.failing(_part(stage, partition), f"{stage} {partition} waits for the rule set {missing}")
        self._progress.sign(stage, partition, waiting=True)
        events.worker_stalled(stage, partition, missing)

    def worker_resumed(self, stage: str, partition: int) -> None:
        self._health.well(_part(stage, partition))
        self._progress.sign(stage, partition)
        events.worker_resumed(stage, partition)

    def worker_fenced(self, stage: str, partition: int, error: BaseException) -> None:
        self._health.failing(_part(stage, partition), f"another process has taken {stage} {partition}")
        self._progress.sign(stage, partition, opening=True)
        self._fenced(stage, partition)
        events.worker_fenced(stage, partition, error)

    def worker_failed(
        self, stage: str, partition: int, error: BaseException, *, retry_in_s: float | None
    ) -> None:
        self._health.failing(_part(stage, partition), f"{stage} {partition} failed: {words(error)}")
        self._progress.sign(stage, partition, opening=True)
        events.worker_failed(stage, partition, error, retry_in_s=retry_in_s)

    def dead_letter(self, stage: str, reason: str, *, where: str) -> None:
        events.dead_letter(stage, reason, where=where)


class MemberHealth:
    """The watch of this process's membership: who is no member cannot take over, and is not ready for that."""

    def __init__(self, health: Health) -> None:
        self._health = health

    def membership_joining(self) -> None:
        self._health.failing("membership", "Kafka has not shared out the seats yet")

    def membership_assigned(self, seats: Mapping[str, int]) -> None:
        self._health.well("membership")
        events.membership_assigned(seats)

    def membership_failed(self, error: BaseException, *, retry_in_s: float) -> None:
        self._health.failing(
            "membership", f"this process has no part in sharing out the seats: {words(error)}"
        )
        events.membership_failed(error, retry_in_s=retry_in_s)


def _part(stage: str, partition: int) -> str:
    return f"worker {stage} {partition}"


class _Taker(Protocol):
    def offer(self, delivery: Delivery) -> bool: ...


class Deliveries:
    """Between respond and the senders: hands claims on, writes receipts down, and tells of every attempt once.

    It is the senders' hooks too: they tell the outcome of an attempt just before they report it, one attempt at a time
    per notifier, so that the two can be told together.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._claimed: dict[str, Delivery] = {}
        self._seconds: dict[str, float] = {}
        self._broken: dict[str, Exception] = {}
        self._sender: _Taker | None = None

    def connect(self, sender: _Taker) -> None:
        """Who makes the attempts; to be called once, before the first claim."""
        self._sender = sender

    async def claim(self, deliveries: Sequence[Delivery]) -> None:
        """Hand claimed attempts on; what cannot be taken is claimed again by respond."""
        assert self._sender is not None
        for one in deliveries:
            self._claimed[one.delivery] = one
            if not self._sender.offer(one):
                del self._claimed[one.delivery]
                full = TemporaryError("too many messages wait for this notifier", reason=Reason.RATE_LIMITED)
                self._tell(one, "retry", 0.0, full)
        await asyncio.sleep(0)

    async def report(self, receipt: Receipt) -> None:
        """Write what became of an attempt onto the desk."""
        await self._desk.report(receipt)
        one = self._claimed.pop(receipt.delivery, None)
        if one is None:
            return
        error: Exception | None = None
        if receipt.outcome != "delivered":
            known = receipt.reason in tuple(Reason)
            reason = Reason(receipt.reason) if known else Reason.TIMEOUT
            error = self._broken.pop(one.notifier, None) or TemporaryError(
                f"not delivered: {receipt.reason}", reason=reason
            )
        self._tell(one, receipt.outcome, self._seconds.pop(one.notifier, 0.0), error)

    def attempted(self, notifier: str, outcome: Outcome, reason: str, seconds: float) -> None:
        """An attempt ended."""
        self._seconds[notifier] = seconds

    def broken(self, notifier: str, error: Exception) -> None:
        """A notifier raised what the port does not allow."""
        self._broken[notifier] = error

    @staticmethod
    def _tell(one: Delivery, outcome: Outcome, seconds: float, error: Exception | None) -> None:
        events.delivery(
            one.notifier,
            outcome,
            delivery_id=one.delivery,
            incident=one.event.incident,
            attempt=one.attempt,
            seconds=seconds,
            error=error,
        )

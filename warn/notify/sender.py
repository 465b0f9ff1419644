"""Makes the attempts that respond has claimed: one at a time per notifier, one receipt for each.

The schedule of retries lives in respond's state, where a crash cannot lose it; here every claimed delivery is
tried once, within a deadline, and what became of it goes back to `[desk]` as a Receipt. Each notifier has a
queue and a task of its own, so a slow one delays nobody else. What cannot be tried in time is not tried:
respond takes a claim without receipt for lost after 30 s, so an attempt must never start or run later than
that (`GIVE_UP_S`).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, NamedTuple, Protocol

from warn.model.alerts import Delivery, Receipt
from warn.model.errors import PermanentError, Reason, TemporaryError
from warn.notify.notifier import Notifier

GIVE_UP_S = 20.0
"""From the claim's arrival here to the end of its attempt; well below respond's 30 s."""

Outcome = Literal["delivered", "retry", "refused"]


class Hooks(Protocol):
    """What telemetry hears of a sender."""

    def attempted(self, notifier: str, outcome: Outcome, reason: str, seconds: float) -> None:
        """An attempt ended; `reason` is from `Reason` or one of "", "not_sent"."""

    def broken(self, notifier: str, error: Exception) -> None:
        """A notifier raised what the port does not allow: a bug in it. The error's text may hold anything."""


class _Job(NamedTuple):
    delivery: Delivery
    arrived: float


class Sender:
    """All notifiers of the daemon.

    `report` brings a receipt to `[desk]`; `now` is the wall clock in whole seconds, for receipts. Claims of
    the same notifier are tried in the order in which they were offered.
    """

    def __init__(
        self,
        notifiers: Sequence[Notifier],
        report: Callable[[Receipt], Awaitable[None]],
        *,
        now: Callable[[], int],
        hooks: Hooks,
        deadline_s: float = 10.0,
        queue: int = 64,
    ) -> None:
        self._notifiers = {n.name: n for n in notifiers}
        if len(self._notifiers) != len(notifiers):
            raise ValueError("two notifiers have the same name")
        self._report, self._now, self._hooks, self._deadline_s = report, now, hooks, deadline_s
        self._queues = {name: asyncio.Queue[_Job](maxsize=queue) for name in self._notifiers}
        self._unsent = asyncio.Queue[_Job](maxsize=queue)
        self._closed = False

    def offer(self, delivery: Delivery) -> bool:
        """Take a claimed attempt; never waits. False where it cannot be: respond will claim it again."""
        job = _Job(delivery, time.monotonic())
        queue = self._queues.get(delivery.notifier, self._unsent)
        if self._closed or queue.full():
            self._hooks.attempted(delivery.notifier, "retry", "not_sent", 0.0)
            return False
        queue.put_nowait(job)
        return True

    async def run(self) -> None:
        """Work until cancelled. An error of `report` ends it: without a desk there is nothing to do."""
        async with asyncio.TaskGroup() as tasks:
            for name, notifier in self._notifiers.items():
                tasks.create_task(self._serve(notifier, self._queues[name]), name=f"sender {name}")
            tasks.create_task(self._refuse(), name="sender of unknown notifiers")

    async def drain(self, within_s: float) -> bool:
        """Take nothing more and wait until everything taken was tried; False where the time was too short."""
        self._closed = True
        try:
            async with asyncio.timeout(within_s):
                for queue in (*self._queues.values(), self._unsent):
                    await queue.join()
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """Close every notifier, when `run` has ended."""
        for notifier in self._notifiers.values():
            await notifier.close()

    async def _serve(self, notifier: Notifier, queue: asyncio.Queue[_Job]) -> None:
        while True:
            job = await queue.get()
            try:
                await self._report(await self._attempt(notifier, job))
            finally:
                queue.task_done()

    async def _refuse(self) -> None:
        """A notifier that settings no longer know: the next one of the route must not wait for it."""
        while True:
            job = await self._unsent.get()
            try:
                await self._report(self._receipt(job.delivery, "refused", Reason.CONFIG))
            finally:
                self._unsent.task_done()

    async def _attempt(self, notifier: Notifier, job: _Job) -> Receipt:
        delivery = job.delivery
        start = time.monotonic()
        left = min(self._deadline_s, job.arrived + GIVE_UP_S - start)
        if left <= 0:
            self._hooks.attempted(notifier.name, "retry", "not_sent", 0.0)
            return self._receipt(delivery, "retry", "not_sent")
        outcome: Outcome = "retry"
        reason, remote, retry_after_s = "", "", None
        try:
            async with asyncio.timeout(left):
                remote = await notifier.notify(delivery)
            outcome = "delivered"
        except TimeoutError:
            reason = Reason.TIMEOUT
        except TemporaryError as e:
            reason, retry_after_s = e.reason, e.retry_after_s
        except PermanentError as e:
            outcome, reason = "refused", e.reason
        except Exception as e:  # noqa: BLE001 - a bug in one must not silence the others; it is told
            reason = Reason.UNEXPECTED
            self._hooks.broken(notifier.name, e)
        self._hooks.attempted(notifier.name, outcome, reason, time.monotonic() - start)
        return self._receipt(delivery, outcome, reason, retry_after_s, remote)

    def _receipt(
        self,
        delivery: Delivery,
        outcome: Outcome,
        reason: str,
        retry_after_s: float | None = None,
        remote: str = "",
    ) -> Receipt:
        return Receipt(
            now=self._now(),
            delivery=delivery.delivery,
            attempt=delivery.attempt,
            outcome=outcome,
            reason=str(reason),
            retry_after_s=retry_after_s,
            remote=remote[:255],
        )

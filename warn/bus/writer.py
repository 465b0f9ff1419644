"""The one writer of the embedded bus: it groups the steps that wait into one SQL transaction.

A sync costs the same for one step as for twenty, so everything that has queued up while the last transaction was being
synced goes into the next (group commit). Where nothing is synced (replay) there is nothing to group for, and a job runs
at once in the caller's turn.

SQLite gives the interpreter away and asks for it back at every row. Beside a busy event loop each time may cost 5 ms
(300 rows took 0.3 s): hence one statement with many rows, never `executemany`.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Generic, NamedTuple, TypeVar

from warn.bus.base import FencedError
from warn.bus.ends import Ends
from warn.model.errors import Reason, TemporaryError

T = TypeVar("T")

GROUP: Final = 64
"""Jobs in one SQL transaction at most."""
QUEUE: Final = 1024
"""Jobs that may wait; more seats than this do not exist, and each has one step under way."""
_ROWS: Final = 250
"""Rows of one statement."""


class Transaction:
    """What a job may touch. Ends and epochs changed here count once the transaction is committed."""

    def __init__(self, db: sqlite3.Connection, ends: dict[int, int], epochs: dict[int, int]) -> None:
        self.db = db
        self.ends = ends
        self.epochs = epochs
        self.grown: dict[int, int] = {}

    def rows(self, head: str, columns: int, values: Sequence[object], tail: str = "") -> None:
        """Insert many rows, given flat, with as few statements as possible."""
        one = f"({','.join('?' * columns)})"
        for start in range(0, len(values), step := _ROWS * columns):
            part = values[start : start + step]
            self.db.execute(f"{head} VALUES {','.join([one] * (len(part) // columns))} {tail}", part)


class _Job(Generic[T]):
    """One thing to do within a transaction (or `alone`, outside of any), and who waits for it."""

    def __init__(
        self,
        work: Callable[[Transaction], T],
        done: asyncio.Future[T],
        then: Callable[[T], None] | None,
        *,
        alone: bool,
    ) -> None:
        self.work = work
        self.done = done
        self.then = then
        self.alone = alone


class _Outcome(NamedTuple):
    job: _Job[Any]
    result: Any
    error: Exception | None


class Writer:
    """Runs jobs against the writing connection: in a thread of its own if `threaded`, else at once."""

    def __init__(
        self,
        db: sqlite3.Connection,
        ends: Mapping[int, int],
        epochs: Mapping[int, int],
        published: Ends[int],
        *,
        threaded: bool,
    ) -> None:
        self._db = db
        self._ends = dict(ends)
        self._epochs = dict(epochs)
        self._published = published
        self._loop = asyncio.get_running_loop()
        self._closed = False
        self._queue: queue.Queue[_Job[Any] | None] = queue.Queue(maxsize=QUEUE)
        self._thread: threading.Thread | None = None
        if threaded:
            self._thread = threading.Thread(target=self._serve, name="warn-bus-writer", daemon=True)
            self._thread.start()

    async def do(
        self,
        work: Callable[[Transaction], T],
        *,
        then: Callable[[T], None] | None = None,
        alone: bool = False,
    ) -> T:
        """Run a job in the next transaction; returns when that is committed. Raises what the job or SQLite raises.

        `then` is called in the loop with what the job gave, in the order of commits, even where nobody waits for the
        job any more. `alone`: outside of any transaction, as housekeeping needs it; such a job writes no record and
        moves no end.
        """
        if self._closed:
            raise RuntimeError("the bus is closed")
        done: asyncio.Future[T] = self._loop.create_future()
        job = _Job(work, done, then, alone=alone)
        if self._thread is None:
            await asyncio.sleep(0)  # a commit is a point where others get their turn, on every engine
            self._settle(*self._group([job]))
        else:
            try:
                self._queue.put_nowait(job)
            except queue.Full:
                raise TemporaryError("the bus cannot write fast enough", reason=Reason.TIMEOUT) from None
        return await done

    async def drain(self) -> None:
        """Finish what is queued, take nothing more, and end the thread."""
        if self._closed:
            return
        self._closed = True
        if self._thread is not None:
            self._queue.put(None)
            await asyncio.to_thread(self._thread.join, 30.0)

    def close(self) -> None:
        """Close the connection; the last one to do so empties the write-ahead log."""
        self._db.close()

    def _serve(self) -> None:
        ending = False
        while not ending:
            try:
                waiting = [self._queue.get(timeout=1.0)]
            except queue.Empty:
                continue
            while len(waiting) < GROUP and not self._queue.empty():
                waiting.append(self._queue.get_nowait())
            ending = None in waiting
            jobs = [job for job in waiting if job is not None]
            outcomes, grown = self._group([job for job in jobs if not job.alone])
            outcomes += [self._group([job])[0][0] for job in jobs if job.alone]
            try:
                self._loop.call_soon_threadsafe(self._settle, outcomes, grown)
            except RuntimeError:  # the loop is gone, and with it everybody who waited
                return

    def _group(self, jobs: Sequence[_Job[Any]]) -> tuple[list[_Outcome], dict[int, int]]:
        """Run jobs together; if the transaction fails, each alone, so that one cannot take others with it."""
        txn = Transaction(self._db, self._ends.copy(), self._epochs.copy())
        together = any(not job.alone for job in jobs)
        try:
            if together:
                self._db.execute("BEGIN IMMEDIATE")
            outcomes = [self._run(job, txn) for job in jobs]
            if together:
                self._db.execute("COMMIT")
        except Exception as e:  # noqa: BLE001 - handed to whoever waits for the job
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            if len(jobs) == 1:
                return [_Outcome(jobs[0], None, e)], {}
            parts = [self._group([job]) for job in jobs]
            return [o for part, _ in parts for o in part], {
                k: v for _, grown in parts for k, v in grown.items()
            }
        self._ends, self._epochs = txn.ends, txn.epochs
        return outcomes, txn.grown

    @staticmethod
    def _run(job: _Job[Any], txn: Transaction) -> _Outcome:
        try:
            return _Outcome(job, job.work(txn), None)
        except FencedError as e:  # seen before anything was written: the others of the group need not know
            return _Outcome(job, None, e)

    def _settle(self, outcomes: Sequence[_Outcome], grown: Mapping[int, int]) -> None:
        self._published.publish(grown)
        for outcome in outcomes:
            if outcome.error is None and outcome.job.then is not None:
                outcome.job.then(outcome.result)
            if outcome.job.done.done():
                continue
            if outcome.error is not None:
                outcome.job.done.set_exception(outcome.error)
            else:
                outcome.job.done.set_result(outcome.result)

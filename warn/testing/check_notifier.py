"""What every notifier must pass: `await check_notifier(make)`, and for those over HTTP `await
check_http_notifier(make)`.

Each check has a sentence that is true of a good notifier; an AssertionError says which one was not.
"""

import asyncio
import contextlib
import io
import logging
import time
import traceback
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Literal

from warn.model.alerts import Delivery, IncidentEvent, Numbers
from warn.model.errors import PermanentError, Reason, TemporaryError, WarnError
from warn.notify.notifier import Notifier
from warn.testing.fake_pager import FakePager, Fault

HOSTILE = "Acme [bold]*_<b>&amp;</b> <!channel> \x1b[31m\r\nBcc: all@acme.example\x00 \u202eevil\ud800 {x}%s"

STATUSES: dict[int, tuple[str, Reason | None]] = {
    200: ("delivered", None),
    202: ("delivered", None),
    204: ("delivered", None),
    301: ("refused", Reason.CONFIG),
    302: ("refused", Reason.CONFIG),
    307: ("refused", Reason.CONFIG),
    400: ("refused", Reason.CLIENT),
    401: ("refused", Reason.AUTH),
    403: ("refused", Reason.AUTH),
    404: ("refused", Reason.CLIENT),
    408: ("retry", Reason.TIMEOUT),
    410: ("refused", Reason.GONE),
    413: ("refused", Reason.CLIENT),
    422: ("refused", Reason.CLIENT),
    429: ("retry", Reason.RATE_LIMITED),
    500: ("retry", Reason.SERVER),
    502: ("retry", Reason.SERVER),
    503: ("retry", Reason.SERVER),
    504: ("retry", Reason.SERVER),
}
"""HTTP status to what it means: is it tried again, and under which reason is it counted."""

Make = Callable[[FakePager, float], Notifier]
"""A notifier that tells this pager, with this deadline in seconds."""


def delivery(
    action: Literal["trigger", "update", "resolve"] = "trigger",
    *,
    name: str = "d-1",
    key: str = "k-1",
    text: str = "Acme: 33 people",
) -> Delivery:
    """A claimed attempt."""
    event = IncidentEvent(
        event="resolved" if action == "resolve" else "opened",
        at=1_764_856_720,
        incident="0123456789abcdef",
        sequence=1,
        alert="Spike",
        rule="Acme/Spike",
        brand=text,
        topic="Acme/battery",
        severity="page",
        mode="live",
        summary=text,
        message=f"{text}\nDoubles every 12 minutes.",
        numbers=Numbers(people=33),
        about=(text,),
        labels={"team": text},
    )
    return Delivery(delivery=name, attempt=1, notifier="x", action=action, dedup_key=key, event=event)


async def check_notifier(make: Callable[[], Notifier], *, secrets: Sequence[str] = ()) -> None:
    """Holds for every notifier."""
    with _listening() as heard:
        notifier = make()
        assert notifier.name, "a notifier has a name"
        assert notifier.provider, "a notifier says who runs it"
        before = _tasks()
        for one in (delivery(), delivery("update", name="d-2"), delivery("resolve", name="d-3")):
            await notifier.notify(one)
        await notifier.notify(delivery(name="d-hostile", text=HOSTILE))
        await notifier.close()
        await _settled(before)
        _clean(repr(notifier), secrets, "a secret is not in its repr")
    _clean(heard.getvalue(), secrets, "a secret is in no log line")


async def check_http_notifier(make: Make, *, secrets: Sequence[str]) -> None:
    """Holds for every notifier that goes over HTTP; `secrets` are what no error and no log line may hold."""
    with _listening() as heard:
        for status, (outcome, reason) in STATUSES.items():
            await _check_status(make, status, outcome, reason, secrets)
        await _check_retry_after(make)
        await _check_lines(make, secrets)
        await _check_drip(make)
        await _check_repeat(make)
        await _check_close(make)
    _clean(heard.getvalue(), secrets, "a secret is in no log line")


async def _check_status(
    make: Make, status: int, outcome: str, reason: Reason | None, secrets: Sequence[str]
) -> None:
    async with FakePager() as pager, _closing(make(pager, 5.0)) as notifier:
        where = {"location": pager.url + "/elsewhere"} if 300 <= status < 400 else {}
        pager.faults.append(Fault(status=status, headers=where))
        got, error = await _outcome(notifier)
        assert got == outcome, f"HTTP {status} means {outcome}, not {got}"
        assert error is None or error.reason is reason, f"HTTP {status} counts as {reason}, not {error}"
        assert len(pager.requests) == 1, (
            f"HTTP {status} is followed by no request: neither redirect nor own retry"
        )
        _clean_error(error, secrets)


async def _check_retry_after(make: Make) -> None:
    async with FakePager() as pager, _closing(make(pager, 5.0)) as notifier:
        pager.faults.append(Fault(status=429, headers={"retry-after": "37"}))
        _, error = await _outcome(notifier)
        assert isinstance(error, TemporaryError), "429 is tried again"
        assert error.retry_after_s == 37, "Retry-After is handed on"
        pager.faults.append(Fault(status=503, headers={"retry-after": "Fri, 01 Jan 2100 00:00:00 GMT"}))
        _, error = await _outcome(notifier)
        assert isinstance(error, TemporaryError), "503 is tried again"
        assert (error.retry_after_s or 0) > 3600, "Retry-After may be a date"
        pager.faults.append(Fault(status=503, headers={"retry-after": "soon"}))
        _, error = await _outcome(notifier)
        assert isinstance(error, TemporaryError), "503 is tried again"
        assert error.retry_after_s is None, "a Retry-After that cannot be read is none"


async def _check_lines(make: Make, secrets: Sequence[str]) -> None:
    """Whatever the line does, the deadline holds."""
    for fault, expected in (
        (Fault(kind="hang"), "retry"),
        (Fault(kind="hang", after=True), "retry"),
        (Fault(kind="reset"), "retry"),
        (Fault(kind="reset", after=True), "retry"),
        (Fault(kind="drip"), "retry"),
        (Fault(kind="giant", after=True), "delivered"),
    ):
        async with FakePager() as pager, _closing(make(pager, 0.5)) as notifier:
            pager.faults.append(fault)
            start = time.monotonic()
            got, error = await _outcome(notifier)
            assert time.monotonic() - start < 2.0, f"{fault}: the deadline is met"
            assert got == expected, f"{fault}: means {expected}, not {got}"
            _clean_error(error, secrets)
    async with FakePager() as pager:
        gone = make(pager, 0.5)
    async with _closing(gone):
        got, error = await _outcome(gone)
        assert got == "retry", "nobody there: tried again"
        _clean_error(error, secrets)


async def _check_drip(make: Make) -> None:
    """An answer whose head said yes is a yes, even if its body never ends."""
    async with FakePager() as pager, _closing(make(pager, 0.5)) as notifier:
        pager.faults.append(Fault(kind="drip", after=True, every_s=0.002))
        got, _ = await _outcome(notifier)
        assert got == "delivered", "2xx in the head is delivery"


async def _check_repeat(make: Make) -> None:
    """The same delivery twice tells people once, also where the first answer was lost."""
    async with FakePager() as pager, _closing(make(pager, 5.0)) as notifier:
        pager.faults.append(Fault(kind="reset", after=True))
        await _outcome(notifier)
        got, _ = await _outcome(notifier)
        assert got == "delivered", "a repeat is accepted"
        assert len(pager.rules.rings) + len(pager.hooks) == 1, "a repeat tells nobody twice"


async def _check_close(make: Make) -> None:
    """Closed, or cancelled in the middle, it holds no task and no connection."""
    async with FakePager() as pager:
        before = _tasks()
        notifier = make(pager, 5.0)
        await _outcome(notifier)
        pager.faults.append(Fault(kind="hang"))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.1):
                await notifier.notify(delivery(name="d-2"))
        pager.let_go()
        await notifier.close()
        async with asyncio.timeout(2):
            await pager.idle.wait()
        await _settled(before)


async def _outcome(notifier: Notifier) -> tuple[str, WarnError | None]:
    try:
        await notifier.notify(delivery())
    except TemporaryError as e:
        return "retry", e
    except PermanentError as e:
        return "refused", e
    return "delivered", None


def _tasks() -> set[asyncio.Task[object]]:
    return {task for task in asyncio.all_tasks() if not task.done()}


async def _settled(before: set[asyncio.Task[object]]) -> None:
    """The other side's tasks, where it runs in this loop, get a moment to see that the line was closed."""
    for _ in range(200):
        if _tasks() <= before:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"close leaves no task behind, but there are {_tasks() - before}")


def _clean(text: str, secrets: Sequence[str], truth: str) -> None:
    for secret in secrets:
        assert secret not in text, truth


def _clean_error(error: WarnError | None, secrets: Sequence[str]) -> None:
    if error is not None:
        _clean(
            "".join(traceback.format_exception(error)),
            secrets,
            "a secret is in no error, nor in what caused it",
        )


@contextlib.asynccontextmanager
async def _closing(notifier: Notifier) -> AsyncIterator[Notifier]:
    try:
        yield notifier
    finally:
        await notifier.close()


@contextlib.contextmanager
def _listening() -> Iterator[io.StringIO]:
    """Everything that any logger says, at the lowest level."""
    heard = io.StringIO()
    handler = logging.StreamHandler(heard)
    root = logging.getLogger()  # noqa: TID251 - it listens, it does not log
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield heard
    finally:
        root.removeHandler(handler)
        root.setLevel(level)

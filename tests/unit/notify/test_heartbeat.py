"""The outside monitors, over real sockets: told after a canary and at no other time, tried again, never at once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import looptime
import pytest

from warn.model.errors import PermanentError, Reason, TemporaryError
from warn.notify.heartbeat import Heartbeat
from warn.settings import Settings
from warn.telemetry import series

NOW = 1_790_000_040


class Monitor:
    """Answers with these statuses, the last one again and again."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.asked: list[str] = []

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append((await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[0])
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        writer.write(f"HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()


@asynccontextmanager
async def running(*monitors: Monitor) -> AsyncIterator[Heartbeat]:
    servers = [await asyncio.start_server(one.answer, "127.0.0.1", 0) for one in monitors]
    ports = [server.sockets[0].getsockname()[1] for server in servers]
    one = Heartbeat(
        [f"http://127.0.0.1:{port}/secret-{n}" for n, port in enumerate(ports)],
        wall=lambda: NOW,
        inside=[f"127.0.0.1:{port}" for port in ports],
    )
    async with asyncio.TaskGroup() as group:
        task = group.create_task(one.run())
        yield one
        task.cancel()
    await one.close()
    for server in servers:
        server.close()


async def until(seen: Callable[[], bool]) -> None:
    async with asyncio.timeout(8.0):
        while not seen():  # noqa: ASYNC110 - what happens in a task of its own has no event
            await asyncio.sleep(0.01)


def test_both_are_told_once_for_each_canary() -> None:
    async def story() -> tuple[list[str], list[str]]:
        well, failing = Monitor(200), Monitor(503, 204)
        async with running(well, failing) as heartbeat:
            await asyncio.sleep(0.05)
            assert not well.asked, "nothing without a canary"
            heartbeat.beat(NOW - 180)
            heartbeat.beat(NOW - 180)
            await until(lambda: len(failing.asked) == 2)
            heartbeat.beat(NOW - 120)
            heartbeat.beat(NOW - 600)
            await until(lambda: len(well.asked) == 2 and len(failing.asked) == 3)
        return well.asked, failing.asked

    well, failing = asyncio.run(story())
    assert well == ["GET /secret-0 HTTP/1.1"] * 2
    assert failing == ["GET /secret-1 HTTP/1.1"] * 3
    assert series.REGISTRY.get_sample_value("warn_heartbeat_last_success_timestamp_seconds", {"monitor": "2"})


def test_a_canary_that_took_three_minutes_is_no_sign_of_life() -> None:
    async def story() -> list[str]:
        monitor = Monitor(200)
        async with running(monitor) as heartbeat:
            heartbeat.beat(NOW - 240)
            await asyncio.sleep(0.2)
        return monitor.asked

    assert asyncio.run(story()) == []


@pytest.mark.parametrize(
    ("error", "tries"),
    [
        (TemporaryError("no answer", reason=Reason.NETWORK), 3),
        (PermanentError("404", reason=Reason.CLIENT), 1),
        (None, 3),
    ],
)
def test_three_tries_of_ten_seconds_and_the_next_canary_again(error: Exception | None, tries: int) -> None:
    """What does not answer (None: ever) takes its time, and never two are under way."""
    under_way, asked = 0, 0

    async def ask(_: str) -> None:
        nonlocal under_way, asked
        asked, under_way = asked + 1, under_way + 1
        assert under_way == 1
        try:
            if error is not None:
                raise error
            await asyncio.Event().wait()
        finally:
            under_way -= 1

    async def story() -> None:
        loop = asyncio.get_running_loop()
        one = Heartbeat(["x"], wall=lambda: NOW + loop.time(), ask=ask)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(one.run())
            for minute in range(3):
                one.beat(NOW + 60 * minute)
                await asyncio.sleep(60)
            task.cancel()

    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        runner.run(story())
    assert asked == 3 * tries


def test_settings() -> None:
    """At most four, with their scheme, and none shown."""
    given = {"urls": ["https://hc.example/abc", "https://other.example/x"], "every": "60 s"}
    settings = Settings.model_validate({"heartbeat": given})
    assert settings.heartbeat is not None
    assert settings.heartbeat.every == 60.0
    assert "abc" not in repr(settings)
    for wrong in ([], ["hc.example/abc"], ["ftp://x/y"], ["https://x/"] * 5):
        with pytest.raises(ValueError, match="heartbeat") as caught:
            Settings.model_validate({"heartbeat": {"urls": wrong}})
        assert "hc.example" not in str(caught.value)

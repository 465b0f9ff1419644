"""A machine's authorities are read once for all, and not on the loop."""

import asyncio
import ssl
import threading
import time
from contextlib import AsyncExitStack

import pytest

from tests.unit.ingest.pulse import pulse
from warn.outbound import Outbound, client
from warn.outbound.trust import Trust


class Slow:
    """Makes contexts as a busy machine does, and remembers in which threads."""

    def __init__(self) -> None:
        self.threads: list[int] = []

    def __call__(self) -> ssl.SSLContext:
        self.threads.append(threading.get_ident())
        time.sleep(0.3)
        return ssl.create_default_context()


async def test_thirteen_that_open_at_once_hold_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow()
    monkeypatch.setattr(client, "TRUST", slow)
    async with AsyncExitStack() as stack:
        there = [Outbound("the place") for _ in range(13)]
        async with pulse(0.2):
            await asyncio.gather(*(stack.enter_async_context(one) for one in there))
    assert len(slow.threads) == 1 and slow.threads[0] != threading.get_ident()


async def test_it_is_read_anew_after_a_while_and_where_another_is_asked_for() -> None:
    trust, first, other = Trust(kept_s=60.0), Slow(), Slow()
    one = await trust.context(first)
    assert await trust.context(first) is one
    assert await trust.context(other) is not one
    assert len(first.threads) == len(other.threads) == 1
    short = Trust(kept_s=0.0)
    assert await short.context(first) is not await short.context(first)


async def test_what_cannot_be_read_is_told_and_tried_again() -> None:
    trust, slow = Trust(), Slow()

    def broken() -> ssl.SSLContext:
        raise FileNotFoundError("no authorities")

    with pytest.raises(FileNotFoundError):
        await trust.context(broken)
    await trust.context(slow)
    assert len(slow.threads) == 1

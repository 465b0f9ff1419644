"""Name servers that do not answer hold up their own place, and nobody else."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.connectors.service import raw
from tests.unit.outbound.serving import answering, ok
from warn.model.errors import Reason, TemporaryError
from warn.outbound import Outbound
from warn.outbound.names import MOST

PLACES = 10


@pytest.fixture
def dead(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The machine's resolver, to which the name servers of `dead` do not answer; notes which it was asked for."""
    asked: list[str] = []
    over = threading.Event()
    real = socket.getaddrinfo

    def look(host: Any, *rest: Any, **named: Any) -> Any:
        if not str(host).endswith(".dead"):
            return real(host, *rest, **named)
        asked.append(str(host))
        over.wait(30)
        raise socket.gaierror(socket.EAI_AGAIN, "no answer")

    monkeypatch.setattr(socket, "getaddrinfo", look)
    yield asked
    over.set()


async def _ask(place: str, *names: str) -> list[TemporaryError]:
    errors: list[TemporaryError] = []

    async def one(out: Outbound, name: str) -> None:
        with pytest.raises(TemporaryError) as caught:
            await out.get(f"http://{name}.dead/")
        errors.append(caught.value)

    async with Outbound(place, deadline_s=1.0) as out, asyncio.TaskGroup() as group:
        for name in names:
            group.create_task(one(out, name))
    return errors


async def test_who_looks_up_dead_names_holds_nobody_else_up(dead: list[str]) -> None:
    async with raw(answering(ok())) as address, asyncio.TaskGroup() as group:
        asking = [
            group.create_task(_ask(f"place {i}", *(f"{i}-{n}" for n in range(6)))) for i in range(PLACES)
        ]
        await asyncio.sleep(0.3)
        started = time.perf_counter()
        async with Outbound(
            "another", inside=(f"localhost:{address.port}", address.inside), deadline_s=0.6
        ) as out:
            assert (await out.get(f"http://localhost:{address.port}/")).body == b"fine"
        assert await asyncio.to_thread(lambda: "the disk") == "the disk"
        assert time.perf_counter() - started < 0.6
    for errors in await asyncio.gather(*asking):
        assert [(one.reason, "no answer in time" in str(one)) for one in errors] == [
            (Reason.TIMEOUT, True)
        ] * 6
    assert len(dead) == PLACES * MOST


def test_nobody_waits_for_them_at_the_end(dead: list[str]) -> None:
    started = time.perf_counter()
    asyncio.run(_ask("place", "one"))
    assert time.perf_counter() - started < 5.0
    assert dead == ["one.dead"]


async def test_a_turn_comes_back_when_the_resolver_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def look(*_: Any, **__: Any) -> Any:
        time.sleep(0.05)
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", look)
    async with Outbound("place", deadline_s=5.0) as out:
        for _ in range(2 * MOST):
            with pytest.raises(TemporaryError, match="cannot be reached"):
                await out.get("http://forum.example/")

"""Clients of Kafka have our settings, start within a limit, and end whether they want to or not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest

from tests.kafka.buses import Recorder
from warn.bus.kafka import clients as module
from warn.bus.kafka import ending
from warn.bus.kafka.clients import MOST_LEAKED, Clients
from warn.bus.kafka.config import KafkaConfig
from warn.bus.kafka.sharing import Sharing
from warn.model.errors import Reason, TemporaryError


@pytest.fixture
async def clients(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Clients]:
    """Clients of a cluster that nobody asks; what they are given to end is ended fast."""
    for name, seconds in (("STOP_S", 0.01), ("CUT_S", 0.02)):
        monkeypatch.setattr(ending, name, seconds)
        monkeypatch.setattr(module, name, seconds)
    made = Clients(KafkaConfig(("127.0.0.1:1",)), Recorder())
    yield made
    await made.close()


class Stubborn:
    """A client that is started at once and does not stop; `deaf`: not even when it is cancelled."""

    def __init__(self, *, deaf: bool) -> None:
        self._deaf = deaf
        self.may_end = asyncio.Event()
        self.connected = True

    async def start(self) -> None:
        """It takes no time."""

    async def stop(self) -> None:
        if not self._deaf:
            await self.may_end.wait()
        while not self.may_end.is_set():
            with suppress(asyncio.CancelledError):
                await self.may_end.wait()

    @property
    def client(self) -> "Stubborn":
        return self

    async def close(self) -> None:
        self.connected = False


class Spurious(Stubborn):
    """Its stop ends with a cancellation that nobody asked for, as a consumer's does whose brokers are gone."""

    async def stop(self) -> None:
        raise asyncio.CancelledError


async def let_go(clients: Clients, client: Any) -> None:
    clients.let_go(await clients.start(client, "starting"))


def told(clients: Clients) -> list[tuple[object, ...]]:
    watch: Any = clients._watch
    found: list[tuple[object, ...]] = watch.told
    return found


@pytest.mark.parametrize("client", [Stubborn(deaf=False), Spurious(deaf=False)])
async def test_a_client_that_does_not_stop_is_cut_off(clients: Clients, client: Stubborn) -> None:
    """Its connections are closed under it, and nobody has to know."""
    await let_go(clients, client)
    await asyncio.wait(set(clients._stopping), timeout=5)
    assert not client.connected
    assert not told(clients)
    assert not clients.stuck


async def test_clients_that_survive_are_counted(clients: Clients) -> None:
    """One more than may be, and the process is stuck; when they end after all, it is not."""
    many = [Stubborn(deaf=True) for _ in range(MOST_LEAKED + 1)]
    for number, client in enumerate(many):
        assert not clients.stuck
        await let_go(clients, client)
        clients._overdue(max(clients._stopping, key=lambda t: t.get_name()))
        assert ("leaked", number + 1) in told(clients)
    assert clients.stuck
    for client in many:
        client.may_end.set()
    await asyncio.wait(set(clients._stopping), timeout=5)
    assert not clients.stuck


async def test_a_client_is_ended_once(clients: Clients) -> None:
    """Whoever is the second to let go of it does nothing."""
    client: Any = Spurious(deaf=False)
    await let_go(clients, client)
    clients.let_go(client)
    assert len(clients._stopping) == 1


async def test_a_start_has_a_limit(clients: Clients) -> None:
    """A transactional start waits for ever for a coordinator that does not come: not with us."""
    client: Any = Stubborn(deaf=False)
    client.start = asyncio.Event().wait
    with pytest.raises(TemporaryError, match="taking the seat") as caught:
        await clients.start(client, "taking the seat", within_s=0.01)
    assert caught.value.reason is Reason.TIMEOUT
    assert clients._stopping


async def test_nothing_starts_after_the_end(clients: Clients) -> None:
    """A client that came too late would be nobody's."""
    await clients.close()
    client: Any = Stubborn(deaf=False)
    with pytest.raises(RuntimeError, match="closed"):
        await clients.start(client, "starting")
    await asyncio.wait(set(clients._stopping), timeout=5)
    assert not client.connected


async def test_small_things_beside_are_one_at_a_time(clients: Clients) -> None:
    """What nobody waits for cannot pile up."""
    done: list[int] = []

    async def thing(n: int) -> None:
        await asyncio.sleep(0)
        done.append(n)

    for n in range(3):
        clients.beside(thing(n))
    for _ in range(3):
        await asyncio.sleep(0)
    clients.beside(thing(9))
    for _ in range(3):
        await asyncio.sleep(0)
    assert done == [0, 9]


async def test_every_client_has_our_settings(clients: Clients) -> None:
    """aiokafka's own would go on at the newest record in silence, see what was aborted, and acknowledge too early."""
    readers: list[Any] = [clients.consumer("a"), clients.member("b", "g", Sharing())]
    raw: Any = clients.consumer("c", "read_uncommitted")
    writers: list[Any] = [clients.producer("d"), clients.producer("e", "id")]
    for one in readers:
        assert (one._isolation_level, one._auto_offset_reset, one._enable_auto_commit) == (
            "read_committed",
            "none",
            False,
        )
    assert raw._isolation_level == "read_uncommitted"
    for one in writers:
        assert (one._sender._acks, one._compression_type) == (-1, "zstd")
        assert one._txn_manager is not None, "a retry could write twice"
    for one in (*readers, raw, *writers):
        assert one._request_timeout_ms == 3_000
        await one.stop()

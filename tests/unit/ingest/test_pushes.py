"""What is pushed: taken once, by whichever seat there is, within a rate, and answered only when it is on the bus."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from tests.unit.ingest.items import item
from warn.bus.base import Bus
from warn.bus.memory import MemoryBus, MemoryStore, Point
from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Batch, Call, Refused, Reply
from warn.ingest.door import Terms
from warn.ingest.inlet import MOST_PUSHED, Inlet
from warn.ingest.ledger import Intake, Taken
from warn.ingest.pushes import BURST, Pushes
from warn.ingest.supervisor import Supervisor
from warn.model.errors import Reason, TemporaryError
from warn.model.flow import DEADLETTERS, MENTIONS
from warn.model.hashing import PUBLIC_KEY
from warn.model.rules import RuleSet
from warn.testing.check_connector import everything, landed

CALL = Call("POST", {}, {}, b"", 1_790_000_000.0)


class Scripted:
    """Answers what it is told."""

    name = "hook"
    source = "hook"

    def __init__(self, *replies: Reply | Exception) -> None:
        self._replies = list(replies)

    def receive(self, call: Call) -> Reply:
        reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        if isinstance(reply, Exception):
            raise reply
        return reply


def place(*replies: Reply | Exception) -> list[tuple[ConnectorConfig, Scripted]]:
    return [(ConnectorConfig(name="hook"), Scripted(*replies))]


def reply(*ids: str, once: str = "") -> Reply:
    return Reply(Batch(items=tuple(item(one) for one in ids)), once=once)


async def with_supervisor(
    store: MemoryStore, act: Callable[[Supervisor], Awaitable[None]], bus: Bus | None = None
) -> None:
    supervisor = Supervisor(bus or MemoryBus(store), [], key=PUBLIC_KEY, compiles=everything)
    supervisor.publish_ruleset(RuleSet())
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        running = group.create_task(supervisor.run())
        while not supervisor.takes:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.005)
        await act(supervisor)
        supervisor.stop()
        await running


async def test_a_delivery_counts_once_also_after_a_restart() -> None:
    store = MemoryStore({MENTIONS: 3})

    async def send(supervisor: Supervisor) -> None:
        pushes = Pushes(
            place(reply("a", "b", once="d1"), reply("c", once="d1"), reply("d", once="d2")), supervisor.push
        )
        assert [(await pushes.deliver("hook", CALL)).status for _ in range(3)] == [200, 200, 200]

    await with_supervisor(store, send)
    assert landed(store).total() == 3  # c came under the name of another delivery
    await with_supervisor(store, send)
    assert landed(store).total() == 3


async def test_two_at_once_are_one() -> None:
    store = MemoryStore({MENTIONS: 1})

    async def send(supervisor: Supervisor) -> None:
        pushes = Pushes(place(reply("a", once="d1")), supervisor.push)
        answers = await asyncio.gather(*(pushes.deliver("hook", CALL) for _ in range(20)))
        assert {answer.status for answer in answers} == {200}
        assert pushes.states()[0].read == 1

    await with_supervisor(store, send)
    assert landed(store).total() == 1


async def test_what_is_refused_is_a_dead_letter_and_shows() -> None:
    store = MemoryStore({MENTIONS: 1})

    async def send(supervisor: Supervisor) -> None:
        batch = Batch(items=(item("a"),), refused=(Refused("hook element 1", "id: is not there", b"{}"),))
        pushes = Pushes(
            place(Reply(batch), Reply(status=401, body=b"no\n", why="the signature is not ours")),
            supervisor.push,
        )
        assert (await pushes.deliver("hook", CALL)).status == 200
        [state] = pushes.states()
        assert (state.state, state.read, state.refused, state.let_through) == ("running", 1, 1, 1)
        assert state.last_event is not None
        assert (await pushes.deliver("hook", CALL)).status == 401
        [state] = pushes.states()
        assert (state.last_error, state.reason) == ("the signature is not ours", "auth")

    await with_supervisor(store, send)
    assert len(store.fetch((DEADLETTERS, 0), 0, 100)) == 1


@pytest.mark.parametrize("point", ["commit", "committed"])
async def test_nothing_is_answered_well_that_is_not_on_the_bus(point: Point) -> None:
    """The bus fails before or after it has committed: 503 either way, and the same again counts once."""
    store = MemoryStore({MENTIONS: 1})
    fails = False

    async def fault(here: Point) -> None:
        nonlocal fails
        if here == point and fails:
            fails = False
            raise TemporaryError("the bus is away", reason=Reason.TIMEOUT)

    async def send(supervisor: Supervisor) -> None:
        nonlocal fails
        pushes = Pushes(place(reply("a", once="d1")), supervisor.push)
        fails = True
        statuses: list[int] = []
        while fails or statuses[-1] != 200:  # it may have been a clock that failed
            statuses.append((await pushes.deliver("hook", CALL)).status)
            await asyncio.sleep(0.05)
        assert set(statuses) <= {200, 503}

    await with_supervisor(store, send, MemoryBus(store, fault))
    assert landed(store).total() == 1


async def test_who_cannot_be_served_is_told_when_to_come_again() -> None:
    async def away(_: Intake) -> None:
        raise TemporaryError("no seat of collect is at work here", reason=Reason.SERVER, retry_after_s=5.0)

    pushes = Pushes(place(reply("a")), away)
    answer = await pushes.deliver("hook", CALL)
    assert (answer.status, answer.retry_after_s) == (503, 5.0)
    assert (await pushes.deliver("nobody", CALL)).status == 404
    assert b"seat" not in answer.body


async def test_a_connector_that_raises_is_its_own() -> None:
    pushes = Pushes(place(ValueError("Marker Person said so")), lambda _: pytest.fail("nothing to take"))
    answer = await pushes.deliver("hook", CALL)
    assert answer.status == 500
    assert b"Marker" not in answer.body
    assert "Marker" not in pushes.states()[0].last_error


async def test_more_calls_than_the_rate_are_asked_to_wait() -> None:
    now = 0.0

    async def take(_: Intake) -> object:
        return Taken(Counter(read=1))

    pushes = Pushes(place(reply("a")), take, wall=lambda: now)
    statuses = [(await pushes.deliver("hook", CALL)).status for _ in range(int(BURST) + 5)]
    assert statuses == [200] * int(BURST) + [429] * 5
    now = 1.0
    assert (await pushes.deliver("hook", CALL)).status == 200


async def test_a_closed_inlet_takes_nothing_and_leaves_nobody_waiting() -> None:
    inlet = Inlet()
    intake = Intake("hook", Batch(items=(item("a"),)), Terms())
    with pytest.raises(TemporaryError):
        await inlet.push(intake)
    inlet.open()
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        waiting = [group.create_task(_error(inlet, intake)) for _ in range(MOST_PUSHED)]
        await asyncio.sleep(0)
        with pytest.raises(TemporaryError, match="wait already"):
            await inlet.push(intake)
        inlet.close()
        told = [await one for one in waiting]
    assert all("let go of" in str(error) for error in told)


async def _error(inlet: Inlet, intake: Intake) -> Exception | None:
    try:
        await inlet.push(intake)
    except TemporaryError as e:
        return e
    return None

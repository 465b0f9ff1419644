"""What works beside the stages outlives its failures, and an engine that is away is waited for."""

import asyncio
from collections.abc import Callable

import looptime
import pytest

from tests.unit.web.made_up import event
from warn.app.common_key import RECORD, agree
from warn.app.keeping import keep, until_it_works
from warn.app.telling import Telling
from warn.bus.memory import MemoryBus
from warn.bus.memory_store import MemoryStore
from warn.bus.rulesets import RuleSets
from warn.model.alerts import Delivery
from warn.model.errors import PermanentError, Reason, TemporaryError
from warn.model.flow import CONFIG, DESK
from warn.web.health import Health

AWAY = TemporaryError("no broker can be reached", reason=Reason.NETWORK)


def in_no_time(work: Callable[[], object]) -> None:
    """On a loop whose time passes only while all wait."""
    loop = looptime.new_event_loop()
    try:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(work())
    finally:
        loop.close()


def test_a_part_that_fails_is_begun_again_until_it_ends() -> None:
    """Not ready while it waits; the error inside a group of tasks is the one that is named."""
    health, seen, tries = Health(), [], []

    async def part() -> None:
        seen.append(health.problems)
        tries.append(1)
        if len(tries) < 4:
            async with asyncio.TaskGroup() as group:
                group.create_task(_fall())

    async def _fall() -> None:
        asyncio.get_running_loop().call_later(0.1, lambda: seen.append(health.problems))
        raise KeyError("text")

    in_no_time(lambda: keep("web", part, health))
    assert len(tries) == 4
    assert ("web failed: KeyError",) in seen
    assert not health.problems


def test_an_engine_that_is_away_is_waited_for() -> None:
    """Each try is a reason not to be ready; what a person has to mend is raised at once."""
    health, tries = Health(), []

    async def ask() -> str:
        tries.append(health.problems)
        if len(tries) < 5:
            raise AWAY
        return "open"

    async def work() -> None:
        assert await until_it_works(ask, health) == "open"

    in_no_time(work)
    assert tries == [(), *[("no broker can be reached",)] * 4]
    assert not health.problems

    async def refused() -> str:
        raise PermanentError("run `warn init`", reason=Reason.CONFIG)

    async def give_up() -> None:
        await until_it_works(refused, health)

    with pytest.raises(PermanentError, match="warn init"):
        in_no_time(give_up)


class _Place:
    name = "hook"
    provider = "test"

    async def notify(self, _: Delivery) -> str:
        return "remote-1"

    async def close(self) -> None:
        pass


def test_a_receipt_is_written_when_the_engine_is_back() -> None:
    """Longer away than the desk tries: the senders go on, and the receipt comes once."""
    away, store = [True], MemoryStore()

    async def fault(point: str) -> None:
        if away and point in ("write", "commit"):
            raise AWAY

    async def work() -> None:
        bus = MemoryBus(store, fault)
        telling = Telling(bus, [_Place()])
        sending = asyncio.create_task(telling.run())
        await telling.claim(
            [
                Delivery(
                    delivery="d", attempt=1, notifier="hook", action="trigger", dedup_key="k", event=event()
                )
            ]
        )
        await asyncio.sleep(60)
        assert store.ends[DESK, 0] == 0
        away.clear()
        await telling.drain(30)
        assert store.ends[DESK, 0] == 1
        sending.cancel()
        await asyncio.wait([sending])

    in_no_time(work)


async def test_all_processes_hash_with_one_key() -> None:
    """The first leaves its mark, the same key passes, another is refused; rule sets are not disturbed by it."""
    bus = MemoryBus(MemoryStore())
    await agree(bus, b"k" * 16)
    await agree(bus, b"k" * 16)
    with pytest.raises(PermanentError, match="hash_key is not the one"):
        await agree(bus, b"K" * 16)
    [(_, _, name, _)] = await (await bus.follow(CONFIG)).read(10, 0.0)
    assert name.startswith(RECORD)
    assert b"kkkk" not in name
    rulesets = RuleSets(bus)
    await rulesets.load()
    assert rulesets.latest is None


async def test_two_that_start_together_agree_on_who_came_first() -> None:
    """Both find no mark; one of them is refused, and not both, nor none."""
    store = MemoryStore()
    meeting = asyncio.Barrier(2)

    async def fault(point: str) -> None:
        if point in ("write", "commit") and not store.ends[CONFIG, 0]:
            await meeting.wait()

    keys = (b"a" * 16, b"b" * 16)
    done = await asyncio.gather(
        *(agree(MemoryBus(store, fault), key) for key in keys), return_exceptions=True
    )
    assert [type(one) for one in done if one is not None] == [PermanentError]

"""Rule sets by their hash."""

import asyncio

import pytest

from warn.bus.memory import MemoryBus
from warn.bus.rulesets import DECODED, RuleSets, config_record
from warn.model.flow import COLLECT, CONFIG
from warn.model.hashing import content_hash
from warn.model.rules import RuleSet, Topic
from warn.model.wire import encode
from warn.stages.base import MissingConfigError, Out


def body_of(name: str) -> bytes:
    return encode(RuleSet(topics=(Topic(f"Acme/{name}", "Acme"),)))


async def publish(bus: MemoryBus, *records: Out) -> None:
    await (await bus.open(COLLECT, 0)).commit(records, {}, 0)


async def test_what_is_there_can_be_had() -> None:
    """After loading, every published rule set is to be had by its hash, and any other is missing by name."""
    bus = MemoryBus()
    bodies = [body_of(str(n)) for n in range(DECODED + 30)]
    await publish(bus, *map(config_record, bodies))
    rules = RuleSets(bus)
    await rules.load()
    for n, body in enumerate(bodies):
        assert rules.get(content_hash(body)).topics[0].name == f"Acme/{n}"
    assert rules.get(content_hash(bodies[0])) is rules.get(content_hash(bodies[0]))
    with pytest.raises(MissingConfigError) as caught:
        rules.get("no such hash")
    assert caught.value.args == ("no such hash",)


async def test_waiting_for_one_to_come() -> None:
    """A wait ends as soon as the body is here, and says so; it ends with its time where it does not come."""
    bus = MemoryBus()
    rules = RuleSets(bus)
    body = body_of("late")
    async with asyncio.TaskGroup() as tasks, asyncio.timeout(5):
        tasks.create_task(rules.run())
        waiting = tasks.create_task(rules.wait(content_hash(body), 60))
        assert not await rules.wait(content_hash(body), 0.01)
        await publish(bus, config_record(body))
        assert await waiting
        assert rules.get(content_hash(body)).topics[0].name == "Acme/late"
        rules.stop()


async def test_bodies_that_are_not_what_they_say() -> None:
    """A body under another's hash is as good as absent, and so is one that is no rule set; neither stops the rest."""
    bus = MemoryBus()
    body, junk = body_of("good"), b"\xc1 not a rule set"
    forged = content_hash(body_of("victim")).encode()
    await publish(bus, Out(CONFIG, 0, forged, body_of("other")), config_record(junk), config_record(body))
    rules = RuleSets(bus)
    await rules.load()
    assert rules.get(content_hash(body)).topics[0].name == "Acme/good"
    for missing in (forged.decode(), content_hash(junk)):
        with pytest.raises(MissingConfigError):
            rules.get(missing)
